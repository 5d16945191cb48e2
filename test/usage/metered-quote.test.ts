import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'
import type { MeteredAnswer, RunOutcome } from '../../src/usage/metered-call.js'

const QUOTE = 'io.github.mcp-credits/quote_id'
const KEY = 'io.github.mcp-credits/idempotency_key'
const REFUSAL = 'io.github.mcp-credits/refusal'
const T0 = Date.UTC(2026, 0, 1)

const catalog = (credits: string) => ({
  id: 'drawing',
  name: 'Drawing',
  unit: { name: 'credit', plural: 'credits', credit_usd: null },
  price_increase_notice_days: 0,
  operations: { image: { name: 'Image', price: { model: 'per_unit', credits } } },
  tools: { draw: { operation: 'image', quantity: { from: 'arguments', pointer: '/count', default: 1 } } },
})

let owner: Credits
let credits: Credits
let at: number

beforeEach(async () => {
  at = T0
  owner = await openCredits({ database: ':memory:', catalog: catalog('3'), clock: { now: () => at } })
  await owner.createAccount({ id: 'a', plan: 'none' })
  await owner.grant({ account: 'a', credits: 100 })
  credits = owner.as({ account: 'a', holder: 'agent' })
})

afterEach(async () => {
  expect((await owner.verify()).problems).toEqual([])
  await owner.close()
})

const DONE: RunOutcome = { kind: 'result', result: { content: [] } }

function draw(count: number, meta: Record<string, unknown>, run: () => RunOutcome | Promise<RunOutcome> = () => DONE): Promise<MeteredAnswer> {
  return credits.meter({ tool: 'draw', arguments: { count }, meta, signal: new AbortController().signal, run: async () => run() })
}

function codeOf(answer: MeteredAnswer): string | undefined {
  const meta = answer.kind === 'result' ? (answer.result['_meta'] as { readonly [REFUSAL]?: { readonly error: { readonly code: string } } } | undefined) : undefined
  return meta?.[REFUSAL]?.error.code
}

async function quoted(count: number, id: { readonly tool: string } | { readonly operation: string } = { tool: 'draw' }): Promise<string> {
  return (await credits.estimate({ ...id, args: { count }, ...('operation' in id ? { quantity: count } : {}), quote: true })).quoteId as string
}

describe('a metered call under a quote', () => {
  it('AX-01: pays the quoted price, whatever the tool costs by then, once', async () => {
    const quote = await quoted(2)
    await owner.applyCatalog(catalog('9'))
    expect(codeOf(await draw(2, { [QUOTE]: quote }))).toBeUndefined()
    expect(await credits.balance()).toMatchObject({ balance: 94, reserved: 0 })
    let runs = 0
    expect(codeOf(await draw(2, { [QUOTE]: quote }, () => ((runs += 1), DONE)))).toBe('quote_mismatch')
    expect(runs).toBe(0)
  })

  it.each([['before any call knew of it', 0], ['after a call that was free', 1]])('AX-01: pays the quoted price of a tool that has become free, %s; a call that the quote is not for is free', async (_when, freeCalls) => {
    const quote = await quoted(2)
    await owner.applyCatalog({ ...catalog('3'), tools: { draw: { free: true } } })
    for (let call = 0; call < freeCalls; call += 1) expect(codeOf(await draw(1, {}))).toBeUndefined()
    expect(codeOf(await draw(2, { [QUOTE]: quote }))).toBeUndefined()
    expect(await credits.balance()).toMatchObject({ balance: 94, reserved: 0 })
    for (const count of [2, 5]) expect(codeOf(await draw(count, { [QUOTE]: quote }))).toBeUndefined()
    expect(await credits.balance()).toMatchObject({ balance: 94, reserved: 0 })
  })

  it('AX-01: is refused before it runs when the quote is over, for other arguments, unknown or no text', async () => {
    const quote = await quoted(2)
    let runs = 0
    const run = () => ((runs += 1), DONE)
    expect(codeOf(await draw(3, { [QUOTE]: quote }, run))).toBe('quote_mismatch')
    expect(codeOf(await draw(2, { [QUOTE]: 'quote_1_0123456789' }, run))).toBe('unknown_quote')
    expect(codeOf(await draw(2, { [QUOTE]: 7 }, run))).toBe('invalid_request')
    at += 15 * 60_000
    expect(codeOf(await draw(2, { [QUOTE]: quote }, run))).toBe('quote_expired')
    expect(runs).toBe(0)
    expect(await credits.balance()).toMatchObject({ balance: 100, reserved: 0 })
  })

  it('AX-01: one that failed cost nothing and leaves the quote to a retry; a replay by key asks no quote', async () => {
    const quote = await quoted(2)
    const meta = { [QUOTE]: quote, [KEY]: 'k' }
    await draw(2, meta, () => ({ kind: 'error', error: { code: -32000, message: 'broken' } }))
    expect(await credits.balance()).toMatchObject({ balance: 100, reserved: 0 })
    await draw(2, meta)
    expect(await credits.balance()).toMatchObject({ balance: 94 })
    at += 60 * 60_000
    const replayed = await draw(2, meta)
    expect(replayed).toMatchObject({ kind: 'result', result: { _meta: { 'io.github.mcp-credits/receipt': { charged: 6, replayed: true } } } })
    expect(await credits.explain({ idempotencyKey: 'k' })).toMatchObject({ charged: 6, quote: { quoteId: quote, maximum: 6 } })
  })

  it('AX-02: spends a plan down: what was reserved for it is the meter’s while it runs, and settled by it', async () => {
    const plan = await credits.reserve({ calls: [{ tool: 'draw', args: { count: 2 } }, { tool: 'draw', args: { count: 5 } }], ttlSeconds: 600 })
    const quote = plan.reservation as string
    let refused: string | undefined
    await draw(2, { [QUOTE]: quote, [KEY]: 'k' }, async () => {
      expect(await credits.explain({ idempotencyKey: 'k' })).toMatchObject({ outcome: 'in_progress', reserved: 6, quote: { quoteId: quote } })
      refused = codeOf(await draw(2, { [QUOTE]: quote }))
      expect(await credits.release({ reservation: quote })).toMatchObject({ released: 15 })
      return DONE
    })
    expect(refused).toBe('quote_mismatch')
    expect(await credits.balance()).toMatchObject({ balance: 94, reserved: 0 })
  })

  it('AX-06: a plan’s call runs after its quote is over, also when the account has nothing left and was stopped meanwhile', async () => {
    const quote = await quoted(2)
    await credits.reserve({ quoteId: quote, ttlSeconds: 3_600 })
    await owner.charge({ account: 'a', operation: 'image', quantity: 31 })
    await owner.adjust({ account: 'a', credits: -1 })
    await owner.setAccountState({ account: 'a', state: 'suspended' })
    at += 30 * 60_000
    expect(codeOf(await draw(2, { [QUOTE]: quote }))).toBeUndefined()
    expect(await credits.balance()).toMatchObject({ balance: 0, reserved: 0, lifetimeUsed: 99 })
  })

  it('AX-01: is served by a quote of the operation that its tool counts as, with the same arguments and the same price', async () => {
    const quote = await quoted(2, { operation: 'image' })
    expect(codeOf(await draw(3, { [QUOTE]: quote }))).toBe('quote_mismatch')
    expect(codeOf(await draw(2, { [QUOTE]: quote }))).toBeUndefined()
    expect(await credits.balance()).toMatchObject({ balance: 94 })
  })
})
