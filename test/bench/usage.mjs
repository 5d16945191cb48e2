import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { openCredits } from '../../dist/src/index.js'
import { openStore } from '../../dist/src/storage/open-store.js'
import { median, printTable } from './measure.mjs'

const CHARGES = 1_000_000
const DAYS = 30
const TOOLS = 20
const CUSTOMERS = 100
const READS = 100
const SCANS = 3
const STEP = 1_000
const P50_MAX_MS = 25
const DAY_MS = 86_400_000
const END = Date.UTC(2026, 5, 17, 9, 41, 27, 613)

/** Reports over a month of charges, from roll-ups and, in the same run, from the journal alone. */
export async function benchUsage() {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-bench-'))
  const file = join(folder, 'ledger.db')
  let now = END - DAYS * DAY_MS - 1
  const open = () => openCredits({ database: file, catalog: 'starter', clock: { now: () => now } })
  const made = await open()
  await made.createAccount({ id: 'a', plan: 'none', timeZone: 'Europe/Berlin' })
  await made.grant({ account: 'a', credits: 100_000_000 })
  await made.close()
  insertCharges(file, now + 1)
  now = END

  const store = await openStore(file)
  const scans = []
  for (const column of /** @type {const} */ (['tool', 'operation', null])) {
    const by = column === null ? null : { column }
    const times = await timesOf(SCANS, () => store.usage({ account: 'a', since: END - DAYS * DAY_MS, until: END + 1, by }))
    scans.push({ what: `journal alone: by ${column ?? 'day'} (median)`, figure: median(times).toFixed(0) })
  }
  const steps = await timesOf(Math.ceil((CHARGES + 1) / STEP), () => store.rollUp('a', STEP))
  const left = await store.rollUp('a', 0)
  await store.close()

  const credits = await open()
  const reports = []
  for (const groupBy of ['tool', 'operation', 'label:customer', 'day', 'month']) {
    const times = await timesOf(READS, () => credits.usage({ account: 'a', groupBy }))
    const p50 = median(times)
    reports.push({ what: `by ${groupBy}: p50`, figure: p50.toFixed(1), ...(groupBy === 'tool' ? { bar: `≤ ${P50_MAX_MS}`, isMet: p50 <= P50_MAX_MS } : {}) })
    reports.push({ what: `by ${groupBy}: p95`, figure: p95(times).toFixed(1) })
  }
  const { totalCalls } = await credits.usage({ account: 'a', groupBy: 'tool' })
  await credits.close()
  rmSync(folder, { recursive: true })
  printTable(`Usage over a month of ${CHARGES} charges, ${TOOLS} tools, milliseconds`, [
    ...scans,
    { what: 'rolling all of it up', figure: steps.reduce((sum, one) => sum + one, 0).toFixed(0) },
    { what: `the longest step of ${STEP} rows`, figure: Math.max(...steps).toFixed(0) },
    ...reports,
    { what: 'the reports have every charge', figure: String(left === 0 && totalCalls === CHARGES) },
  ])
}

/**
 * Rows as charges leave them, but for their hashes, which no report looks at.
 *
 * @param {string} file
 * @param {number} since
 */
function insertCharges(file, since) {
  const db = new Database(file)
  db.pragma('synchronous = off')
  db.prepare(
    `with recursive n (i) as (select 1 union all select i + 1 from n where i < ${CHARGES})
     insert into transactions (account, sequence, kind, at, credits, balance_after, operation, quantity, tool, labels, labels_digest,
       price_version, detail, entries, hash)
     select 'a', i + 1, 'charge', cast(? + i * ${DAYS * DAY_MS}.0 / ${CHARGES} as integer) - 1, 1000000, 1000000 * (100000000 - i),
       'tool.call', 1, 'tool-' || (i * 7919 % ${TOOLS}), '{"customer":"customer-' || (i * 104729 % ${CUSTOMERS}) || '"}', '${'0'.repeat(64)}',
       1, '{}', '[["available",1,-1000000,' || (1000000 * (100000000 - i)) || '],["spent",1,1000000,' || (1000000 * i) || ']]', zeroblob(32)
     from n`,
  ).run(since)
  const spent = `${CHARGES} * 1000000`
  db.exec(
    `update accounts set sequence = sequence + ${CHARGES}, last_at = ${END}, available = available - ${spent}, spent = spent + ${spent} where id = 'a';
     update grants set remaining = remaining - ${spent} where account = 'a'`,
  )
  db.close()
}

/**
 * @param {number} times
 * @param {() => Promise<unknown>} work
 */
async function timesOf(times, work) {
  const values = []
  for (let time = 0; time < times; time += 1) {
    const started = performance.now()
    await work()
    values.push(performance.now() - started)
  }
  return values
}

/** @param {readonly number[]} values */
function p95(values) {
  return /** @type {number} */ ([...values].sort((a, b) => a - b)[Math.floor(values.length * 0.95)])
}
