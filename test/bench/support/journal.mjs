import Database from 'better-sqlite3'
import { openCredits } from '../../../dist/src/index.js'
import { openStore } from '../../../dist/src/storage/open-store.js'
import { connected } from './postgres.mjs'

export const DAYS = 30
const DAY_MS = 86_400_000
const TOOLS = 20
const CUSTOMERS = 100

/** Copies are made some at a time: a transaction of ten million rows would fill the log. */
const COPIES_AT_ONCE = 1_000_000
const ROLL_UP_ROWS = 4_000

/** The instant at which the ledgers are looked at, in the middle of a quarter of an hour; their charges are of the days before it. */
export const END = Date.UTC(2026, 5, 17, 9, 41, 27, 613)

/** @param {string} database @param {number} [now] */
export function openAt(database, now = END) {
  return openCredits({ database, catalog: 'starter', clock: { now: () => now } })
}

/**
 * A ledger of one account with a budget and so many charges over a month, of several tools and customers. One charge is
 * made as any other, the rest are copies of its row but for what reports read; so only the first is in the hash chain.
 *
 * @param {string} database
 * @param {number} charges
 */
export async function makeJournal(database, charges) {
  const since = END - DAYS * DAY_MS
  const credits = await openAt(database, since)
  await credits.createAccount({ id: 'a', plan: 'none', timeZone: 'Europe/Berlin' })
  await credits.grant({ account: 'a', credits: 1_000_000_000 })
  await credits.setBudget({ account: 'a', id: 'total', window: 'total', limit: 1_000_000_000 })
  await credits.charge({ account: 'a', operation: 'tool.call', labels: { customer: 'customer-0' } })
  await credits.close()
  await withSql(database, async (run) => {
    const columns = await run.columns()
    await run.sql(`create temporary table model as select * from transactions where account = 'a' order by sequence desc limit 1`)
    for (let made = 1; made < charges; made += COPIES_AT_ONCE) {
      await run.sql(copies({ columns, after: made, count: Math.min(COPIES_AT_ONCE, charges - made), since, charges }))
    }
    const copied = charges - 1
    const spent = `${copied} * (select credits from model)`
    await run.sql(
      `update accounts
       set sequence = sequence + ${copied}, last_at = ${END}, available = available - ${spent}, spent = spent + ${spent}
       where id = 'a'`,
    )
    await run.sql(`update grants set remaining = remaining - ${spent} where account = 'a'`)
    await run.settle()
  })
}

/**
 * @param {{ columns: readonly string[], after: number, count: number, since: number, charges: number }} part
 */
function copies({ columns, after, count, since, charges }) {
  const step = Math.floor((DAYS * DAY_MS) / charges)
  /** @type {Readonly<Record<string, string>>} */
  const own = {
    sequence: `m.sequence + n.i`,
    at: `${since} + n.i * ${step}`,
    tool: `'tool-' || (n.i * 7919 % ${TOOLS})`,
    labels: `'{"customer":"customer-' || (n.i * 104729 % ${CUSTOMERS}) || '"}'`,
  }
  return `with recursive n (i) as (select cast(${after} as bigint) union all select i + 1 from n where i < ${after + count - 1})
    insert into transactions (${columns.join(', ')})
    select ${columns.map((column) => own[column] ?? `m.${column}`).join(', ')} from n cross join model as m`
}

/** @param {string} database @returns {Promise<readonly number[]>} how long each step of rolling up its usage took, in milliseconds */
export async function rolledUp(database, rows = ROLL_UP_ROWS) {
  const store = await openStore(database)
  const times = []
  for (let left = 1; left > 0; ) {
    const started = performance.now()
    left = await store.rollUp('a', rows)
    times.push(performance.now() - started)
  }
  await store.close()
  return times
}

/**
 * @typedef {{
 *   readonly sql: (text: string) => Promise<unknown>,
 *   readonly columns: () => Promise<readonly string[]>,
 *   readonly settle: () => Promise<unknown>,
 * }} Sql
 * `settle` does what the database would do by itself some time later.
 */

/**
 * One connection to either database, on which nothing waits for the disk.
 *
 * @param {string} database
 * @param {(run: Sql) => Promise<void>} work
 */
async function withSql(database, work) {
  if (/^postgres/.test(database)) {
    return connected(database, async (client) => {
      await client.query('set synchronous_commit = off')
      const names = `
        select column_name from information_schema.columns
        where table_schema = current_schema() and table_name = 'transactions'`
      await work({
        sql: (text) => client.query(text),
        columns: async () => (await client.query(names)).rows.map((row) => String(row.column_name)),
        settle: () => client.query('vacuum (analyze) transactions'),
      })
    })
  }
  const db = new Database(database)
  db.pragma('synchronous = off')
  await work({
    sql: async (text) => db.exec(text),
    columns: async () => /** @type {{ name: string }[]} */ (db.pragma('table_info(transactions)')).map(({ name }) => name),
    settle: async () => db.pragma('wal_checkpoint(truncate)'),
  })
  db.close()
}
