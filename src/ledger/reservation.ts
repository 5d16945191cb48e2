import type { MicroCredits } from '../money/credits.js'
import { DAY_MS, MINUTE_MS, type Instant } from '../time/instant.js'
import type { Share } from './grant.js'
import type { Labels } from './transaction.js'

export const RESERVATION_STATES = ['open', 'settled', 'released', 'expired'] as const
export type ReservationState = (typeof RESERVATION_STATES)[number]

/** Who made a reservation, and so who alone may end it. */
export const HOLDERS = ['meter', 'agent', 'operator'] as const
export type Holder = (typeof HOLDERS)[number]

/**
 * What happens when the actual price exceeds what was reserved, fixed when reserving:
 * `cap` charges what is reserved and available and records the rest as uncollected, `reject` refuses the
 * settlement, `debt` goes below zero down to the account's limit. `quoted` is what a quote binds: what is beyond it is
 * charged to nobody (AX-01).
 */
export const OVERRUN_POLICIES = ['cap', 'reject', 'debt'] as const
export type OverrunPolicy = (typeof OVERRUN_POLICIES)[number] | 'quoted'

export const RESERVATION_DEFAULT_MS = 15 * MINUTE_MS
export const RESERVATION_MAX_MS = DAY_MS
/** A holder that comes back within this time after its reservation timed out is still charged, marked late. */
export const LATE_SETTLEMENT_MS = DAY_MS

/** Credits set aside for work under way. Its identity is the sequence of the transaction that made it. */
export interface Reservation {
  readonly id: string
  readonly sequence: number
  readonly state: ReservationState
  readonly holder: Holder
  /** The key that reserved; null without keys. Only the same key may end it. */
  readonly key: string | null
  /** The member and the run for whom it was made: its settlement counts as theirs, whoever settles. */
  readonly member: string | null
  readonly run: string | null
  readonly amount: MicroCredits
  /** The grants pinned in burn order; a settlement takes them in that order. */
  readonly pins: readonly Share[]
  readonly overrun: OverrunPolicy
  readonly openedAt: Instant
  readonly expiresAt: Instant
  /** The price as it was when reserving, in its JSON form: a later price change does not touch it. */
  readonly price: unknown
  readonly priceVersion: number
  readonly operation: string
  readonly variant: string | null
  readonly tool: string | null
  readonly labels: Labels | null
  /** The idempotency key of the metered call and its input's fingerprint: written to the settlement, so that one key is one charge. */
  readonly callKey: string | null
  readonly callFingerprint: string | null
  /** The sequence of the transaction that ended it. */
  readonly endedBy: number | null
}
