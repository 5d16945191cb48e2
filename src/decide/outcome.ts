import type { CreditErrorFacts, ErrorCode } from '../errors.js'
import type { Level } from '../budgets/level.js'
import type { Counter } from '../budgets/counter.js'
import type { Tally } from '../budgets/tally.js'
import type { Account } from '../ledger/account.js'
import type { AccountRecord } from '../ledger/account-record.js'
import type { Grant } from '../ledger/grant.js'
import type { Reservation } from '../ledger/reservation.js'
import type { Transaction } from '../ledger/transaction.js'
import type { MicroCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'
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
  /** The record concerned, as it stands now; of a replay what it has become. */
  readonly record: AccountRecord | null
  /** What is left to spend after a charge or settlement, as of this write; null for everything else. */
  readonly pressure: Pressure | null
  /** What the party has left of its own part, where it spends with a delegated key; null where the whole account is its own. */
  readonly ownBalance: MicroCredits | null
}

/** How much a party can still spend, and the budget that leaves the least where it is a budget that does. */
export interface Pressure {
  readonly spendable: MicroCredits
  readonly level: Level
  /** Null for none, and to a delegated key, which is told nothing of the plan above it. */
  readonly nextGrantAt: Instant | null
  readonly budget: {
    readonly id: string
    readonly remaining: MicroCredits
    /** Null for a limit above a delegated key, of which it is told only what it leaves. */
    readonly limit: MicroCredits | null
    readonly window: string
    readonly resetsAt: Instant
  } | null
}

export type Outcome = Refused | Done

/** Rows to write, in one piece. `transactions` are appended; the others replace their former selves. */
export interface Changes {
  readonly account: Account | null
  readonly transactions: readonly Transaction[]
  readonly grants: readonly Grant[]
  readonly reservations: readonly Reservation[]
  readonly records: readonly AccountRecord[]
  /** Counters changed one by one; they come after those of the tallies. */
  readonly counters: readonly Counter[]
  /** Counters of a group of budgets together; of one group and subject the last is the newest. */
  readonly tallies: readonly Tally[]
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
