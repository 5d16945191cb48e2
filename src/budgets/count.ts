import type { MicroCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'
import type { Budget } from './budget.js'
import type { Counter, Slice } from './counter.js'
import { rollingEnd, sliceStart, sumsOf } from './window.js'

/** A movement of what is counted: what was spent and what is set aside, either of them up or down. */
export interface Change {
  readonly used: MicroCredits
  readonly reserved: MicroCredits
  /** When the work began: a settlement counts in the window of its reservation, a refund in that of its charge. */
  readonly began: Instant
  /** The transaction by which it began. */
  readonly beganBy: number
}

/** The counter with a change; null where the change belongs to a window that has ended, or to the time before the budget. */
export function counted(budget: Budget, counter: Counter, change: Change): Counter | null {
  if (change.beganBy <= counter.origin) return null
  if (budget.window.kind === 'rolling') return inSlice(counter, budget.window.hours, change)
  if (change.began < counter.windowStart) return null
  // Field by field: a hundred budgets are counted for one charge, and a copy by spreading costs several times as much.
  const { budget: id, subject, origin, windowStart, windowEnd, fired, slices } = counter
  const used = counter.used + change.used
  const reserved = change.reserved === 0n ? counter.reserved : counter.reserved + change.reserved
  return { budget: id, subject, origin, windowStart, windowEnd, used, reserved, fired, slices }
}

function inSlice(counter: Counter, hours: number, { used, reserved, began }: Change): Counter | null {
  const start = sliceStart(began, hours)
  const before = counter.slices.find((slice) => slice.start === start)
  // A slice that has left the window took what was counted in it along.
  if (before === undefined && began < counter.windowStart) return null
  const after: Slice = { start, used: (before?.used ?? 0n) + used, reserved: (before?.reserved ?? 0n) + reserved }
  const slices = [...counter.slices.filter((slice) => slice !== before), after].sort((a, b) => a.start - b.start)
  return { ...counter, ...sumsOf(slices), windowEnd: rollingEnd(slices, hours), slices }
}
