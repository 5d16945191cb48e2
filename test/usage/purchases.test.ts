import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { openLedger } from '../../src/facade/open-ledger.js'
import { readItems, setItemResult } from '../../src/usage/items.js'
import { Ledger } from '../../src/usage/ledger.js'
import { manualProvider, type Payment, type PaymentOrder, type PaymentProvider } from '../../src/usage/payment-provider.js'
import {
  buy,
  purchaseRefundResult,
  purchaseResult,
  readPacks,
  readPlans,
  readPurchases,
  recordPurchase,
} from '../../src/usage/purchases.js'
import { settleResult, releaseResult } from '../../src/usage/write-results.js'
import { verify } from '../../src/usage/verify.js'
import { readBalance } from '../../src/usage/balance.js'
import { createTestDatabase } from '../support/postgres.js'
import { bundled, catalogOf, OPERATOR, purchaseOf, SELLING_DOCUMENT } from '../decide/selling.js'

const T0 = Date.UTC(2026, 0, 15, 10)
const open: Ledger[] = []

afterEach(async () => {
  for (const ledger of open.splice(0)) await ledger.store.close()
})

interface Opening {
  readonly database?: string | undefined
  readonly accounts?: readonly string[]
}

async function openShop(catalog: string | object, { database = ':memory:', accounts = ['acme'] }: Opening = {}) {
  const clock = { at: T0, now: () => clock.at }
  const [version] = typeof catalog === 'string' ? bundled(catalog) : catalogOf(catalog)
  const ledger = new Ledger({ store: await openLedger(database, version?.catalog ?? null, clock), clock, defaultAccount: null })
  open.push(ledger)
  for (const id of accounts) {
    const settings = { id, timeZone: 'UTC', parent: null, isTest: false, debtMax: 0n, labelSalt: id }
    await ledger.update({ kind: 'create_account', ...addressed(id), settings, plan: 'none' })
  }
  return { ledger, clock }
}

const addressed = (account = 'acme') => ({ account, actor: OPERATOR, idempotencyKey: null, fingerprint: null })
const request = (pack: string, more: object = {}) => ({ ...addressed(), pack, budget: null, isSelfService: false, ...more })
const ALL = { account: null, since: null }
const customer = { isSelfService: true }
const operator = { isSelfService: false }

const balanceOf = (ledger: Ledger, account = 'acme') => readBalance(ledger, account, { party: OPERATOR, withoutMeter: false, own: null })

/** A payment service that answers later, and the same payment for the same key. */
class LaterProvider implements PaymentProvider {
  readonly name = 'later'
  readonly orders: PaymentOrder[] = []
  readonly #keys = new Map<string, Payment>()

  async start(order: PaymentOrder): Promise<Payment> {
    const known = order.key === null ? undefined : this.#keys.get(order.key)
    if (known !== undefined) return known
    this.orders.push(order)
    const count = this.orders.length
    const payment: Payment = { state: 'pending', reference: `pay_${count}`, payUrl: `https://pay.example/${count}` }
    if (order.key !== null) this.#keys.set(order.key, payment)
    return payment
  }
}

describe('buying', () => {
  it('from the manual provider is settled at once, and repeated with its key the same', async () => {
    const { ledger } = await openShop(SELLING_DOCUMENT)
    const keyed = request('boost', { idempotencyKey: 'k', fingerprint: 'f' })
    const bought = await buy(ledger, manualProvider, keyed)
    expect(bought).toEqual({
      transaction: expect.stringMatching(/^tx_4_/),
      balance: 250,
      replayed: false,
      purchase: expect.stringMatching(/^pu_1_/),
      pack: 'boost',
      state: 'settled',
      credits: 250,
      granted: 250,
      priceUsd: 9.99,
      payUrl: null,
    })
    expect(await buy(ledger, manualProvider, keyed)).toEqual({ ...bought, replayed: true })
    expect(await readPurchases(ledger, 'acme', { ...operator, limit: 10 })).toEqual([
      {
        id: bought.purchase,
        pack: 'boost',
        name: 'Boost',
        state: 'settled',
        credits: 250,
        priceUsd: 9.99,
        refundedUsd: null,
        orderedAt: '2026-01-15T10:00:00.000Z',
        settledAt: '2026-01-15T10:00:00.000Z',
        provider: 'manual',
        reference: null,
        budget: null,
      },
    ])
    expect((await verify(ledger, ALL)).problems).toEqual([])
  })

  it('WC-17, T10: from a service that answers later is pending and visible, and its notice grants once', async () => {
    const { ledger, clock } = await openShop(SELLING_DOCUMENT)
    const provider = new LaterProvider()
    const ordered = await buy(ledger, provider, request('boost'))
    expect(ordered).toMatchObject({ state: 'pending', granted: 0, credits: 250, balance: 0, payUrl: 'https://pay.example/1' })
    expect(provider.orders).toMatchObject([{ account: 'acme', pack: 'boost', price: { millionths: 9_990_000 }, credits: 250_000_000n }])
    expect(await balanceOf(ledger)).toMatchObject({ balance: 0, pending: 250 })
    const history = await readPurchases(ledger, 'acme', { ...operator, limit: 10 })
    expect(history).toMatchObject([{ state: 'pending', settledAt: null, reference: 'pay_1' }])
    clock.at += 60_000
    const notice = { ...addressed(), kind: 'purchase', ...purchaseOf('boost'), provider: 'later', reference: 'pay_1' } as const
    const settled = await recordPurchase(ledger, notice)
    const again = await recordPurchase(ledger, { ...notice, idempotencyKey: 'other', fingerprint: 'f' })
    const { purchase } = ordered
    expect(purchaseResult(settled)).toMatchObject({ purchase, state: 'settled', granted: 250, balance: 250, replayed: false })
    expect(purchaseResult(again)).toEqual({ ...purchaseResult(settled), replayed: true })
    expect(purchaseResult(await ledger.update({ ...addressed(), kind: 'settle_purchase', purchase }))).toMatchObject({ replayed: true })
    expect(await balanceOf(ledger)).toMatchObject({ balance: 250, pending: 0 })
    expect((await verify(ledger, ALL)).problems).toEqual([])
  })

  it('T13: a request that is repeated with its key starts no second payment, and one that is refused starts none', async () => {
    const { ledger } = await openShop(SELLING_DOCUMENT)
    const provider = new LaterProvider()
    const keyed = request('boost', { idempotencyKey: 'k', fingerprint: 'f' })
    const first = await buy(ledger, provider, keyed)
    expect(await buy(ledger, provider, keyed)).toEqual({ ...first, replayed: true, payUrl: null })
    expect(provider.orders).toHaveLength(1)
    await expect(buy(ledger, provider, { ...keyed, fingerprint: 'other' })).rejects.toMatchObject({ code: 'idempotency_conflict' })
    await expect(buy(ledger, provider, request('nothing'))).rejects.toMatchObject({ code: 'unknown_pack' })
    await expect(buy(ledger, provider, request('boost', { budget: 'none' }))).rejects.toMatchObject({ code: 'unknown_budget' })
    const child = { id: 'key_0123456789ab', name: null, digest: 'd', prefix: 'mc_', amount: 1n, lifeMs: 60_000, operations: null, mayDelegate: false }
    await ledger.update({ ...addressed(), kind: 'delegate', ...child })
    const forged = request('boost', { idempotencyKey: `${child.id}:k`, fingerprint: 'f' })
    await expect(buy(ledger, provider, forged)).rejects.toMatchObject({ code: 'invalid_request' })
    await ledger.update({ ...addressed(), kind: 'set_state', state: 'closed', reason: null })
    await expect(buy(ledger, provider, request('boost'))).rejects.toMatchObject({ code: 'account_suspended' })
    expect(provider.orders).toHaveLength(1)
  })

  it.each(['sqlite', 'postgres'])('T10, I6: on %s a payment of one account is none of another, and neither learns of the other', async (engine) => {
    const database = engine === 'postgres' ? await createTestDatabase() : null
    onTestFinished(async () => database?.drop())
    const { ledger } = await openShop(SELLING_DOCUMENT, { database: database?.url, accounts: ['acme', 'other'] })
    const paid = { kind: 'purchase', ...purchaseOf('boost'), provider: 'later', reference: 'pay_1' } as const
    await recordPurchase(ledger, { ...addressed('acme'), ...paid })
    const refused = recordPurchase(ledger, { ...addressed('other'), ...paid })
    await expect(refused).rejects.toMatchObject({ code: 'idempotency_conflict', message: expect.not.stringContaining('acme') })
    expect([(await balanceOf(ledger)).balance, (await balanceOf(ledger, 'other')).balance]).toEqual([250, 0])
    const race = ['acme', 'other'].map((account) => recordPurchase(ledger, { ...addressed(account), ...paid, reference: 'pay_2' }))
    const raced = await Promise.allSettled(race)
    expect(raced.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(raced.find((one) => one.status === 'rejected')).toMatchObject({ reason: { code: 'idempotency_conflict' } })
    expect((await verify(ledger, ALL)).problems).toEqual([])
    for (const opened of open.splice(0)) await opened.store.close()
  })

  it('a cancelled order and a refund are answered from their rows', async () => {
    const { ledger } = await openShop(SELLING_DOCUMENT)
    const ordered = await buy(ledger, new LaterProvider(), request('boost'))
    const cancelled = await ledger.update({ ...addressed(), kind: 'cancel_purchase', purchase: ordered.purchase })
    const figures = { credits: 250, granted: 0, priceUsd: 9.99 }
    expect(purchaseResult(cancelled)).toMatchObject({ purchase: ordered.purchase, state: 'cancelled', ...figures })
    const { purchase } = await buy(ledger, manualProvider, request('boost'))
    const refund = await ledger.update({ ...addressed(), kind: 'refund_purchase', purchase, isForced: false, reason: null })
    expect(purchaseRefundResult(refund)).toMatchObject({ purchase, revoked: 250, refundedUsd: 9.99, balance: 0 })
    const history = await readPurchases(ledger, 'acme', { ...operator, limit: 10 })
    expect(history).toMatchObject([{ state: 'refunded', refundedUsd: 9.99 }, { state: 'cancelled' }])
  })
})

describe('what is shown of purchases', () => {
  it('SF-11, SF-12: packs and payment history are hidden from customers until an operator enables them, and again after', async () => {
    const { ledger } = await openShop('synfluencer')
    await buy(ledger, manualProvider, request('usd-10'))
    const hidden = { code: 'purchases_unavailable' }
    await expect(readPurchases(ledger, 'acme', { ...customer, limit: 10 })).rejects.toMatchObject(hidden)
    await expect(readPacks(ledger, 'acme', customer)).rejects.toMatchObject(hidden)
    await expect(buy(ledger, manualProvider, request('usd-10', customer))).rejects.toMatchObject(hidden)
    expect(await readPurchases(ledger, 'acme', { ...operator, limit: 10 })).toHaveLength(1)
    expect(await readPacks(ledger, 'acme', operator)).toHaveLength(4)
    await ledger.update({ ...addressed(), kind: 'set_self_service', isEnabled: true })
    expect(await readPurchases(ledger, 'acme', { ...customer, limit: 10 })).toHaveLength(1)
    expect(await readPacks(ledger, 'acme', customer)).toHaveLength(4)
    await ledger.update({ ...addressed(), kind: 'set_self_service', isEnabled: false })
    await expect(readPurchases(ledger, 'acme', { ...customer, limit: 10 })).rejects.toMatchObject(hidden)
  })

  it('SK-07: where nothing is sold there are no packs, and who asks to buy is told so', async () => {
    const { ledger } = await openShop('soku')
    expect(await readPacks(ledger, 'acme', operator)).toEqual([])
    await expect(readPacks(ledger, 'acme', customer)).rejects.toMatchObject({ code: 'purchases_unavailable' })
    await expect(buy(ledger, manualProvider, request('usd-20'))).rejects.toMatchObject({ code: 'purchases_unavailable' })
  })

  const priced = async (catalog: string) => {
    const { ledger } = await openShop(catalog)
    const packs = await readPacks(ledger, 'acme', operator)
    return Object.fromEntries(packs.map((pack) => [pack.id, [pack.credits, pack.priceUsd, pack.pricePerCredit]]))
  }

  it('SN-08, SN-09: packs of social-neuron, a credit priced as the document rounds it', async () => {
    expect(await priced('social-neuron')).toMatchObject({
      'credit-boost': [250, 9.99, 0.04],
      'credit-pack': [550, 9.99, expect.any(Number)],
      'credit-bundle': [1_700, 24.99, 0.0147],
      'credit-mega': [6_000, 69.99, expect.any(Number)],
      'api-pack': [1_000, 9.99, 0.01],
      'api-pack-pro': [5_000, 39.99, 0.008],
      'api-pack-enterprise': [20_000, 199.99, 0.01],
    })
  })

  it('WC-02, WC-15: packs of workspace-credits, valid for twelve months', async () => {
    expect(await priced('workspace-credits')).toEqual({
      starter: [100, 10, 0.1],
      basic: [250, 25, 0.1],
      popular: [550, 50, 0.091],
      pro: [1_100, 100, 0.091],
      max: [2_350, 200, 0.085],
    })
    const { ledger } = await openShop('workspace-credits')
    expect((await readPacks(ledger, 'acme', operator)).map((pack) => pack.validMonths)).toEqual([12, 12, 12, 12, 12])
  })

  it('ND-07, SF-01: top-ups of neural-draft and synfluencer', async () => {
    expect(await priced('neural-draft')).toEqual({
      'usd-20': [4_000, 20, 0.005],
      'usd-100': [20_000, 100, 0.005],
      'usd-500': [100_000, 500, 0.005],
    })
    expect(await priced('synfluencer')).toEqual({
      'usd-10': [10, 10, 1],
      'usd-25': [25, 25, 1],
      'usd-50': [50, 50, 1],
      'usd-100': [100, 100, 1],
    })
  })

  it('ND-06: plans of neural-draft, with what a credit costs in each and how much less that is', async () => {
    const { ledger } = await openShop('neural-draft')
    const plans = await readPlans(ledger)
    const figures = ({ name, monthlyCredits, priceUsd, pricePerCredit, discountPercent, rollover }: (typeof plans)[number]) =>
      [name, monthlyCredits, priceUsd, pricePerCredit, discountPercent, rollover]
    expect(plans.map(figures)).toEqual([
      ['Free', 250, 0, null, null, 'none'],
      ['Hobby', 5_000, 25, 0.005, 0, 'none'],
      ['Build', 25_000, 119, 0.00476, 5, 'none'],
      ['Scale', 100_000, 399, 0.00399, 20, 'none'],
      ['Enterprise', null, null, null, null, 'none'],
    ])
  })
})

describe('recurring items of an account', () => {
  it('ND-21: show what they have come to since they were charged last', async () => {
    const { ledger, clock } = await openShop(SELLING_DOCUMENT)
    const set = await ledger.update({ ...addressed(), kind: 'set_item', item: 'domain', quantity: 2 })
    expect(setItemResult(set)).toMatchObject({ item: 'domain', quantity: 2, balance: 0, replayed: false })
    clock.at += 10 * 3_600_000
    const same = await ledger.update({ ...addressed(), kind: 'set_item', item: 'domain', quantity: 2 })
    expect(setItemResult(same)).toMatchObject({ transaction: null, item: 'domain', quantity: 2 })
    expect(await readItems(ledger, 'acme')).toEqual([
      {
        id: 'domain',
        name: 'Domain',
        unit: 'domain',
        quantity: 2,
        since: '2026-01-15T10:00:00.000Z',
        chargedAt: '2026-01-31T23:59:59.999Z',
        unitHours: 20,
        accrued: 10,
      },
    ])
    clock.at = Date.parse('2026-03-05T00:00:00Z')
    expect(await readItems(ledger, 'acme')).toMatchObject([{ since: '2026-03-01T00:00:00.000Z', unitHours: 2 * 96 }])
    await ledger.update({ ...addressed(), kind: 'sweep' })
    expect((await verify(ledger, ALL)).problems).toEqual([])
    expect(await balanceOf(ledger)).toMatchObject({ balance: 0, lifetimeUsed: 0 })
  })
})

describe('the answer to the end of a failed job', () => {
  it('ND-16: says what was charged and what was given back, whichever way it was asked for', async () => {
    const { ledger } = await openShop(SELLING_DOCUMENT)
    await buy(ledger, manualProvider, request('yearly'))
    const subject = { kind: 'operation', operation: 'job', variant: null, quantity: null, args: null, actual: {} } as const
    const reserve = async () => {
      const terms = { subject, labels: null, ttlMs: 60_000, overrun: 'cap', call: null } as const
      const { reservation } = await ledger.update({ ...addressed(), kind: 'reserve', ...terms })
      return reservation?.id ?? ''
    }
    const free = await ledger.update({ ...addressed(), kind: 'settle', reservation: await reserve(), actual: {}, fault: 'provider' })
    expect(settleResult(free)).toMatchObject({ charged: 0, released: 10, uncollected: 0, balance: 100 })
    const paid = await ledger.update({ ...addressed(), kind: 'release', reservation: await reserve(), fault: 'caller' })
    expect(releaseResult(paid)).toMatchObject({ charged: 10, released: 0, balance: 90 })
    const actual = { actual: 4_000_000n }
    const part = await ledger.update({ ...addressed(), kind: 'settle', reservation: await reserve(), actual, fault: 'caller' })
    expect(settleResult(part)).toMatchObject({ charged: 4, released: 6, balance: 86 })
    const released = await ledger.update({ ...addressed(), kind: 'release', reservation: await reserve(), fault: null })
    expect(releaseResult(released)).toMatchObject({ charged: 0, released: 10, balance: 86 })
  })
})
