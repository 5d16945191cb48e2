import { Kysely, SqliteDialect, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LedgerTables } from '../../src/storage/database.js'
import { QUARTER_MS, type TransactionQuery, type UsageQuery } from '../../src/storage/port.js'
import * as queries from '../../src/storage/queries.js'
import { rollUp, type Steps, usageTail } from '../../src/storage/rollups.js'
import { rollUpDialect } from '../../src/storage/sqlite/reads.js'
import { usageSums } from '../../src/storage/usage-sums.js'
import * as recordQueries from '../../src/storage/record-queries.js'
import { type Connection, openConnection } from '../../src/storage/sqlite/connection.js'
import { prepareStatements } from '../../src/storage/sqlite/statements.js'

/** Enough accounts and rows that a scan would be chosen where it was thought cheaper. */
const ACCOUNTS = 40
const ROWS = 400

let connection: Connection
beforeAll(async () => {
  connection = (await openConnection(':memory:')).connection
  fill(connection)
})
afterAll(() => connection.close())

/** Nobody analyses a ledger, as a rule; who does must not be punished for it. */
describe.each(['never analysed', 'analysed'])('in a ledger that was %s', (state) => {
  beforeAll(() => {
    if (state === 'analysed') connection.exec('analyze')
  })

  it('statements of the write path seek in an index and sort nothing', () => {
    const statements = Object.entries(prepareStatements(connection))
    expect(statements.length).toBeGreaterThan(15)
    for (const [name, { source }] of statements) expect(offences(planOf(source)), name).toEqual([])
  })

  const everything: Omit<Required<TransactionQuery>, 'kinds'> & Pick<TransactionQuery, 'kinds'> = {
    account: 'a1', kinds: ['charge', 'settle'], operation: 'work', label: { name: 'customer', value: 'c1' },
    book: 'reserved', from: 2, before: 5, limit: 10, withoutMeter: true, keys: ['k1', 'k2'],
  }
  // Over whole quarters of an hour, half of them rolled up.
  const usage: UsageQuery = { account: 'a1', since: 7, until: 200 * QUARTER_MS + 5, by: { column: 'operation' } }

  it.each<[string, (db: Kysely<LedgerTables>) => Promise<unknown>, isGrouped?: boolean]>([
    ['transactions', (db) => queries.selectTransactions(db, { account: 'a1', limit: 10 }, labelOf)],
    ['transactions before one', (db) => queries.selectTransactions(db, { account: 'a1', limit: 10, before: 9 }, labelOf)],
    ['sequences of a time', (db) => queries.selectSequences(db, 'a1', { since: 5, until: 9 })],
    ['all sequences', (db) => queries.selectSequences(db, 'a1', {})],
    ['transactions with every filter', (db) => queries.selectTransactions(db, everything, labelOf)],
    ['usage by column', (db) => answered(db, usageSums(db, usage, labelOf)), true],
    ['usage by label', (db) => answered(db, usageSums(db, { ...usage, by: { label: 'customer' } }, labelOf)), true],
    ['usage by time', (db) => answered(db, usageSums(db, { ...usage, by: null }, labelOf)), true],
    ['usage of a label', (db) => answered(db, usageSums(db, { ...usage, by: null, label: { name: 'customer', value: 'c1' } }, labelOf)), true],
    ['usage of a label by column', (db) => answered(db, usageSums(db, { ...usage, label: { name: 'customer', value: 'c1' } }, labelOf)), true],
    ['usage of a key', (db) => answered(db, usageSums(db, { ...usage, by: null, keys: ['k1'] }, labelOf)), true],
    ['usage of keys by column', (db) => answered(db, usageSums(db, { ...usage, keys: ['k1', 'k2'] }, labelOf)), true],
    ['usage within a quarter of an hour', (db) => answered(db, usageSums(db, { ...usage, until: 300 }, labelOf)), true],
    ['rolling usage up', (db) => answered(db, rollUp(db, 'a2', 100, rollUpDialect)), true],
    ['what is not rolled up', (db) => answered(db, usageTail(db, 'a1'))],
    ['the journal', (db) => queries.selectJournal(db, 'a1', 5, 10)],
    ['grants', (db) => queries.selectGrants(db, 'a1', 5, 10)],
    ['reservations', (db) => queries.selectReservations(db, 'a1', 5, 10)],
    ['the first accounts', (db) => queries.selectAccounts(db, null, 10)],
    ['further accounts', (db) => queries.selectAccounts(db, 'a1', 10)],
    ['an account’s children', (db) => recordQueries.selectChildren(db, 'a1', 'a2', 10)],
    ['records', (db) => recordQueries.selectRecords(db, { account: 'a1', kind: 'message', limit: 10 })],
    ['open records', (db) => recordQueries.selectRecords(db, { account: 'a1', kind: 'message', isOpen: true, limit: 10 })],
    ['further records', (db) => recordQueries.selectRecords(db, { account: 'a1', kind: 'message', isOpen: true, before: { sequence: 5, id: 'r5' }, limit: 10 })],
    ['closed records', (db) => recordQueries.selectRecords(db, { account: 'a1', kind: 'budget', isOpen: false, before: { sequence: 5, id: 'r5' }, limit: 10 })],
    ['a record by its lookup', (db) => recordQueries.selectRecordByLookup(db, 'a1/7')],
    ['counters', (db) => recordQueries.selectCounters(db, 'a1', null, 10), true],
    ['counters of a budget', (db) => recordQueries.selectCounters(db, 'a1', 'b1', 10), true],
    ['sums by kind', (db) => recordQueries.selectKindSums(db, 'a1', { first: 2, last: 9 }), true],
    ['accounts with something due', (db) => queries.selectDueAccounts(db, 10, 10)],
  ])('%s: seek in an index, and sort nothing but sums', async (_name, run, isGrouped = false) => {
    const asked: string[] = []
    const dialect = new SqliteDialect({ database: connection })
    const db = new Kysely<LedgerTables>({ dialect, log: ({ query }) => void asked.push(query.sql) })
    await run(db)
    expect(asked.length).toBeGreaterThan(0)
    for (const source of asked) expect(offences(planOf(source), isGrouped), source).toEqual([])
  })

  it('this test knows a scan and a sort when it sees them', () => {
    expect(offences(planOf('select * from transactions where detail = ?'))).not.toEqual([])
    expect(offences(planOf('select * from transactions where account = ? order by detail'))).not.toEqual([])
    expect(offences(planOf('select * from transactions where account = ?'))).not.toEqual([])
  })
})

async function answered<T>(db: Kysely<LedgerTables>, steps: Steps<T>): Promise<void> {
  for (let step = steps.next(); step.done !== true; ) step = steps.next((await db.executeQuery(step.value)).rows)
}

function planOf(source: string): readonly string[] {
  const statement = connection.prepare<unknown[], { detail: string }>(`explain query plan ${source}`)
  const names = [...source.matchAll(/@(\w+)/g)].map(([, name]) => name as string)
  const values = [...source.matchAll(/\?/g)].map(() => 1)
  const rows = names.length > 0 ? statement.all(Object.fromEntries(names.map((name) => [name, 1]))) : statement.all(...values)
  return rows.map(({ detail }) => detail)
}

function offences(plan: readonly string[], maySort = false): readonly string[] {
  // A few rows that the statement has made itself are no table of the ledger. An account's whole journal is a scan as well, though it begins with a seek.
  const isScan = (line: string): boolean => /^SCAN (?!\(subquery|CONSTANT ROW|json_each|l VIRTUAL TABLE|edge$|halving$|counted$|keyed$|quarters$|spans$)|^SEARCH (?:transactions|r|t) USING PRIMARY KEY \(account=\?\)$/.test(line)
  return plan.filter((line) => isScan(line) || (!maySort && /TEMP B-TREE/.test(line)))
}

function labelOf(column: string, name: string) {
  return sql<string | null>`json_extract(${sql.ref(column)}, ${`$.${JSON.stringify(name)}`})`
}

function fill(to: Connection): void {
  const head = `zeroblob(32)`
  to.exec(`
    with recursive n (i) as (select 1 union all select i + 1 from n where i < ${ACCOUNTS})
    insert into accounts select 'a' || i, 'active', null, 'UTC', 0, 0, 's', 0, 0, ${ROWS}, ${head}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      i * 7, null, null, null, null, null, null, null, 0, 0, '[]', 0, 0, 0 from n;
    with recursive n (i) as (select 1 union all select i + 1 from n where i < ${ROWS})
    insert into grants (account, sequence, id, source, priority, is_paid, amount, remaining, state, is_open, effective_at, expires_at, ends_with_plan)
    select a.id, i, 'g' || i, 'x', i % 3, 0, 10, i % 2, 'effective', i % 2, 0, i + 1, 0 from n, accounts as a;
    with recursive n (i) as (select 1 union all select i + 1 from n where i < ${ROWS})
    insert into reservations select a.id, i, 'r' || i, iif(i % 9, 'settled', 'open'), 'agent', null, null, null, 1, '[]', 'cap', 0, i, '{}', 1,
      'work', null, null, null, 'call' || i, 'f', iif(i % 9, i, null) from n, accounts as a;
    with recursive n (i) as (select 1 union all select i + 1 from n where i < ${ROWS})
    insert into transactions select a.id, i, iif(i % 5, 'charge', 'refund'), i, 1, 1, 'work', null, 1, null, null, null, null, null,
      'key' || i, 'f', i - 1, 1, '{}', '[]', ${head} from n, accounts as a;
    with recursive n (i) as (select 1 union all select i + 1 from n where i < ${ROWS})
    insert into records select a.id, iif(i % 2, 'message', 'budget'), 'r' || i, i, i % 9 = 0, a.id || '/' || i, '{}' from n, accounts as a;
    with recursive n (i) as (select 1 union all select i + 1 from n where i < ${ROWS})
    insert into counters select a.id, 'b' || (i % 3), 's' || i, 0, 0, 1, i, 0, 0, '[]' from n, accounts as a;
    with recursive n (i) as (select 1 union all select i + 1 from n where i < ${ACCOUNTS})
    insert into catalogs select i, 0, 0, '{}' from n;
    insert into usage_marks select id, ${ROWS} / 2 from accounts;
    with recursive n (i) as (select 0 union all select i + 1 from n where i < ${ROWS})
    insert into usage_rollups select a.id, 'operation', 1, i, '=work', 1, 1 from n, accounts as a`)
}
