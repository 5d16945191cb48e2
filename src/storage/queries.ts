import { type RawBuilder, sql } from 'kysely'
import type { Account } from '../ledger/account.js'
import type { Grant } from '../ledger/grant.js'
import type { Reservation } from '../ledger/reservation.js'
import type { Transaction } from '../ledger/transaction.js'
import type { Instant } from '../time/instant.js'
import type { LedgerDatabase } from './database.js'
import type { SequenceRange, TimeWindow, TransactionQuery } from './port.js'
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
import { firstSequence, sequenceSearch } from './sequence-search.js'

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
  if (query.book !== undefined) select = select.where('entries', 'like', `%["${query.book}",%`)
  if (query.keys !== undefined) select = select.where(ofKeys(query.keys))
  if (query.withoutMeter === true) {
    select = select.where(sql<boolean>`not (kind in ('reserve', 'release') and detail like '%"holder":"meter"%')`)
  }
  return (await select.execute()).map(transactionFromRow)
}

/** A reservation that time ended and a refund by an operator name no key, or the operator's: their own is that of what they give back. */
function ofKeys(keys: readonly string[]): RawBuilder<boolean> {
  const own = sql.join(keys)
  return sql<boolean>`(
    transactions.key in (${own})
    or (
      transactions.kind in ('release', 'refund')
      and exists (
        select 1 from transactions as origin
        where origin.account = transactions.account and origin.sequence = transactions.refers_to and origin.key in (${own})
      )
    )
  )`
}

/** The ends of a window in an account's journal. */
export async function selectSequences(db: LedgerDatabase, account: string, { since, until }: TimeWindow): Promise<SequenceRange> {
  if (since === undefined && until === undefined) {
    const newest = await db.selectFrom('accounts').select('sequence').where('id', '=', account).executeTakeFirst()
    return { first: 1, last: Number(newest?.sequence ?? 0) }
  }
  const [from, to] = [since ?? EARLIEST, until ?? LATEST]
  const { rows } = await sequenceSearch(account, [from, to]).execute(db)
  return { first: firstSequence(rows, account, from), last: firstSequence(rows, account, to) - 1 }
}

/** Before and after every instant that there is. */
const EARLIEST = Number.MIN_SAFE_INTEGER
const LATEST = Number.MAX_SAFE_INTEGER

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
