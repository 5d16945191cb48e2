import type { Statement } from 'better-sqlite3'
import type { CatalogRow } from '../catalog-cache.js'
import { COUNTER_COLUMNS, type CounterRow, RECORD_COLUMNS, type RecordRow } from '../record-rows.js'
import {
  ACCOUNT_COLUMNS,
  ACCOUNT_SUM_COLUMNS,
  type AccountRow,
  GRANT_COLUMNS,
  type GrantRow,
  RESERVATION_COLUMNS,
  RESERVATION_STATE_COLUMNS,
  type ReservationRow,
  TRANSACTION_COLUMNS,
  type TransactionRow,
} from '../rows.js'
import { ACCOUNTS, COUNTERS, GRANTS, onConflictUpdate, RECORDS, RESERVATIONS, type Table, TRANSACTIONS } from '../tables.js'
import type { Instant } from '../../time/instant.js'
import type { Connection } from './connection.js'

/** The statements of the write path, prepared once a connection. */
export interface Statements {
  readonly account: Statement<unknown[], AccountRow>
  readonly openGrants: Statement<unknown[], GrantRow>
  readonly grant: Statement<unknown[], GrantRow>
  readonly expiringGrants: Statement<[DuePage], GrantRow>
  readonly scheduledGrants: Statement<[DuePage], GrantRow>
  readonly reservation: Statement<unknown[], ReservationRow>
  readonly openCall: Statement<unknown[], ReservationRow>
  readonly dueReservations: Statement<[DuePage], ReservationRow>
  /** The earliest due instant of an account after another one; null when nothing is due later. */
  readonly nextDue: Statement<unknown[], number | null>
  readonly transaction: Statement<unknown[], TransactionRow>
  readonly transactionByKey: Statement<unknown[], TransactionRow>
  readonly refunds: Statement<unknown[], TransactionRow>
  readonly openRecords: Statement<unknown[], RecordRow>
  readonly record: Statement<unknown[], RecordRow>
  readonly counter: Statement<unknown[], CounterRow>
  readonly insertTransaction: Statement<unknown[]>
  readonly updateAccount: Statement<unknown[]>
  readonly upsertAccount: Statement<unknown[]>
  readonly updateGrant: Statement<unknown[]>
  readonly upsertGrant: Statement<unknown[]>
  readonly updateReservation: Statement<unknown[]>
  readonly upsertReservation: Statement<unknown[]>
  readonly upsertRecord: Statement<unknown[]>
  readonly upsertCounter: Statement<unknown[]>
  /** Differs once another connection has changed the file. */
  readonly dataVersion: Statement<unknown[], number>
  readonly catalogs: Statement<unknown[], CatalogRow>
  readonly insertCatalog: Statement<unknown[]>
}

/** The rows due after `after` and by `at`: as many as `last` counts from zero, and those due at the same instant as that one. */
interface DuePage {
  readonly account: string
  readonly after: Instant
  readonly at: Instant
  readonly last: number
}

export function prepareStatements(connection: Connection): Statements {
  const select = <Row, Parameters extends unknown[] = unknown[]>(
    columns: readonly string[],
    rest: string,
  ): Statement<Parameters, Row> => connection.prepare<Parameters, Row>(`select ${columns.join(', ')} ${rest}`)
  return {
    account: select<AccountRow>(ACCOUNT_COLUMNS, 'from accounts where id = ?'),
    openGrants: select<GrantRow>(
      GRANT_COLUMNS,
      `from grants
       where account = ? and is_open = 1
       order by priority, expires_at, is_paid, sequence
       limit ?`,
    ),
    grant: select<GrantRow>(GRANT_COLUMNS, 'from grants where account = ? and sequence = ?'),
    expiringGrants: select(GRANT_COLUMNS, duePage('grants', `is_open = 1`, 'expires_at')),
    scheduledGrants: select(GRANT_COLUMNS, duePage('grants', `state = 'scheduled'`, 'effective_at')),
    reservation: select<ReservationRow>(RESERVATION_COLUMNS, 'from reservations where account = ? and sequence = ?'),
    openCall: select<ReservationRow>(
      RESERVATION_COLUMNS,
      `from reservations where account = ? and state = 'open' and call_key = ?`,
    ),
    dueReservations: select(RESERVATION_COLUMNS, duePage('reservations', `state = 'open'`, 'expires_at')),
    nextDue: connection
      .prepare<unknown[], number | null>(
        `select min(due) from (
           select min(expires_at) as due from grants
             where account = @account and is_open = 1 and expires_at > @after
           union all
           select min(effective_at) from grants where account = @account and state = 'scheduled' and effective_at > @after
           union all
           select min(expires_at) from reservations where account = @account and state = 'open' and expires_at > @after
         )`,
      )
      .pluck(),
    transaction: select<TransactionRow>(TRANSACTION_COLUMNS, 'from transactions where account = ? and sequence = ?'),
    transactionByKey: select<TransactionRow>(TRANSACTION_COLUMNS, 'from transactions where account = ? and idempotency_key = ?'),
    // Named outright: without statistics SQLite takes the primary key for as good and walks the whole account.
    refunds: select<TransactionRow>(
      TRANSACTION_COLUMNS,
      `from transactions indexed by transactions_refunds where account = ? and refers_to = ? and kind = 'refund' order by sequence`,
    ),
    // Named outright as well: of many members or messages few may be open.
    openRecords: select<RecordRow>(
      RECORD_COLUMNS,
      'from records indexed by records_open where account = ? and kind = ? and is_open = 1',
    ),
    record: select<RecordRow>(RECORD_COLUMNS, 'from records where account = ? and kind = ? and id = ?'),
    counter: select<CounterRow>(COUNTER_COLUMNS, 'from counters where account = ? and budget = ? and subject = ?'),
    insertTransaction: connection.prepare<unknown[]>(insertInto(TRANSACTIONS)),
    // A column that an index names rewrites the index whenever it is set, changed or not: set only where it has changed.
    updateAccount: connection.prepare<unknown[]>(
      `update accounts set ${setAll(ACCOUNT_SUM_COLUMNS)} where id = ?`,
    ),
    updateGrant: connection.prepare<unknown[]>(
      'update grants set remaining = ? where account = ? and sequence = ? and state = ? and is_open = ?',
    ),
    upsertAccount: connection.prepare<unknown[]>(upsertInto(ACCOUNTS)),
    upsertGrant: connection.prepare<unknown[]>(upsertInto(GRANTS)),
    updateReservation: connection.prepare<unknown[]>(
      `update reservations set ${setAll(RESERVATION_STATE_COLUMNS)} where account = ? and sequence = ?`,
    ),
    upsertReservation: connection.prepare<unknown[]>(upsertInto(RESERVATIONS)),
    upsertRecord: connection.prepare<unknown[]>(upsertInto(RECORDS)),
    upsertCounter: connection.prepare<unknown[]>(upsertInto(COUNTERS)),
    dataVersion: connection.prepare<unknown[], number>('pragma data_version').pluck(),
    catalogs: connection.prepare<unknown[], CatalogRow>(
      'select version, effective_at, created_at, document from catalogs where version > ? order by version',
    ),
    insertCatalog: connection.prepare<unknown[]>(
      `insert into catalogs (version, effective_at, created_at, document)
       select @version, @effectiveAt, @createdAt, @document
       where @version = 1 + (select coalesce(max(version), 0) from catalogs)`,
    ),
  }
}

function duePage(table: string, isWaiting: string, due: string): string {
  const rows = `from ${table} where account = @account and ${isWaiting} and ${due} > @after and ${due} <= @at`
  return `${rows}
    and ${due} <= coalesce((select ${due} ${rows} order by ${due} limit 1 offset @last), @at)
    order by ${due}, sequence`
}

/** Adds a row by its values, in the order of the columns. */
export function insertInto({ name, columns }: Table): string {
  return `insert into ${name} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`
}

function setAll(columns: readonly string[]): string {
  return columns.map((column) => `${column} = ?`).join(', ')
}

/** One statement for a new row and a changed one. */
function upsertInto(table: Table): string {
  return `${insertInto(table)} ${onConflictUpdate(table)}`
}
