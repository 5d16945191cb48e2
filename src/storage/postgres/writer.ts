import type { Changes } from '../../decide/outcome.js'
import type { Account } from '../../ledger/account.js'
import { counterValues, recordValues } from '../record-rows.js'
import { accountValues, grantValues, reservationValues, transactionValues } from '../rows.js'
import { ACCOUNTS, COUNTERS, GRANTS, onConflictUpdate, RECORDS, RESERVATIONS, type Table, TRANSACTIONS } from '../tables.js'
import type { Query } from './connection.js'

/** Another process opened the same account meanwhile: what was decided without it must be decided again. */
export class AccountOpenedMeanwhile extends Error {}

/**
 * Writes what a batch has changed, each table with one statement. Accounts that were not `known` when the batch loaded
 * them are new.
 *
 * @throws AccountOpenedMeanwhile
 */
export async function write(query: Query, changes: readonly Changes[], known: ReadonlySet<string>): Promise<void> {
  const written = changes.filter((change): change is Changes & { readonly account: Account } => change.account !== null)
  const rowsOf = <Row>(rows: (change: Changes) => readonly Row[], values: (account: string, row: Row) => readonly unknown[]) =>
    written.flatMap((change) => rows(change).map((row) => values(change.account.id, row)))
  const accounts = written.map(({ account }) => account)

  await openAccounts(query, accounts.filter(({ id }) => !known.has(id)))
  await run(query, UPDATE_ACCOUNTS, accounts.filter(({ id }) => known.has(id)).map(accountValues))
  await run(query, INSERT_TRANSACTIONS, rowsOf((change) => change.transactions, (_account, row) => transactionValues(row)))
  await run(query, UPSERT_GRANTS, rowsOf((change) => change.grants, grantValues))
  await run(query, UPSERT_RESERVATIONS, rowsOf((change) => change.reservations, reservationValues))
  await run(query, UPSERT_RECORDS, rowsOf((change) => change.records, recordValues))
  await run(query, UPSERT_COUNTERS, rowsOf((change) => change.counters, counterValues))
}

async function openAccounts(query: Query, accounts: readonly Account[]): Promise<void> {
  // In one order, so that two processes that open the same ones never wait for each other.
  const inOrder = [...accounts].sort((a, b) => (a.id < b.id ? -1 : 1))
  const opened = await run(query, OPEN_ACCOUNTS, inOrder.map(accountValues))
  if (opened !== accounts.length) throw new AccountOpenedMeanwhile()
}

const BYTES: readonly string[] = ['head', 'hash']
const INTEGERS: readonly string[] = [
  'is_test', 'debt_max', 'created_at', 'last_at', 'sequence', 'issued', 'available', 'reserved', 'spent', 'expired', 'revoked',
  'uncollected', 'debt', 'open_grants', 'open_reservations', 'next_due_at', 'plan_anchor_at', 'period', 'period_start',
  'period_end', 'period_base', 'priority', 'is_paid', 'amount', 'remaining', 'is_open', 'effective_at', 'expires_at', 'opened_at',
  'price_version', 'ended_by', 'at', 'credits', 'balance_after', 'refers_to',
  'rules', 'pending', 'clock_ahead_ms', 'items_due_at', 'plan_changed_by', 'ends_with_plan', 'origin', 'window_start', 'window_end', 'used', 'fired_percent',
]

function typeOf(column: string): string {
  if (BYTES.includes(column)) return 'bytea'
  if (INTEGERS.includes(column)) return 'int8'
  return column === 'quantity' ? 'float8' : 'text'
}

const OPEN_ACCOUNTS = `${insertInto(ACCOUNTS)} on conflict (id) do nothing`
const UPDATE_ACCOUNTS = `update accounts set ${ACCOUNTS.changing.map((column) => `${column} = n.${column}`).join(', ')}
  from ${rowsGiven(ACCOUNTS)} where accounts.id = n.id`
const INSERT_TRANSACTIONS = insertInto(TRANSACTIONS)
const UPSERT_GRANTS = `${insertInto(GRANTS)} ${onConflictUpdate(GRANTS)}`
const UPSERT_RESERVATIONS = `${insertInto(RESERVATIONS)} ${onConflictUpdate(RESERVATIONS)}`
const UPSERT_RECORDS = `${insertInto(RECORDS)} ${onConflictUpdate(RECORDS)}`
const UPSERT_COUNTERS = `${insertInto(COUNTERS)} ${onConflictUpdate(COUNTERS)}`

function insertInto(table: Table): string {
  return `insert into ${table.name} (${table.columns.join(', ')}) select * from ${rowsGiven(table)}`
}

/** The rows to write as a table `n`: one array a column, so that a statement is the same for any number of rows. */
function rowsGiven({ columns }: Table): string {
  const arrays = columns.map((column, index) => `$${index + 1}::${typeOf(column)}[]`)
  return `unnest(${arrays.join(', ')}) as n (${columns.join(', ')})`
}

/** Runs a statement over rows and tells how many it wrote; none is run for no rows. */
async function run(query: Query, sql: string, rows: readonly (readonly unknown[])[]): Promise<number> {
  const [first] = rows
  if (first === undefined) return 0
  const { rowCount } = await query(sql, first.map((_, column) => rows.map((row) => row[column])))
  return rowCount ?? 0
}
