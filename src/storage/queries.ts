import { type RawBuilder, sql } from 'kysely'
import type { Account } from '../ledger/account.js'
import type { Grant } from '../ledger/grant.js'
import type { Reservation } from '../ledger/reservation.js'
import type { Transaction } from '../ledger/transaction.js'
import type { Instant } from '../time/instant.js'
import type { LedgerDatabase } from './database.js'
import { QUARTER_MS, type SequenceRange, type TimeWindow, type TransactionQuery, type UsageQuery, type UsageSum } from './port.js'
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
    .where('sequence', '>=', query.from ?? 1)
    .orderBy('sequence', 'desc')
    .limit(query.limit)
  if (query.before !== undefined) select = select.where('sequence', '<', query.before)
  if (query.kinds !== undefined) select = select.where('kind', 'in', [...query.kinds])
  if (query.operation !== undefined) select = select.where('operation', '=', query.operation)
  if (query.label !== undefined) select = select.where(labelOf('labels', query.label.name), '=', query.label.value)
  if (query.withoutMeter === true) {
    select = select.where(sql<boolean>`not (kind in ('reserve', 'release') and detail like '%"holder":"meter"%')`)
  }
  return (await select.execute()).map(transactionFromRow)
}

/**
 * Time within an account never runs backwards, so a few steps of halving by primary key find both ends, in one
 * statement, and no index of instants is kept.
 */
export async function selectSequences(db: LedgerDatabase, account: string, { since, until }: TimeWindow): Promise<SequenceRange> {
  if (since === undefined && until === undefined) {
    const newest = await db.selectFrom('accounts').select('sequence').where('id', '=', account).executeTakeFirst()
    return { first: 1, last: Number(newest?.sequence ?? 0) }
  }
  const [from, to] = [since ?? EARLIEST, until ?? LATEST]
  const { rows } = await sql<{ at: number | string; found: number | string | null }>`
    with recursive halving (at, low, high) as (
      select edge.at, cast(1 as bigint), accounts.sequence + 1
      from accounts, (select cast(${from} as bigint) as at union all select cast(${to} as bigint)) as edge
      where accounts.id = ${account}
      union all
      select
        halving.at,
        case when middle.at < halving.at then middle.sequence + 1 else halving.low end,
        case when middle.at < halving.at then halving.high else middle.sequence end
      from halving left join transactions as middle
        on middle.account = ${account} and middle.sequence = (halving.low + halving.high) / 2
      where halving.low < halving.high
    )
    select at, high as found from halving where low = high or high is null`.execute(db)
  /** The first sequence whose transaction is at or after an instant; one past the newest where there is none. */
  const firstFrom = (edge: Instant): number => {
    const row = rows.find(({ at }) => Number(at) === edge)
    if (row?.found === null) throw new Error(`The journal of ${account} has a gap: mcp-credits doctor tells where`)
    return Number(row?.found ?? 1)
  }
  return { first: firstFrom(from), last: firstFrom(to) - 1 }
}

/** Before and after every instant that there is. */
const EARLIEST = Number.MIN_SAFE_INTEGER
const LATEST = Number.MAX_SAFE_INTEGER

/**
 * What was spent in a window: charges and settlements by their own time, less refunds, counted at the time of the
 * charge that they refund, whenever they were made.
 */
export async function selectUsage(db: LedgerDatabase, query: UsageQuery, labelOf: LabelOf): Promise<readonly UsageSum[]> {
  const range = await selectSequences(db, query.account, query)
  const spent = await spentSums(db, query, range, labelOf)
  const refunded = await refundedSums(db, query, range, labelOf)
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

async function spentSums(db: LedgerDatabase, query: UsageQuery, range: SequenceRange, labelOf: LabelOf): Promise<readonly UsageSum[]> {
  const key = keyOf('t', query, labelOf)
  let select = db
    .selectFrom('transactions as t')
    .select([key.as('group_key'), quarterOf('t').as('quarter'), sql<number>`count(*)`.as('calls'), exactSumOf('t').as('credits')])
    .where('t.account', '=', query.account)
    .where('t.sequence', '>=', range.first)
    .where('t.sequence', '<=', range.last)
    .where('t.kind', 'in', ['charge', 'settle'])
    .groupBy(GROUPS)
  if (query.label !== undefined) select = select.where(labelOf('t.labels', query.label.name), '=', query.label.value)
  return ((await select.execute()) as SumRow[]).map((row) => sumFromRow(row, 1n))
}

async function refundedSums(db: LedgerDatabase, query: UsageQuery, range: SequenceRange, labelOf: LabelOf): Promise<readonly UsageSum[]> {
  const key = keyOf('t', query, labelOf)
  let select = db
    .selectFrom('transactions as r')
    .innerJoin('transactions as t', (join) => join.onRef('t.account', '=', 'r.account').onRef('t.sequence', '=', 'r.refers_to'))
    .select([key.as('group_key'), quarterOf('t').as('quarter'), sql<number>`0`.as('calls'), exactSumOf('r').as('credits')])
    .where('r.account', '=', query.account)
    .where('r.kind', '=', sql.lit('refund'))
    .where('r.refers_to', '>=', range.first)
    .where('r.refers_to', '<=', range.last)
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
