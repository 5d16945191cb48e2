import { describe, expect, it } from 'vitest'
import { NEVER } from '../../src/time/instant.js'
import { bundled, catalogOf, purchaseId, purchaseOf, SELLING, SELLING_DOCUMENT, Shop } from './selling.js'

const AT = '2026-01-15T10:00:00Z'

function sources(shop: Shop) {
  return shop.grants.map(({ source, amount, isPaid, expiresAt }) => [source, Number(amount) / 1e6, isPaid, expiresAt === NEVER])
}

describe('a purchase', () => {
  it('SN-08: makes a grant of each part, the bonus apart from what was paid, and says so in one row', () => {
    const shop = new Shop(SELLING, AT)
    const bought = shop.withKey('k').buy(AT, 'boost')
    expect(sources(shop)).toEqual([['purchase', 200, true, true], ['purchase_bonus', 50, false, true]])
    expect(shop.balance).toBe(250)
    const rows = shop.ledger.journal.map((row) => row.detail['change'] ?? row.kind)
    expect(rows).toEqual(['purchase_ordered', 'grant', 'grant', 'purchase_settled'])
    expect(bought.transaction).toMatchObject({ idempotencyKey: 'k', balanceAfter: 250_000_000n })
    expect(bought.transaction?.detail).toEqual({
      change: 'purchase_settled',
      purchase: purchaseId(bought),
      pack: 'boost',
      name: 'Boost',
      credits: 250,
      priceUsd: '9.99',
      grants: shop.grants.map((grant) => grant.id),
    })
    const document = { state: 'settled', credits: 250_000_000, grants: [2, 3], settledBy: 4 }
    expect(bought.record).toMatchObject({ isOpen: false, document })
    expect(purchaseId(bought)).toMatch(/^pu_1_[0-9a-f]{10}$/)
  })

  it('burns its bonus before what was paid', () => {
    const shop = new Shop(SELLING, AT)
    shop.buy(AT, 'boost')
    shop.charge(AT, 60)
    expect(shop.grants.map((grant) => grant.remaining)).toEqual([190_000_000n, 0n])
  })

  it.each([
    ['SN-08', 'social-neuron', 'credit-boost', [200, 50]],
    ['SN-08', 'social-neuron', 'credit-pack', [500, 50]],
    ['SN-08', 'social-neuron', 'credit-bundle', [1_500, 200]],
    ['SN-08', 'social-neuron', 'credit-mega', [5_000, 1_000]],
    ['SN-09', 'social-neuron', 'api-pack', [1_000]],
    ['SN-09', 'social-neuron', 'api-pack-pro', [5_000]],
    ['SN-09', 'social-neuron', 'api-pack-enterprise', [20_000]],
    ['WC-15', 'workspace-credits', 'starter', [100]],
    ['WC-15', 'workspace-credits', 'basic', [250]],
    ['WC-15', 'workspace-credits', 'popular', [550]],
    ['WC-15', 'workspace-credits', 'pro', [1_100]],
    ['WC-15', 'workspace-credits', 'max', [2_350]],
    ['ND-07', 'neural-draft', 'usd-20', [4_000]],
    ['ND-07', 'neural-draft', 'usd-100', [20_000]],
    ['ND-07', 'neural-draft', 'usd-500', [100_000]],
    ['SF-01', 'synfluencer', 'usd-10', [10]],
    ['SF-01', 'synfluencer', 'usd-25', [25]],
    ['SF-01', 'synfluencer', 'usd-50', [50]],
    ['SF-01', 'synfluencer', 'usd-100', [100]],
  ] as const)('%s: of %s, %s, gives its parts', (_row, catalog, pack, parts) => {
    const shop = new Shop(bundled(catalog), AT)
    shop.buy(AT, pack)
    expect(shop.grants.map((grant) => Number(grant.amount) / 1e6)).toEqual(parts)
  })

  it('WC-02: is valid for twelve months to the wall-clock minute in the zone of the account, clamped', () => {
    const shop = new Shop(bundled('workspace-credits'), '2027-07-01T00:00:00Z', { timeZone: 'America/New_York' })
    shop.buy('2027-07-01T14:30:00Z', 'starter')
    // 29 February has no day of its own a year on, and the clock has not gone forward yet.
    shop.buy('2028-02-29T15:30:00Z', 'basic')
    const ends = shop.grants.map((grant) => new Date(grant.expiresAt).toISOString())
    expect(ends).toEqual(['2028-07-01T14:30:00.000Z', '2029-02-28T15:30:00.000Z'])
    const across = new Shop(bundled('workspace-credits'), '2027-03-13T15:00:00Z', { timeZone: 'America/New_York' })
    // 10:00 in winter time; a year on, 10:00 is in summer time.
    across.buy('2027-03-13T15:00:00Z', 'starter')
    expect(new Date(across.grants[0]?.expiresAt ?? 0).toISOString()).toBe('2028-03-13T14:00:00.000Z')
    shop.sweep('2028-07-01T14:29:59.999Z')
    expect(shop.balance).toBe(350)
    shop.sweep('2028-07-01T14:30:00Z')
    expect(shop.balance).toBe(250)
  })

  it('ND-07, SF-15: does not expire while the account is active, on any tier', () => {
    for (const plan of ['free', 'hobby', 'scale']) {
      const shop = new Shop(bundled('neural-draft'), AT, { plan })
      shop.buy(AT, 'usd-20')
      expect(shop.grants.at(-1)).toMatchObject({ amount: 4_000_000_000n, expiresAt: NEVER })
      shop.sweep('2126-01-15T10:00:00Z')
      expect(shop.grants.find((grant) => grant.source === 'purchase')?.remaining).toBe(4_000_000_000n)
    }
    const shop = new Shop(bundled('synfluencer'), AT)
    shop.buy(AT, 'usd-10')
    expect(shop.grants.at(-1)?.expiresAt).toBe(NEVER)
  })

  it('tops a suspended account up, and a closed one not', () => {
    const shop = new Shop(SELLING, AT)
    shop.done(AT, 'set_state', { state: 'suspended', reason: null })
    shop.buy(AT, 'final')
    expect(shop.balance).toBe(10)
    const { record } = shop.buy(AT, 'final', { isSettled: false })
    shop.done(AT, 'set_state', { state: 'closed', reason: null })
    expect(shop.refused(AT, 'purchase', purchaseOf('final')).code).toBe('account_suspended')
    expect(shop.refused(AT, 'purchase', { ...purchaseOf('final'), isSettled: false }).code).toBe('account_suspended')
    expect(shop.refused(AT, 'settle_purchase', { purchase: record?.id ?? '' }).code).toBe('account_suspended')
    expect(shop.pending).toBe(10)
    shop.done(AT, 'cancel_purchase', { purchase: record?.id ?? '' })
    expect(shop.pending).toBe(0)
  })

  it('of a pack, provider or budget that is not there is refused, and names what there is', () => {
    const shop = new Shop(SELLING, AT)
    expect(shop.refused(AT, 'purchase', purchaseOf('nothing'))).toMatchObject({
      code: 'unknown_pack',
      advice: ['The catalog has the packs: final, boost, yearly'],
    })
    expect(shop.refused(AT, 'purchase', { ...purchaseOf('final'), provider: 'A:b' }).code).toBe('invalid_request')
    expect(shop.refused(AT, 'purchase', { ...purchaseOf('final'), budget: 'none' }).code).toBe('unknown_budget')
    expect(shop.refused(AT, 'settle_purchase', { purchase: 'pu_1_0123456789' }).code).toBe('unknown_purchase')
    expect(shop.refused(AT, 'cancel_purchase', { purchase: 'nonsense' }).code).toBe('unknown_purchase')
  })

  it('that would exceed two billion credits is refused whole', () => {
    const shop = new Shop(SELLING, AT)
    shop.give(AT, '1999999900')
    expect(shop.refused(AT, 'purchase', purchaseOf('boost')).code).toBe('invalid_amount')
    shop.buy(AT, 'yearly')
    expect(shop.balance).toBe(2_000_000_000)
  })

  it('T08: repeated with its key is answered by the same row and grants nothing more', () => {
    const shop = new Shop(SELLING, AT)
    const first = shop.withKey('k').buy(AT, 'boost')
    const again = shop.withKey('k').buy('2026-03-01T00:00:00Z', 'boost')
    expect(again).toMatchObject({ replayed: true, transaction: { hash: first.transaction?.hash } })
    expect(shop.balance).toBe(250)
  })

  it('repays what the account owes first', () => {
    const shop = new Shop(SELLING, AT, { debtMax: 5_000_000n })
    const subject = { kind: 'operation', operation: 'unit', variant: null, quantity: 1, args: null, actual: {} } as const
    shop.give(AT, '1')
    const held = shop.done(AT, 'reserve', { subject, labels: null, ttlMs: 60_000, overrun: 'debt', call: null })
    shop.done(AT, 'settle', { reservation: held.reservation?.id ?? '', actual: { actual: 5_000_000n }, fault: null })
    expect(shop.balance).toBe(-4)
    shop.buy(AT, 'final')
    expect(shop.balance).toBe(6)
  })
})

describe('a purchase that is not paid yet', () => {
  it('WC-17: is pending, gives nothing, and is told of', () => {
    const shop = new Shop(SELLING, AT)
    const ordered = shop.withKey('order').buy(AT, 'boost', { isSettled: false })
    expect(shop.balance).toBe(0)
    expect(shop.pending).toBe(250)
    const document = { state: 'pending', orderedAt: Date.parse(AT), settledAt: null, grants: [] }
    expect(ordered.record).toMatchObject({ isOpen: true, document })
    expect(ordered.transaction).toMatchObject({ idempotencyKey: 'order', detail: { change: 'purchase_ordered', pack: 'boost' } })
    expect(shop.ledger.allRecords('message').map((record) => record.document)).toMatchObject([{ type: 'purchase_pending', credits: 250 }])
    expect(shop.withKey('order').buy(AT, 'boost', { isSettled: false })).toMatchObject({ replayed: true })
    expect(shop.pending).toBe(250)
  })

  it('is settled once, and its months count from then', () => {
    const shop = new Shop(SELLING, AT)
    const purchase = purchaseId(shop.buy(AT, 'yearly', { isSettled: false }))
    shop.done('2026-02-10T08:00:00Z', 'settle_purchase', { purchase })
    expect(shop.grants.map((grant) => new Date(grant.expiresAt).toISOString())).toEqual(['2027-02-10T08:00:00.000Z'])
    expect(shop.pending).toBe(0)
    const again = shop.done('2026-02-11T08:00:00Z', 'settle_purchase', { purchase })
    expect(again).toMatchObject({ replayed: true, record: { document: { state: 'settled' } } })
    expect(again.transaction?.detail).toMatchObject({ change: 'purchase_settled' })
    expect(shop.balance).toBe(100)
  })

  it('cancelled is over: it is neither settled nor cancelled again', () => {
    const shop = new Shop(SELLING, AT)
    const purchase = purchaseId(shop.buy(AT, 'boost', { isSettled: false }))
    expect(shop.done(AT, 'cancel_purchase', { purchase }).record).toMatchObject({ isOpen: false, document: { state: 'cancelled' } })
    expect(shop.pending).toBe(0)
    expect(shop.refused(AT, 'settle_purchase', { purchase })).toMatchObject({ code: 'invalid_request', details: { state: 'cancelled' } })
    expect(shop.refused(AT, 'cancel_purchase', { purchase })).toMatchObject({ code: 'invalid_request', details: { state: 'cancelled' } })
    expect(shop.balance).toBe(0)
  })

  it('keeps the parts and price that it was ordered at, whatever the catalog says by then', () => {
    const dearer = { ...SELLING_DOCUMENT, packs: { other: { ...SELLING_DOCUMENT.packs.final, name: 'Other' } } }
    const shop = new Shop(catalogOf(SELLING_DOCUMENT, [Date.parse('2026-02-01T00:00:00Z'), dearer]), AT)
    const purchase = purchaseId(shop.buy(AT, 'boost', { isSettled: false }))
    expect(shop.refused('2026-02-02T00:00:00Z', 'purchase', purchaseOf('boost')).code).toBe('unknown_pack')
    const settled = shop.done('2026-02-02T00:00:00Z', 'settle_purchase', { purchase })
    expect(settled.transaction).toMatchObject({ priceVersion: 1, detail: { priceUsd: '9.99', credits: 250 } })
    expect(shop.balance).toBe(250)
  })
})

describe('a payment', () => {
  const paid = { provider: 'stripe', reference: 'cs_1' }

  it('T10, I6: told of three times, under whatever keys, is one purchase', () => {
    const shop = new Shop(SELLING, AT)
    const first = shop.withKey('event-1').buy(AT, 'boost', paid)
    const second = shop.withKey('event-2').buy(AT, 'boost', paid)
    const third = shop.buy('2026-05-01T00:00:00Z', 'boost', paid)
    expect([second, third]).toMatchObject([{ replayed: true, record: first.record }, { replayed: true, record: first.record }])
    expect(second.transaction).toEqual(first.transaction)
    expect(shop.balance).toBe(250)
    expect(first.record?.lookup).toBe('payment:stripe:cs_1')
    shop.buy(AT, 'boost', { provider: 'stripe', reference: 'cs_2' })
    shop.buy(AT, 'boost', { provider: 'other', reference: 'cs_1' })
    expect(shop.balance).toBe(750)
  })

  it('that was pending and comes as paid settles the purchase it began', () => {
    const shop = new Shop(SELLING, AT)
    const ordered = shop.buy(AT, 'boost', { ...paid, isSettled: false })
    expect(shop.buy(AT, 'boost', { ...paid, isSettled: false })).toMatchObject({ replayed: true })
    expect(shop.pending).toBe(250)
    const settled = shop.buy('2026-01-16T00:00:00Z', 'boost', paid)
    expect(purchaseId(settled)).toBe(purchaseId(ordered))
    expect(shop.balance).toBe(250)
    expect(shop.pending).toBe(0)
    expect(shop.done(AT, 'settle_purchase', { purchase: purchaseId(ordered) }).replayed).toBe(true)
    expect(shop.balance).toBe(250)
  })

  it('T12: whose purchase was cancelled grants nothing when it is told of late', () => {
    const shop = new Shop(SELLING, AT)
    const ordered = shop.buy(AT, 'boost', { ...paid, isSettled: false })
    shop.done(AT, 'cancel_purchase', { purchase: purchaseId(ordered) })
    expect(shop.refused(AT, 'purchase', { ...purchaseOf('boost'), ...paid }).code).toBe('invalid_request')
    expect(shop.balance).toBe(0)
  })

  it('for something else than before is a conflict', () => {
    const shop = new Shop(SELLING, AT)
    shop.buy(AT, 'boost', paid)
    expect(shop.refused(AT, 'purchase', { ...purchaseOf('final'), ...paid }).code).toBe('idempotency_conflict')
  })

  it('has an id that tells nothing of it and differs from account to account', () => {
    const ids = ['one', 'two'].map((labelSalt) => purchaseId(new Shop(SELLING, AT, { labelSalt }).buy(AT, 'boost', paid)))
    expect(ids[0]).toMatch(/^pu_[0-9a-f]{24}$/)
    expect(new Set(ids).size).toBe(2)
  })
})

describe('a purchase for a budget', () => {
  const scope = { values: { environment: 'preview' }, each: null }
  const terms = { name: null, scope, window: { kind: 'total' }, limit: 100_000_000n, enforcement: 'hard', thresholds: [] } as const
  const limitOf = (shop: Shop) => Number(shop.ledger.record('budget', 'preview')?.document['limit']) / 1e6

  it('ND-12: raises its limit for good by the credits of the pack, once it is settled', () => {
    const shop = new Shop(SELLING, AT)
    shop.done(AT, 'set_budget', { id: 'preview', terms })
    const purchase = purchaseId(shop.buy(AT, 'boost', { budget: 'preview', isSettled: false }))
    expect(limitOf(shop)).toBe(100)
    const settled = shop.done(AT, 'settle_purchase', { purchase })
    expect(limitOf(shop)).toBe(350)
    expect(settled.transaction?.detail).toMatchObject({ budget: 'preview' })
    shop.done(AT, 'settle_purchase', { purchase })
    expect(limitOf(shop)).toBe(350)
    shop.buy(AT, 'final')
    expect(limitOf(shop)).toBe(350)
  })

  it('that is gone by the time it is paid gives its credits all the same', () => {
    const shop = new Shop(SELLING, AT)
    shop.done(AT, 'set_budget', { id: 'preview', terms })
    const purchase = purchaseId(shop.buy(AT, 'boost', { budget: 'preview', isSettled: false }))
    shop.done(AT, 'remove_budget', { id: 'preview' })
    expect(shop.done(AT, 'settle_purchase', { purchase }).transaction?.detail).not.toHaveProperty('budget')
    expect(shop.balance).toBe(250)
  })

  it('refunded lowers the limit by what is taken back', () => {
    const shop = new Shop(SELLING, AT)
    shop.done(AT, 'set_budget', { id: 'preview', terms })
    const purchase = purchaseId(shop.buy(AT, 'boost', { budget: 'preview' }))
    shop.charge(AT, 10)
    shop.done(AT, 'refund_purchase', { purchase, isForced: false, reason: null })
    expect(limitOf(shop)).toBe(110)
  })
})

describe('a customer who is limited', () => {
  it('ND-12: does not choose a budget that what is bought raises', () => {
    const shop = new Shop(SELLING, AT)
    const terms = { name: null, scope: { values: {}, each: null }, window: { kind: 'total' }, limit: 10_000_000n, enforcement: 'hard', thresholds: [] } as const
    shop.done(AT, 'set_budget', { id: 'agents', terms })
    const order = { ...purchaseOf('boost'), isSettled: false, isSelfService: true }
    expect(shop.refused(AT, 'purchase', { ...order, budget: 'agents' })).toMatchObject({ code: 'forbidden', details: { budget: 'agents' } })
    shop.done(AT, 'settle_purchase', { purchase: purchaseId(shop.done(AT, 'purchase', order)) })
    expect(shop.ledger.record('budget', 'agents')?.document).toMatchObject({ limit: 10_000_000 })
  })

  it('has twenty orders open at most, which keep no operator from ordering, and more once one is paid or cancelled', () => {
    const shop = new Shop(SELLING, AT)
    const order = { ...purchaseOf('final'), isSettled: false, isSelfService: true }
    const [first = '', second = ''] = Array.from({ length: 20 }, () => purchaseId(shop.done(AT, 'purchase', order)))
    expect(shop.refused(AT, 'purchase', order)).toMatchObject({ code: 'invalid_request', details: { kind: 'purchase', max: 20 } })
    shop.buy(AT, 'final', { isSettled: false })
    shop.done(AT, 'cancel_purchase', { purchase: first })
    shop.done(AT, 'purchase', order)
    shop.done(AT, 'settle_purchase', { purchase: second })
    shop.done(AT, 'purchase', order)
    shop.refused(AT, 'purchase', order)
  })
})

describe('who may buy', () => {
  const asCustomer = { ...purchaseOf('usd-10'), isSelfService: true }

  it('SF-11: where it is hidden, customers are refused until an operator enables it, and again once hidden', () => {
    const shop = new Shop(bundled('synfluencer'), AT)
    const refusal = shop.refused(AT, 'purchase', asCustomer)
    expect(refusal).toMatchObject({
      code: 'purchases_unavailable',
      message: 'Buying credits yourself is not enabled yet; an administrator can enable it',
      details: { selfService: 'hidden' },
      advice: ['Ask an operator to enable it, or to top up: npx mcp-credits topup <pack> --account acme'],
    })
    // Not even whether there is such a pack is told.
    expect(shop.refused(AT, 'purchase', { ...asCustomer, pack: 'nothing' }).code).toBe('purchases_unavailable')
    shop.buy(AT, 'usd-10')
    shop.done(AT, 'set_self_service', { isEnabled: true })
    shop.done(AT, 'purchase', asCustomer)
    expect(shop.balance).toBeGreaterThanOrEqual(20)
    shop.done(AT, 'set_self_service', { isEnabled: false })
    expect(shop.refused(AT, 'purchase', asCustomer).code).toBe('purchases_unavailable')
  })

  it('can be hidden from the customers of one account where the catalog shows it', () => {
    const shop = new Shop(SELLING, AT)
    shop.buy(AT, 'final', { isSelfService: true })
    const hidden = shop.withKey('k').done(AT, 'set_self_service', { isEnabled: false })
    expect(hidden.transaction?.detail).toMatchObject({ change: 'self_service_set' })
    expect(shop.refused(AT, 'purchase', { ...purchaseOf('final'), isSelfService: true }).code).toBe('purchases_unavailable')
    shop.buy(AT, 'final')
    const rows = shop.ledger.journal.length
    expect(shop.withKey('k').done(AT, 'set_self_service', { isEnabled: false }).replayed).toBe(true)
    shop.done(AT, 'set_self_service', { isEnabled: false })
    expect(shop.ledger.journal).toHaveLength(rows)
  })

  it('a payment that was begun is settled also after buying was hidden', () => {
    const shop = new Shop(SELLING, AT)
    const paid = { provider: 'stripe', reference: 'cs_1', isSelfService: true }
    shop.buy(AT, 'final', { ...paid, isSettled: false })
    shop.done(AT, 'set_self_service', { isEnabled: false })
    shop.buy(AT, 'final', paid)
    expect(shop.balance).toBe(10)
  })

  it('SK-07: where nothing is sold nobody buys, and the ways out are the renewal date and the higher plans', () => {
    const shop = new Shop(bundled('soku'), AT, { plan: 'starter' })
    for (const isSelfService of [true, false]) {
      expect(shop.refused(AT, 'purchase', { ...purchaseOf('usd-20'), isSelfService })).toMatchObject({
        code: 'purchases_unavailable',
        message: expect.stringContaining('Additional credit purchases are not available'),
        details: { selfService: 'none', renewsAt: '2026-02-15T10:00:00.000Z', higherPlans: ['agency', 'pro'] },
        advice: ['Wait for the next grant on 2026-02-15T10:00:00.000Z', 'Choose a higher plan: Agency, Pro'],
      })
    }
    expect(shop.refused(AT, 'set_self_service', { isEnabled: true }).code).toBe('purchases_unavailable')
    const highest = new Shop(bundled('soku'), AT, { plan: 'agency' })
    expect(highest.refused(AT, 'purchase', purchaseOf('usd-20')).advice).toEqual(['Wait for the next grant on 2026-02-15T10:00:00.000Z'])
  })
})
