import { sql } from 'kysely'
import type { Counter } from '../budgets/counter.js'
import type { Account } from '../ledger/account.js'
import type { AccountRecord } from '../ledger/account-record.js'
import type { TransactionKind } from '../ledger/transaction.js'
import type { LedgerDatabase } from './database.js'
import type { KindSum, Orphan, RecordQuery, SequenceRange } from './port.js'
import { COUNTER_COLUMNS, counterFromRow, RECORD_COLUMNS, recordFromRow } from './record-rows.js'
import { ACCOUNT_COLUMNS, accountFromRow } from './rows.js'

export async function selectChildren(
  db: LedgerDatabase,
  parent: string,
  after: string | null,
  limit: number,
): Promise<readonly Account[]> {
  const rows = await db
    .selectFrom('accounts')
    .select(ACCOUNT_COLUMNS)
    .where('parent', '=', parent)
    .where('id', '>', after ?? '')
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(accountFromRow)
}

export async function selectRecords(
  db: LedgerDatabase,
  { account, kind, isOpen, before, limit }: RecordQuery,
): Promise<readonly AccountRecord[]> {
  let select = db
    .selectFrom('records')
    .select(RECORD_COLUMNS)
    .where('account', '=', account)
    .where('kind', '=', kind)
    .orderBy('sequence', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
  // Spelled out, because a parameter would hide from SQLite that the index of open records is the one.
  if (isOpen !== undefined) select = select.where('is_open', '=', sql.lit(Number(isOpen)))
  if (before !== undefined) select = select.where(sql<boolean>`(sequence, id) < (${before.sequence}, ${before.id})`)
  return (await select.execute()).map(recordFromRow)
}

export async function selectRecordByLookup(
  db: LedgerDatabase,
  lookup: string,
): Promise<{ readonly account: string; readonly record: AccountRecord } | null> {
  const row = await db.selectFrom('records').select(RECORD_COLUMNS).where('lookup', '=', lookup).executeTakeFirst()
  return row === undefined ? null : { account: row.account, record: recordFromRow(row) }
}

/** No index holds the sums, for every charge moves some: those of an account, or of the budget, are sorted when they are asked for. */
export async function selectCounters(
  db: LedgerDatabase,
  account: string,
  budget: string | null,
  limit: number,
): Promise<readonly Counter[]> {
  let select = db
    .selectFrom('counters')
    .select(COUNTER_COLUMNS)
    .where('account', '=', account)
    .orderBy('used', 'desc')
    .orderBy('budget')
    .orderBy('subject')
    .limit(limit)
  if (budget !== null) select = select.where('budget', '=', budget)
  return (await select.execute()).map(counterFromRow)
}

/** Sums as text: what was charged and refunded over and over may add up to more than a JavaScript number holds exactly. */
export async function selectKindSums(db: LedgerDatabase, account: string, { first, last }: SequenceRange): Promise<readonly KindSum[]> {
  const rows = await db
    .selectFrom('transactions')
    .select(['kind', 'operation', sql<number | string>`count(*)`.as('count'), sql<string>`cast(sum(credits) as text)`.as('credits')])
    .where('account', '=', account)
    .where('sequence', '>=', first)
    .where('sequence', '<=', last)
    .groupBy(['kind', 'operation'])
    .execute()
  return rows.map(({ kind, operation, count, credits }) => ({
    kind: kind as TransactionKind,
    operation,
    count: Number(count),
    credits: BigInt(credits),
  }))
}

const OF_ACCOUNTS: readonly Orphan['table'][] = ['grants', 'reservations', 'transactions', 'records', 'counters']

/** Steps from one account to the next in each table's own key, so that a journal of millions costs as many steps as it has accounts. */
export async function selectOrphans(db: LedgerDatabase, limit: number): Promise<readonly Orphan[]> {
  const orphans: Orphan[] = []
  for (const table of OF_ACCOUNTS) {
    const { rows } = await sql<{ account: string }>`
      with recursive found (account) as (
        select min(account) from ${sql.table(table)}
        union all
        select (select min(t.account) from ${sql.table(table)} as t where t.account > found.account)
        from found
        where found.account is not null
      )
      select account
      from found
      where account is not null and not exists (select 1 from accounts where accounts.id = found.account)
      limit ${limit}`.execute(db)
    orphans.push(...rows.map(({ account }) => ({ account, table })))
  }
  return orphans
}
