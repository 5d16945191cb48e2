import { compared, loadsOf, wordsOf } from '../forms/form.mjs'
import { LEDGER, makeLedger, openLedger } from '../forms/ledger.mjs'
import { INTERACTIVE, naiveForms, PLPGSQL } from '../forms/naive-postgres.mjs'
import { peerForm } from '../forms/peer-sql.mjs'
import { processesForm, startCharger } from '../forms/processes.mjs'
import { postgresRateLimiter } from '../forms/rate-limiter.mjs'
import { poolOf, startPostgres } from '../support/postgres.mjs'
import { atLeast, figureOf } from '../support/report.mjs'

const ROUND_MS = 600
const PROCESSES = 4
const PROCESSES_ROUND_MS = 1_000

/**
 * Full-semantics charges beside what one writes first, beside a mere counter and, where its SQL is given, beside another
 * ledger; then by one server process and by four.
 *
 * @type {import('../run.mjs').Run}
 */
export async function* postgres({ rounds, peerSql }) {
  const server = await startPostgres()
  try {
    const ledger = await server.database('ledger')
    await makeLedger(ledger)
    yield* besideOthers(ledger, await server.database('others'), { rounds, peerSql })
    yield* byProcesses(ledger, rounds)
  } finally {
    await server.stop()
  }
}

/**
 * @param {string} ledger
 * @param {string} others
 * @param {Pick<import('../run.mjs').Options, 'rounds' | 'peerSql'>} options
 */
async function* besideOthers(ledger, others, { rounds, peerSql }) {
  const pool = poolOf(others)
  const peers = peerSql === undefined ? [] : [await peerForm(peerSql, pool)]
  const forms = [await openLedger(ledger), ...(await naiveForms(pool)), await postgresRateLimiter(pool), ...peers]
  const table = await compared(forms, loadsOf([1, 16, 256]), { rounds, milliseconds: ROUND_MS })
  for (const form of forms) await form.close()
  await pool.end()
  const by = (/** @type {number} */ callers, /** @type {string} */ form, /** @type {number} */ bar) => {
    const load = wordsOf({ callers, accounts: 1 })
    return atLeast(`${load}: by ${form}`, figureOf(table, load, LEDGER) / figureOf(table, load, form), bar)
  }
  const findings = [by(16, INTERACTIVE, 5), by(16, PLPGSQL, 3), by(256, INTERACTIVE, 10)]
  yield { name: 'postgres', title: 'Charges on PostgreSQL', unit: 'a second', ...table, findings }
}

/**
 * @param {string} ledger
 * @param {number} rounds
 */
async function* byProcesses(ledger, rounds) {
  const chargers = await Promise.all(Array.from({ length: PROCESSES }, () => startCharger('ledger', ledger)))
  const one = processesForm('1 process', chargers.slice(0, 1))
  const all = processesForm(`${PROCESSES} processes`, chargers)
  const table = await compared([one, all], loadsOf([1, 16, 256]), { rounds, milliseconds: PROCESSES_ROUND_MS })
  await all.close()
  const load = wordsOf({ callers: 16, accounts: 1 })
  const ratio = figureOf(table, load, all.name) / figureOf(table, load, one.name)
  yield {
    name: 'postgres-processes',
    title: 'Charges on PostgreSQL, callers of each process',
    unit: 'a second, all processes',
    ...table,
    findings: [atLeast(`${load}: ${all.name} by one`, ratio, 0.67)],
  }
}
