import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Budget, budgetDocument, budgetOf, type Window } from '../../src/budgets/budget.js'
import { counted } from '../../src/budgets/count.js'
import type { Counter } from '../../src/budgets/counter.js'
import { groupsOf } from '../../src/budgets/group.js'
import { worse } from '../../src/budgets/level.js'
import { budgetLevel, standingOf, thresholdsBeyond } from '../../src/budgets/standing.js'
import { countersNow, holds, levelIn, moveTally, roomIn, type Tally, tallyOf } from '../../src/budgets/tally.js'
import { counterAt, type Owner } from '../../src/budgets/window.js'
import type { AccountRecord } from '../../src/ledger/account-record.js'
import { HOUR_MS, MINUTE_MS } from '../../src/time/instant.js'

const T0 = Date.UTC(2026, 0, 31, 20)

const OWNER: Owner = { timeZone: 'Europe/Berlin', subscription: null, createdAt: T0 - 40 * 24 * HOUR_MS, planChangedBy: 0 }

interface Terms {
  readonly window: Window
  readonly limit: number
  readonly isHard: boolean
  readonly thresholds: readonly number[]
  readonly raisedFor: number
  readonly origin: number
}

const terms: fc.Arbitrary<Terms> = fc.record({
  window: fc.constantFrom<Window>({ kind: 'day' }, { kind: 'week' }, { kind: 'month' }, { kind: 'total' }, { kind: 'billing_period' }),
  limit: fc.integer({ min: 0, max: 60 }),
  isHard: fc.boolean(),
  thresholds: fc.uniqueArray(fc.integer({ min: 1, max: 120 }), { maxLength: 3 }).map((list) => list.sort((a, b) => a - b)),
  raisedFor: fc.integer({ min: 0, max: 6 }),
  origin: fc.integer({ min: 1, max: 3 }),
})

/** So many minutes later so much is used and set aside, by work that began so many minutes before. */
const step = fc.record({
  after: fc.integer({ min: 0, max: 200 }),
  used: fc.integer({ min: -3, max: 12 }),
  reserved: fc.integer({ min: -3, max: 6 }),
  ago: fc.constantFrom(0, 0, 0, 30, 500),
  by: fc.constantFrom(9, 9, 2),
})

function records(list: readonly Terms[]): readonly AccountRecord[] {
  return list.map(({ window, limit, isHard, thresholds, raisedFor, origin }, index) => ({
    kind: 'budget',
    id: `b${index}`,
    sequence: origin,
    isOpen: true,
    lookup: null,
    document: budgetDocument({
      name: null,
      scope: { values: {}, each: null },
      window,
      limit: BigInt(limit),
      enforcement: isHard ? 'hard' : 'alert',
      thresholds,
      since: T0,
      origin,
      setBy: origin,
      raisedBy: 0n,
      raises: raisedFor === 0 ? [] : [raisedFor, 2 * raisedFor].map((hours) => ({ amount: 10n, until: T0 + hours * HOUR_MS })),
    }),
  }))
}

describe('a tally', () => {
  it('stands as its budgets would, counted one by one: counters, room, level and what is told', () => {
    fc.assert(
      fc.property(fc.array(terms, { minLength: 1, maxLength: 6 }), fc.array(step, { maxLength: 25 }), (list, steps) => {
        const kept = records(list)
        const budgets = kept.map(budgetOf)
        const [group] = groupsOf(kept)
        if (group === undefined) throw new Error('there are budgets')
        let alone: readonly (Counter | null)[] = budgets.map(() => null)
        let tally: Tally | null = null
        let at = T0
        for (const { after, used, reserved, ago, by } of steps) {
          at += after * MINUTE_MS
          const change = { used: BigInt(used), reserved: BigInt(reserved), began: at - ago * MINUTE_MS, beganBy: by }
          const before: Tally = tally !== null && holds(tally, at, OWNER) ? tally : tallyOf(group, '', tally === null ? alone : countersNow(tally), at, OWNER)
          const moved = moveTally(before, change, at, OWNER)
          tally = moved.tally
          const expected = budgets.map((budget, index) => countAlone(budget, alone[index] ?? null, change, at))
          alone = expected.map(({ counter }) => counter)
          expect(countersNow(tally)).toEqual(alone)
          expect(moved.reached.map(({ standing, threshold }) => [standing.budget.id, threshold])).toEqual(expected.flatMap(({ told }) => told))
          const hard = budgets.map((budget, index) => standingOf(budget, alone[index] as Counter, at)).filter(({ budget }) => budget.enforcement === 'hard')
          const least = hard.map(({ remaining }) => remaining).reduce<bigint | null>((a, b) => (a === null || b < a ? b : a), null)
          expect(roomIn(tally)).toBe(least)
          for (const taken of [0n, 5n]) {
            expect(levelIn(tally, taken)).toBe(hard.map((one) => budgetLevel(one, taken)).reduce<ReturnType<typeof levelIn>>(worse, 'ok'))
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

function countAlone(budget: Budget, stored: Counter | null, change: Parameters<typeof counted>[2], at: number) {
  const counter = counterAt(budget, { budget: budget.id, subject: '' }, stored, at, OWNER)
  const moved = counted(budget, counter, change)
  if (moved === null) return { counter, told: [] }
  const thresholds = thresholdsBeyond(standingOf(budget, counter, at), moved.fired, moved.used)
  return { counter: thresholds.length === 0 ? moved : { ...moved, fired: Math.max(...thresholds) }, told: thresholds.map((threshold) => [budget.id, threshold]) }
}
