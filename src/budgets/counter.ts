import type { MicroCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'

/** A part of a rolling window with what was spent and set aside in it. */
export interface Slice {
  readonly start: Instant
  readonly used: MicroCredits
  readonly reserved: MicroCredits
}

/**
 * What has been counted for one budget and one subject in its running window. A row is written in the same write as the
 * charge it counts, so that it is the same in every process and after every restart (T16). A window that has ended is
 * not kept: its row goes on as the next window's.
 */
export interface Counter {
  readonly budget: string
  /** The value that a budget for each of something counts apart; empty for a budget without. */
  readonly subject: string
  /** Which budget of this id it counts for: the sequence of the transaction that made it. A former one's counts for nothing. */
  readonly origin: number
  readonly windowStart: Instant
  /** Exclusive; `NEVER` for a window without an end. */
  readonly windowEnd: Instant
  readonly used: MicroCredits
  readonly reserved: MicroCredits
  /** The highest threshold, in percent, that was told of in this window; zero for none. */
  readonly fired: number
  /** Empty but for a rolling window. */
  readonly slices: readonly Slice[]
}

/** Names a counter within its account. */
export interface CounterKey {
  readonly budget: string
  readonly subject: string
}

