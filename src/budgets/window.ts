import type { Account, Subscription } from '../ledger/account.js'
import { calendarPeriod, monthBoundary, monthPeriod } from '../time/calendar.js'
import { HOUR_MS, type Instant, NEVER } from '../time/instant.js'
import type { Budget } from './budget.js'
import type { Counter, CounterKey, Slice } from './counter.js'

/** What a window depends on beside the budget. */
export type Owner = Pick<Account, 'timeZone' | 'subscription' | 'createdAt' | 'planChangedBy'>

/** A rolling window moves on by this part of itself, so that what is remembered of it stays bounded. */
const SLICES = 60

/**
 * A counter in the window that `at` falls in: as it is while its window runs, otherwise empty. A window that runs goes
 * on to its end whatever becomes of the zone meanwhile, so that the reset that was told of is the reset that comes (T24),
 * and a window begins no earlier than the budget itself (T25).
 */
export function counterAt(budget: Budget, key: CounterKey, counter: Counter | null, at: Instant, owner: Owner): Counter {
  const origin = originOf(budget, owner)
  const own = counter === null || counter.origin !== origin ? null : counter
  if (budget.window.kind === 'rolling') return rolled(budget, key, own, at, budget.window.hours * HOUR_MS)
  if (own !== null && isRunning(budget, own, at, owner)) return own
  const { since, until } = windowAt(budget, at, owner)
  const windowStart = Math.max(since, budget.since, own === null || own.windowEnd > at ? 0 : own.windowEnd)
  return { ...key, origin, windowStart, windowEnd: until, used: 0n, reserved: 0n, fired: 0, slices: [] }
}

/** The transaction after which a budget counts: the one that made it or, of billing periods, by which the plan last changed. */
export function originOf({ window, origin }: Budget, { planChangedBy }: Pick<Owner, 'planChangedBy'>): number {
  return window.kind === 'billing_period' ? Math.max(origin, planChangedBy) : origin
}

function isRunning({ window }: Budget, { windowStart, windowEnd }: Counter, at: Instant, { subscription }: Owner): boolean {
  // A plan that begins anew has a period of its own, whatever was left of the one before.
  if (window.kind === 'billing_period' && subscription !== null && windowStart < subscription.periodStart) return false
  return at < windowEnd
}

function windowAt({ window, since }: Budget, at: Instant, { timeZone, subscription, createdAt }: Owner): { readonly since: Instant; readonly until: Instant } {
  switch (window.kind) {
    case 'day':
    case 'week':
    case 'month':
      return calendarPeriod(at, window.kind, timeZone)
    case 'billing_period':
      return subscription === null
        ? monthPeriod(createdAt, at, timeZone)
        : periodAt(subscription, at, timeZone)
    default:
      return { since, until: NEVER }
  }
}

/** The running period or, in the instant at which it ends and before the next one is opened, that next one. */
function periodAt({ anchorAt, period, periodStart, periodEnd }: Subscription, at: Instant, timeZone: string) {
  if (at < periodEnd) return { since: periodStart, until: periodEnd }
  return { since: periodEnd, until: monthBoundary(anchorAt, period + 2, timeZone) }
}

/** Keeps of a rolling window the slices that still reach into it; it ends, for a reader, when the oldest leaves. */
function rolled(budget: Budget, key: CounterKey, counter: Counter | null, at: Instant, lengthMs: number): Counter {
  const width = sliceWidth(lengthMs)
  const slices = (counter?.slices ?? []).filter((slice) => slice.start + width + lengthMs > at)
  const windowStart = Math.max(at - lengthMs, budget.since)
  const windowEnd = endOf(slices, lengthMs)
  const fired = slices.length === 0 ? 0 : (counter?.fired ?? 0)
  return { ...key, origin: budget.origin, windowStart, windowEnd, ...sumsOf(slices), fired, slices }
}

/** When the oldest slice of a rolling window leaves it: the next time that something is given back. */
export function rollingEnd(slices: readonly Slice[], hours: number): Instant {
  return endOf(slices, hours * HOUR_MS)
}

function endOf([oldest]: readonly Slice[], lengthMs: number): Instant {
  return oldest === undefined ? NEVER : oldest.start + sliceWidth(lengthMs) + lengthMs
}

export function sliceStart(at: Instant, hours: number): Instant {
  const width = sliceWidth(hours * HOUR_MS)
  return at - (at % width)
}

function sliceWidth(lengthMs: number): number {
  return lengthMs / SLICES
}

export function sumsOf(slices: readonly Slice[]): Pick<Slice, 'used' | 'reserved'> {
  return slices.reduce((sum, { used, reserved }) => ({ used: sum.used + used, reserved: sum.reserved + reserved }), NOTHING)
}

const NOTHING = { used: 0n, reserved: 0n }
