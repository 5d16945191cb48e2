import { serve } from '@hono/node-server'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { type ErrorCode, ERRORS } from '../../src/errors.js'
import { restHandler } from '../../src/http/rest.js'
import { meter } from '../../src/index.js'
import { ownServer } from '../../src/mcp/own-server.js'
import { REFUSAL_META, type RefusalBody } from '../../src/refusal-body.js'
import { CASES, CATALOG } from '../doors/refusing-ledger.js'
import { modernRequest, newKey, served as servedHttp } from '../http/support.js'
import { testLedger, type TestLedger } from '../mcp/support.js'
import { headersOf, openSession, post, type Served, startDoor } from '../proxy/http-harness.js'
import { EVERYTHING } from '../proxy/harness.js'

/** What is refused because of money: the codes of status 402 that a call can end with. */
const MONEY = Object.entries(CASES).filter(([, { code }]) => ERRORS[code as ErrorCode].status === 402)

/** What a response says: the body, its status, and whether it invites to come again. */
interface Told {
  readonly status: number
  readonly retryAfter: string | null
  readonly error: RefusalBody['error']
}

interface McpAnswer {
  readonly result?: { readonly isError?: boolean; readonly _meta?: Readonly<Record<string, RefusalBody>> }
  readonly error?: unknown
}

async function toldIn(response: Response): Promise<Told> {
  const text = await response.text()
  const body = text.startsWith('{') ? (JSON.parse(text) as McpAnswer | RefusalBody) : answerIn(text)
  return { status: response.status, retryAfter: response.headers.get('retry-after'), error: refusalIn(body) }
}

/** The answer among the events of a stream; an upstream may tell of something else before it. */
function answerIn(events: string): McpAnswer {
  const lines = events.split('\n').filter((line) => line.startsWith('data: {'))
  return lines.map((line) => JSON.parse(line.slice('data: '.length)) as McpAnswer).find((message) => 'id' in message) as McpAnswer
}

function refusalIn(body: McpAnswer | RefusalBody): RefusalBody['error'] {
  if (!('result' in body)) return (body as RefusalBody).error
  expect(body.result?.isError).toBe(true)
  return body.result?._meta?.[REFUSAL_META]?.error as RefusalBody['error']
}

let ledger: TestLedger
let secret: string

/** The ledger of one case, as the account `default` has it. */
async function prepare(name: string): Promise<void> {
  const one = CASES[name]
  if (one === undefined) throw new Error(`no such case: ${name}`)
  ledger = await testLedger({ ...CATALOG, default_plan: one.plan ?? null })
  await ledger.credits.createAccount({ id: 'default', ...(one.plan === undefined ? {} : { plan: one.plan }) }).catch(() => undefined)
  if (one.plan === undefined) await ledger.credits.grant({ credits: one.credits ?? 100 })
  await one.prepare?.(ledger.credits)
  secret = await newKey(ledger)
}

const agent = () => ledger.credits.as({ holder: 'agent' })

/** Our own server, with REST beside it. */
async function own() {
  return servedHttp({ rest: restHandler({ version: '1', report: () => undefined }), open: async () => ledger.credits.as({ account: null }) })
}

async function relay(): Promise<Served> {
  return startDoor(EVERYTHING, { partsFor: () => ({ meter: (asked) => agent().meter(asked), own: ownServer({ credits: async () => agent(), toolsets: ['read'] }) }) })
}

/** A vendor's server over HTTP with the meter inside. */
async function metered(): Promise<string> {
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'vendor', version: '1' })
    meter(server, { credits: ledger.credits, account: 'default' })
    for (const name of new Set(Object.values(CASES).map(({ tool }) => tool.name))) {
      server.registerTool(name, { inputSchema: z.looseObject({}) }, () => ({ content: [] }))
    }
    return server
  })
  const listening = serve({ port: 0, hostname: '127.0.0.1', fetch: (request) => handler.fetch(request) })
  await new Promise((resolve) => listening.once('listening', resolve))
  onTestFinished(() => void listening.close())
  return `http://127.0.0.1:${(listening.address() as { port: number }).port}/mcp`
}

const ROUTES: Readonly<Record<string, (one: (typeof CASES)[string]) => Promise<Told | null>>> = {
  'our own server': async ({ operation }) => {
    if (operation === null) return null
    const { url } = await own()
    return toldIn(await fetch(url, { method: 'POST', ...modernRequest('tools/call', { name: 'charge_credits', arguments: { operation } }, { authorization: `Bearer ${secret}` }) }))
  },
  REST: async ({ operation }) => {
    if (operation === null) return null
    const { server } = await own()
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    return toldIn(await fetch(`${server.address}/v1/tools/charge_credits`, { method: 'POST', headers, body: JSON.stringify({ operation }) }))
  },
  'the relay, in a session': async ({ tool }) => {
    const served = await relay()
    const session = await openSession(served)
    return toldIn(await post(served, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: tool }, { session }))
  },
  'the relay, of 2026-07-28': async ({ tool }) => {
    const served = await relay()
    return toldIn(await fetch(served.url, { method: 'POST', ...modernRequest('tools/call', { ...tool }, headersOf('ada')) }))
  },
  'a meter': async ({ tool }) =>
    toldIn(await fetch(await metered(), { method: 'POST', ...modernRequest('tools/call', { ...tool }) })),
}

describe('T40: what is refused for money', () => {
  it('T40: is never worth a retry by its code, and only codes that pass by themselves are', () => {
    expect(new Set(MONEY.map(([, { code }]) => code))).toEqual(new Set(['out_of_credits', 'budget_exceeded', 'spending_cap_reached', 'plan_required', 'approval_required', 'price_unknown']))
    const retryable = Object.entries(ERRORS).filter(([, facts]) => facts.retryable)
    expect(retryable.map(([code]) => code)).toEqual(['rate_limited', 'ledger_unavailable', 'authorization_unavailable'])
    for (const [code, { status }] of Object.entries(ERRORS)) expect([code, status === 429]).toEqual([code, code === 'rate_limited'])
  })

  describe.each(MONEY)('%s', (name, one) => {
    beforeEach(() => prepare(name))

    it.each(Object.entries(ROUTES))('T40: over %s says so, tells what can be done, and gives no time to come again', async (route, ask) => {
      const told = await ask(one)
      if (told === null) return expect([route, one.operation]).toEqual([expect.stringMatching(/our own server|REST/), null])
      expect(told).toMatchObject({ status: route === 'REST' ? 402 : 200, retryAfter: null, error: { code: one.code, retryable: false } })
      expect(told.error.advice.length).toBeGreaterThan(0)
    })
  })
})
