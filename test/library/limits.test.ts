import { afterEach, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'
import { DAY_MS, HOUR_MS } from '../../src/time/instant.js'

/** 2026-03-10T12:00Z. */
const START = Date.UTC(2026, 2, 10, 12)

let open: Credits[] = []
let now = START

afterEach(async () => {
  await Promise.all(open.map((credits) => credits.close()))
  open = []
  now = START
})

async function opened(catalog: string | object, account: object = {}): Promise<Credits> {
  const credits = await openCredits({ database: ':memory:', catalog, clock: { now: () => now } })
  open.push(credits)
  await credits.createAccount({ id: 'acme', ...account })
  return credits.as({ account: 'acme' })
}

/** A product of one unit, whose price and plans a test chooses. */
function product(changed: object = {}): object {
  return {
    id: 'product',
    name: 'Product',
    unit: { name: 'credit', plural: 'credits', credit_usd: null },
    price_increase_notice_days: 30,
    operations: { unit: { name: 'Unit', price: { model: 'per_unit', credits: '1' } } },
    ...changed,
  }
}

const PLAN = { monthly_credits: '100', price_usd: '10', rollover: { kind: 'none' } }

describe('budgets of the library', () => {
  it('AX-10: a charge is explained with the budgets that it counted in and those alone', async () => {
    const credits = await opened('neural-draft')
    await credits.setBudget({ id: 'before', window: 'month', limit: 200 })
    await credits.setBudget({ id: 'images', window: 'day', limit: 200, scope: { operation: 'image.generate' } })
    const { transaction } = await credits.charge({ operation: 'blog.post', idempotencyKey: 'post' })
    await credits.setBudget({ id: 'after', window: 'month', limit: 200 })
    const explained = await credits.explain({ transaction: transaction ?? '' })
    expect(explained.budgets).toMatchObject([{ id: 'before', used: 60, remaining: 140, window: 'month' }])
    expect(await credits.explain({ idempotencyKey: 'post' })).toEqual(explained)
  })

  it('what a party can spend is the balance bounded by every budget that would stop it whatever it does', async () => {
    const credits = await opened('neural-draft')
    await credits.putMember({ id: 'ann' })
    await credits.setBudget({ id: 'ann', window: 'week', limit: 40, scope: { member: 'ann' } })
    await credits.setBudget({ id: 'images', window: 'day', limit: 1, scope: { operation: 'image.generate' } })
    expect(await credits.balance()).toMatchObject({ balance: 250, spendable: 250 })
    const ann = credits.as({ member: 'ann', holder: 'agent' })
    expect(await ann.balance()).toMatchObject({ balance: 250, spendable: 40 })
    expect(await ann.budgets()).toMatchObject({ tightest: { id: 'ann', remaining: 40 } })
    await ann.reserve({ operation: 'image.generate' }).catch((error: unknown) => expect(error).toMatchObject({ code: 'budget_exceeded' }))
    const charged = await ann.charge({ operation: 'social.post', variant: 'text' })
    expect(charged).toMatchObject({ charged: 5, budgetLevel: 'ok' })
    await ann.charge({ operation: 'chat.message', quantity: 30 })
    expect(await ann.charge({ operation: 'chat.message' })).toMatchObject({ budgetLevel: 'low' })
    expect((await ann.afford()).credits).toBe(4)
  })

  it('a limit, a window and a scope that are none are refused with what was expected', async () => {
    const credits = await opened('starter')
    const set = (given: object) => credits.setBudget({ id: 'b', limit: 1, ...given } as Parameters<Credits['setBudget']>[0])
    for (const [given, code, words] of [
      [{ limit: -1 }, 'invalid_amount', 'limit'],
      [{ limit: Number.NaN }, 'invalid_amount', 'limit'],
      [{ limit: 2_000_000_001 }, 'invalid_amount', 'limit'],
      [{ window: 'fortnight' }, 'invalid_request', 'rolling:<hours>h'],
      [{ window: 'rolling:0h' }, 'invalid_request', 'rolling:<hours>h'],
      [{ window: 'rolling:9999h' }, 'invalid_request', 'rolling:<hours>h'],
      [{ scope: { each: 'colour' } }, 'invalid_request', 'scope.each'],
      [{ scope: { colour: 'red' } }, 'invalid_request', 'colour'],
      [{ window: 'run', scope: { each: 'key' } }, 'invalid_request', 'each run apart'],
      [{ thresholds: [0] }, 'invalid_request', 'thresholds'],
      [{ id: 'spending_cap' }, 'invalid_request', 'spending cap'],
    ] as const) {
      await expect(set(given)).rejects.toMatchObject({ code, message: expect.stringContaining(words) as string })
    }
    await expect(credits.removeBudget({ id: 'b' })).rejects.toMatchObject({ code: 'unknown_budget' })
    await expect(credits.raiseBudget({ id: 'b', credits: 1 })).rejects.toMatchObject({ code: 'unknown_budget' })
  })

  it('a write of a budget takes a key: repeated it is the same, with other terms a conflict', async () => {
    const credits = await opened('starter')
    const first = await credits.setBudget({ id: 'b', limit: 10, idempotencyKey: 'k' })
    expect(await credits.setBudget({ id: 'b', limit: 10, idempotencyKey: 'k' })).toEqual({ ...first, replayed: true })
    await expect(credits.setBudget({ id: 'b', limit: 11, idempotencyKey: 'k' })).rejects.toMatchObject({ code: 'idempotency_conflict' })
    await credits.raiseBudget({ id: 'b', credits: 5, idempotencyKey: 'r' })
    expect(await credits.raiseBudget({ id: 'b', credits: 5, idempotencyKey: 'r' })).toMatchObject({ limit: 15 })
    const { transactions } = await credits.transactions({ type: 'amend' })
    expect(transactions).toHaveLength(2)
  })

  it('T08: a write of a budget or an alert repeated by its key tells what it made, whatever became of that since', async () => {
    const credits = await opened('starter')
    const set = () => credits.setBudget({ id: 'b', limit: 5, window: 'day', scope: { tool: 'search' }, idempotencyKey: 's' })
    const raise = () => credits.raiseBudget({ id: 'b', credits: 2, until: START + HOUR_MS, idempotencyKey: 'r' })
    const alert = () => credits.setAlert({ id: 'a', credits: 10, idempotencyKey: 'a' })
    const first = [await set(), await raise(), await alert()]
    expect(first).toMatchObject([
      { id: 'b', name: 'b', scope: { tool: 'search' }, window: 'day', limit: 5, enforcement: 'hard', thresholds: [80, 95], raisedUntil: null, replayed: false },
      { id: 'b', limit: 7, raisedUntil: '2026-03-10T13:00:00.000Z', replayed: false },
      { id: 'a', credits: 10 },
    ])
    await credits.setBudget({ id: 'b', limit: 9, enforcement: 'alert' })
    await credits.setAlert({ id: 'a', percent: 50 })
    const [made, raised, told] = first
    const again = [{ ...made, replayed: true }, { ...raised, replayed: true }, told]
    expect([await set(), await raise(), await alert()]).toEqual(again)
    now += DAY_MS
    await credits.removeBudget({ id: 'b' })
    await credits.removeAlert({ id: 'a' })
    expect([await set(), await raise(), await alert()]).toEqual(again)
    expect((await credits.budgets()).budgets).toEqual([])
  })
})

describe('the spending cap of a plan', () => {
  const capped = product({
    plans: { basic: { name: 'Basic', ...PLAN, spending_cap: { credits: '120', window: 'period' } }, big: { name: 'Big', ...PLAN, monthly_credits: '300', spending_cap: { credits: '500', window: 'period' } } },
    default_plan: 'basic',
  })

  it('SN-06: counts what is spent from every grant in a billing period, and says when bought credits are usable again', async () => {
    const credits = await opened(capped)
    await credits.grant({ credits: 500, source: 'purchase' })
    await credits.charge({ operation: 'unit', quantity: 110 })
    expect((await credits.balance()).spendingCap).toEqual({ limit: 120, used: 110, resetsAt: '2026-04-10T12:00:00.000Z' })
    const refused = await credits.charge({ operation: 'unit', quantity: 11 }).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 'spending_cap_reached',
      retryable: false,
      details: { required: 11, available: 10, limitedBy: { type: 'spending_cap', id: 'spending_cap', window: 'billing_period', resetsAt: '2026-04-10T12:00:00.000Z' } },
      message: expect.stringContaining('purchased credits stay usable after the reset on 2026-04-10T12:00:00.000Z') as string,
    })
    expect(await credits.estimate({ operation: 'unit', quantity: 11 })).toMatchObject({ affordable: false, blockedBy: [{ code: 'spending_cap_reached' }] })
    now = Date.UTC(2026, 3, 10, 12)
    expect(await credits.charge({ operation: 'unit', quantity: 11 })).toMatchObject({ charged: 11 })
    expect((await credits.balance()).spendingCap).toMatchObject({ used: 11 })
  })

  it('T26: is raised for a time like any other limit, and a higher plan has its own without forgetting what was spent', async () => {
    const credits = await opened(capped)
    await credits.grant({ credits: 500 })
    await credits.charge({ operation: 'unit', quantity: 120 })
    await credits.raiseBudget({ id: 'spending_cap', credits: 30, until: START + 2 * HOUR_MS })
    await credits.charge({ operation: 'unit', quantity: 25 })
    expect((await credits.budgets()).budgets).toMatchObject([{ limit: 150, raisedUntil: '2026-03-10T14:00:00.000Z' }])
    now += 3 * HOUR_MS
    expect((await credits.budgets()).budgets).toMatchObject([{ limit: 120, raisedUntil: null }])
    await expect(credits.charge({ operation: 'unit' })).rejects.toMatchObject({ code: 'spending_cap_reached' })
    await credits.subscribe({ plan: 'big', when: 'now' })
    expect((await credits.balance()).spendingCap).toMatchObject({ limit: 500, used: 145 })
    await expect(credits.charge({ operation: 'unit', quantity: 356 })).rejects.toMatchObject({ code: 'spending_cap_reached' })
    expect(await credits.charge({ operation: 'unit', quantity: 355 })).toMatchObject({ charged: 355 })
  })
})

describe('alerts and messages', () => {
  it('WC-14: an admin sets thresholds where the plan entitles to it, and is told once when one is reached', async () => {
    const plans = {
      plain: { name: 'Plain', ...PLAN, entitlements: { custom_alerts: false } },
      team: { name: 'Team', ...PLAN, entitlements: { custom_alerts: true } },
    }
    const credits = await opened(product({ plans, default_plan: 'plain' }))
    await expect(credits.setAlert({ id: 'half', credits: 50 })).rejects.toMatchObject({
      code: 'plan_required',
      advice: ['Choose a plan that includes them: Team'],
    })
    await credits.subscribe({ plan: 'team', when: 'now' })
    expect(await credits.setAlert({ id: 'half', credits: 50 })).toEqual({ id: 'half', level: 'low', when: 'at_or_below', credits: 50, percent: null })
    await credits.charge({ operation: 'unit', quantity: 60 })
    await credits.charge({ operation: 'unit' })
    const told = (await credits.messages()).filter(({ type }) => type === 'balance_low')
    expect(told).toMatchObject([{ text: expect.stringContaining('40 credits remain') as string, facts: { alert: 'half', threshold: 50, remaining: 40 } }])
  })

  it('ND-13: a dearer catalog is told of from the day on which it is announced until it takes effect', async () => {
    const credits = await opened(product())
    const dearer = product({ operations: { unit: { name: 'Unit', price: { model: 'per_unit', credits: '2' } } } })
    await credits.applyCatalog(dearer)
    expect(await credits.messages()).toMatchObject([
      { type: 'prices_announced', at: '2026-03-10T12:00:00.000Z', facts: { effectiveAt: '2026-04-09T12:00:00.000Z', priceVersion: 2 } },
    ])
    now = START + 30 * DAY_MS
    expect(await credits.messages()).toEqual([])
  })
})

describe('self-service', () => {
  it('SF-11: whoever is no operator orders, where it is shown at all, and is given nothing before an operator says that it is paid', async () => {
    const credits = await opened('synfluencer')
    const customer = credits.as({ holder: 'agent' })
    await expect(customer.purchase({ pack: 'usd-10' })).rejects.toMatchObject({ code: 'purchases_unavailable' })
    await expect(customer.packs()).rejects.toMatchObject({ code: 'purchases_unavailable' })
    await credits.setSelfService({ enabled: true })
    const before = (await credits.balance()).balance
    const ordered = await customer.purchase({ pack: 'usd-10' })
    expect(ordered).toMatchObject({ state: 'pending', granted: 0, balance: before })
    expect(await credits.balance()).toMatchObject({ balance: before, pending: 10 })
    expect(await credits.settlePurchase({ purchase: ordered.purchase })).toMatchObject({ state: 'settled', granted: 10, balance: before + 10 })
  })
})

describe('a head that a statement prints', () => {
  it('AX-21: is found by the doctor before and after what was due by then is written', async () => {
    const credits = await opened('neural-draft', { plan: 'hobby' })
    now += 40 * DAY_MS
    const { head } = await credits.statement()
    expect(await credits.verify({ since: head as string })).toMatchObject({ ok: true, problems: [] })
    await credits.charge({ operation: 'chat.message' })
    expect(await credits.verify({ since: head as string })).toMatchObject({ ok: true, problems: [] })
    expect(await credits.verify({ since: 'f'.repeat(64) })).toMatchObject({ ok: false })
  })
})
