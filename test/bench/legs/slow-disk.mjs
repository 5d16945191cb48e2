import { compared, loadsOf, wordsOf } from '../forms/form.mjs'
import { FLOOR } from '../forms/floor.mjs'
import { LEDGER, makeLedger, openLedger } from '../forms/ledger.mjs'
import { INTERACTIVE, naiveForms, PLPGSQL } from '../forms/naive-postgres.mjs'
import { startCharger } from '../forms/processes.mjs'
import { postgresRateLimiter } from '../forms/rate-limiter.mjs'
import { timesText } from '../support/figures.mjs'
import { makeFolder } from '../support/folder.mjs'
import { poolOf, startPostgres } from '../support/postgres.mjs'
import { atLeast, figureOf } from '../support/report.mjs'
import { compileSlowSync, whyNoSlowSync } from '../support/slow-sync.mjs'

const ROUND_MS = 600
const DELAY_US = 1_000
const TITLES = ['Charges on SQLite, +1 ms a sync', 'Charges on PostgreSQL, +1 ms a sync']

/** A transaction of its own for each charge cannot be faster than one a millisecond; if one is, nothing was slowed. */
const ONE_BY_ONE_MAX = 1_000_000 / DELAY_US

/**
 * The same as on this machine's own disk, with a millisecond more for each sync.
 *
 * @type {import('../run.mjs').Run}
 */
export async function* slowDisk({ rounds }) {
  const why = whyNoSlowSync()
  if (why !== null) return yield* TITLES.map((title) => ({ title, absent: why }))
  const folder = makeFolder()
  try {
    const library = compileSlowSync(folder)
    yield await onSqlite(folder, library, rounds)
    yield await onPostgres(library, rounds)
  } finally {
    folder.remove()
  }
}

/**
 * @param {ReturnType<typeof makeFolder>} folder
 * @param {string} library
 * @param {number} rounds
 */
async function onSqlite(folder, library, rounds) {
  await makeLedger(folder.file('ledger.db'))
  const slow = slowSyncs(library)
  const forms = [
    await startCharger('ledger', folder.file('ledger.db'), slow),
    await startCharger('floor', folder.file('floor.db'), slow),
    await startCharger('rate-limiter', folder.file('counter.db'), slow),
  ]
  const table = await compared(forms, loadsOf([1, 16, 256]), { rounds, milliseconds: ROUND_MS })
  for (const form of forms) await form.close()
  const load = wordsOf({ callers: 256, accounts: 1 })
  const floor = slowed(figureOf(table, load, FLOOR))
  const findings = [atLeast(`${load}: by the ${FLOOR}`, figureOf(table, load, LEDGER) / floor, 40)]
  return { name: 'slow-disk-sqlite', title: TITLES[0] ?? '', unit: 'a second', ...table, findings }
}

/**
 * @param {string} library
 * @param {number} rounds
 */
async function onPostgres(library, rounds) {
  const server = await startPostgres({ env: slowSyncs(library) })
  try {
    const ledger = await server.database('ledger')
    await makeLedger(ledger)
    const pool = poolOf(await server.database('others'))
    const forms = [await openLedger(ledger), ...(await naiveForms(pool)), await postgresRateLimiter(pool)]
    const table = await compared(forms, loadsOf([1, 16, 256]), { rounds, milliseconds: ROUND_MS })
    for (const form of forms) await form.close()
    await pool.end()
    slowed(figureOf(table, wordsOf({ callers: 1, accounts: 1 }), PLPGSQL))
    const by = (/** @type {number} */ callers, /** @type {string} */ form) => {
      const load = wordsOf({ callers, accounts: 1 })
      return { what: `${load}: by ${form}`, figure: timesText(figureOf(table, load, LEDGER) / figureOf(table, load, form)) }
    }
    const findings = [by(16, INTERACTIVE), by(16, PLPGSQL), by(256, INTERACTIVE), by(256, PLPGSQL)]
    return { name: 'slow-disk-postgres', title: TITLES[1] ?? '', unit: 'a second', ...table, findings }
  } finally {
    await server.stop()
  }
}

/** @param {string} library */
function slowSyncs(library) {
  return { LD_PRELOAD: library, SYNC_DELAY_US: String(DELAY_US) }
}

/** @param {number} rate */
function slowed(rate) {
  if (rate > ONE_BY_ONE_MAX) throw new Error(`${Math.round(rate)} transactions a second were synced one by one: the syncs were not slowed`)
  return rate
}
