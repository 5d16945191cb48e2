import { fileHere, makeFolder } from '../support/folder.mjs'
import { interleaved, medianMs, pace } from '../support/measure.mjs'
import { makeMeteredLedger } from '../support/metered-ledger.mjs'
import { atLeast, atMost, figureOf } from '../support/report.mjs'
import { startServer } from '../support/stdio-client.mjs'

const CALLS = 300
const CALLERS = 32
const ROUND_MS = 1_500
const [BARE, RELAYED, COMMITTED, METERED] = /** @type {const} */ (['bare', 'relayed', 'relayed with two raw commits', 'metered'])
const upstream = [process.execPath, fileHere('fixtures/upstream.mjs')]
const relay = [process.execPath, fileHere('fixtures/relay.mjs'), ...upstream]

/** @typedef {readonly (readonly [name: string, server: ReturnType<typeof startServer>])[]} Servers */

/**
 * One tool call over stdio: bare, through a relay that only passes lines on, through one that also makes two raw commits,
 * and metered. The commits are made where the meter makes its own, call by call: a disk that is asked now and then
 * answers later than one that is asked in a loop, and both are to be asked alike.
 *
 * @type {import('../run.mjs').Run}
 */
export async function* calls({ rounds }) {
  const folder = makeFolder()
  try {
    const database = folder.file('ledger.db')
    await makeMeteredLedger(database)
    /** @type {Servers} */
    const servers = [
      [BARE, startServer(upstream)],
      [RELAYED, startServer(relay)],
      [COMMITTED, startServer(relay, { BENCH_FLOOR: folder.file('floor.db') })],
      [METERED, startServer([process.execPath, fileHere('../../dist/bin/mcp-credits.js'), 'serve', '--db', database, '--', ...upstream])],
    ]
    for (const [, server] of servers) {
      await server.initialize()
      await server.call('noop')
    }
    yield await oneByOne(servers, rounds)
    yield await atOnce(servers, rounds)
    for (const [, server] of servers) await server.stop()
  } finally {
    folder.remove()
  }
}

/**
 * @param {Servers} servers
 * @param {number} rounds
 */
async function oneByOne(servers, rounds) {
  const row = 'an empty tool'
  const table = await interleaved({
    rows: [[row, 'noop']],
    columns: servers,
    rounds,
    figure: (tool, server) => medianMs(CALLS, () => server.call(tool)),
  })
  const adds = (/** @type {string} */ column) => figureOf(table, row, column) - figureOf(table, row, BARE)
  const findings = [atMost('what metering adds, by what a relay with two raw commits adds', adds(METERED) / adds(COMMITTED), 1.5)]
  return { name: 'calls', title: 'One tool call over stdio', unit: 'ms (median)', ...table, findings }
}

/**
 * @param {Servers} servers
 * @param {number} rounds
 */
async function atOnce(servers, rounds) {
  const row = 'a tool that takes 20 ms'
  const table = await interleaved({
    rows: [[row, 'wait']],
    columns: servers,
    rounds,
    figure: async (tool, server) => (await pace(CALLERS, ROUND_MS, () => server.call(tool))).rate,
  })
  const findings = [atLeast('metered, by bare', figureOf(table, row, METERED) / figureOf(table, row, BARE), 0.9)]
  return { name: 'calls-at-once', title: `Tool calls over stdio, ${CALLERS} at once`, unit: 'a second', ...table, findings }
}
