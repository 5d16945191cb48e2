import type { Kysely } from 'kysely'
import type { CounterRow, RecordRow } from './record-rows.js'
import type { AccountRow, GrantRow, ReservationRow, TransactionRow } from './rows.js'

/** The schema as the query builder sees it, for reads and reports; the same on both databases. */
export interface LedgerTables {
  readonly accounts: AccountRow
  readonly grants: GrantRow
  readonly reservations: ReservationRow
  readonly transactions: TransactionRow
  readonly records: RecordRow
  readonly counters: CounterRow
}

export type LedgerDatabase = Kysely<LedgerTables>
