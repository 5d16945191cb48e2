import { type MicroCredits, smaller } from '../money/credits.js'
import type { Instant } from '../time/instant.js'
import { type Budget, limitAt, marksOf } from './budget.js'
import type { Counter } from './counter.js'
import type { Level } from './level.js'

/** A budget with its counter: how far it is used up at an instant. */
export interface Standing {
  readonly budget: Budget
  readonly counter: Counter
  readonly limit: MicroCredits
  /** Never below zero: what a settlement took beyond the limit is used, and nothing remains. */
  readonly remaining: MicroCredits
}

export function standingOf(budget: Budget, counter: Counter, at: Instant): Standing {
  return standingWith(budget, counter, limitAt(budget, at))
}

export function standingWith(budget: Budget, counter: Counter, limit: MicroCredits): Standing {
  const left = limit - counter.used - counter.reserved
  return { budget, counter, limit, remaining: left > 0n ? left : 0n }
}

/** How much of the limit is used, in percent with two decimals; a limit of zero is used up from the start. */
export function percentUsed(used: MicroCredits, limit: MicroCredits): number {
  if (limit === 0n) return 100
  return Number((used * 10_000n) / limit) / 100
}

/** How pressing a budget is once `taken` more has come to it: what is set aside counts, for it may be spent. */
export function budgetLevel({ budget, counter, limit, remaining }: Standing, taken: MicroCredits = 0n): Level {
  if (remaining <= taken) return 'exhausted'
  const marks = marksAt(budget, limit)
  const claimed = counter.used + counter.reserved + taken
  const [first] = marks
  if (first === undefined || claimed < first) return 'ok'
  const last = marks.at(-1) as MicroCredits
  return marks.length > 1 && claimed >= last ? 'critical' : 'low'
}

/** How much more may be claimed before a budget is at another level; null where it is at the last. */
export function untilNextLevel({ budget, counter, limit }: Standing): MicroCredits | null {
  const claimed = counter.used + counter.reserved
  const steps = [...marksAt(budget, limit), limit].filter((step) => step > claimed)
  return steps.length === 0 ? null : steps.reduce(smaller) - claimed
}

/** The thresholds, in percent, that `used` has reached beyond one that was told of. */
export function thresholdsBeyond({ budget, limit }: Standing, fired: number, used: MicroCredits): readonly number[] {
  const marks = marksAt(budget, limit)
  const { thresholds } = budget
  if (marks.length === 0 || used < (marks[0] as MicroCredits)) return NONE
  return thresholds.filter((percent, index) => percent > fired && used >= (marks[index] as MicroCredits))
}

const NONE: readonly number[] = []

/** The thresholds as amounts of a limit, in their order. */
export function marksAt(budget: Budget, limit: MicroCredits): readonly MicroCredits[] {
  return limit === budget.limit ? budget.marks : marksOf(budget.thresholds, limit)
}
