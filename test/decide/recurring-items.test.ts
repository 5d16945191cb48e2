import { describe, expect, it } from 'vitest'
import { NEVER } from '../../src/time/instant.js'
import { catalogOf, SELLING, SELLING_DOCUMENT, Shop } from './selling.js'

const AT = '2026-01-01T00:00:00Z'

function charges(shop: Shop) {
  return shop.ledger.journal
    .filter((row) => row.kind === 'charge')
    .map((row) => [new Date(row.at).toISOString(), row.operation, row.quantity, Number(row.credits) / 1e6])
}

const set = (shop: Shop, at: string, item: string, quantity: number) => shop.done(at, 'set_item', { item, quantity })

describe('recurring items', () => {
  it('ND-21: are metered by the hour over changes of their quantity and charged once, at the end of the month', () => {
    const shop = new Shop(SELLING, AT)
    shop.give(AT, '1000')
    set(shop, AT, 'storage', 10)
    set(shop, '2026-01-11T00:00:00Z', 'storage', 30)
    set(shop, '2026-01-21T12:00:00Z', 'storage', 0)
    set(shop, '2026-01-11T00:00:00Z', 'domain', 2)
    shop.sweep('2026-01-31T23:59:59.998Z')
    expect(charges(shop)).toEqual([])
    shop.sweep('2026-02-01T00:00:00Z')
    // 10 × 240 h + 30 × 252 h at 0.01, and 2 × (10.5 + 10) days at 0.5.
    expect(charges(shop)).toEqual([
      ['2026-01-31T23:59:59.999Z', 'recurring.domain', 2 * 252, 252],
      ['2026-01-31T23:59:59.999Z', 'recurring.storage', 2_400 + 7_560, 99.6],
    ])
  })

  it('ND-21: count to the millisecond, however often a quantity changes, and round up once', () => {
    const shop = new Shop(SELLING, AT)
    shop.give(AT, '1000')
    const start = Date.parse('2026-01-05T00:00:00Z')
    for (let change = 0; change < 200; change += 1) {
      set(shop, new Date(start + change * 777).toISOString(), 'domain', change % 2 === 0 ? 0.000001 : 3)
    }
    const end = new Date(start + 200 * 777).toISOString()
    set(shop, end, 'domain', 0)
    const { document } = shop.ledger.record('item', 'domain') ?? {}
    expect(document).toMatchObject({ quantity: 0, metered: [{ version: 1, unitMs: '233100.077700' }] })
    expect(JSON.stringify(document).length).toBeLessThan(200)
    shop.sweep('2026-02-01T00:00:00Z')
    // 233100.0777 unit-milliseconds of 3600000 at 0.5: 0.0323750…
    expect(charges(shop).map(([, , , credits]) => credits)).toEqual([0.032376])
  })
})

describe('recurring items over months', () => {
  it('ND-21: are charged once a month, in order, however late anybody comes, and to the same whoever does', () => {
    const once = new Shop(SELLING, AT)
    once.give(AT, '5000')
    set(once, '2026-01-31T12:00:00Z', 'domain', 1)
    const often = new Shop(SELLING, AT)
    often.give(AT, '5000')
    set(often, '2026-01-31T12:00:00Z', 'domain', 1)
    for (let day = 0; day < 120; day += 1) often.sweep(new Date(Date.parse('2026-02-01T00:00:00Z') + day * 86_400_000).toISOString())
    once.sweep('2026-05-31T00:00:00Z')
    often.sweep('2026-05-31T00:00:00Z')
    expect(charges(once)).toEqual([
      ['2026-01-31T23:59:59.999Z', 'recurring.domain', 12, 6],
      ['2026-02-28T23:59:59.999Z', 'recurring.domain', 28 * 24, 336],
      ['2026-03-31T23:59:59.999Z', 'recurring.domain', 31 * 24, 372],
      ['2026-04-30T23:59:59.999Z', 'recurring.domain', 30 * 24, 360],
    ])
    expect(often.ledger.account).toEqual(once.ledger.account)
    expect(once.ledger.account?.nextDueAt).toBe(Date.parse('2026-05-31T23:59:59.999Z'))
  })

  it("ND-21: the month is the calendar's in the zone of the account, with the hours that its clock changes make", () => {
    const shop = new Shop(SELLING, '2026-03-01T04:59:00Z', { timeZone: 'America/New_York' })
    shop.give('2026-03-01T04:59:00Z', '5000')
    set(shop, '2026-03-01T04:59:00Z', 'domain', 60)
    shop.sweep('2026-04-02T00:00:00Z')
    expect(charges(shop)).toEqual([
      ['2026-03-01T04:59:59.999Z', 'recurring.domain', 1, 0.5],
      ['2026-04-01T03:59:59.999Z', 'recurring.domain', 60 * 743, 4_999.5],
    ])
  })

  it('an item of which nothing is kept any more ends with its last month, and begins anew', () => {
    const shop = new Shop(SELLING, AT)
    shop.give(AT, '1000')
    set(shop, AT, 'domain', 1)
    set(shop, '2026-01-02T00:00:00Z', 'domain', 0)
    expect(shop.ledger.record('item', 'domain')?.isOpen).toBe(true)
    shop.sweep('2026-02-01T00:00:00Z')
    expect(shop.ledger.record('item', 'domain')?.isOpen).toBe(false)
    expect(shop.ledger.account).toMatchObject({ itemsDueAt: NEVER, nextDueAt: NEVER })
    shop.sweep('2026-12-01T00:00:00Z')
    set(shop, '2026-12-30T00:00:00Z', 'domain', 1)
    shop.sweep('2027-01-01T00:00:00Z')
    expect(charges(shop).map((row) => row[3])).toEqual([12, 24])
  })

  it('ND-21: each stretch has the price that was in force in it, and the row says which', () => {
    const dearer = { ...SELLING_DOCUMENT.recurring_items, domain: { ...SELLING_DOCUMENT.recurring_items.domain, price_per_unit_hour: '1' } }
    const { domain: _, ...without } = SELLING_DOCUMENT.recurring_items
    const catalogs = catalogOf(
      SELLING_DOCUMENT,
      [Date.parse('2026-01-11T00:00:00Z'), { ...SELLING_DOCUMENT, recurring_items: dearer }],
      [Date.parse('2026-02-01T00:00:00Z'), { ...SELLING_DOCUMENT, recurring_items: without }],
    )
    const shop = new Shop(catalogs, AT)
    shop.give(AT, '2000')
    set(shop, AT, 'domain', 1)
    shop.sweep('2026-03-01T00:00:00Z')
    const [january, february] = shop.ledger.journal.filter((row) => row.kind === 'charge')
    expect(january).toMatchObject({ credits: 624_000_000n, quantity: 744, priceVersion: 2 })
    expect(january?.detail).toMatchObject({
      since: '2026-01-01T00:00:00.000Z',
      until: '2026-02-01T00:00:00.000Z',
      lines: [
        { operation: 'recurring.domain', quantity: 240, unitPrice: 0.5, maximum: 120, priceVersion: 1 },
        { operation: 'recurring.domain', quantity: 504, unitPrice: 1, maximum: 504, priceVersion: 2 },
      ],
    })
    // T32: what the catalog no longer lists is not free by accident, and can still be ended.
    expect(february).toMatchObject({ credits: 672_000_000n, priceVersion: 2 })
    expect(shop.refused('2026-03-01T00:00:00Z', 'set_item', { item: 'domain', quantity: 2 }).code).toBe('unknown_item')
    set(shop, '2026-03-01T00:00:00Z', 'domain', 0)
    shop.sweep('2026-04-01T00:00:00Z')
    expect(charges(shop)).toHaveLength(2)
  })
})

describe('what pays for recurring items', () => {
  it("ND-21, ND-22: the month's allowance first, then what was bought", () => {
    const shop = new Shop(SELLING, AT, { plan: 'monthly' })
    shop.buy(AT, 'final')
    set(shop, AT, 'storage', 1)
    set(shop, '2026-01-02T01:00:00Z', 'domain', 2)
    set(shop, '2026-01-03T00:00:00Z', 'domain', 0)
    shop.sweep('2026-01-31T23:59:59.999Z')
    // 23 for two domains over 23 hours, 7.44 for storage: 20 of the allowance, which ends with the month, and 10 bought.
    expect(shop.grants.map((grant) => [grant.source, grant.remaining])).toEqual([['allowance', 0n], ['purchase', 0n]])
    expect(shop.book('spent')).toBe(30)
    expect(shop.book('uncollected')).toBe(0.44)
  })

  it('ND-21, T31: what nothing can pay is recorded as uncollected and told of, and the balance never goes below zero', () => {
    const shop = new Shop(SELLING, AT, { debtMax: 1_000_000_000n })
    shop.give(AT, '100')
    set(shop, AT, 'domain', 1)
    shop.sweep('2026-03-01T00:00:00Z')
    expect(shop.balance).toBe(0)
    expect(charges(shop).map((row) => row[3])).toEqual([100, 0])
    expect(shop.book('uncollected')).toBe(272 + 336)
    expect(shop.ledger.account?.debt).toBe(0n)
    const messages = shop.ledger.allRecords('message').map((record) => record.document)
    const told = messages.filter((message) => message['type'] === 'uncollected')
    expect(told).toMatchObject([{ operation: 'recurring.domain', credits: 272 }, { operation: 'recurring.domain', credits: 336 }])
    expect(shop.ledger.journal.filter((row) => row.kind === 'charge').map((row) => row.detail['uncollected'])).toEqual([272, 336])
  })

  it('is owed by a suspended account as well, and by a closed one up to its closing', () => {
    const shop = new Shop(SELLING, AT)
    shop.give(AT, '1000')
    set(shop, AT, 'domain', 1)
    shop.done('2026-01-02T00:00:00Z', 'set_state', { state: 'suspended', reason: null })
    shop.sweep('2026-02-01T00:00:00Z')
    expect(charges(shop)).toEqual([['2026-01-31T23:59:59.999Z', 'recurring.domain', 744, 372]])
    shop.done('2026-02-02T00:00:00Z', 'set_state', { state: 'closed', reason: null })
    shop.sweep('2026-12-01T00:00:00Z')
    expect(charges(shop).slice(1)).toEqual([['2026-02-02T00:00:00.000Z', 'recurring.domain', 24, 12]])
    expect(shop.ledger.record('item', 'domain')?.isOpen).toBe(false)
    expect(shop.refused('2026-12-01T00:00:00Z', 'set_item', { item: 'domain', quantity: 1 }).code).toBe('account_suspended')
  })

  it('is owed whatever a budget says: budgets limit what is done, and what is kept moves none of them', () => {
    const shop = new Shop(SELLING, AT)
    shop.give(AT, '1000')
    const [scope, window] = [{ values: {}, each: null }, { kind: 'month' } as const]
    const terms = { name: null, scope, window, limit: 300_000_000n, enforcement: 'hard', thresholds: [] } as const
    shop.done(AT, 'set_budget', { id: 'monthly', terms })
    set(shop, AT, 'domain', 1)
    shop.sweep('2026-01-31T23:59:59.999Z')
    expect(charges(shop).map((row) => row[3])).toEqual([372])
    expect(shop.book('uncollected')).toBe(0)
    expect(shop.ledger.counters([{ budget: 'monthly', subject: '' }])).toEqual([null])
  })
})

describe('setting a recurring item', () => {
  it('is a row of the journal, once by its key, and none where nothing changes', () => {
    const shop = new Shop(SELLING, AT)
    const first = shop.withKey('k').done(AT, 'set_item', { item: 'domain', quantity: 2 })
    const detail = { change: 'item_set', item: 'domain', before: 0, quantity: 2 }
    expect(first.transaction).toMatchObject({ kind: 'amend', idempotencyKey: 'k', detail })
    set(shop, AT, 'domain', 5)
    expect(shop.withKey('k').done(AT, 'set_item', { item: 'domain', quantity: 2 }).replayed).toBe(true)
    const rows = shop.ledger.journal.length
    expect(set(shop, AT, 'domain', 5)).toMatchObject({ transaction: null, record: { document: { quantity: 5 } } })
    set(shop, AT, 'storage', 0)
    expect(shop.ledger.journal).toHaveLength(rows)
  })

  it('to something that the catalog does not have, or that could not be charged, is refused', () => {
    const shop = new Shop(SELLING, AT)
    expect(shop.refused(AT, 'set_item', { item: 'planet', quantity: 1 })).toMatchObject({
      code: 'unknown_item',
      advice: ['The catalog has the recurring items: domain, storage'],
    })
    for (const quantity of [-1, Number.NaN, 1_000_000_001, 0.0000001, 10_000_000]) {
      expect(shop.refused(AT, 'set_item', { item: 'domain', quantity }).code, String(quantity)).toBe('invalid_amount')
    }
    set(shop, AT, 'storage', 1_000_000)
  })

  it('a price that grows beyond every amount later ends the bill at the largest, and the account goes on', () => {
    const { recurring_items: items } = SELLING_DOCUMENT
    const dearer = { ...SELLING_DOCUMENT, recurring_items: { ...items, storage: { ...items.storage, price_per_unit_hour: '1000000' } } }
    const shop = new Shop(catalogOf(SELLING_DOCUMENT, [Date.parse('2026-01-02T00:00:00Z'), dearer]), AT)
    shop.give(AT, '7')
    set(shop, AT, 'storage', 1_000_000)
    shop.sweep('2026-03-02T00:00:00Z')
    expect(shop.balance).toBe(0)
    expect(shop.book('uncollected')).toBe(2_000_000_000)
  })

  it('a change of zone between two months makes no month of some hours', () => {
    const shop = new Shop(SELLING, AT, { timeZone: 'Pacific/Kiritimati' })
    shop.give(AT, '5000')
    set(shop, AT, 'domain', 1)
    const account = shop.ledger.account
    if (account === null) throw new Error('there is an account')
    shop.ledger.account = { ...account, timeZone: 'Pacific/Honolulu' }
    shop.sweep('2026-04-01T00:00:00Z')
    expect(charges(shop).map((row) => row[0])).toEqual(['2026-01-31T09:59:59.999Z', '2026-03-01T09:59:59.999Z'])
  })
})
