import { describe, expect, it } from 'vitest'
import type { Credits } from '../../src/index.js'
import { DAY_MS } from '../../src/time/instant.js'
import { startCaller } from './callers.js'
import { DATABASES, expectWhole, LIMITS, outcome, sharedLedger, T0 } from './support.js'

const ACCOUNT = 'acme'

/** A catalog that tells of a balance below a fifth of the period's credits, and of one of 5 or fewer. */
const CATALOG = {
  ...LIMITS,
  thresholds: [
    { kind: 'percent_of_period', level: 'low', value: '20', when: 'at_or_below' },
    { kind: 'absolute', level: 'critical', value: '5', when: 'at_or_below' },
  ],
}

/** Each message in short, oldest first. */
async function told(credits: Credits): Promise<readonly string[]> {
  const messages = await credits.messages({ account: ACCOUNT, limit: 1_000 })
  return [...messages].reverse().map(({ type, facts }) => (type === 'budget_threshold' ? `${facts['budget']}@${facts['threshold']}` : type))
}

const charge = (credits: Credits, quantity = 1) => outcome(credits.charge({ account: ACCOUNT, operation: 'work.unit', quantity }))

describe.each(DATABASES)('T38: on %s', (kind) => {
  it('each threshold of a budget is told of once a period, however it is crossed, and anew in the next', async () => {
    const ledger = await sharedLedger(kind)
    const credits = await ledger.open()
    await credits.createAccount({ id: ACCOUNT, plan: 'none' })
    await credits.grant({ account: ACCOUNT, credits: 10_000 })
    const windows = ['day', 'week', 'month', 'billing_period', 'rolling:24h']
    for (const window of windows) await credits.setBudget({ account: ACCOUNT, id: window.replace(':24h', ''), window, limit: 20, thresholds: [25, 50, 80, 100] })
    const ids = windows.map((window) => window.replace(':24h', ''))
    const at = (...percents: readonly number[]) => ids.flatMap((id) => percents.map((percent) => `${id}@${percent}`)).sort()
    const fresh = async (before: number) => [...(await told(credits)).slice(before)].sort()
    let before = 0
    for (let period = 0; period < 3; period += 1) {
      for (let call = 0; call < 4; call += 1) await charge(credits)
      expect(await fresh(before)).toEqual([])
      await charge(credits)
      for (let call = 0; call < 4; call += 1) await charge(credits)
      expect(await fresh(before)).toEqual(at(25))
      // From 45 to 95 percent by one charge: both that lie between are told of, each once.
      await charge(credits, 10)
      expect(await fresh(before)).toEqual(at(25, 50, 80))
      await charge(credits)
      expect(await charge(credits)).toBe('budget_exceeded')
      expect(await fresh(before)).toEqual(at(25, 50, 80, 100))
      before += 4 * ids.length
      ledger.clock.at += 40 * DAY_MS
    }
    await expectWhole(credits)
  })

  it('stores that cross thresholds at the same moment tell of each once, together', async () => {
    const ledger = await sharedLedger(kind, CATALOG)
    const stores = await Promise.all([ledger.open(), ledger.open()])
    const [credits] = stores as [Credits, Credits]
    await credits.createAccount({ id: ACCOUNT, plan: 'monthly' })
    await credits.setBudget({ account: ACCOUNT, id: 'b', window: 'month', limit: 100, thresholds: [10, 20, 30, 40, 50, 60, 70, 80, 90, 100] })
    await credits.setAlert({ account: ACCOUNT, id: 'half', credits: 50 })
    const answers = await Promise.all(Array.from({ length: 120 }, (_, index) => charge(stores[index % 2] as Credits)))
    expect(answers.filter((one) => one === 'done')).toHaveLength(100)
    const messages = await told(credits)
    expect(messages.filter((one) => one.startsWith('b@'))).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100].map((percent) => `b@${percent}`))
    expect(messages.filter((one) => !one.startsWith('b@'))).toEqual(['balance_low', 'balance_low', 'balance_critical', 'balance_exhausted'])
    expect(await told(stores[1] as Credits)).toEqual(messages)
    await expectWhole(credits)
  })

  it('thresholds of the balance are armed again by a top-up that lifts it above them and by a new period, and by nothing else', async () => {
    const ledger = await sharedLedger(kind, CATALOG)
    const credits = await ledger.open()
    await credits.createAccount({ id: ACCOUNT, plan: 'monthly' })
    const expectTold = async (...messages: readonly string[]) => expect(await told(credits)).toEqual(messages)
    await charge(credits, 79)
    await expectTold()
    await charge(credits, 1)
    await charge(credits, 1)
    await expectTold('balance_low')
    // Lifted, but not above it: still the one that was told of.
    await credits.grant({ account: ACCOUNT, credits: 1 })
    await charge(credits, 1)
    await expectTold('balance_low')
    await credits.grant({ account: ACCOUNT, credits: 30 })
    await expectTold('balance_low')
    await charge(credits, 49)
    await expectTold('balance_low', 'balance_low', 'balance_critical', 'balance_exhausted')
    ledger.clock.at = Date.UTC(2026, 1, 15, 10)
    await charge(credits, 90)
    await expectTold('balance_low', 'balance_low', 'balance_critical', 'balance_exhausted', 'balance_low')
    await expectWhole(credits)
  })

  it('a budget that is reset, raised or changed tells anew once its threshold is reached again', async () => {
    const ledger = await sharedLedger(kind)
    const credits = await ledger.open()
    await credits.createAccount({ id: ACCOUNT, plan: 'none' })
    await credits.grant({ account: ACCOUNT, credits: 1_000 })
    const set = (limit: number) => credits.setBudget({ account: ACCOUNT, id: 'b', window: 'month', limit, thresholds: [80] })
    const count = async () => (await told(credits)).length
    await set(10)
    await charge(credits, 9)
    expect(await count()).toBe(1)
    await credits.raiseBudget({ account: ACCOUNT, id: 'b', credits: 10 })
    await charge(credits, 1)
    expect(await count()).toBe(1)
    await charge(credits, 6)
    expect(await count()).toBe(2)
    await credits.removeBudget({ account: ACCOUNT, id: 'b' })
    await set(10)
    await charge(credits, 7)
    expect(await count()).toBe(2)
    await charge(credits, 1)
    expect(await count()).toBe(3)
    await set(100)
    await charge(credits, 71)
    expect(await count()).toBe(3)
    await charge(credits, 1)
    expect(await count()).toBe(4)
    await expectWhole(credits)
  })

  it('a process that is killed right after its charge is acknowledged has told exactly once, and whoever comes next does not repeat it', async () => {
    const ledger = await sharedLedger(kind)
    const credits = await ledger.open()
    await credits.createAccount({ id: ACCOUNT, plan: 'none' })
    await credits.grant({ account: ACCOUNT, credits: 100 })
    await credits.setBudget({ account: ACCOUNT, id: 'b', window: 'total', limit: 50, thresholds: [10, 20, 30, 40, 50, 60] })
    await credits.setAlert({ account: ACCOUNT, id: 'soon', credits: 85 })
    for (let round = 1; round <= 3; round += 1) {
      const input = { account: ACCOUNT, operation: 'work.unit', quantity: 5, idempotencyKey: `round-${round}` }
      const caller = await startCaller(ledger.database)
      expect(await caller.call('charge', { input, at: T0 })).toMatchObject({ charged: 5 })
      await caller.kill()
      const next = await ledger.open()
      // Asked again by a client that did not hear of it, it is neither charged nor told again.
      expect(await next.charge(input)).toMatchObject({ charged: 5, replayed: true })
      await next.sweep()
      expect((await told(next)).filter((one) => one.startsWith('b@'))).toEqual([10, 20, 30].slice(0, round).map((percent) => `b@${percent}`))
      expect((await told(next)).filter((one) => one === 'balance_low')).toHaveLength(round === 3 ? 1 : 0)
    }
    await expectWhole(credits)
  })

  it('a process that is killed in the middle of it has told if and only if it has charged', async () => {
    const ledger = await sharedLedger(kind)
    const credits = await ledger.open()
    await credits.createAccount({ id: ACCOUNT, plan: 'none' })
    await credits.grant({ account: ACCOUNT, credits: 1_000 })
    await credits.setBudget({ account: ACCOUNT, id: 'b', window: 'total', limit: 200, thresholds: Array.from({ length: 20 }, (_, index) => index + 1) })
    for (let round = 0; round < 2; round += 1) {
      const caller = await startCaller(ledger.database)
      const input = { account: ACCOUNT, operation: 'work.unit', quantity: 2 }
      const [first] = Array.from({ length: 10 }, () => caller.call('charge', { input, at: T0 }))
      await first
      await caller.kill()
      await credits.sweep()
      const used = (await credits.budgets({ account: ACCOUNT })).budgets[0]?.used as number
      expect(used).toBeGreaterThanOrEqual(2)
      expect(await told(credits)).toEqual(Array.from({ length: used / 2 }, (_, index) => `b@${index + 1}`))
    }
    await expectWhole(credits)
  })
})
