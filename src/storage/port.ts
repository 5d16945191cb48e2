import type { Counter } from '../budgets/counter.js'
import type { CatalogVersion, NewCatalogVersion } from '../catalog/version.js'
import type { Command } from '../decide/command.js'
import type { Draft } from '../decide/draft.js'
import type { Outcome } from '../decide/outcome.js'
import type { Account } from '../ledger/account.js'
import type { AccountRecord, RecordKind } from '../ledger/account-record.js'
import type { Book } from '../ledger/books.js'
import type { Grant } from '../ledger/grant.js'
import type { Reservation } from '../ledger/reservation.js'
import type { Transaction, TransactionKind } from '../ledger/transaction.js'
import type { MicroCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'

/**
 * Where a ledger is kept. A store loads what a command names, runs `decide` inside its write and appends what came
 * back; it knows no rule of its own. Every promise settles after the commit that holds what it tells.
 *
 * Any method rejects with a `LedgerUnavailable` when the database cannot be reached or does not take the write.
 */
export interface Store {
  /** The database in words for people, without secrets: a file's path, a host and database. */
  readonly location: string

  /** What opening it did to its schema. */
  readonly schema: SchemaChange

  /**
   * Decides one command and commits what it changes, together with whatever else waits at the same moment. Answers of
   * one account are in the order of the calls. A throw in `decide` rejects its own caller alone.
   */
  update(command: Command, now: Instant): Promise<Outcome>

  /**
   * Reads one account as of `now`, what is due decided in memory and nothing written. `reader` is synchronous, may run
   * more than once, and sees one moment. Null where there is no such account.
   */
  read<T>(account: string, now: Instant, reader: Reader<T>): Promise<T | null>

  /** The sequences of an account's transactions within a window of time, which is in the order of its journal. */
  sequences(account: string, window: TimeWindow): Promise<SequenceRange>

  /**
   * Rows of an account's journal, newest first, at most `query.limit`. Whatever it filters by it reads one by one, from
   * `before` down to `from`: who gives the two keeps a long journal from holding everybody else up.
   */
  transactions(query: TransactionQuery): Promise<readonly Transaction[]>

  /** What was spent, for an account and a window of charge times, summed by one column or by quarters of an hour; of one moment. */
  usage(query: UsageQuery): Promise<readonly UsageSum[]>

  /** Pages through everything of an account in the order of sequence, for whoever recomputes it. */
  journal(account: string, after: number, limit: number): Promise<readonly Transaction[]>
  grants(account: string, after: number, limit: number): Promise<readonly Grant[]>
  reservations(account: string, after: number, limit: number): Promise<readonly Reservation[]>

  accounts(after: string | null, limit: number): Promise<readonly Account[]>

  /** The accounts that report to one, by id. */
  children(parent: string, after: string | null, limit: number): Promise<readonly Account[]>

  /** An account's records of one kind, newest first: by sequence and, of one sequence, by id, both falling. At most `query.limit`. */
  records(query: RecordQuery): Promise<readonly AccountRecord[]>

  /** The record that a lookup names, whosever it is; null for one that nobody has. */
  recordByLookup(lookup: string): Promise<{ readonly account: string; readonly record: AccountRecord } | null>

  /** Counters of an account, of one budget where it is named, the most used first. */
  counters(account: string, budget: string | null, limit: number): Promise<readonly Counter[]>

  /** What the rows of a part of an account's journal come to, by kind and operation. */
  kindSums(account: string, range: SequenceRange): Promise<readonly KindSum[]>

  /**
   * Adds at most `limit` more rows of an account's journal to its roll-ups of usage and tells how many are left. Reports
   * are right however far this has come: what is not rolled up yet they read from the journal.
   */
  rollUp(account: string, limit: number): Promise<number>

  /** Accounts that are not there and of which there are rows all the same, for whoever checks a ledger; at most `limit` a table. */
  orphans(limit: number): Promise<readonly Orphan[]>

  /** Accounts with something due at or before `at`, the longest waiting first. */
  dueAccounts(at: Instant, limit: number): Promise<readonly string[]>

  /** Every catalog version, oldest first. Empty in a new ledger. */
  catalogs(): Promise<readonly CatalogVersion[]>

  /** Those of them that were read here so far, by whatever was decided or asked: for what goes on while the ledger is away. */
  readonly knownCatalogs: readonly CatalogVersion[]

  /** Adds catalog versions, all or none, if the first of them is the next one; false when another came before. */
  addCatalogs(versions: readonly NewCatalogVersion[], now: Instant): Promise<boolean>

  /** A value that differs once anything in the ledger has changed, whoever changed it. */
  changeMark(): Promise<string>

  /** Waits for what is under way and closes. Calls after it are rejected. */
  close(): Promise<void>
}

/**
 * What is made of an account as it is read. `due` is every transaction that was decided in memory, oldest first: they
 * follow the account's stored ones, and the draft itself has made only the last of them.
 */
export type Reader<T> = (draft: Draft, due: readonly Transaction[]) => T

/** What opening a ledger did to its schema; the same number twice when it was up to date, zero for a new ledger. */
export interface SchemaChange {
  readonly from: number
  readonly to: number
}

export interface TimeWindow {
  readonly since?: Instant
  /** Exclusive. */
  readonly until?: Instant
}

/** Both ends inclusive; nothing is in it where `last` is smaller than `first`. */
export interface SequenceRange {
  readonly first: number
  readonly last: number
}

export interface TransactionQuery {
  readonly account: string
  readonly kinds?: readonly TransactionKind[]
  readonly operation?: string
  readonly label?: { readonly name: string; readonly value: string }
  /** Only rows with an entry in this book. */
  readonly book?: Book
  /** Only what these keys did, and what gives it back, whoever gives it back. */
  readonly keys?: readonly string[]
  /** Only rows with this sequence or a greater one. */
  readonly from?: number
  /** Only rows with a smaller sequence: a page's last sequence asks for the next page. */
  readonly before?: number
  readonly limit: number
  /** Leaves out what the meter reserved and gave back: an agent is not shown the meter's reservations. */
  readonly withoutMeter?: boolean
}

export type UsageColumn = 'tool' | 'operation' | 'member' | 'key' | 'variant'

export interface UsageQuery {
  readonly account: string
  readonly since: Instant
  readonly until: Instant
  /** Null for quarters of an hour alone. */
  readonly by: { readonly column: UsageColumn } | { readonly label: string } | null
  /** Only what carries this label. */
  readonly label?: { readonly name: string; readonly value: string }
  /** Only what these keys spent. */
  readonly keys?: readonly string[]
}

/** Charges and settlements less their refunds, counted at the time of the charge. */
export interface UsageSum {
  readonly key: string | null
  /**
   * Quarters of an hour since the epoch: every zone's offset is a multiple of one. Null for a sum over several, which only
   * a grouping by a key may have.
   */
  readonly quarter: number | null
  readonly calls: number
  readonly credits: MicroCredits
}

export interface RecordQuery {
  readonly account: string
  readonly kind: RecordKind
  readonly isOpen?: boolean
  /** Only records that come after this one, newest first. */
  readonly before?: { readonly sequence: number; readonly id: string }
  readonly limit: number
}

/** One line of what happened in a part of a journal. */
export interface KindSum {
  readonly kind: TransactionKind
  readonly operation: string | null
  readonly count: number
  readonly credits: MicroCredits
}

/** A table that has rows of an account that there is not. */
export interface Orphan {
  readonly account: string
  readonly table: 'grants' | 'reservations' | 'transactions' | 'records' | 'counters'
}

export const QUARTER_MS = 15 * 60 * 1000

/**
 * The database cannot be reached, or did not take the write. `outcome` says what is known of a write: `none` was not
 * made; `unknown` may have been, and a retry with the same idempotency key is safe and tells.
 */
export class LedgerUnavailable extends Error {
  readonly outcome: 'none' | 'unknown'

  constructor(message: string, outcome: 'none' | 'unknown', cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'LedgerUnavailable'
    this.outcome = outcome
  }
}

/** What somebody is copying a ledger to and has not finished: nothing may be read from it or written to it until then. */
export class UnfinishedCopy extends LedgerUnavailable {
  constructor(location: string, source: string) {
    super(`${location} is an unfinished copy of ${source}`, 'none')
    this.name = 'UnfinishedCopy'
  }
}

/** Somebody else's tables stand where a ledger's would: it is not made among them, and nothing is changed. */
export class OthersTables extends LedgerUnavailable {
  constructor(schema: string, tables: readonly string[]) {
    super(`The schema ${schema} of the database has tables of somebody else's by names of a ledger's: ${tables.join(', ')}; nothing was changed`, 'none')
    this.name = 'OthersTables'
  }
}

/** What is at the place that a text names. */
export interface LedgerPlace {
  /** In words for people, without secrets: a file's path, a host and database. */
  readonly location: string
  readonly isThere: boolean
}

/** Whether an opening takes an unfinished copy as well: only whoever goes on with the copy does. */
export interface StoreOpening {
  readonly unfinishedCopy: 'refused' | 'opened'
}

export const WHOLE_LEDGER: StoreOpening = { unfinishedCopy: 'refused' }

/** The ledger's schema is newer than this version of the program knows. */
export class SchemaTooNew extends Error {
  constructor(found: number, known: number) {
    super(`The ledger has schema ${found}; this version of mcp-credits knows up to ${known}. Use a newer mcp-credits.`)
    this.name = 'SchemaTooNew'
  }
}
