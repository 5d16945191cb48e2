import type { CreditErrorFacts, ErrorCode } from '../errors.js'
import type { Account } from '../ledger/account.js'
import type { Grant } from '../ledger/grant.js'
import type { Reservation } from '../ledger/reservation.js'
import type { Transaction } from '../ledger/transaction.js'
import type { Need } from './view.js'

/** An expected no. It moves no credits and takes no idempotency key, so the same call may succeed after a top-up. */
export interface Refusal extends CreditErrorFacts {
  readonly code: ErrorCode
  readonly message: string
}

export interface Refused {
  readonly kind: 'refused'
  readonly refusal: Refusal
}

/** A yes. Everything that a caller is told can be read from these rows, so that a replay tells the same. */
export interface Done {
  readonly kind: 'done'
  readonly account: Account
  /** The row of the journal that this command wrote or, replayed, had written. Null where none is due (heartbeat, sweep, free). */
  readonly transaction: Transaction | null
  /** The reservation concerned, as it stands now. */
  readonly reservation: Reservation | null
  readonly replayed: boolean
}

export type Outcome = Refused | Done

/** Rows to write, in one piece. `transactions` are appended; the others replace their former selves. */
export interface Changes {
  readonly account: Account | null
  readonly transactions: readonly Transaction[]
  readonly grants: readonly Grant[]
  readonly reservations: readonly Reservation[]
}

/**
 * What a decision comes to. `need`: rows are missing, load them and decide again. `unfinished`: more was due than one
 * write takes; keep the changes and decide again.
 */
export type Decision =
  | { readonly kind: 'need'; readonly need: Need }
  | { readonly kind: 'unfinished'; readonly changes: Changes }
  | { readonly kind: 'decided'; readonly changes: Changes; readonly outcome: Outcome }

export function refuse(code: ErrorCode, message: string, facts: CreditErrorFacts = {}): Refused {
  return { kind: 'refused', refusal: { code, message, ...facts } }
}
