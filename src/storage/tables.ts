import { COUNTER_COLUMNS, RECORD_COLUMNS } from './record-rows.js'
import { ACCOUNT_COLUMNS, GRANT_COLUMNS, RESERVATION_COLUMNS, RESERVATION_STATE_COLUMNS, TRANSACTION_COLUMNS } from './rows.js'

/** A table as the write path sees it, the same on both databases. */
export interface Table {
  readonly name: string
  readonly columns: readonly string[]
  readonly key: readonly string[]
  /** What a later write may change; everything else stays as it was first written. */
  readonly changing: readonly string[]
}

const ACCOUNT_FIXED: readonly string[] = ['id', 'parent', 'is_test', 'label_salt', 'created_at']

export const ACCOUNTS: Table = {
  name: 'accounts',
  columns: ACCOUNT_COLUMNS,
  key: ['id'],
  changing: ACCOUNT_COLUMNS.filter((column) => !ACCOUNT_FIXED.includes(column)),
}

export const GRANTS: Table = {
  name: 'grants',
  columns: GRANT_COLUMNS,
  key: ['account', 'sequence'],
  changing: ['remaining', 'state', 'is_open'],
}

export const RESERVATIONS: Table = {
  name: 'reservations',
  columns: RESERVATION_COLUMNS,
  key: ['account', 'sequence'],
  changing: RESERVATION_STATE_COLUMNS,
}

export const RECORDS: Table = {
  name: 'records',
  columns: RECORD_COLUMNS,
  key: ['account', 'kind', 'id'],
  changing: ['sequence', 'is_open', 'lookup', 'document'],
}

export const COUNTERS: Table = {
  name: 'counters',
  columns: COUNTER_COLUMNS,
  key: ['account', 'budget', 'subject'],
  changing: ['origin', 'window_start', 'window_end', 'used', 'reserved', 'fired_percent', 'slices'],
}

/** Nothing in the journal ever changes. */
export const TRANSACTIONS: Table = {
  name: 'transactions',
  columns: TRANSACTION_COLUMNS,
  key: ['account', 'sequence'],
  changing: [],
}

/** The end of an insert that replaces the changing columns of a row that is there. */
export function onConflictUpdate({ key, changing }: Table): string {
  return `on conflict (${key.join(', ')}) do update set ${changing.map((column) => `${column} = excluded.${column}`).join(', ')}`
}
