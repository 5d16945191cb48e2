import { describe, expect, it } from 'vitest'
import type { Credits } from '../../src/index.js'
import { DAY_MS } from '../../src/time/instant.js'
import { monthsLater, instantOf } from '../plans/wall-calendar.js'
import { DATABASES, expectWhole, outcome, sharedLedger, type SharedLedger, T0 } from './support.js'

const ACCOUNT = 'acme'

const spend = (credits: Credits, quantity: number, more: object = {}) =>
  outcome(credits.charge({ account: ACCOUNT, operation: 'work.unit', quantity, ...more }))

async function longSpender(ledger: SharedLedger, plan = 'none'): Promise<Credits> {
  const credits = await ledger.open()
  await credits.createAccount({ id: ACCOUNT, plan, timeZone: 'Asia/Kolkata' })
  await credits.grant({ account: ACCOUNT, credits: 1_000 })
  return credits
}

describe.each(DATABASES)('T45: a budget whose counter is missing, on %s', (kind) => {
  it.each(['day', 'week', 'month', 'billing_period', 'rolling:24h'])('of the window %s counts its own window and never what was spent in a lifetime', async (window) => {
    const ledger = await sharedLedger(kind)
    const credits = await longSpender(ledger)
    await credits.setBudget({ account: ACCOUNT, id: 'b', window, limit: 10 })
    for (let period = 0; period < 3; period += 1) {
      expect(await spend(credits, 10)).toBe('done')
      ledger.clock.at += 32 * DAY_MS
    }
    await ledger.sql(`delete from counters where budget = 'b'`)
    const fresh = await ledger.open()
    expect((await fresh.budgets({ account: ACCOUNT })).budgets).toMatchObject([{ id: 'b', used: 0, reserved: 0, remaining: 10 }])
    expect((await fresh.balance({ account: ACCOUNT })).lifetimeUsed).toBe(30)
    expect(await spend(fresh, 10)).toBe('done')
    expect(await spend(fresh, 1)).toBe('budget_exceeded')
    expect((await fresh.budgets({ account: ACCOUNT })).budgets).toMatchObject([{ used: 10, remaining: 0 }])
  })

  it.each([
    ['of everything', {}, 'counter b'],
    ['for each customer', { each: 'label:customer' }, 'counter b/c1'],
  ])('%s is named by the check of the ledger', async (_what, scope, row) => {
    const ledger = await sharedLedger(kind)
    const credits = await longSpender(ledger)
    await credits.setBudget({ account: ACCOUNT, id: 'b', window: 'month', limit: 10, scope })
    await credits.setBudget({ account: ACCOUNT, id: 'whole', window: 'total', limit: 100 })
    for (const customer of ['c1', 'c2']) expect(await spend(credits, 3, { labels: { customer } })).toBe('done')
    await expectWhole(credits)
    await ledger.sql(`delete from counters where budget = 'b' and subject in ('', 'c1')`)
    const { ok, problems } = await (await ledger.open()).verify()
    expect(ok).toBe(false)
    expect(problems).toEqual([{ account: ACCOUNT, row, invariant: 'counters', message: expect.stringContaining('missing') as unknown }])
  })

  it('that was never spent from has none, counts nothing, and nothing is wrong with that', async () => {
    const ledger = await sharedLedger(kind)
    const credits = await longSpender(ledger)
    expect(await spend(credits, 70)).toBe('done')
    await credits.setBudget({ account: ACCOUNT, id: 'b', window: 'total', limit: 10 })
    expect((await credits.budgets({ account: ACCOUNT })).budgets).toMatchObject([{ used: 0, remaining: 10 }])
    await expectWhole(credits)
  })
})

describe.each(DATABASES)('T45: a billing period of an account without a plan, on %s', (kind) => {
  it("is a month of the account's own, from the instant at which it was made", async () => {
    const ledger = await sharedLedger(kind)
    // 23:30 on the 31st in the account's zone, which is still the 31st in UTC, at another hour.
    const made = { year: 2026, month: 1, day: 31, hour: 23, minute: 30 }
    ledger.clock.at = instantOf(made, 'Asia/Kolkata').at
    const credits = await longSpender(ledger)
    expect(await spend(credits, 200)).toBe('done')
    await credits.setBudget({ account: ACCOUNT, id: 'b', window: 'billing_period', limit: 10 })
    for (let month = 1; month <= 6; month += 1) {
      const end = instantOf(monthsLater(made, month), 'Asia/Kolkata').at
      expect((await credits.budgets({ account: ACCOUNT })).budgets).toMatchObject([{ used: 0, resetsAt: new Date(end).toISOString() }])
      expect(await spend(credits, 10)).toBe('done')
      ledger.clock.at = end - 1
      expect(await spend(credits, 1)).toBe('budget_exceeded')
      ledger.clock.at = end
    }
    await expectWhole(credits)
  })

  it('is the same again once a plan has ended, and no figure of the plan comes back with it', async () => {
    const ledger = await sharedLedger(kind)
    const credits = await longSpender(ledger)
    await credits.setBudget({ account: ACCOUNT, id: 'b', window: 'billing_period', limit: 10 })
    ledger.clock.at = T0 + 10 * DAY_MS
    await credits.subscribe({ account: ACCOUNT, plan: 'monthly' })
    expect(await spend(credits, 10)).toBe('done')
    await credits.cancelSubscription({ account: ACCOUNT })
    ledger.clock.at = T0 + 45 * DAY_MS
    expect(await credits.balance({ account: ACCOUNT })).toMatchObject({ plan: null })
    const end = instantOf(monthsLater({ year: 2026, month: 1, day: 15, hour: 15, minute: 30 }, 2), 'Asia/Kolkata').at
    expect((await credits.budgets({ account: ACCOUNT })).budgets).toMatchObject([{ used: 0, remaining: 10, resetsAt: new Date(end).toISOString() }])
    expect(await spend(credits, 10)).toBe('done')
    expect(await spend(credits, 1)).toBe('budget_exceeded')
    await expectWhole(credits)
  })
})
