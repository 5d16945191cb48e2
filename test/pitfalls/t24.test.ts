import { describe, expect, it } from 'vitest'
import { type Credits, CreditError, type MessageResult } from '../../src/index.js'
import { DAY_MS, HOUR_MS } from '../../src/time/instant.js'
import { seededRandom, newSeed } from '../support/seeded-random.js'
import { instantOf, monthsLater } from '../plans/wall-calendar.js'
import { localPeriod } from './local-calendar.js'
import { DATABASES, expectWhole, LIMITS, outcome, sharedLedger, type SharedLedger, T0 } from './support.js'

const ACCOUNT = 'acme'
const CHARGE = { account: ACCOUNT, operation: 'work.unit' }
const seed = newSeed()

const WINDOWS = ['day', 'week', 'month', 'billing_period', 'rolling:1h', 'rolling:5h', 'rolling:744h']
const ZONES = ['Pacific/Kiritimati', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Europe/Berlin', 'America/New_York', 'Etc/GMT+12']

const charge = (credits: Credits) => outcome(credits.charge(CHARGE))

/** When the next charge is admitted, by the budget, as the tightest one, and by the refusal. */
async function toldReset(credits: Credits): Promise<number> {
  const { budgets, tightest } = await credits.budgets({ account: ACCOUNT })
  const refusal = await credits.charge(CHARGE).then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(refusal).toBeInstanceOf(CreditError)
  const { details } = refusal as CreditError & { readonly details: { readonly limitedBy: { readonly resetsAt: string } } }
  const told = budgets[0]?.resetsAt
  expect([tightest?.resetsAt, details.limitedBy.resetsAt]).toEqual([told, told])
  return Date.parse(told as string)
}

/** Uses the budget up, sees when it resets, and finds that nothing passes before and one charge at that very instant. */
async function expectReset(ledger: SharedLedger, credits: Credits): Promise<number> {
  expect(await charge(credits)).toBe('done')
  const resetsAt = await toldReset(credits)
  ledger.clock.at = resetsAt - 1
  expect(await charge(credits)).toBe('budget_exceeded')
  ledger.clock.at = resetsAt
  return resetsAt
}

async function account(ledger: SharedLedger, window: string, options: { readonly plan?: string; readonly timeZone?: string; readonly now?: number } = {}) {
  const { plan = 'none', timeZone = 'UTC', now = T0 } = options
  ledger.clock.at = now
  const credits = await ledger.open()
  await credits.createAccount({ id: ACCOUNT, plan, timeZone })
  await credits.grant({ account: ACCOUNT, credits: 1_000 })
  await credits.setBudget({ account: ACCOUNT, id: 'b', window, limit: 1, thresholds: [100] })
  return credits
}

describe.each(DATABASES)('T24: the reset that is told of is the reset that comes, on %s', (kind) => {
  it.each(WINDOWS)('for a budget of the window %s, five windows long', async (window) => {
    const ledger = await sharedLedger(kind)
    const credits = await account(ledger, window, { timeZone: 'Europe/Berlin' })
    let before = T0
    for (let round = 0; round < 5; round += 1) {
      const resetsAt = await expectReset(ledger, credits)
      expect(resetsAt).toBeGreaterThan(before)
      before = resetsAt
    }
    await expectWhole(credits)
  })
})

describe('T24: whoever tells of a reset tells the same', () => {
  it.each(WINDOWS)('the message that a budget of the window %s is used up and the receipt of the call that did it', async (window) => {
    const ledger = await sharedLedger()
    const credits = await account(ledger, window)
    const agent = credits.as({ account: ACCOUNT, holder: 'agent' })
    const run = async () => ({ kind: 'result', result: { content: [] } }) as const
    const answer = await agent.meter({ tool: 'work', arguments: {}, meta: undefined, signal: new AbortController().signal, run })
    const resetsAt = (await credits.budgets({ account: ACCOUNT })).budgets[0]?.resetsAt
    expect(resetsAt).toEqual(expect.any(String))
    expect(answer).toMatchObject({ result: { _meta: { 'io.github.mcp-credits/receipt': { budget_remaining: 0, resets_at: resetsAt } } } })
    const { facts, text } = (await credits.messages({ account: ACCOUNT }))[0] as MessageResult
    expect(facts).toMatchObject({ budget: 'b', resetsAt })
    expect(text).toContain(`resets ${resetsAt}`)
  })

  it.each(WINDOWS)('the message of the charge that uses a budget of the window %s up at once', async (window) => {
    const ledger = await sharedLedger()
    const credits = await account(ledger, window)
    expect(await charge(credits)).toBe('done')
    const resetsAt = (await credits.budgets({ account: ACCOUNT })).budgets[0]?.resetsAt
    expect(resetsAt).toEqual(expect.any(String))
    expect((await credits.messages({ account: ACCOUNT })).map(({ facts }) => facts['resetsAt'])).toEqual([resetsAt])
  })
})

describe('T24: a window is what its name says', () => {
  it.each(ZONES)(`day, week and month are those of the calendar in %s, at moments by chance (seed ${seed})`, async (timeZone) => {
    const random = seededRandom(seed)
    for (const unit of ['day', 'week', 'month'] as const) {
      const ledger = await sharedLedger()
      const credits = await account(ledger, unit, { timeZone })
      for (let round = 0; round < 12; round += 1) {
        ledger.clock.at += random.below(40 * DAY_MS)
        const { until } = localPeriod(ledger.clock.at, unit, timeZone)
        expect(await expectReset(ledger, credits), `${unit} ${new Date(ledger.clock.at).toISOString()}`).toBe(until)
      }
    }
  })

  it.each(ZONES)('a billing period is that of the plan, by its anchor in %s, and ends with the grant that is told of', async (timeZone) => {
    const ledger = await sharedLedger()
    const anchor = { year: 2026, month: 1, day: 31, hour: 10, minute: 0 }
    const now = instantOf(anchor, timeZone).at
    const credits = await account(ledger, 'billing_period', { plan: 'monthly', timeZone, now })
    for (let month = 1; month <= 14; month += 1) {
      const { renewsAt } = (await credits.balance({ account: ACCOUNT })).plan as { readonly renewsAt: string }
      const resetsAt = await expectReset(ledger, credits)
      expect(resetsAt).toBe(Date.parse(renewsAt))
      expect(resetsAt).toBe(instantOf(monthsLater(anchor, month), timeZone).at)
    }
    await expectWhole(credits)
  })

  it('the cap of a plan resets when the plan renews, and tells so', async () => {
    const ledger = await sharedLedger()
    const credits = await ledger.open()
    await credits.createAccount({ id: ACCOUNT, plan: 'capped', timeZone: 'America/New_York' })
    for (let month = 0; month < 14; month += 1) {
      for (let call = 0; call < 5; call += 1) expect(await charge(credits)).toBe('done')
      const { spendingCap, plan } = await credits.balance({ account: ACCOUNT })
      expect(spendingCap).toEqual({ limit: 5, used: 5, resetsAt: plan?.renewsAt })
      expect(await charge(credits)).toBe('spending_cap_reached')
      ledger.clock.at = Date.parse(spendingCap?.resetsAt as string) - 1
      expect(await charge(credits)).toBe('spending_cap_reached')
      ledger.clock.at += 1
    }
    await expectWhole(credits)
  })

  it('rolling is any stretch of its length, and never a month', async () => {
    for (const hours of [1, 5, 24, 720]) {
      const ledger = await sharedLedger()
      const credits = await account(ledger, `rolling:${hours}h`)
      ledger.clock.at += 12_345
      const charged = ledger.clock.at
      const resetsAt = await expectReset(ledger, credits)
      // It moves on by sixtieths of itself, so that a charge stays in it for its length and at most one of these more.
      expect(resetsAt - charged).toBeGreaterThanOrEqual(hours * HOUR_MS)
      expect(resetsAt - charged).toBeLessThanOrEqual((hours * HOUR_MS * 61) / 60)
    }
  })

  it.each(['total', 'run'])('%s has no reset, and none is told of', async (window) => {
    const ledger = await sharedLedger()
    const credits = (await account(ledger, window)).as({ run: 'r' })
    expect(await charge(credits)).toBe('done')
    ledger.clock.at += 4_000 * DAY_MS
    expect(await charge(credits)).toBe('budget_exceeded')
    expect((await credits.budgets({ account: ACCOUNT })).budgets).toMatchObject([{ used: 1, resetsAt: null }])
  })

  it.each(['30d', '1mo', 'year', 'hour', 'rolling:30d', 'rolling:745h', 'rolling:0h', ''])('%j is no window, and is refused rather than taken for one', async (window) => {
    const ledger = await sharedLedger()
    const credits = await account(ledger, 'day')
    const refused = credits.setBudget({ account: ACCOUNT, id: 'b', window, limit: 5 })
    await expect(refused).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('day, week, month, billing_period, total, run or rolling') as unknown })
    expect((await credits.budgets({ account: ACCOUNT })).budgets).toMatchObject([{ window: 'day', limit: 1 }])
  })

  it('another zone leaves the window that runs as it was told of, and the next one is of the new zone', async () => {
    for (const unit of ['day', 'week', 'month'] as const) {
      const ledger = await sharedLedger()
      const credits = await account(ledger, unit, { timeZone: 'Asia/Shanghai' })
      expect(await charge(credits)).toBe('done')
      const told = await toldReset(credits)
      expect(told).toBe(localPeriod(T0, unit, 'Asia/Shanghai').until)
      await credits.setTimeZone({ account: ACCOUNT, timeZone: 'America/New_York' })
      expect(await toldReset(credits)).toBe(told)
      ledger.clock.at = told - 1
      expect(await charge(credits)).toBe('budget_exceeded')
      ledger.clock.at = told
      expect(await charge(credits)).toBe('done')
      expect(await toldReset(credits)).toBe(localPeriod(told, unit, 'America/New_York').until)
      await expectWhole(credits)
    }
  })

  it('a plan that begins anew begins a period of its own, and that is told of', async () => {
    const ledger = await sharedLedger('SQLite', { ...LIMITS, default_plan: 'monthly' })
    const credits = await account(ledger, 'billing_period')
    expect(await charge(credits)).toBe('done')
    expect(await toldReset(credits)).toBe(Date.UTC(2026, 1, 15, 10))
    ledger.clock.at = T0 + 10 * DAY_MS
    await credits.subscribe({ account: ACCOUNT, plan: 'monthly' })
    expect((await credits.budgets({ account: ACCOUNT })).budgets).toMatchObject([{ used: 0, resetsAt: '2026-02-25T10:00:00.000Z' }])
    expect(await expectReset(ledger, credits)).toBe(Date.UTC(2026, 1, 25, 10))
    await expectWhole(credits)
  })
})
