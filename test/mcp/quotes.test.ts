import { describe, expect, it } from 'vitest'
import { describeTool, tools } from '../../tools/index.js'
import { type AnyClient, bodyOf, CLIENT_KINDS, connect, NOW, testLedger } from './support.js'

async function prepared(kind: (typeof CLIENT_KINDS)[number]): Promise<AnyClient> {
  const ledger = await testLedger()
  await ledger.credits.grant({ credits: 1_000 })
  return (await connect(kind, ledger)).client
}

/** What a tool answers, every field of it named by its schema and its text the same. */
async function answer(client: AnyClient, name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
  const result = await client.callTool({ name, arguments: args })
  expect(result.isError ?? false, `${name}: ${result.content[0]?.text}`).toBe(false)
  const tool = tools.find((one) => one.name === name)
  expect(tool?.output.safeParse(result.structuredContent).error).toBeUndefined()
  const declared = Object.keys(describeTool(tool as (typeof tools)[number]).outputSchema['properties'] as object)
  expect(Object.keys(result.structuredContent ?? {}).filter((field) => !declared.includes(field))).toEqual([])
  expect(JSON.parse(result.content[0]?.text ?? '')).toEqual(result.structuredContent)
  return result.structuredContent as Record<string, unknown>
}

async function refused(client: AnyClient, name: string, args: Record<string, unknown>) {
  return bodyOf(await client.callTool({ name, arguments: args })).error
}

describe.each(CLIENT_KINDS)('quotes with %s', (kind) => {
  it('AX-01, AX-10: an agent asks for a quote, charges under it once, and can have it explained', async () => {
    const client = await prepared(kind)
    const quote = await answer(client, 'estimate_cost', { operation: 'translate', quantity: 2, quote: true, quote_ttl_seconds: 60, idempotency_key: 'q' })
    expect(quote).toMatchObject({ maximum: 14, quote_id: expect.stringMatching(/^quote_/) as unknown, expires_at: new Date(NOW + 60_000).toISOString() })
    const { quote_id: quoteId } = quote
    const charge = await answer(client, 'charge_credits', { operation: 'translate', quantity: 2, quote_id: quoteId, idempotency_key: 'c' })
    expect(charge).toMatchObject({ charged: 14 })
    expect(await refused(client, 'charge_credits', { quote_id: quoteId })).toMatchObject({
      code: 'quote_mismatch', retryable: false, details: { quote: quoteId, quoted: [{ operation: 'translate', quantity: 2, maximum: 14, state: 'used' }], asked: null },
    })
    expect(await answer(client, 'explain_charge', { idempotency_key: 'c' })).toMatchObject({ outcome: 'charged', quote: { quote_id: quoteId, maximum: 14 } })
    expect(await refused(client, 'charge_credits', { operation: 'translate', quote_id: 'quote_1_0123456789' })).toMatchObject({ code: 'unknown_quote' })
    expect(await refused(client, 'charge_credits', {})).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('or quote_id') as unknown })
  })

  it('AX-02: an agent reserves several calls at once, spends them down and gives the rest back', async () => {
    const client = await prepared(kind)
    const plan = await answer(client, 'reserve_credits', { calls: [{ operation: 'blog.post' }, { operation: 'translate', quantity: 4 }], ttl_seconds: 600 })
    expect(plan).toMatchObject({ reserved: 88, balance: 1_162, calls: [{ operation: 'blog.post', tool: null, reserved: 60 }, { operation: 'translate', quantity: 4, reserved: 28 }] })
    const { reservation } = plan
    await answer(client, 'charge_credits', { operation: 'blog.post', quote_id: reservation })
    expect(await answer(client, 'extend_reservation', { reservation, ttl_seconds: 1_200 })).toMatchObject({ reservation, expires_at: new Date(NOW + 1_200_000).toISOString() })
    expect(await answer(client, 'release_reservation', { reservation })).toMatchObject({ released: 28, balance: 1_190 })
    expect(await refused(client, 'settle_reservation', { reservation })).toMatchObject({ code: 'reservation_not_open' })
    expect(await refused(client, 'reserve_credits', { calls: [{ operation: 'blog.post', quantity: 20 }, { operation: 'blog.post', quantity: 20 }] })).toMatchObject({
      code: 'out_of_credits', details: { required: 2_400, available: 1_190 },
    })
  })
})
