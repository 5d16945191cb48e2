import type { Table } from '../tables.js'

/** Integers as decimal texts, so that none loses a digit between two databases that hand them over differently. */
export type Value = string | number | Buffer | null

/** The values of a row in the order of its table's columns. */
export type Row = readonly Value[]

/** The values of a primary key, in its order. */
export type Key = readonly Value[]

/** The newest row of an account's journal. */
export interface JournalEnd {
  readonly account: string
  readonly sequence: number
  readonly hash: string
}

/** A ledger's rows, read in pages that bound what is held in memory. */
export interface LedgerRows {
  /** In words for people, without secrets. */
  readonly location: string

  /** Rows of a table in the order of its primary key, after one of them or from the first, at most `limit`. */
  page(table: Table, after: Key | null, limit: number): Promise<readonly Row[]>

  /** Ends of journals by account, after an account or from the first, at most `limit`. Who has no journal is left out. */
  journalEnds(after: string | null, limit: number): Promise<readonly JournalEnd[]>

  /** How many rows a table has. */
  count(table: Table): Promise<number>
}

/** A ledger that is copied: held, so that nobody writes to it meanwhile, and left as it is. */
export type CopySource = LedgerRows

/**
 * Where a ledger is copied to: marked as unfinished from the first row to the last, so that nobody opens it meanwhile.
 * Writes reject with {@link CopyRefused} once another run has taken the copy over.
 */
export interface CopyTarget extends LedgerRows {
  /** Where the rows that are there come from, as the mark says; null where there is none. */
  origin(): Promise<string | null>

  /**
   * Takes the place of a run that was cut, or begins one where nothing is.
   *
   * @returns where the rows that are there come from; null for a copy that begins now
   * @throws CopyRefused where there is something that is no copy
   */
  begin(source: string): Promise<string | null>

  /** Adds rows, in one write; those of accounts replace what is there. */
  add(table: Table, rows: readonly Row[]): Promise<void>

  remove(table: Table, keys: readonly Key[]): Promise<void>

  /** Has the database look at what it holds now, for it has planned for empty tables so far. */
  analyze(): Promise<void>

  /** Takes the mark away, in a write that is on the disk when this resolves: from now on it is a ledger. */
  finish(): Promise<void>
}

/** A copy that is not made, in words that say why and what to do. */
export class CopyRefused extends Error {
  readonly advice: readonly string[]

  constructor(message: string, advice: readonly string[]) {
    super(message)
    this.name = 'CopyRefused'
    this.advice = advice
  }
}

export function takenOver(location: string): CopyRefused {
  const message = `Another run has taken over the copy to ${location}, or it was finished or removed`
  return new CopyRefused(message, ['Leave it to the other run.'])
}

export function notEmpty(location: string, tables: readonly string[]): CopyRefused {
  return new CopyRefused(`${location} is not empty: it holds ${tables.join(', ')}, and a ledger is copied only to where nothing is`, [
    'If it is a copy that was finished, nothing is left to do: npx mcp-credits doctor checks it.',
    'Otherwise name another database by --to, or empty this one.',
  ])
}

/** The source is left as it is, so bringing it up to date is for whoever it belongs to. */
export function olderSchema(location: string): CopyRefused {
  const advice = ['Bring it up to date first: npx mcp-credits migrate --db <that ledger>']
  return new CopyRefused(`${location} has the schema of an older version`, advice)
}
