import { Client as NewClient } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { ownServer } from '../../src/mcp/own-server.js'
import type { JsonObject } from '../../src/proxy/ports.js'
import { bodyOf, ENVELOPE, INITIALIZE, testLedger, type TestLedger, type ToolResult } from '../mcp/support.js'
import { RECEIPT } from './counting-meter.js'
import { MODERN, type Message, type Proxied, SCRIPTED, startProxy, turns } from './harness.js'
import { proxiedTransport } from './sdk-transport.js'

const QUESTION = 'io.github.mcp-credits/approval:'

let ledger: TestLedger

/** `starter`, in which a call costs one credit, of which a person is asked. */
beforeEach(async () => {
  ledger = await testLedger('starter')
  await ledger.credits.setGuard({ id: 'approval', above: 0.5 })
})

function start(args: readonly string[], limits: Parameters<typeof startProxy>[1] = {}): Proxied {
  const own = ownServer({ credits: async () => ledger.credits, toolsets: ['read', 'spend', 'ask'] })
  const proxied = startProxy(args, { own, meter: (call) => ledger.credits.meter(call), script: { isModern: true }, ...limits })
  onTestFinished(async () => {
    proxied.stop()
    await proxied.exit
  })
  return proxied
}

type Elicited = { readonly action: 'accept' | 'decline' | 'cancel'; readonly content?: { readonly [field: string]: string | number | boolean } }

interface AskedClient {
  readonly call: (name: string, args?: Record<string, unknown>) => Promise<ToolResult>
  /** The messages of what the person was asked. */
  readonly asked: string[]
  readonly close: () => Promise<void>
}

type Answer = (message: string) => Elicited

/** Real clients of both SDKs and both eras; without an answer they have no elicitation at all. */
const CLIENTS: Readonly<Record<string, (proxied: Proxied, answer?: Answer) => Promise<AskedClient>>> = {
  'a client of SDK 1': async (proxied, answer) => {
    const asked: string[] = []
    const client = new OldClient({ name: 'old', version: '1' }, { capabilities: answer === undefined ? {} : { elicitation: {} } })
    if (answer !== undefined) {
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
        asked.push(params.message)
        return answer(params.message)
      })
    }
    await client.connect(proxiedTransport(proxied) as never)
    return { asked, call: async (name, args = {}) => (await client.callTool({ name, arguments: args })) as ToolResult, close: () => client.close() }
  },
  'a client of SDK 2 in the legacy era': (proxied, answer) => newClient(proxied, 'legacy', answer),
  'a client of SDK 2 in the modern era': (proxied, answer) => newClient(proxied, { pin: '2026-07-28' }, answer),
}

async function newClient(proxied: Proxied, mode: 'legacy' | { pin: string }, answer?: Answer): Promise<AskedClient> {
  const asked: string[] = []
  const capabilities = answer === undefined ? {} : { elicitation: { form: {} } }
  const client = new NewClient({ name: 'new', version: '1' }, { versionNegotiation: { mode } as never, capabilities })
  if (answer !== undefined) {
    client.setRequestHandler('elicitation/create', ({ params }) => {
      asked.push(params.message)
      return answer(params.message)
    })
  }
  await client.connect(proxiedTransport(proxied) as never)
  return { asked, call: async (name, args = {}) => (await client.callTool({ name, arguments: args })) as unknown as ToolResult, close: () => client.close() }
}

/** What was spent, with nothing left reserved and a ledger that adds up. */
async function spent(): Promise<number> {
  const { reserved, balance } = await ledger.credits.balance()
  expect(reserved).toBe(0)
  expect(await ledger.credits.verify()).toMatchObject({ ok: true, problems: [] })
  return 1_000 - balance
}

async function seenCalls(proxied: Proxied): Promise<readonly Message[]> {
  const { result } = await proxied.request('seen', 'test/seen')
  return (result?.['seen'] as string[]).map((line) => JSON.parse(line) as Message).filter((message) => message['method'] === 'tools/call' || message['method'] === undefined)
}

const ACCEPT: Answer = () => ({ action: 'accept', content: { approve: true } })
const statuses = async () => (await ledger.credits.approvals({ all: true })).map(({ status }) => status)

describe.each(Object.keys(CLIENTS))('%s', (kind) => {
  const connect = CLIENTS[kind] as (typeof CLIENTS)[string]

  it('AX-04: asks its person before a costly call; a yes lets it run once, and the upstream hears nothing of it', async () => {
    const proxied = start(SCRIPTED)
    const client = await connect(proxied, ACCEPT)
    expect((await client.call('raw_line'))._meta).toMatchObject({ [RECEIPT]: { charged: 1, balance: 999 } })
    expect(client.asked).toEqual(['raw_line costs up to 1 credit; a person has to approve more than 0.5, and 1000 are available. Approve it once?\nQuantity: 1'])
    const calls = await seenCalls(proxied)
    expect(calls).toHaveLength(1)
    expect(JSON.stringify(calls)).not.toContain('approv')
    await client.call('raw_line')
    expect(client.asked).toHaveLength(2)
    expect(await spent()).toBe(2)
    await client.close()
  })

  it.each([
    ['a no', { action: 'decline' }, 'denied'],
    ['a form that is sent without a yes', { action: 'accept', content: { approve: false } }, 'denied'],
    ['a closed dialogue', { action: 'cancel' }, 'pending'],
  ] as const)('AX-04: %s spends nothing', async (_, answer, status) => {
    const proxied = start(SCRIPTED)
    const client = await connect(proxied, () => answer)
    const refused = await client.call('raw_line')
    expect(refused.isError).toBe(true)
    expect(bodyOf(refused).error).toMatchObject({ code: 'approval_required', approval: { status, at_client: true, maximum: 1 } })
    expect(client.asked).toHaveLength(1)
    expect(await seenCalls(proxied)).toEqual([])
    expect(await statuses()).toEqual([status])
    expect(await spent()).toBe(0)
    await client.close()
  })

  it('AX-05: without elicitation is refused, and goes on by the same call once an operator has said yes', async () => {
    const proxied = start(SCRIPTED)
    const client = await connect(proxied)
    const { approval, advice } = bodyOf(await client.call('raw_line')).error as unknown as { approval: { id: string; how: string }; advice: readonly string[] }
    expect(advice[0]).toContain(approval.how)
    await ledger.credits.approve({ id: approval.id })
    expect((await client.call('raw_line'))._meta).toMatchObject({ [RECEIPT]: { charged: 1 } })
    expect(bodyOf(await client.call('raw_line')).error.code).toBe('approval_required')
    expect(await spent()).toBe(1)
    await client.close()
  })

  it('AX-04: is not asked where the account lets nobody at a client approve', async () => {
    await ledger.credits.setGuard({ id: 'approval', above: 0.5, client: false })
    const client = await connect(start(SCRIPTED), ACCEPT)
    expect(bodyOf(await client.call('raw_line')).error).toMatchObject({ code: 'approval_required', approval: { at_client: false } })
    expect(client.asked).toEqual([])
    await client.close()
  })

  it('AX-04: is asked for tools of our own as well', async () => {
    const client = await connect(start(SCRIPTED), ACCEPT)
    expect((await client.call('charge_credits', { operation: 'tool.call', quantity: 3 })).structuredContent).toMatchObject({ charged: 3, balance: 997 })
    expect((await client.call('get_credit_balance')).structuredContent).toMatchObject({ balance: 997 })
    expect(client.asked).toHaveLength(1)
    await client.close()
  })
})

describe('a call in several rounds', () => {
  it('AX-04, T35: asks for its own yes once, whatever the upstream asks in its rounds, and is charged once', async () => {
    const client = await CLIENTS['a client of SDK 2 in the modern era']?.(start(MODERN), (message) =>
      message.startsWith('Deploy') ? { action: 'accept', content: { confirm: true } } : { action: 'accept', content: { approve: true } },
    )
    const result = await client?.call('deploy', { environment: 'test' })
    expect(result).toMatchObject({ content: [{ text: 'deployed to test' }], _meta: { [RECEIPT]: { charged: 1 } } })
    expect(client?.asked.map((message) => message.split(' ')[0])).toEqual(['deploy', 'Deploy'])
    const { transactions } = await ledger.credits.transactions()
    expect(transactions.map(({ type }) => type).reverse()).toEqual(['grant', 'reserve', 'release', 'reserve', 'settle'])
    expect(await spent()).toBe(1)
    await client?.close()
  })

  const META = { ...ENVELOPE, 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } }
  const called = (proxied: Proxied, id: number, more: JsonObject) => proxied.request(id, 'tools/call', { name: 'raw_line', arguments: { a: 1 }, _meta: META, ...more })

  it('the upstream gets its own state and answers back as they were, once ours are answered', async () => {
    const proxied = start(SCRIPTED)
    const theirs = { inputResponses: { theirs: { action: 'accept', content: { x: 1 } } }, requestState: 'state of the upstream' }
    const { result } = await called(proxied, 1, theirs)
    const [name = ''] = Object.keys(result?.['inputRequests'] as JsonObject)
    expect(result).toEqual({
      resultType: 'input_required',
      inputRequests: {
        [name]: {
          method: 'elicitation/create',
          params: { mode: 'form', message: expect.stringContaining('raw_line') as string, requestedSchema: expect.objectContaining({ required: ['approve'] }) as object },
        },
      },
      requestState: expect.any(String) as string,
    })
    expect(name).toMatch(/^io\.github\.mcp-credits\/approval:ap_[0-9a-f]{16}$/)
    const done = await called(proxied, 2, { inputResponses: { [name]: { action: 'accept', content: { approve: true } } }, requestState: result?.['requestState'] })
    expect(done.result?.['_meta']).toMatchObject({ [RECEIPT]: { charged: 1 } })
    const [forwarded] = await seenCalls(proxied)
    expect(forwarded?.['params']).toEqual({ name: 'raw_line', arguments: { a: 1 }, _meta: META, ...theirs })
    expect(await spent()).toBe(1)
  })

  it("an answer to another ledger's question passes on as it came, with its state", async () => {
    await ledger.credits.removeGuard({ id: 'approval' })
    const proxied = start(SCRIPTED)
    const theirs = { inputResponses: { [`${QUESTION}ap_0123456789abcdef`]: { action: 'decline' } }, requestState: 'mcp-credits:ap_0123456789abcdef:e30' }
    expect((await called(proxied, 1, theirs)).result?.['_meta']).toMatchObject({ [RECEIPT]: { charged: 1 } })
    expect((await seenCalls(proxied))[0]?.['params']).toMatchObject(theirs)
  })

  it('rounds that are none are forwarded as they came, and nobody is asked by one', async () => {
    const proxied = start(SCRIPTED)
    expect(bodyOf((await called(proxied, 1, { requestState: 5 })).result as unknown as ToolResult).error.code).toBe('approval_required')
    await ledger.credits.removeGuard({ id: 'approval' })
    await called(proxied, 2, { requestState: 5, inputResponses: null })
    expect((await seenCalls(proxied))[0]?.['params']).toMatchObject({ requestState: 5, inputResponses: null })
  })

  it('AX-04: a yes that comes too late, or to somebody else\'s question, spends nothing and is asked for anew', async () => {
    const proxied = start(SCRIPTED)
    const [name = ''] = Object.keys((await called(proxied, 1, {})).result?.['inputRequests'] as JsonObject)
    ledger.clock.at += 3_600_000
    const late = await called(proxied, 2, { inputResponses: { [name]: { action: 'accept', content: { approve: true } } } })
    expect(bodyOf(late.result as unknown as ToolResult).error).toMatchObject({ code: 'approval_required', approval: { status: 'pending' } })
    expect(await spent()).toBe(0)
  })
})

describe('a question of the legacy era', () => {
  async function asking(limits: object = {}): Promise<{ readonly proxied: Proxied; readonly id: string }> {
    const proxied = start(SCRIPTED, { limits })
    proxied.sendText(INITIALIZE.replace('"capabilities":{}', '"capabilities":{"elicitation":{}}'))
    proxied.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'raw_line' } })
    const question = JSON.parse(await proxied.lines.find((line) => line.includes('elicitation/create'))) as { readonly id: string }
    return { proxied, id: question.id }
  }

  const refusal = async (proxied: Proxied) => bodyOf(JSON.parse(await proxied.lines.find((line) => line.includes('approval_required'))).result as ToolResult)

  it('has a random id, and its answer goes no further', async () => {
    const { proxied, id } = await asking()
    expect(id).toMatch(/^mcp-credits:[0-9a-f-]{36}$/)
    proxied.send({ jsonrpc: '2.0', id, result: { action: 'accept', content: { approve: true } } })
    expect((await proxied.lines.find((line) => line.includes('receipt')))).toContain('"charged":1')
    expect((await seenCalls(proxied)).map((message) => message.id)).toEqual([1])
  })

  it('is withdrawn when its call is cancelled, and a late answer goes no further either', async () => {
    const { proxied, id } = await asking()
    proxied.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    await proxied.lines.find((line) => line.includes('notifications/cancelled') && line.includes(id))
    proxied.send({ jsonrpc: '2.0', id, result: { action: 'accept', content: { approve: true } } })
    expect(await seenCalls(proxied)).toEqual([])
    expect(await statuses()).toEqual(['pending'])
    expect(await spent()).toBe(0)
  })

  it('AX-04: silence is no yes', async () => {
    const { proxied, id } = await asking({ personGraceMs: 20 })
    expect((await refusal(proxied)).error).toMatchObject({ approval: { status: 'pending' } })
    await proxied.lines.find((line) => line.includes('notifications/cancelled') && line.includes(id))
    expect(await spent()).toBe(0)
  })

  it('an error is no yes', async () => {
    const { proxied, id } = await asking()
    proxied.send({ jsonrpc: '2.0', id, error: { code: -32603, message: 'no dialogue' } })
    expect((await refusal(proxied)).error).toMatchObject({ approval: { status: 'pending' } })
  })

  it('keeps nobody waiting once the client is gone', async () => {
    const { proxied } = await asking()
    proxied.input.end()
    expect(await proxied.exit).toEqual({ code: 0, reason: 'client_closed' })
    await turns(1)
    expect(await spent()).toBe(0)
  })
})
