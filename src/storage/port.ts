import type { CatalogVersion } from '../catalog/version.js'
import type { Command } from '../decide/command.js'
import type { Draft } from '../decide/draft.js'
import type { Outcome } from '../decide/outcome.js'
import type { Account } from '../ledger/account.js'
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
  read<T>(account: string, now: Instant, reader: (draft: Draft) => T): Promise<T | null>

  /** The sequences of an account's transactions within a window of time, which is in the order of its journal. */
  sequences(account: string, window: TimeWindow): Promise<SequenceRange>

  /**
   * Rows of an account's journal, newest first, at most `query.limit`. Whatever it filters by it reads one by one, from
   * `before` down to `from`: who gives the two keeps a long journal from holding everybody else up.
   */
  transactions(query: TransactionQuery): Promise<readonly Transaction[]>

  /** What was spent, summed by one column and quarter of an hour, for an account and a window of charge times. */
  usage(query: UsageQuery): Promise<readonly UsageSum[]>

  /** Pages through everything of an account in the order of sequence, for whoever recomputes it. */
  journal(account: string, after: number, limit: number): Promise<readonly Transaction[]>
  grants(account: string, after: number, limit: number): Promise<readonly Grant[]>
  reservations(account: string, after: number, limit: number): Promise<readonly Reservation[]>

  accounts(after: string | null, limit: number): Promise<readonly Account[]>

  /** Accounts with something due at or before `at`, the longest waiting first. */
  dueAccounts(at: Instant, limit: number): Promise<readonly string[]>

  /** Every catalog version, oldest first. Empty in a new ledger. */
  catalogs(): Promise<readonly CatalogVersion[]>

  /** Adds catalog versions, all or none, if the first of them is the next one; false when another came before. */
  addCatalogs(versions: readonly CatalogVersion[], now: Instant): Promise<boolean>

  /** A value that differs once anything in the ledger has changed, whoever changed it. */
  changeMark(): Promise<string>

  /** Waits for what is under way and closes. Calls after it are rejected. */
  close(): Promise<void>
}

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
  readonly by: { readonly column: UsageColumn } | { readonly label: string } | null
  /** Only what carries this label. */
  readonly label?: { readonly name: string; readonly value: string }
}

/** Charges and settlements less their refunds, counted at the time of the charge. */
export interface UsageSum {
  readonly key: string | null
  /** Quarters of an hour since the epoch: every zone's offset is a multiple of one. */
  readonly quarter: number
  readonly calls: number
  readonly credits: MicroCredits
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

/** The ledger's schema is newer than this version of the program knows. */
export class SchemaTooNew extends Error {
  constructor(found: number, known: number) {
    super(`The ledger has schema ${found}; this version of mcp-credits knows up to ${known}. Use a newer mcp-credits.`)
    this.name = 'SchemaTooNew'
  }
}
