import { describe, expect, it } from 'vitest'
import { assumedFigures } from '../../src/catalog/assumed.js'
import { difference } from '../../src/catalog/difference.js'
import { catalogFromSource, describeProblems } from '../../src/catalog/parse-catalog.js'
import { catalogWith, credits, documentWith, problemsOf } from './support.js'

type Fields = Record<string, unknown>

const PACK = { name: 'Pack', price_usd: '10', parts: [{ kind: 'paid', credits: '100' }], expiry: { kind: 'never' } }
const STORAGE = { name: 'Storage', unit: { name: 'gigabyte', plural: 'gigabytes' }, price_per_unit_hour: '0.000137' }
const POST = { name: 'Post', price: { model: 'per_unit', credits: '1' } }

function problemOf(fields: Fields): string {
  return describeProblems(problemsOf(documentWith(fields)))
}

describe('recurring items', () => {
  const priced = (price: unknown): Fields => ({ recurring_items: { storage: { ...STORAGE, price_per_unit_hour: price } } })

  it('ND-21: are read with a price by the hour that may be less than a millionth of a credit', () => {
    const rate = (price: string) => catalogWith(priced(price)).recurringItems['storage']?.pricePerUnitHour
    expect(rate('0.5')).toEqual({ amount: credits('0.5'), per: 1 })
    expect(rate('0.000137')).toEqual({ amount: 137n, per: 1 })
    expect(rate('0.0001370')).toEqual({ amount: 137n, per: 1 })
    expect(rate('0.0001375')).toEqual({ amount: 1375n, per: 10 })
    expect(rate('12.000000001')).toEqual({ amount: 12_000_000_001n, per: 1000 })
    expect(rate('1000000')).toEqual({ amount: credits('1000000'), per: 1 })
    expect(rate('999999.999999999')).toEqual({ amount: 999_999_999_999_999n, per: 1000 })
    expect(rate('0')).toEqual({ amount: 0n, per: 1 })
  })

  it('stand by their ids, and there are none unless given', () => {
    const { recurringItems } = catalogWith({ recurring_items: { 'x-domain': STORAGE, 'a-disk': STORAGE } })
    expect(Object.keys(recurringItems)).toEqual(['a-disk', 'x-domain'])
    expect(recurringItems['a-disk']).toMatchObject({ id: 'a-disk', name: 'Storage', unit: STORAGE.unit })
    expect(recurringItems['constructor']).toBeUndefined()
    expect(Object.keys(catalogWith({}).recurringItems)).toEqual([])
  })

  it.each([
    [0.5, 'found the number 0.5, expected credits as decimal text in quotes, zero or more, at most nine decimals'],
    ['-1', 'found "-1", expected credits as decimal text'],
    ['0.0000000001', 'found "0.0000000001", expected credits as decimal text'],
    ['1e-7', 'found "1e-7", expected credits as decimal text'],
    ['1000000.000000001', 'found "1000000.000000001", expected at most "1000000" credits an hour'],
    ['99999999', 'found "99999999", expected credits as decimal text'],
  ])('T29: a price of %s is refused', (price, expected) => {
    expect(problemOf(priced(price))).toContain(`recurring_items/storage/price_per_unit_hour: ${expected}`)
  })

  it('ND-13: a dearer item is an increase, told at its price; a cheaper, a new and a lapsed one are not', () => {
    const changes = (before: Fields, after: Fields): unknown[] =>
      difference(catalogWith(before), catalogWith(after)).map(({ path, increase }) => [path, increase])
    const path = 'recurring_items/storage/price_per_unit_hour'
    expect(changes(priced('0.000137'), priced('0.000137001'))).toEqual([[path, true]])
    expect(changes(priced('0.000137001'), priced('0.000137'))).toEqual([[path, false]])
    expect(changes(priced('0.0005'), priced('0.000500'))).toEqual([[path, false]])
    expect(changes({}, priced('1'))).toEqual([['recurring_items', false]])
    expect(changes(priced('1'), {})).toEqual([['recurring_items', false]])
    expect(changes({ recurring_items: {} }, priced('1'))).toEqual([['recurring_items/storage', false]])
  })
})

describe('the refund rule of a pack', () => {
  const refundOf = (pack: Fields) => catalogWith({ packs: { pack: { ...PACK, ...pack } } }).packs['pack']?.refund

  it('ND-15: bounds days and share used, each of them optional; without a rule nothing is refunded', () => {
    expect(refundOf({ refund: { days: 30, max_used_percent: 25 } })).toEqual({ days: 30, maxUsedPercent: 25 })
    expect(refundOf({ refund: { days: 1 } })).toEqual({ days: 1, maxUsedPercent: null })
    expect(refundOf({ refund: { max_used_percent: 0 } })).toEqual({ days: null, maxUsedPercent: 0 })
    expect(refundOf({ refund: {} })).toEqual({ days: null, maxUsedPercent: null })
    expect(refundOf({})).toBeNull()
  })

  it.each([
    [{ days: 0 }, 'packs/pack/refund/days: found the number 0, expected at least 1 day'],
    [{ days: 3651 }, 'packs/pack/refund/days: found the number 3651, expected at most 3650 days'],
    [{ days: 1.5 }, 'packs/pack/refund/days: found the number 1.5, expected a whole number of days'],
    [{ max_used_percent: 101 }, 'packs/pack/refund/max_used_percent: found the number 101, expected a percentage of at most 100'],
    [{ max_used_percent: -1 }, 'packs/pack/refund/max_used_percent: found the number -1, expected a number from 0'],
    [{ max_used_percent: '25' }, 'packs/pack/refund/max_used_percent: found "25", expected a number from 0'],
    [{ day: 1 }, 'packs/pack/refund/day: found a field of no meaning, expected one of the fields days, max_used_percent'],
  ])('a rule of %j is refused', (refund, expected) => {
    expect(problemOf({ packs: { pack: { ...PACK, refund } } })).toContain(expected)
  })
})

describe('who buys packs', () => {
  const packs = { pack: PACK }

  it('SF-11 SK-07: is everybody where there are packs, and nobody where there are none, unless told', () => {
    expect(catalogWith({ packs }).selfService).toBe('enabled')
    expect(catalogWith({ packs, purchases: { self_service: 'hidden' } }).selfService).toBe('hidden')
    expect(catalogWith({}).selfService).toBe('none')
    expect(catalogWith({ packs: {} }).selfService).toBe('none')
    expect(catalogWith({ purchases: { self_service: 'none' } }).selfService).toBe('none')
  })

  it.each([
    [{ packs, purchases: { self_service: 'none' } }, 'found "none", expected "enabled" or "hidden", or no packs'],
    [{ purchases: { self_service: 'enabled' } }, 'found "enabled", expected "none", or packs that can be bought'],
    [{ packs: {}, purchases: { self_service: 'hidden' } }, 'found "hidden", expected "none", or packs that can be bought'],
    [{ packs, purchases: { self_service: 'all' } }, 'found "all", expected "enabled", "hidden" or "none"'],
  ])('a contradiction to the packs is refused: %j', (fields, expected) => {
    expect(problemOf(fields)).toBe(`purchases/self_service: ${expected}`)
  })
})

describe('a plan that is bought', () => {
  const isPaid = (plan: Fields, more: Fields = {}): boolean | undefined =>
    catalogWith({
      plans: { one: { name: 'One', monthly_credits: '1', price_usd: '0', rollover: { kind: 'none' }, ...plan } },
      ...more,
    }).plans['one']?.isPaid

  it.each<[string, Fields, Fields, boolean]>([
    ['has a price', { price_usd: '0.01' }, {}, true],
    ['has a price, also as the default', { price_usd: '5' }, { default_plan: 'one' }, true],
    ['is agreed per customer', { price_usd: null }, {}, true],
    ['is not the default one without a price', { price_usd: null }, { default_plan: 'one' }, false],
    ['is not free', {}, {}, false],
    ['is no trial', { trial: true }, {}, false],
    ['is no trial, whatever it costs', { trial: true, price_usd: '1' }, {}, false],
    ['is no trial, also agreed per customer', { trial: true, price_usd: null }, {}, false],
  ])('SK-06: %s', (_what, plan, more, expected) => {
    expect(isPaid(plan, more)).toBe(expected)
  })

  it('SN-06 SK-03: carries all that the document says of it', () => {
    const { plans } = catalogWith({
      plans: {
        full: {
          name: 'Full',
          monthly_credits: '2000',
          price_usd: '49.5',
          rollover: { kind: 'capped', cap: '500' },
          grants: { sign_up: { credits: '1' }, purchase: { credits: '2' }, renewal: { credits: '3' } },
          spending_cap: { credits: '5000', window: 'period' },
          entitlements: { custom_alerts: true, seats: 3, support: 'mail' },
        },
      },
    })
    expect(plans['full']).toEqual({
      id: 'full',
      name: 'Full',
      monthlyCredits: credits('2000'),
      price: { currency: 'USD', millionths: 49_500_000 },
      rollover: { kind: 'capped', cap: credits('500') },
      grants: { signUp: credits('1'), purchase: credits('2'), renewal: credits('3') },
      trial: false,
      isPaid: true,
      spendingCap: { credits: credits('5000'), window: 'period' },
      entitlements: { custom_alerts: true, seats: 3, support: 'mail' },
    })
  })
})

describe('the sections of a catalog together', () => {
  const before: Fields = {
    operations: { 'a.post': POST },
    campaign: { complexities: { standard: { operation: 'a.post' } } },
    packs: { pack: { ...PACK, refund: { days: 30 } } },
    purchases: { self_service: 'hidden' },
    recurring_items: { storage: STORAGE },
  }

  it('are read as the code reckons with them', () => {
    expect(catalogWith(before).campaign).toEqual({ complexities: { standard: { operation: 'a.post', variant: null } } })
    expect(catalogWith({}).campaign).toBeNull()
  })

  it('come back from what a ledger keeps of a version', () => {
    const catalog = catalogWith(before)
    expect(catalogFromSource(catalog.source)).toEqual(catalog)
  })

  it('ND-13: differ place by place, and are no price increase but for what is dearer', () => {
    const after: Fields = {
      operations: { 'a.post': POST, 'b.post': POST },
      campaign: { complexities: { standard: { operation: 'b.post' }, complex: { operation: 'a.post' } } },
      packs: { pack: { ...PACK, refund: { days: 14, max_used_percent: 25 } } },
      purchases: { self_service: 'enabled' },
      recurring_items: { storage: { ...STORAGE, name: 'Disk', price_per_unit_hour: '0.0002' } },
    }
    const changes = difference(catalogWith(before), catalogWith(after))
    expect(changes.map(({ path, before: was, after: is, increase }) => [path, was, is, increase])).toEqual([
      ['campaign/complexities/complex', undefined, { operation: 'a.post' }, false],
      ['campaign/complexities/standard/operation', 'a.post', 'b.post', false],
      ['operations/b.post', undefined, POST, false],
      ['packs/pack/refund/days', 30, 14, false],
      ['packs/pack/refund/max_used_percent', undefined, 25, false],
      ['purchases/self_service', 'hidden', 'enabled', false],
      ['recurring_items/storage/name', 'Storage', 'Disk', false],
      ['recurring_items/storage/price_per_unit_hour', '0.000137', '0.0002', true],
    ])
  })

  it('tell which of their figures are assumed', () => {
    const assumed = catalogWith({
      operations: { 'a.post': POST },
      campaign: { complexities: { standard: { operation: 'a.post', assumed: true } } },
      packs: { pack: { ...PACK, refund: { days: 30, assumed: true } } },
      recurring_items: { storage: { ...STORAGE, assumed: true } },
    })
    expect(assumedFigures(assumed)).toEqual([
      'campaign/complexities/standard',
      'packs/pack/refund',
      'recurring_items/storage',
    ])
  })
})
