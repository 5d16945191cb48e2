import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testLedger, type TestLedger } from '../mcp/support.js'
import { close, type Fronted, greet, routed, startGateway } from './gateway-harness.js'
import { RECEIPT } from './counting-meter.js'

/** Four tools whose server tells what a call came to: in credits, in counts, in tokens, and one whose word nobody asked for. */
const CATALOG = {
  id: 'told',
  name: 'Told',
  unit: { name: 'credit', plural: 'credits', credit_usd: null },
  price_increase_notice_days: 0,
  operations: {
    research: { name: 'Research', price: { model: 'range', minimum: '1', maximum: '10' } },
    page: { name: 'Page', unit: { name: 'page', plural: 'pages' }, price: { model: 'per_unit', credits: '2' } },
    chat: { name: 'Chat', price: { model: 'pass_through', rates: { tokens: { credits: '1', per: 1_000 } }, typical: { minimum: '1', maximum: '10' } } }
  },
  tools: {
    'told.tell': { operation: 'research', actual: { pointer: '/cost' } },
    'pages.tell': { operation: 'page', quantity: { from: 'result', pointer: '/pages', at_most: 5 } },
    'tokens.tell': { operation: 'chat', usage: { tokens: { pointer: '/tokens' } } },
    'flat.tell': { credits: '3' }
  },
  default_tool_price: null,
  plans: {},
  packs: {},
  thresholds: []
}

let ledger: TestLedger
let fronted: Fronted
let calls = 0

beforeEach(async () => {
  ledger = await testLedger(CATALOG)
  await ledger.credits.grant({ credits: 1_000 })
  fronted = startGateway([routed('one', { tools: ['told.tell', 'flat.tell'] }), routed('two', { tools: ['pages.tell', 'tokens.tell'] })], {
    meter: call => ledger.credits.meter(call)
  })
  await greet(fronted)
})

afterEach(() => close(fronted))

/** What a call was charged whose server says this. */
async function charged(tool: string, text: string): Promise<number | undefined> {
  const { result } = await fronted.request((calls += 1), 'tools/call', { name: tool, arguments: { text } })
  return (result?.['_meta'] as Record<string, { readonly charged: number }> | undefined)?.[RECEIPT]?.charged
}

describe('what a server behind the gateway says that a call came to', () => {
  it('AX-13: is taken where the catalog trusts it, from the range\'s minimum on', async () => {
    expect(await charged('told.tell', '{"cost":7.25}')).toBe(7.25)
    expect(await charged('told.tell', '{"cost":0.5}')).toBe(1)
    expect(await charged('pages.tell', '{"pages":3}')).toBe(6)
    expect(await charged('tokens.tell', '{"tokens":2500}')).toBe(2.5)
    expect(await charged('flat.tell', '{"cost":1}')).toBe(3)
  })

  it.each([
    ['told.tell', '{"cost":11}', 10],
    ['told.tell', '{"cost":100000}', 10],
    ['pages.tell', '{"pages":1000000}', 10],
    ['tokens.tell', '{"tokens":50000000}', 10]
  ])('AX-13: never costs more than was reserved, whatever the balance: %s says %s', async (tool, text, reserved) => {
    const before = await ledger.credits.balance()
    expect(await charged(tool, text)).toBe(reserved)
    const after = await ledger.credits.balance()
    expect(before.balance - after.balance).toBe(reserved)
    expect(after.reserved).toBe(0)
    expect(await ledger.credits.verify()).toMatchObject({ ok: true })
  })

  it('T30: what it says beyond that is recorded as uncollected', async () => {
    await charged('told.tell', '{"cost":25}')
    const { transactions } = await ledger.credits.transactions({ type: 'settle' })
    expect(await ledger.credits.explain({ transaction: transactions[0]?.id ?? '' })).toMatchObject({ reserved: 10, uncollected: 15 })
  })

  it.each(['{"cost":-5}', '{"cost":-0}', '{"cost":1e309}', '{"cost":"NaN"}', '{"cost":"Infinity"}', '{"cost":"nothing"}', '{"cost":true}', '{"cost":null}', '{"cost":[1]}', '{"cost":1e-9}', '{}', 'free of charge'])(
    'T29, AX-13: a figure that is none is charged as reserved: %s',
    async text => {
      const { balance } = await ledger.credits.balance()
      expect(await charged('told.tell', text)).toBe(10)
      expect(await ledger.credits.balance()).toMatchObject({ balance: balance - 10, reserved: 0 })
    }
  )
})
