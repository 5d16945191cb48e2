import { ACCOUNTS, COUNTERS, GRANTS, RECORDS, RESERVATIONS, type Table, TRANSACTIONS } from '../tables.js'
import type { Key, Row } from './sides.js'

export const CATALOGS: Table = {
  name: 'catalogs',
  columns: ['version', 'effective_at', 'created_at', 'document'],
  key: ['version'],
  changing: [],
}

/** An account as it can be written before the account that it reports to: that one may come after it. */
export const ACCOUNTS_ALONE: Table = allChanging(ACCOUNTS, ACCOUNTS.columns.filter((column) => column !== 'parent'))

export const WHOLE_ACCOUNTS: Table = allChanging(ACCOUNTS, ACCOUNTS.columns)

/** What belongs to accounts and changes, beside the journal, to which rows are only ever added. */
export const BELONGINGS: readonly Table[] = [GRANTS, RESERVATIONS, RECORDS, COUNTERS]

export const JOURNAL: Table = TRANSACTIONS

/**
 * Every table that is copied row by row. Roll-ups of usage are not: they are made again from the journal, for each
 * database keeps them in its own way.
 */
export const COPIED: readonly Table[] = [CATALOGS, ACCOUNTS, ...BELONGINGS, JOURNAL]

/** Tables that hold nothing which cannot be made again, or nothing of the ledger. */
export const NOT_COPIED: readonly string[] = ['usage_marks', 'usage_rollups', 'schema_version']

function allChanging(table: Table, columns: readonly string[]): Table {
  return { ...table, columns, changing: columns.filter((column) => !table.key.includes(column)) }
}

/** The columns of a key come first in every table. */
export function keyOf({ key }: Table, row: Row): Key {
  return row.slice(0, key.length)
}

const INTEGER_KEYS: readonly string[] = ['sequence', 'version']

/** By its bytes where a key's column is text: the order of the primary keys of both databases. */
export function compareKeys({ key }: Table, one: Key, other: Key): number {
  for (const [index, column] of key.entries()) {
    const [a, b] = [String(one[index]), String(other[index])]
    if (a === b) continue
    return INTEGER_KEYS.includes(column) ? Number(a) - Number(b) : Buffer.compare(Buffer.from(a), Buffer.from(b))
  }
  return 0
}

export function isSameRow(one: Row, other: Row): boolean {
  return one.every((value, index) => {
    const beside = other[index]
    return Buffer.isBuffer(value) && Buffer.isBuffer(beside) ? value.equals(beside) : value === beside
  })
}
