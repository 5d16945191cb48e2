import { type RawBuilder, sql } from 'kysely'
import type { Account } from '../ledger/account.js'
import type { Grant } from '../ledger/grant.js'
import type { Reservation } from '../ledger/reservation.js'
import type { Transaction } from '../ledger/transaction.js'
import type { Instant } from '../time/instant.js'
import type { LedgerDatabase } from './database.js'
import { QUARTER_MS, type TransactionQuery, type UsageQuery, type UsageSum } from './port.js'
import {
  ACCOUNT_COLUMNS,
  accountFromRow,
  GRANT_COLUMNS,
  grantFromRow,
  RESERVATION_COLUMNS,
  reservationFromRow,
  TRANSACTION_COLUMNS,
  transactionFromRow,
} from './rows.js'

/** How a database takes a label out of the labels of a row: the one thing that the two spell differently. */
export type LabelOf = (column: string, name: string) => RawBuilder<string | null>

export async function selectTransactions(db: LedgerDatabase, query: TransactionQuery, labelOf: LabelOf): Promise<readonly Transaction[]> {
  let select = db
    .selectFrom('transactions')
    .select(TRANSACTION_COLUMNS)
    .where('account', '=', query.account)
    .orderBy('sequence', 'desc')
    .limit(query.limit)
  if (query.kinds !== undefined) select = select.where('kind', 'in', [...query.kinds])
  if (query.operation !== undefined) select = select.where('operation', '=', query.operation)
  const { first, last } = await sequencesWithin(db, query.account, query.since, query.until)
  select = select.where('sequence', '>=', first).where('sequence', '<=', last)
  if (query.before !== undefined) select = select.where('sequence', '<', query.before)
  if (query.label !== undefined) select = select.where(labelOf('labels', query.label.name), '=', query.label.value)
  if (query.withoutMeter === true) {
    select = select.where(sql<boolean>`not (kind in ('reserve', 'release') and detail like '%"holder":"meter"%')`)
  }
  return (await select.execute()).map(transactionFromRow)
}

/**
 * The sequences of an account's transactions within a window of time. Time within an account never runs backwards, so
 * a few steps of halving by primary key find both ends and no index of instants is kept.
 */
async function sequencesWithin(
  db: LedgerDatabase,
  account: string,
  since?: Instant,
  until?: Instant,
): Promise<Window> {
  if (since === undefined && until === undefined) return { first: 1, last: Number.MAX_SAFE_INTEGER }
  const newest = await db.selectFrom('accounts').select('sequence').where('id', '=', account).executeTakeFirst()
  const end = Number(newest?.sequence ?? 0) + 1
  const first = since === undefined ? 1 : await firstSequenceFrom(db, account, since, end)
  const after = until === undefined ? end : await firstSequenceFrom(db, account, until, end)
  return { first, last: after - 1 }
}

/** Both ends inclusive. */
interface Window {
  readonly first: number
  readonly last: number
}

/** The first sequence whose transaction is at or after `at`; `end` where there is none. */
async function firstSequenceFrom(db: LedgerDatabase, account: string, at: Instant, end: number): Promise<number> {
  let low = 1
  let high = end
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const row = await db
      .selectFrom('transactions')
      .select('at')
      .where('account', '=', account)
      .where('sequence', '=', middle)
      .executeTakeFirstOrThrow()
    if (Number(row.at) < at) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * What was spent in a window: charges and settlements by their own time, less refunds, counted at the time of the
 * charge that they refund, whenever they were made.
 */
export async function selectUsage(db: LedgerDatabase, query: UsageQuery, labelOf: LabelOf): Promise<readonly UsageSum[]> {
  const window = await sequencesWithin(db, query.account, query.since, query.until)
  const spent = await spentSums(db, query, window, labelOf)
  const refunded = await refundedSums(db, query, window, labelOf)
  return [...spent, ...refunded]
}

interface SumRow {
  readonly group_key: string | null
  readonly quarter: number | string
  readonly calls: number | string
  readonly credits: string
}

/** By output names: PostgreSQL does not see that an expression with a parameter in it is the one selected. */
const GROUPS = [sql`group_key`, sql`quarter`]

async function spentSums(db: LedgerDatabase, query: UsageQuery, window: Window, labelOf: LabelOf): Promise<readonly UsageSum[]> {
  const key = keyOf('t', query, labelOf)
  let select = db
    .selectFrom('transactions as t')
    .select([key.as('group_key'), quarterOf('t').as('quarter'), sql<number>`count(*)`.as('calls'), exactSumOf('t').as('credits')])
    .where('t.account', '=', query.account)
    .where('t.sequence', '>=', window.first)
    .where('t.sequence', '<=', window.last)
    .where('t.kind', 'in', ['charge', 'settle'])
    .groupBy(GROUPS)
  if (query.label !== undefined) select = select.where(labelOf('t.labels', query.label.name), '=', query.label.value)
  return ((await select.execute()) as SumRow[]).map((row) => sumFromRow(row, 1n))
}

async function refundedSums(db: LedgerDatabase, query: UsageQuery, window: Window, labelOf: LabelOf): Promise<readonly UsageSum[]> {
  const key = keyOf('t', query, labelOf)
  let select = db
    .selectFrom('transactions as r')
    .innerJoin('transactions as t', (join) => join.onRef('t.account', '=', 'r.account').onRef('t.sequence', '=', 'r.refers_to'))
    .select([key.as('group_key'), quarterOf('t').as('quarter'), sql<number>`0`.as('calls'), exactSumOf('r').as('credits')])
    .where('r.account', '=', query.account)
    .where('r.kind', '=', sql.lit('refund'))
    .where('r.refers_to', '>=', window.first)
    .where('r.refers_to', '<=', window.last)
    .groupBy(GROUPS)
  if (query.label !== undefined) select = select.where(labelOf('t.labels', query.label.name), '=', query.label.value)
  return ((await select.execute()) as SumRow[]).map((row) => sumFromRow(row, -1n))
}

function keyOf(alias: string, query: UsageQuery, labelOf: LabelOf): RawBuilder<string | null> {
  if (query.by === null) return sql<string | null>`cast(null as text)`
  return 'label' in query.by ? labelOf(`${alias}.labels`, query.by.label) : sql.ref<string | null>(`${alias}.${query.by.column}`)
}

function quarterOf(alias: string): RawBuilder<number> {
  return sql<number>`${sql.ref(`${alias}.at`)} / ${sql.lit(QUARTER_MS)}`
}

/** As text: what was charged and refunded over and over may add up to more than a JavaScript number holds exactly. */
function exactSumOf(alias: string): RawBuilder<string> {
  return sql<string>`cast(sum(${sql.ref(`${alias}.credits`)}) as text)`
}

function sumFromRow(row: SumRow, sign: bigint): UsageSum {
  return { key: row.group_key, quarter: Number(row.quarter), calls: Number(row.calls), credits: sign * BigInt(row.credits) }
}

export async function selectJournal(db: LedgerDatabase, account: string, after: number, limit: number): Promise<readonly Transaction[]> {
  const rows = await db
    .selectFrom('transactions')
    .select(TRANSACTION_COLUMNS)
    .where('account', '=', account)
    .where('sequence', '>', after)
    .orderBy('sequence')
    .limit(limit)
    .execute()
  return rows.map(transactionFromRow)
}

export async function selectGrants(db: LedgerDatabase, account: string, after: number, limit: number): Promise<readonly Grant[]> {
  const rows = await db
    .selectFrom('grants')
    .select(GRANT_COLUMNS)
    .where('account', '=', account)
    .where('sequence', '>', after)
    .orderBy('sequence')
    .limit(limit)
    .execute()
  return rows.map(grantFromRow)
}

export async function selectReservations(
  db: LedgerDatabase,
  account: string,
  after: number,
  limit: number,
): Promise<readonly Reservation[]> {
  const rows = await db
    .selectFrom('reservations')
    .select(RESERVATION_COLUMNS)
    .where('account', '=', account)
    .where('sequence', '>', after)
    .orderBy('sequence')
    .limit(limit)
    .execute()
  return rows.map(reservationFromRow)
}

export async function selectAccounts(db: LedgerDatabase, after: string | null, limit: number): Promise<readonly Account[]> {
  const rows = await db
    .selectFrom('accounts')
    .select(ACCOUNT_COLUMNS)
    // No id is empty, so that the first page is a seek as well.
    .where('id', '>', after ?? '')
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(accountFromRow)
}

export async function selectDueAccounts(db: LedgerDatabase, at: Instant, limit: number): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('accounts')
    .select('id')
    .where('next_due_at', '<=', at)
    .orderBy('next_due_at')
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map((row) => row.id)
}
