import { makeFolder } from '../support/folder.mjs'
import { makeJournal, openAt, rolledUp } from '../support/journal.mjs'
import { interleaved, medianMs } from '../support/measure.mjs'
import { startPostgres } from '../support/postgres.mjs'
import { atMost, atMostMs, figureOf } from '../support/report.mjs'

const FEWEST = 1_000
const READS = 100
const GROWTH_MAX = 1.5
const USAGE_MAX_MS = 50

/** What an agent asks again and again; none of it may depend on how much there was before. */
const CONSTANT = /** @type {const} */ ({
  balance: (/** @type {Credits} */ credits) => credits.balance({ account: 'a' }),
  'budget status': (/** @type {Credits} */ credits) => credits.budgets({ account: 'a' }),
  estimate: (/** @type {Credits} */ credits) => credits.estimate({ account: 'a', operation: 'tool.call' }),
})
const USAGE = /** @type {const} */ ({
  'usage by tool': (/** @type {Credits} */ credits) => credits.usage({ account: 'a', groupBy: 'tool' }),
})

/** @typedef {Awaited<ReturnType<typeof openAt>>} Credits */

/**
 * Reads of ledgers of 10³ transactions to the largest asked for, in turn, on both databases.
 *
 * @type {import('../run.mjs').Run}
 */
export async function* growth(options) {
  const folder = makeFolder()
  try {
    yield* grown('SQLite', options, async (name) => folder.file(name))
  } finally {
    folder.remove()
  }
  const server = await startPostgres()
  try {
    yield* grown('PostgreSQL', options, server.database)
  } finally {
    await server.stop()
  }
}

/**
 * @param {string} engine
 * @param {import('../run.mjs').Options} options
 * @param {(name: string) => Promise<string>} place
 */
async function* grown(engine, { rounds, transactions }, place) {
  /** @type {(readonly [size: string, ledger: Credits])[]} */
  const ledgers = []
  for (let size = FEWEST; size <= transactions; size *= 10) {
    const database = await place(`size_${size}`)
    await makeJournal(database, size)
    await rolledUp(database)
    ledgers.push([size.toLocaleString('en-US'), await openAt(database)])
  }
  const figures = (/** @type {Readonly<Record<string, (credits: Credits) => Promise<unknown>>>} */ readings) =>
    interleaved({ rows: Object.entries(readings), columns: ledgers, rounds, figure: (read, ledger) => medianMs(READS, () => read(ledger)) })
  const constant = await figures(CONSTANT)
  const usage = await figures(USAGE)
  for (const [, ledger] of ledgers) await ledger.close()
  const [fewest = '', most = ''] = [constant.columns.at(0), constant.columns.at(-1)]
  yield {
    name: `growth-${engine.toLowerCase()}`,
    title: `Reads on ${engine}, by transactions in the ledger`,
    unit: 'ms (median)',
    ...constant,
    findings: Object.keys(CONSTANT).map((what) => {
      const ratio = figureOf(constant, what, most) / figureOf(constant, what, fewest)
      return atMost(`${what}: ${most} by ${fewest}`, ratio, GROWTH_MAX)
    }),
  }
  yield {
    name: `growth-${engine.toLowerCase()}-usage`,
    title: `A month's usage on ${engine}, by transactions in the ledger`,
    unit: 'ms (median)',
    ...usage,
    findings: Object.keys(USAGE).map((what) => atMostMs(`${what} over ${most}`, figureOf(usage, what, most), USAGE_MAX_MS)),
  }
}
