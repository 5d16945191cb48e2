import { describe, expect, it } from 'vitest'
import type { Credits } from '../../src/index.js'
import { DAY_MS } from '../../src/time/instant.js'
import { type Caller, startCaller } from './callers.js'
import { DATABASES, expectWhole, outcome, sharedLedger, type SharedLedger, T0 } from './support.js'

const ACCOUNT = 'acme'
const CHARGE = { account: ACCOUNT, operation: 'work.unit' }
const PLENTY = 1_000_000

interface Opening {
  readonly what: string
  readonly refusal: string
  /** A raise, a reset and a top-up are also tried over processes; what else there is, over stores. */
  readonly isOfRow?: boolean
  /** Makes the limit that is reached after three calls. */
  readonly limit: (operator: Credits) => Promise<unknown>
  readonly open: (operator: Credits) => Promise<unknown>
}

const limited = (window: string, scope: object = {}) => (operator: Credits) =>
  operator.setBudget({ account: ACCOUNT, id: 'tight', window, limit: 3, scope })

const raised = (until?: number) => (operator: Credits) =>
  operator.raiseBudget({ account: ACCOUNT, id: 'tight', credits: PLENTY, ...(until === undefined ? {} : { until }) })

/** Whatever an operator, a purchase or the calendar does that lets calls through again. */
const OPENINGS: readonly Opening[] = [
  { what: 'a raise', refusal: 'budget_exceeded', isOfRow: true, limit: limited('month'), open: raised() },
  { what: 'a raise for a time', refusal: 'budget_exceeded', limit: limited('rolling:5h'), open: raised(T0 + DAY_MS) },
  { what: 'a raise of a budget for each operation', refusal: 'budget_exceeded', limit: limited('day', { each: 'operation' }), open: raised() },
  {
    what: 'another limit',
    refusal: 'budget_exceeded',
    limit: limited('total'),
    open: (operator) => operator.setBudget({ account: ACCOUNT, id: 'tight', window: 'total', limit: PLENTY }),
  },
  {
    what: 'a reset, by removing the budget and making it anew',
    refusal: 'budget_exceeded',
    isOfRow: true,
    limit: limited('total'),
    open: async (operator) => {
      await operator.removeBudget({ account: ACCOUNT, id: 'tight' })
      await operator.setBudget({ account: ACCOUNT, id: 'tight', window: 'total', limit: PLENTY })
    },
  },
  {
    what: 'a top-up',
    refusal: 'out_of_credits',
    isOfRow: true,
    limit: (operator) => operator.adjust({ account: ACCOUNT, credits: 3 - PLENTY }),
    open: (operator) => operator.grant({ account: ACCOUNT, credits: PLENTY }),
  },
  {
    what: "a raise of the plan's spending cap",
    refusal: 'spending_cap_reached',
    limit: async (operator) => {
      await operator.subscribe({ account: ACCOUNT, plan: 'capped' })
      await operator.charge({ ...CHARGE, quantity: 2 })
    },
    open: (operator) => operator.raiseBudget({ account: ACCOUNT, id: 'spending_cap', credits: PLENTY }),
  },
]

/** The end of the window itself: every limit that has one, and so much to spend in the next as in this one. */
const WINDOWS = ['day', 'week', 'month', 'billing_period', 'rolling:5h']

async function withAccount(ledger: SharedLedger): Promise<Credits> {
  const operator = await ledger.open()
  await operator.createAccount({ id: ACCOUNT, plan: 'none' })
  await operator.grant({ account: ACCOUNT, credits: PLENTY })
  return operator
}

describe.each(DATABASES)('T15: the very next call of every store on %s', (kind) => {
  it.each(OPENINGS)('is let through after $what, and up to then none is', async ({ refusal, limit, open }) => {
    const ledger = await sharedLedger(kind)
    const operator = await withAccount(ledger)
    await limit(operator)
    const stores = [await ledger.open(), await ledger.open(), operator]
    for (const store of stores) expect(await outcome(store.charge(CHARGE))).toBe('done')
    for (const store of stores) for (let call = 0; call < 5; call += 1) expect(await outcome(store.charge(CHARGE))).toBe(refusal)
    await open(operator)
    for (const store of stores) expect(await outcome(store.charge(CHARGE))).toBe('done')
    await expectWhole(operator)
  })

  it.each(WINDOWS)('is let through when a window of the kind %s is over, however often it was refused before', async (window) => {
    const ledger = await sharedLedger(kind)
    const operator = await withAccount(ledger)
    await limited(window)(operator)
    const stores = [await ledger.open(), await ledger.open(), operator]
    for (const store of stores) expect(await outcome(store.charge(CHARGE))).toBe('done')
    const resetsAt = (await operator.budgets({ account: ACCOUNT })).budgets[0]?.resetsAt as string
    // Refusals keep nothing alive: neither the first nor the last of them moves the end of the window.
    for (let step = 0; step < 10; step += 1) {
      ledger.clock.at = T0 + Math.floor(((Date.parse(resetsAt) - 1 - T0) * (step + 1)) / 10)
      for (const store of stores) expect(await outcome(store.charge(CHARGE))).toBe('budget_exceeded')
      expect((await operator.budgets({ account: ACCOUNT })).budgets[0]?.resetsAt).toBe(resetsAt)
    }
    ledger.clock.at = Date.parse(resetsAt)
    for (const store of stores) expect(await outcome(store.charge(CHARGE))).toBe('done')
    expect(await outcome((stores[0] as Credits).charge(CHARGE))).toBe('budget_exceeded')
    await expectWhole(operator)
  })
})

describe('T15: in every process, while each of them hammers', () => {
  async function hammered(ledger: SharedLedger): Promise<readonly Caller[]> {
    const callers = await Promise.all([startCaller(ledger.database), startCaller(ledger.database)])
    await Promise.all(callers.map((caller) => caller.hammer({ input: CHARGE, at: T0, lanes: 3, refusals: 20 })))
    return callers
  }

  /** Answers come in the order of the calls: after the first that is let through again, none is refused. */
  function expectOpenedOnce(outcomes: readonly string[], refusal: string): void {
    const turns = outcomes.filter((one, index) => one !== outcomes[index - 1])
    expect(turns.slice(-2)).toEqual([refusal, 'done'])
    expect(turns.slice(0, -2)).toEqual(turns.length === 2 ? [] : ['done'])
  }

  it.each(OPENINGS.filter(({ isOfRow }) => isOfRow))('the very next call is let through after $what', async ({ refusal, limit, open }) => {
    const ledger = await sharedLedger()
    const operator = await withAccount(ledger)
    await limit(operator)
    const callers = await hammered(ledger)
    for (const caller of callers) expect(await caller.call('charge', { input: CHARGE, at: T0 })).toBe(refusal)

    await open(operator)
    for (const caller of callers) expect(await caller.call('charge', { input: CHARGE, at: T0 })).toMatchObject({ charged: 1, replayed: false })
    for (const caller of callers) expectOpenedOnce(await caller.rest(T0), refusal)
    await expectWhole(operator)
  })

  it('the very next call is let through when the day is over, and only as many as the new day allows', async () => {
    const ledger = await sharedLedger()
    const operator = await withAccount(ledger)
    await operator.setBudget({ account: ACCOUNT, id: 'tight', window: 'day', limit: 3 })
    const callers = await hammered(ledger)
    const midnight = Date.UTC(2026, 0, 16)
    const before = await Promise.all(callers.map((caller) => caller.rest(T0)))
    expect(before.flat().filter((one) => one === 'done')).toHaveLength(3)
    await Promise.all(callers.map((caller) => caller.hammer({ input: CHARGE, at: midnight, lanes: 3, refusals: 20 })))
    const after = await Promise.all(callers.map((caller) => caller.rest(midnight)))
    expect(after.flat().filter((one) => one === 'done')).toHaveLength(3)
    expect(new Set(after.flat())).toEqual(new Set(['done', 'budget_exceeded']))
    await expectWhole(operator)
  })
})
