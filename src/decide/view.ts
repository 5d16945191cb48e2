import type { Counter, CounterKey } from '../budgets/counter.js'
import type { BudgetGroup } from '../budgets/group.js'
import type { Tally } from '../budgets/tally.js'
import type { CatalogVersion } from '../catalog/version.js'
import type { Account } from '../ledger/account.js'
import type { AccountRecord, RecordKind } from '../ledger/account-record.js'
import type { Grant } from '../ledger/grant.js'
import type { Reservation } from '../ledger/reservation.js'
import type { Transaction } from '../ledger/transaction.js'
import type { Instant } from '../time/instant.js'

/** Rows that a decision turned out to need beyond those loaded at first. The store adds them and decides again. */
export type Need =
  | { readonly kind: 'grants'; readonly count: number }
  | { readonly kind: 'grant'; readonly sequence: number }
  | { readonly kind: 'reservation'; readonly sequence: number }
  /** Several at once: what is set aside under one quote. */
  | { readonly kind: 'reservations'; readonly sequences: readonly number[] }
  | { readonly kind: 'transaction'; readonly sequence: number }
  | { readonly kind: 'refunds'; readonly sequence: number }
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'call'; readonly key: string }
  /** Every open record of a kind. */
  | { readonly kind: 'records'; readonly of: RecordKind }
  | { readonly kind: 'record'; readonly of: RecordKind; readonly id: string }
  | { readonly kind: 'counters'; readonly keys: readonly CounterKey[] }
  /** Rows due after `after` and up to `at`; `count`: how many of a kind one step looks at. */
  | { readonly kind: 'due'; readonly after: Instant; readonly at: Instant; readonly count: number }

/**
 * Thrown by a view for a row that was not loaded; `decide` turns it into a value at its boundary. No `Error`: it is a
 * question and nobody's fault, and the trace of the stack would cost more than the decision.
 */
export class NotLoaded {
  readonly need: Need

  constructor(need: Need) {
    this.need = need
  }
}

/** Open rows whose time has come, and the earliest instant at which another one's does. */
export interface DueRows {
  /** Open reservations with `expiresAt` up to the horizon. */
  readonly reservations: readonly Reservation[]
  /** Effective grants with something left and `expiresAt` up to the horizon. */
  readonly expiring: readonly Grant[]
  /** Scheduled grants with `effectiveAt` up to the horizon. */
  readonly scheduled: readonly Grant[]
  /** Everything due up to here is in the lists. Before the instant asked for when the lists were cut. */
  readonly horizon: Instant
  /** More rows may be due by the instant asked for than the lists hold. */
  readonly isCut: boolean
  /** The earliest due instant after the one asked for, `NEVER` if there is none. */
  readonly next: Instant
}

/**
 * One account as a decision reads it. Answers are of one moment. A row that was not loaded throws {@link NotLoaded};
 * a row that does not exist is null.
 */
export interface AccountView {
  readonly account: Account | null
  /** Every catalog version of the ledger, oldest first; at least one. */
  readonly catalogs: readonly CatalogVersion[]
  /** Open grants in burn order, at least `count` of them or all. */
  openGrants(count: number): readonly Grant[]
  grant(sequence: number): Grant
  reservation(sequence: number): Reservation | null
  /** In the order of the sequences. */
  reservationsAt(sequences: readonly number[]): readonly (Reservation | null)[]
  transaction(sequence: number): Transaction | null
  /** Refunds of one charge, oldest first. */
  refunds(sequence: number): readonly Transaction[]
  /** The transaction that carries an idempotency key. */
  transactionByKey(key: string): Transaction | null
  /** The open reservation of a metered call that carries an idempotency key. */
  openCall(key: string): Reservation | null
  /** Every open record of a kind, by id. */
  records(of: RecordKind): readonly AccountRecord[]
  /** One record, open or closed; null where there is none. */
  record(of: RecordKind, id: string): AccountRecord | null
  /** Counters in the order of the keys; null for one that nothing was counted in yet. */
  counters(keys: readonly CounterKey[]): readonly (Counter | null)[]
  /** The counters of a group of budgets together, as an earlier decision left them; null where none is remembered. */
  tally(group: BudgetGroup, subject: string): Tally | null
  due(at: Instant): DueRows
}
