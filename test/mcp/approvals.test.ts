import { Client as NewClient } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioServerTransport as OldTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { beforeEach, describe, expect, it } from 'vitest'
import { type AnyClient, bodyOf, serve, type Served, testLedger, type TestLedger } from './support.js'

let ledger: TestLedger

beforeEach(async () => {
  ledger = await testLedger('starter')
  await ledger.credits.setGuard({ id: 'approval', above: 50 })
})

interface Answer {
  readonly action: 'accept' | 'decline' | 'cancel'
  readonly content?: { readonly [field: string]: string | number | boolean }
}

/** Real clients with a person who answers; without an answer they have no elicitation. */
const CLIENTS: Readonly<Record<string, (served: Served, asked: string[], answer?: Answer) => Promise<AnyClient>>> = {
  'the client of SDK 1': async ({ input, output }, asked, answer) => {
    const client = new OldClient({ name: 'old', version: '1' }, { capabilities: answer === undefined ? {} : { elicitation: {} } })
    if (answer !== undefined) {
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
        asked.push(params.message)
        return { ...answer }
      })
    }
    await client.connect(new OldTransport(output, input))
    return client as unknown as AnyClient
  },
  'the client of SDK 2 as it comes': (served, asked, answer) => newClient(served, 'legacy', asked, answer),
  'the client of SDK 2 that wants 2026-07-28': (served, asked, answer) => newClient(served, { pin: '2026-07-28' }, asked, answer),
}

async function newClient({ input, output }: Served, mode: 'legacy' | { pin: string }, asked: string[], answer?: Answer): Promise<AnyClient> {
  const capabilities = answer === undefined ? {} : { elicitation: { form: {} } }
  const client = new NewClient({ name: 'new', version: '1' }, { versionNegotiation: { mode } as never, capabilities })
  if (answer !== undefined) {
    client.setRequestHandler('elicitation/create', ({ params }) => {
      asked.push(params.message)
      return { ...answer }
    })
  }
  await client.connect(new StdioServerTransport(output, input))
  return client as unknown as AnyClient
}

describe.each(Object.keys(CLIENTS))('with %s', (kind) => {
  async function opened(answer?: Answer): Promise<{ readonly client: AnyClient; readonly asked: readonly string[]; readonly served: Served }> {
    const asked: string[] = []
    const outcomes: string[] = []
    const served = serve(async () => ledger.credits, { toolsets: ['read', 'spend', 'ask'], called: (_, outcome) => outcomes.push(outcome) })
    const client = await (CLIENTS[kind] as (typeof CLIENTS)[string])(served, asked, answer)
    return { client, asked, served }
  }

  const charge = (client: AnyClient, quantity = 60) => client.callTool({ name: 'charge_credits', arguments: { operation: 'tool.call', quantity, idempotency_key: `job-${quantity}` } })

  it('AX-04, AX-05: a costly charge is asked about at the client, and a yes lets it be made once', async () => {
    const { client, asked, served } = await opened({ action: 'accept', content: { approve: true } })
    expect((await charge(client)).structuredContent).toMatchObject({ charged: 60, balance: 940, replayed: false })
    expect((await charge(client)).structuredContent).toMatchObject({ charged: 60, balance: 940, replayed: true })
    expect((await charge(client, 50)).structuredContent).toMatchObject({ charged: 50, balance: 890 })
    expect(asked).toEqual([
      'tool.call costs up to 60 credits; a person has to approve more than 50, and 1000 are available. Approve it once?\nQuantity: 60\n' +
        'Arguments: {"operation":"tool.call","quantity":60,"idempotency_key":"job-60"}',
    ])
    const args = { topic: 'x'.repeat(500) }
    expect((await client.callTool({ name: 'reserve_credits', arguments: { operation: 'tool.call', quantity: 70, args } })).structuredContent).toMatchObject({ reserved: 70 })
    expect(asked).toHaveLength(2)
    const shown = asked[1]?.split('\nArguments: ')[1]
    expect([shown?.length, shown]).toEqual([300, expect.stringMatching(/^\{"operation":"tool\.call",.*x…$/)])
    expect(JSON.stringify(await ledger.credits.approvals({ all: true }))).not.toContain('xxx')
    expect(served.reports).toEqual([])
    expect(await ledger.credits.verify()).toMatchObject({ ok: true })
  })

  it.each([
    ['a no', { action: 'decline' }, 'denied'],
    ['a form without a yes', { action: 'accept', content: { approve: false } }, 'denied'],
    ['a closed dialogue', { action: 'cancel' }, 'pending'],
  ] as const)('AX-04: %s spends nothing, and the refusal is the one body', async (_, answer, status) => {
    const { client, asked } = await opened(answer)
    expect(bodyOf(await charge(client)).error).toMatchObject({ code: 'approval_required', retryable: false, approval: { status, maximum: 60 } })
    expect(asked).toHaveLength(1)
    expect((await ledger.credits.balance()).balance).toBe(1_000)
  })

  it('AX-04: without elicitation it is refused, with what a person has to type', async () => {
    const { client } = await opened()
    const { approval, advice } = bodyOf(await charge(client)).error as unknown as { approval: { id: string; how: string }; advice: string[] }
    expect(approval.how).toBe(`npx mcp-credits approve ${approval.id} --account default`)
    expect(advice).toContain('Then make the very same call again; it is done once.')
    await ledger.credits.approve({ id: approval.id })
    expect((await charge(client)).structuredContent).toMatchObject({ charged: 60 })
  })

  it('AX-16: request_credits asks, says how a person answers, and changes nothing', async () => {
    const { client, asked } = await opened({ action: 'accept', content: { approve: true } })
    const { structuredContent } = await client.callTool({ name: 'request_credits', arguments: { credits: 40, reason: 'for the images', kind: 'top_up' } })
    const request = String(structuredContent?.['request'])
    expect(structuredContent).toMatchObject({ status: 'pending', how: expect.stringContaining(`npx mcp-credits approve ${request}`) as string, replayed: false })
    expect(asked).toEqual([])
    expect((await ledger.credits.balance()).balance).toBe(1_000)
    await ledger.credits.approve({ id: request })
    expect((await client.callTool({ name: 'get_credit_balance' })).structuredContent).toMatchObject({ balance: 1_040 })
  })

  it('a bad call is refused before anything is opened or asked', async () => {
    const { client, asked } = await opened({ action: 'accept', content: { approve: true } })
    expect(bodyOf(await client.callTool({ name: 'charge_credits', arguments: { operation: 'tool.call', quantity: 'many' } })).error.code).toBe('invalid_request')
    expect(asked).toEqual([])
  })
})
