import { openCredits } from '../../../dist/src/index.js'
import { makeLedger } from '../forms/ledger.mjs'
import { startCharger } from '../forms/processes.mjs'
import { makeFolder } from '../support/folder.mjs'
import { atMostMs } from '../support/report.mjs'

const PROCESSES = 4
const LOAD = { callers: 16, accounts: 1 }
const MILLISECONDS = 5_000
const WAIT_MAX_MS = 1_000

/**
 * Four processes that charge one account of a file as fast as they can: what they make, and the longest that any call waits.
 *
 * @type {import('../run.mjs').Run}
 */
export async function* processes() {
  const folder = makeFolder()
  try {
    const database = folder.file('ledger.db')
    await makeLedger(database)
    const chargers = await Promise.all(Array.from({ length: PROCESSES }, () => startCharger('ledger', database)))
    const runs = await Promise.all(chargers.map((charger) => charger.run(LOAD, MILLISECONDS)))
    await Promise.all(chargers.map((charger) => charger.close()))
    const credits = await openCredits({ database })
    const { ok } = await credits.verify({ account: 'a0' })
    await credits.close()
    yield {
      name: 'processes',
      title: `${PROCESSES} processes on one SQLite file, ${LOAD.callers} callers each, one account`,
      unit: 'charges a second',
      columns: ['rate'],
      rows: runs.map(({ rate }, index) => ({ what: `process ${index + 1}`, values: [rate] })),
      findings: [
        atMostMs('longest wait of a call', Math.max(...runs.map(({ worstMs }) => worstMs)), WAIT_MAX_MS),
        { what: 'the ledger adds up', figure: String(ok), bar: 'true', isMet: ok },
      ],
    }
  } finally {
    folder.remove()
  }
}
