import { readFileSync, statSync } from 'node:fs'
import { makeLedger, openLedger } from '../forms/ledger.mjs'
import { makeFolder } from '../support/folder.mjs'
import { connected, startPostgres } from '../support/postgres.mjs'

const CALLERS = [1, 16, 256]
const ROUND_MS = 4_000
const WARM_UP_MS = 1_000

/** What Linux counts the time of processes in. */
const TICKS_PER_SECOND = 100

/**
 * What a charge leaves on the disk, what is written for it, and what it costs of the processor.
 *
 * @type {import('../run.mjs').Run}
 */
export async function* footprint() {
  const folder = makeFolder()
  // Our own, whose processes are this machine's.
  const server = await startPostgres({ env: {} })
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
      title: 'Processor time of a charge',
      unit: 'µs',
      columns: ['SQLite', 'PostgreSQL: the process that charges', 'PostgreSQL: the server'],
      rows: costs.map(({ what, sqlite, postgres }) => ({ what, values: [sqlite.cpu, postgres.cpu, postgres.serverCpu] })),
    }
  } finally {
    await server.stop()
    folder.remove()
  }
}

/** @typedef {{ readonly kept: number, readonly written: number, readonly cpu: number, readonly serverCpu: number }} Cost a charge */

/**
 * @param {string} file
 * @param {number} callers
 */
async function onSqlite(file, callers) {
  await makeLedger(file)
  return costOf(file, callers, {
    kept: async () => statSync(file).size,
    written: async () => bytesWritten(),
    serverMicroseconds: async () => 0,
  })
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
  return costOf(database, callers, {
    kept,
    written: number(`pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')`),
    serverMicroseconds: () => serverMicroseconds(database),
  })
}

/**
 * @param {string} database
 * @param {number} callers
 * @param {{ kept: () => Promise<number>, written: () => Promise<number>, serverMicroseconds: () => Promise<number> }} meters
 * @returns {Promise<Cost>}
 */
async function costOf(database, callers, { kept, written, serverMicroseconds: server }) {
  const keptBefore = await kept()
  const form = await openLedger(database)
  // Whatever connects has connected by then, so that the same processes of the server are looked at before and after.
  const early = await chargesOf(form, callers, WARM_UP_MS)
  const writtenBefore = await written()
  const serverBefore = await server()
  const cpuBefore = process.cpuUsage()
  const charges = await chargesOf(form, callers, ROUND_MS)
  const { user, system } = process.cpuUsage(cpuBefore)
  const writtenBytes = (await written()) - writtenBefore
  const serverCpu = (await server()) - serverBefore
  // Closing takes the last of the log into the file.
  await form.close()
  return {
    kept: ((await kept()) - keptBefore) / (early + charges),
    written: writtenBytes / charges,
    cpu: (user + system) / charges,
    serverCpu: serverCpu / charges,
  }
}

/**
 * @param {import('../forms/form.mjs').Form} form
 * @param {number} callers
 * @param {number} milliseconds
 */
async function chargesOf(form, callers, milliseconds) {
  const started = performance.now()
  const { rate } = await form.run({ callers, accounts: 1 }, milliseconds)
  return (rate * (performance.now() - started)) / 1_000
}

/** The processor time of all processes of a server on this machine, in microseconds; 0 where the machine does not tell. @param {string} database */
async function serverMicroseconds(database) {
  if (process.platform !== 'linux') return 0
  const { rows } = await connected(database, (client) => client.query('select pid from pg_stat_activity where pid <> pg_backend_pid()'))
  const ticks = rows.map(({ pid }) => ticksOf(pid)).reduce((sum, one) => sum + one, 0)
  return (ticks * 1_000_000) / TICKS_PER_SECOND
}

/** The ticks of a process in its own code and in the kernel's; 0 for one that has ended. @param {number} pid */
function ticksOf(pid) {
  try {
    // Behind the name, which stands in brackets and may hold anything.
    const facts = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return Number(facts[11]) + Number(facts[12])
  } catch {
    return 0
  }
}

/** What this process has sent towards the disk so far; nothing where the machine does not tell. */
function bytesWritten() {
  if (process.platform !== 'linux') return 0
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}
