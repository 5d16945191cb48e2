import { describe, expect, it } from 'vitest'
import { bundled, catalogOf, purchaseId, SELLING, SELLING_DOCUMENT, Shop } from './selling.js'

const AT = '2026-01-15T10:00:00Z'

/** A shop in which a pack has been bought, and the purchase. */
function bought(pack = 'boost', settings: ConstructorParameters<typeof Shop>[2] = {}) {
  const shop = new Shop(SELLING, AT, settings)
  return { shop, purchase: purchaseId(shop.buy(AT, pack)) }
}

const byRule = (purchase: string) => ({ purchase, isForced: false, reason: null })

describe('the refund of a purchase', () => {
  it('ND-15: takes what is unused of its grants, in one row, for its share of the price rounded down to the cent', () => {
    const { shop, purchase } = bought()
    shop.charge(AT, 60)
    const refund = shop.withKey('k').done('2026-01-20T00:00:00Z', 'refund_purchase', { ...byRule(purchase), reason: 'asked' })
    expect(refund.transaction).toMatchObject({ kind: 'revoke', credits: 190_000_000n, idempotencyKey: 'k', refersTo: 4 })
    // 9.99 for 250, of which 190 are left: 7.5924.
    expect(refund.transaction?.detail).toEqual({
      change: 'purchase_refunded',
      purchase,
      pack: 'boost',
      bought: 250,
      priceUsd: '9.99',
      refundedUsd: '7.59',
      reason: 'asked',
    })
    expect(refund.record?.document).toMatchObject({ state: 'refunded', refundedUsd: '7.59' })
    expect(shop.balance).toBe(0)
    expect(shop.book('revoked')).toBe(190)
    expect(shop.withKey('k').done('2026-02-20T00:00:00Z', 'refund_purchase', byRule(purchase)).replayed).toBe(true)
    const again = shop.refused(AT, 'refund_purchase', byRule(purchase))
    expect(again).toMatchObject({ code: 'refund_not_allowed', details: { state: 'refunded' } })
  })

  it('ND-15: gives the whole price for a pack that nobody touched', () => {
    const { shop, purchase } = bought()
    expect(shop.done(AT, 'refund_purchase', byRule(purchase)).transaction?.detail).toMatchObject({ refundedUsd: '9.99' })
  })

  it('ND-15: is allowed within so many days of the settlement, to the instant', () => {
    const last = '2026-02-14T10:00:00.000Z'
    const late = '2026-02-14T10:00:00.001Z'
    const { shop, purchase } = bought()
    expect(shop.refused(late, 'refund_purchase', byRule(purchase))).toMatchObject({
      code: 'refund_not_allowed',
      details: { rule: 'age', days: 30, settledAt: '2026-01-15T10:00:00.000Z' },
    })
    const other = bought()
    expect(other.shop.done(last, 'refund_purchase', byRule(other.purchase)).kind).toBe('done')
    const pending = new Shop(SELLING, AT)
    const ordered = purchaseId(pending.buy(AT, 'boost', { isSettled: false }))
    pending.done('2026-02-01T00:00:00Z', 'settle_purchase', { purchase: ordered })
    expect(pending.done('2026-03-01T00:00:00Z', 'refund_purchase', byRule(ordered)).kind).toBe('done')
  })

  it('ND-15: is allowed while at most a quarter is used, and what is reserved counts as used', () => {
    const { shop, purchase } = bought()
    shop.charge(AT, 62.5)
    const held = shop.done(AT, 'reserve', {
      subject: { kind: 'operation', operation: 'unit', variant: null, quantity: 0.000001, args: null, actual: {} },
      labels: null,
      ttlMs: 60_000,
      overrun: 'cap',
      call: null,
    })
    expect(shop.refused(AT, 'refund_purchase', byRule(purchase))).toMatchObject({
      code: 'refund_not_allowed',
      details: { rule: 'used', maxUsedPercent: 25, bought: 250, unused: 187.499999 },
    })
    shop.done(AT, 'release', { reservation: held.reservation?.id ?? '', fault: null })
    expect(shop.done(AT, 'refund_purchase', byRule(purchase)).transaction?.credits).toBe(187_500_000n)
  })

  it('ND-15: is for accounts in good standing: active, and without a debt', () => {
    const suspended = bought()
    suspended.shop.done(AT, 'set_state', { state: 'suspended', reason: null })
    const refusal = suspended.shop.refused(AT, 'refund_purchase', byRule(suspended.purchase))
    expect(refusal.details).toMatchObject({ rule: 'standing', state: 'suspended' })
    const owing = bought('yearly', { debtMax: 5_000_000n })
    const held = owing.shop.done(AT, 'reserve', {
      subject: { kind: 'operation', operation: 'unit', variant: null, quantity: 100, args: null, actual: {} },
      labels: null,
      ttlMs: 60_000,
      overrun: 'debt',
      call: null,
    })
    owing.shop.done(AT, 'settle', { reservation: held.reservation?.id ?? '', actual: { actual: 103_000_000n }, fault: null })
    expect(owing.shop.refused(AT, 'refund_purchase', byRule(owing.purchase)).details).toMatchObject({ rule: 'standing', state: 'active', debt: 3 })
  })

  it('ND-15: an operator may go past the rule, but takes only what is there', () => {
    const { shop, purchase } = bought()
    shop.charge(AT, 249)
    shop.done(AT, 'set_state', { state: 'suspended', reason: null })
    const late = '2027-01-01T00:00:00Z'
    expect(shop.refused(late, 'refund_purchase', byRule(purchase)).code).toBe('refund_not_allowed')
    const forced = shop.done(late, 'refund_purchase', { purchase, isForced: true, reason: null })
    expect(forced.transaction).toMatchObject({ credits: 1_000_000n, detail: { forced: true, refundedUsd: '0.03' } })
    const empty = bought('final')
    empty.shop.charge(AT, 10)
    empty.shop.give(AT, '50')
    const refusal = empty.shop.refused(AT, 'refund_purchase', { purchase: empty.purchase, isForced: true, reason: null })
    expect(refusal.details).toMatchObject({ rule: 'nothing_left' })
    expect(empty.shop.balance).toBe(50)
  })

  it('ND-15: never takes credits of a subscription, of a gift or of another purchase', () => {
    const { shop, purchase } = bought('boost', { plan: 'monthly' })
    shop.give(AT, '30')
    shop.buy(AT, 'boost')
    shop.done(AT, 'refund_purchase', byRule(purchase))
    expect(shop.grants.map((grant) => [grant.source, Number(grant.remaining) / 1e6])).toEqual([
      ['allowance', 20],
      ['purchase', 0],
      ['purchase_bonus', 0],
      ['adjustment', 30],
      ['purchase', 200],
      ['purchase_bonus', 50],
    ])
  })

  it('is refused where the pack has no rule for one, and for a purchase that is pending, cancelled or unknown', () => {
    const { shop, purchase } = bought('final')
    expect(shop.refused(AT, 'refund_purchase', byRule(purchase)).details).toMatchObject({ rule: 'no_refunds' })
    const pending = purchaseId(shop.buy(AT, 'boost', { isSettled: false }))
    expect(shop.refused(AT, 'refund_purchase', byRule(pending)).code).toBe('purchase_pending')
    shop.done(AT, 'cancel_purchase', { purchase: pending })
    expect(shop.refused(AT, 'refund_purchase', { ...byRule(pending), isForced: true })).toMatchObject({
      code: 'refund_not_allowed',
      details: { state: 'cancelled' },
    })
    expect(shop.refused(AT, 'refund_purchase', byRule('pu_9_0123456789')).code).toBe('unknown_purchase')
  })

  it('what has expired is not there to be refunded', () => {
    const { shop, purchase } = bought('yearly')
    expect(shop.refused('2027-01-15T10:00:00Z', 'refund_purchase', byRule(purchase)).details).toMatchObject({ rule: 'nothing_left' })
  })

  describe('for a budget lowers only what the purchase had raised', () => {
    const terms = (limit: bigint) => ({ name: null, scope: { values: {}, each: null }, window: { kind: 'total' }, limit, enforcement: 'hard', thresholds: [] }) as const
    const limitOf = (shop: Shop, id = 'preview') => Number(shop.ledger.record('budget', id)?.document['limit']) / 1e6

    it('ND-12: not one that was gone when it was paid and was made anew', () => {
      const shop = new Shop(SELLING, AT)
      shop.done(AT, 'set_budget', { id: 'preview', terms: terms(100_000_000n) })
      const purchase = purchaseId(shop.buy(AT, 'boost', { budget: 'preview', isSettled: false }))
      shop.done(AT, 'remove_budget', { id: 'preview' })
      shop.done(AT, 'settle_purchase', { purchase })
      shop.done(AT, 'set_budget', { id: 'preview', terms: terms(500_000_000n) })
      shop.done(AT, 'refund_purchase', byRule(purchase))
      expect(limitOf(shop)).toBe(500)
    })

    it('ND-12: not one that was made anew or given another limit since, whatever raised it then', () => {
      for (const isRemoved of [true, false]) {
        const shop = new Shop(SELLING, AT)
        shop.done(AT, 'set_budget', { id: 'preview', terms: terms(100_000_000n) })
        const purchase = purchaseId(shop.buy(AT, 'boost', { budget: 'preview' }))
        expect(limitOf(shop)).toBe(350)
        if (isRemoved) shop.done(AT, 'remove_budget', { id: 'preview' })
        shop.done(AT, 'set_budget', { id: 'preview', terms: terms(500_000_000n) })
        const later = purchaseId(shop.buy(AT, 'boost', { budget: 'preview' }))
        expect(shop.done(AT, 'refund_purchase', byRule(purchase)).transaction?.detail).not.toHaveProperty('limitLowered')
        expect(limitOf(shop)).toBe(750)
        expect(shop.done(AT, 'refund_purchase', byRule(later)).transaction?.detail).toMatchObject({ budget: 'preview', limitLowered: 250 })
        expect(limitOf(shop)).toBe(500)
      }
    })

    it('by no more than it could raise it', () => {
      const shop = new Shop(SELLING, AT)
      shop.done(AT, 'set_budget', { id: 'preview', terms: terms(1_999_999_900_000_000n) })
      const purchase = purchaseId(shop.buy(AT, 'boost', { budget: 'preview' }))
      expect(limitOf(shop)).toBe(2_000_000_000)
      shop.done(AT, 'refund_purchase', byRule(purchase))
      expect(limitOf(shop)).toBe(1_999_999_900)
    })

    it("and of a plan's cap, while the plan that it was raised for lasts", () => {
      const plan = (credits: string) => ({ name: 'A plan', monthly_credits: '20', price_usd: '5', rollover: { kind: 'none' }, spending_cap: { credits, window: 'period' } })
      const catalogs = catalogOf({ ...SELLING_DOCUMENT, plans: { small: plan('100'), large: plan('200') } })
      const shop = new Shop(catalogs, AT, { plan: 'small' })
      const [first, second] = [1, 2].map(() => purchaseId(shop.buy(AT, 'boost', { budget: 'spending_cap' })))
      expect(limitOf(shop, 'spending_cap')).toBe(600)
      shop.sweep('2026-02-20T10:00:00Z')
      expect(limitOf(shop, 'spending_cap')).toBe(600)
      shop.done(AT, 'refund_purchase', { ...byRule(first ?? ''), isForced: true })
      expect(limitOf(shop, 'spending_cap')).toBe(350)
      shop.done(AT, 'subscribe', { plan: 'large', when: 'now' })
      expect(limitOf(shop, 'spending_cap')).toBe(200)
      shop.done(AT, 'refund_purchase', { ...byRule(second ?? ''), isForced: true })
      expect(limitOf(shop, 'spending_cap')).toBe(200)
    })
  })

  it('SF-15: unused dollars of a pack that never expires are given back at any time, whatever was used', () => {
    const shop = new Shop(bundled('synfluencer'), AT)
    const purchase = purchaseId(shop.buy(AT, 'usd-25'))
    shop.done(AT, 'adjust', { amount: -24_345_679n - (shop.ledger.account?.books.available ?? 0n) + 25_000_000n, reason: null })
    const left = shop.grants.find((grant) => grant.source === 'purchase')?.remaining ?? 0n
    const refund = shop.done('2028-01-15T10:00:00Z', 'refund_purchase', byRule(purchase))
    expect(left).toBe(654_321n)
    expect(refund.transaction).toMatchObject({ credits: 654_321n, detail: { refundedUsd: '0.65' } })
  })

  it('ND-15, of neural-draft: 25 % of a bundle used is refunded, a credit more is not', () => {
    for (const [used, code] of [[1_000, null], [1_001, 'refund_not_allowed']] as const) {
      const shop = new Shop(bundled('neural-draft'), AT)
      const purchase = purchaseId(shop.buy(AT, 'usd-20'))
      shop.done(AT, 'adjust', { amount: BigInt(-used) * 1_000_000n, reason: null })
      const outcome = shop.run('2026-02-14T10:00:00Z', 'refund_purchase', byRule(purchase))
      expect(outcome.kind === 'refused' ? outcome.refusal.code : null).toBe(code)
      if (outcome.kind === 'done') expect(outcome.transaction?.detail).toMatchObject({ refundedUsd: '15.00' })
    }
  })
})
