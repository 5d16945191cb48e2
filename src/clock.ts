import type { Instant } from './time/instant.js'

/** Where "now" comes from. Asked once a call; the value is passed on. */
export interface Clock {
  now(): Instant
}

/** The machine's clock, the only place that reads it. */
export const systemClock: Clock = { now: () => Date.now() }
