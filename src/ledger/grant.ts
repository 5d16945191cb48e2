import type { MicroCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'

/** An allocation of credits with its own source, priority and life. Its identity is the sequence of the transaction that made it. */
export interface Grant {
  readonly id: string
  readonly sequence: number
  readonly source: string
  readonly priority: number
  /** Paid credits are used after free ones of the same priority and expiry. */
  readonly isPaid: boolean
  readonly amount: MicroCredits
  /** What can still be taken. What open reservations pin is not in it. */
  readonly remaining: MicroCredits
  /** A scheduled grant was promised and has not taken effect: its credits are in no book yet. */
  readonly state: 'scheduled' | 'effective'
  readonly effectiveAt: Instant
  /** Exclusive: at this instant the grant has expired. `NEVER` for one that does not. */
  readonly expiresAt: Instant
  /** Ends with the subscription as well: an allowance that rolls over only while the account has one (SN-05). */
  readonly endsWithPlan: boolean
}

/** Allowance is used before anything bought or given besides it (ND-22); a smaller number is used first. */
export const PRIORITY_ALLOWANCE = 10
export const PRIORITY_DEFAULT = 20
export const PRIORITY_MAX = 100

/** How grants of a source are held unless their transaction says otherwise: only what differs costs a row its bytes. */
export function usualTerms(source: string): Pick<Grant, 'priority' | 'isPaid'> {
  return { priority: source === 'allowance' ? PRIORITY_ALLOWANCE : PRIORITY_DEFAULT, isPaid: source === 'purchase' }
}

export function isOpen(grant: Grant): boolean {
  return grant.state === 'effective' && grant.remaining > 0n
}

export function hasExpired(grant: Grant, at: Instant): boolean {
  return grant.expiresAt <= at
}

/**
 * Burn order: priority, then earliest expiry, then free before paid, then oldest. The one statement of the rule;
 * the stores sort by the same columns and a test holds them to this function.
 */
export function compareBurnOrder(a: Grant, b: Grant): number {
  return (
    a.priority - b.priority ||
    a.expiresAt - b.expiresAt ||
    Number(a.isPaid) - Number(b.isPaid) ||
    a.sequence - b.sequence
  )
}

/** A part of an amount and the grant it is taken from. */
export interface Share {
  readonly grant: number
  readonly amount: MicroCredits
}

/** Takes `amount` from the shares in their order; what they lack is `missing`. */
export function takeInOrder(
  sources: Iterable<Share>,
  amount: MicroCredits,
): { readonly taken: readonly Share[]; readonly missing: MicroCredits } {
  const taken: Share[] = []
  let missing = amount
  for (const source of sources) {
    if (missing === 0n) break
    const part = source.amount < missing ? source.amount : missing
    if (part > 0n) taken.push({ grant: source.grant, amount: part })
    missing -= part
  }
  return { taken, missing }
}
