import { readFileSync, statSync } from 'node:fs'
import { makeLedger, openLedger } from '../forms/ledger.mjs'
import { makeFolder } from '../support/folder.mjs'
import { connected, startPostgres } from '../support/postgres.mjs'

const CALLERS = [1, 16, 256]
const ROUND_MS = 4_000

/**
 * What a charge leaves on the disk, what is written for it, and what it costs this process of the processor.
 *
 * @type {import('../run.mjs').Run}
 */
export async function* footprint() {
  const folder = makeFolder()
  const server = await startPostgres()
  try {
    const costs = []
    for (const callers of CALLERS) {
      const sqlite = await onSqlite(folder.file(`ledger-${callers}.db`), callers)
      const postgres = await onPostgres(await server.database(`footprint_${callers}`), callers)
      costs.push({ what: `${callers} caller${callers === 1 ? '' : 's'}`, sqlite, postgres })
    }
    yield {
      name: 'footprint-disk',
      title: 'A charge on the disk',
      unit: 'bytes',
      columns: ['SQLite: kept', 'SQLite: written', 'PostgreSQL: kept', 'PostgreSQL: log'],
      rows: costs.map(({ what, sqlite, postgres }) => ({ what, values: [sqlite.kept, sqlite.written, postgres.kept, postgres.written] })),
    }
    yield {
      name: 'footprint-processor',
      title: 'Processor time of a charge, in the process that charges',
      unit: 'µs',
      columns: ['SQLite', 'PostgreSQL, without the server'],
      rows: costs.map(({ what, sqlite, postgres }) => ({ what, values: [sqlite.cpu, postgres.cpu] })),
    }
  } finally {
    await server.stop()
    folder.remove()
  }
}

/** @typedef {{ readonly kept: number, readonly written: number, readonly cpu: number }} Cost a charge */

/**
 * @param {string} file
 * @param {number} callers
 */
async function onSqlite(file, callers) {
  await makeLedger(file)
  return costOf(file, callers, { kept: async () => statSync(file).size, written: async () => bytesWritten() })
}

/**
 * @param {string} database
 * @param {number} callers
 */
async function onPostgres(database, callers) {
  await makeLedger(database)
  const number = (/** @type {string} */ expression) => () =>
    connected(database, async (client) => Number((await client.query(`select ${expression} as value`)).rows[0].value))
  const kept = number(`pg_total_relation_size('transactions')`)
  return costOf(database, callers, { kept, written: number(`pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')`) })
}

/**
 * @param {string} database
 * @param {number} callers
 * @param {{ kept: () => Promise<number>, written: () => Promise<number> }} meters
 * @returns {Promise<Cost>}
 */
async function costOf(database, callers, { kept, written }) {
  const keptBefore = await kept()
  const form = await openLedger(database)
  const writtenBefore = await written()
  const cpuBefore = process.cpuUsage()
  const started = performance.now()
  const { rate } = await form.run({ callers, accounts: 1 }, ROUND_MS)
  const charges = (rate * (performance.now() - started)) / 1_000
  const { user, system } = process.cpuUsage(cpuBefore)
  const writtenBytes = (await written()) - writtenBefore
  // Closing takes the last of the log into the file.
  await form.close()
  return { kept: ((await kept()) - keptBefore) / charges, written: writtenBytes / charges, cpu: (user + system) / charges }
}

/** What this process has sent towards the disk so far; nothing where the machine does not tell. */
function bytesWritten() {
  if (process.platform !== 'linux') return 0
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}
