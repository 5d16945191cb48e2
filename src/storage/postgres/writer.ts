import type { Account } from '../../ledger/account.js'
import type { WriteSet } from '../loaded-account.js'
import { counterValues, recordValues } from '../record-rows.js'
import {
  ACCOUNT_SUM_COLUMNS,
  accountSumValues,
  accountValues,
  differsOnlyInSums,
  grantValues,
  reservationValues,
  transactionValues,
} from '../rows.js'
import { ACCOUNTS, COUNTERS, GRANTS, onConflictUpdate, RECORDS, RESERVATIONS, type Table, TRANSACTIONS } from '../tables.js'
import { columnsOf } from './array-text.js'
import { prepare, type Prepared, type Query, type Session } from './connection.js'

/** Another process opened the same account meanwhile: what was decided without it must be decided again. */
export class AccountOpenedMeanwhile extends Error {}

/**
 * Writes what a batch has changed, each table with one statement. Accounts that were not `known` when the batch loaded
 * them are new. That an account's row is written whenever anything of the account is, and its revision moves with it, is
 * what tells other processes that all they know of it is out of date.
 *
 * @throws AccountOpenedMeanwhile
 */
export async function write(session: Session, changes: readonly WriteSet[], known: ReadonlySet<string>): Promise<void> {
  const written = changes.filter((change): change is WriteSet & { readonly account: Account } => change.account !== null)
  const rowsOf = <Row>(rows: (change: WriteSet) => readonly Row[], values: (account: string, row: Row) => readonly unknown[]) =>
    written.flatMap((change) => rows(change).map((row) => values(change.account.id, row)))
  const [opened, changed] = divided(written, ({ account }) => !known.has(account.id))
  const [moved, others] = divided(changed, ({ account, accountBefore }) => accountBefore !== null && differsOnlyInSums(accountBefore, account))

  await openAccounts(session.query, opened.map(({ account }) => account))
  // One table is not written twice by one statement.
  send(session, [[UPDATE_ACCOUNTS, others.map(({ account }) => accountValues(account))]])
  send(session, [
    [UPDATE_SUMS, moved.map(({ account }) => [account.id, ...accountSumValues(account)])],
    [INSERT_TRANSACTIONS, rowsOf((change) => change.transactions, (_account, row) => transactionValues(row))],
    [UPSERT_GRANTS, rowsOf((change) => change.grants, grantValues)],
    [UPSERT_RESERVATIONS, rowsOf((change) => change.reservations, reservationValues)],
    [UPSERT_RECORDS, rowsOf((change) => change.records, recordValues)],
    [UPSERT_COUNTERS, rowsOf((change) => change.counters, counterValues)],
  ])
}

async function openAccounts(query: Query, accounts: readonly Account[]): Promise<void> {
  if (accounts.length === 0) return
  // In one order, so that two processes that open the same ones never wait for each other.
  const inOrder = [...accounts].sort((a, b) => (a.id < b.id ? -1 : 1))
  const { rowCount } = await query(together([OPEN_ACCOUNTS]), columnsOf(inOrder.map(accountValues)))
  if (rowCount !== accounts.length) throw new AccountOpenedMeanwhile()
}

const BYTES: readonly string[] = ['head', 'hash']
const INTEGERS: readonly string[] = [
  'is_test', 'debt_max', 'created_at', 'last_at', 'sequence', 'issued', 'available', 'reserved', 'spent', 'expired', 'revoked',
  'uncollected', 'debt', 'open_grants', 'open_reservations', 'next_due_at', 'plan_anchor_at', 'period', 'period_start',
  'period_end', 'period_base', 'priority', 'is_paid', 'amount', 'remaining', 'is_open', 'effective_at', 'expires_at', 'opened_at',
  'price_version', 'ended_by', 'at', 'credits', 'balance_after', 'refers_to',
  'rules', 'pending', 'clock_ahead_ms', 'items_due_at', 'plan_changed_by', 'ends_with_plan', 'origin', 'window_start', 'window_end', 'used', 'fired_percent', 'version',
]

function typeOf(column: string): string {
  if (BYTES.includes(column)) return 'bytea'
  if (INTEGERS.includes(column)) return 'int8'
  return column === 'quantity' ? 'float8' : 'text'
}

/** A statement that writes rows given as one array a column, so that it is the same for any number of rows. */
interface Writing {
  readonly name: string
  readonly columns: readonly string[]
  /** Its text around the rows, which stand as a table `n`. */
  readonly text: (rows: string) => string
}

const OPEN_ACCOUNTS = insertInto(ACCOUNTS, 'on conflict (id) do nothing')
const UPDATE_SUMS = updateAccounts('sums', ['id', ...ACCOUNT_SUM_COLUMNS], ACCOUNT_SUM_COLUMNS)
const UPDATE_ACCOUNTS = updateAccounts('changed accounts', ACCOUNTS.columns, ACCOUNTS.changing)
const INSERT_TRANSACTIONS = insertInto(TRANSACTIONS, '')
const UPSERT_GRANTS = insertInto(GRANTS, onConflictUpdate(GRANTS))
const UPSERT_RESERVATIONS = insertInto(RESERVATIONS, onConflictUpdate(RESERVATIONS))
const UPSERT_RECORDS = insertInto(RECORDS, onConflictUpdate(RECORDS))
const UPSERT_COUNTERS = insertInto(COUNTERS, onConflictUpdate(COUNTERS))

function updateAccounts(name: string, columns: readonly string[], changing: readonly string[]): Writing {
  const set = changing.map((column) => `${column} = n.${column}`).join(', ')
  const text = (rows: string) => `update accounts set revision = accounts.revision + 1, ${set} from ${rows} where accounts.id = n.id`
  return { name, columns, text }
}

function insertInto({ name, columns }: Table, onConflict: string): Writing {
  return { name, columns, text: (rows) => `insert into ${name} (${columns.join(', ')}) select * from ${rows} ${onConflict}` }
}

type Rows = readonly (readonly unknown[])[]

/** Sends what there are rows for as one statement; none is sent for no rows. */
function send(session: Session, writings: readonly (readonly [Writing, Rows])[]): void {
  const written = writings.filter(([, rows]) => rows.length > 0)
  if (written.length > 0) session.send(together(written.map(([writing]) => writing)), written.flatMap(([, rows]) => columnsOf(rows)))
}

/** By what is written together: which tables a batch writes differs little from one to the next. */
const prepared = new Map<string, Prepared>()

function together(writings: readonly Writing[]): Prepared {
  const name = writings.map((writing) => writing.name).join()
  const known = prepared.get(name) ?? prepare(textOf(writings))
  prepared.set(name, known)
  return known
}

function textOf(writings: readonly Writing[]): string {
  const parts: string[] = []
  let given = 0
  for (const { columns, text } of writings) {
    parts.push(text(rowsGiven(columns, given)))
    given += columns.length
  }
  const last = parts.pop() as string
  const before = parts.map((part, index) => `w${index} as (${part})`)
  return before.length === 0 ? last : `with ${before.join(', ')} ${last}`
}

function rowsGiven(columns: readonly string[], before: number): string {
  const arrays = columns.map((column, index) => `$${before + index + 1}::${typeOf(column)}[]`)
  return `unnest(${arrays.join(', ')}) as n (${columns.join(', ')})`
}

function divided<T>(all: readonly T[], isFirst: (one: T) => boolean): readonly [first: readonly T[], second: readonly T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))]
}
