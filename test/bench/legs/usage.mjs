import { openStore } from '../../../dist/src/storage/open-store.js'
import { makeFolder } from '../support/folder.mjs'
import { DAYS, END, makeJournal, openAt, rolledUp } from '../support/journal.mjs'
import { median, p95, timesMs } from '../support/measure.mjs'
import { atMostMs, figureOf } from '../support/report.mjs'

const CHARGES = 1_000_000
const READS = 100
const SCANS = 3
const STEP = 1_000
const P50_MAX_MS = 25
const DAY_MS = 86_400_000

/**
 * Reports over a month of charges, from roll-ups and, in the same run, from the journal alone.
 *
 * @type {import('../run.mjs').Run}
 */
export async function* usage() {
  const folder = makeFolder()
  try {
    const database = folder.file('ledger.db')
    await makeJournal(database, CHARGES)
    const scans = await scanned(database)
    const steps = await rolledUp(database, STEP)
    const credits = await openAt(database)
    const rows = []
    for (const groupBy of ['tool', 'operation', 'label:customer', 'day', 'month']) {
      const times = await timesMs(READS, () => credits.usage({ account: 'a', groupBy }))
      rows.push({ what: `by ${groupBy}`, values: [median(times), p95(times)] })
    }
    const { totalCalls } = await credits.usage({ account: 'a', groupBy: 'tool' })
    await credits.close()
    const table = { columns: ['p50', 'p95'], rows }
    yield {
      name: 'usage',
      title: `Reports over a month of ${CHARGES.toLocaleString('en-US')} charges on SQLite`,
      unit: 'ms',
      ...table,
      findings: [
        atMostMs('by tool: p50', figureOf(table, 'by tool', 'p50'), P50_MAX_MS),
        ...scans,
        { what: 'rolling all of it up', figure: `${steps.reduce((sum, one) => sum + one, 0).toFixed(0)} ms` },
        { what: `the longest step of ${STEP} rows`, figure: `${Math.max(...steps).toFixed(0)} ms` },
        { what: 'charges in a report', figure: String(totalCalls), bar: String(CHARGES), isMet: totalCalls === CHARGES },
      ],
    }
  } finally {
    folder.remove()
  }
}

/** The same sums without roll-ups. @param {string} database */
async function scanned(database) {
  const store = await openStore(database)
  const findings = []
  for (const column of /** @type {const} */ (['tool', 'operation', null])) {
    const by = column === null ? null : { column }
    const times = await timesMs(SCANS, () => store.usage({ account: 'a', since: END - DAYS * DAY_MS, until: END + 1, by }))
    findings.push({ what: `from the journal alone, by ${column ?? 'day'}`, figure: `${median(times).toFixed(0)} ms` })
  }
  await store.close()
  return findings
}
