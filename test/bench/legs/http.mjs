import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { fileHere, makeFolder } from '../support/folder.mjs'
import { httpClient, startHttpServer } from '../support/http-client.mjs'
import { interleaved, medianMs } from '../support/measure.mjs'
import { makeMeteredLedger } from '../support/metered-ledger.mjs'
import { atMost, figureOf } from '../support/report.mjs'

const CALLS = 300
const SUBSCRIPTIONS = 1_000
const CALLS_PER_SECOND = 200
const LOAD_MS = 60_000
const SAMPLE_MS = 1_000
const GROWTH_MAX = 0.05
const [BARE, COMMITTED, METERED] = /** @type {const} */ (['bare', 'with two raw commits', 'metered'])
const upstream = [process.execPath, fileHere('fixtures/http-upstream.mjs')]

/**
 * One metered call over HTTP by what two raw commits add to it, and a server under steady load with many subscriptions
 * that nothing happens to.
 *
 * @type {import('../run.mjs').Run}
 */
export async function* http({ rounds }) {
  const folder = makeFolder()
  try {
    const database = folder.file('ledger.db')
    const key = await makeMeteredLedger(database)
    yield await oneByOne(rounds, { database, floor: folder.file('floor.db') })
    if (process.platform === 'linux') yield await underLoad(database, key)
    else yield { title: 'A server under steady load', absent: 'the memory of another process is read in the way of Linux' }
  } finally {
    folder.remove()
  }
}

/**
 * @param {number} rounds
 * @param {{ database: string, floor: string }} files
 */
async function oneByOne(rounds, { database, floor }) {
  const servers = new Map([
    [BARE, await startHttpServer(upstream)],
    [COMMITTED, await startHttpServer(upstream, { BENCH_FLOOR: floor })],
    [METERED, await startHttpServer(upstream, { BENCH_LEDGER: database })],
  ])
  const clients = [...servers].map(([name, { url }]) => /** @type {const} */ ([name, httpClient(url)]))
  for (const [, client] of clients) await client.call('noop')
  const row = 'an empty tool'
  const table = await interleaved({
    rows: [[row, 'noop']],
    columns: clients,
    rounds,
    figure: (tool, client) => medianMs(CALLS, () => client.call(tool)),
  })
  for (const [, client] of clients) client.close()
  for (const server of servers.values()) await server.stop()
  const adds = (/** @type {string} */ column) => figureOf(table, row, column) - figureOf(table, row, BARE)
  const findings = [atMost('what metering adds, by what two raw commits add', adds(METERED) / adds(COMMITTED), 1.5)]
  return { name: 'http', title: 'One tool call over HTTP', unit: 'ms (median)', ...table, findings }
}

/**
 * @param {string} database
 * @param {string} key
 */
async function underLoad(database, key) {
  const serve = [fileHere('../../dist/bin/mcp-credits.js'), 'serve', '--http', '127.0.0.1:0', '--db', database, '--rate-limit', '5000']
  const server = await startHttpServer([process.execPath, ...serve])
  const listeners = httpClient(server.url, { key, sockets: SUBSCRIPTIONS })
  const stops = []
  for (let opened = 0; opened < SUBSCRIPTIONS; opened += 1) stops.push(await listeners.listen('credits://balance'))
  const callers = httpClient(server.url, { key })
  const charge = () => callers.call('charge_credits', { operation: 'tool.call' })
  const { calls, errors, beginMb, endMb, slope } = await load(server.pid, charge)
  for (const stop of stops) stop()
  listeners.close()
  callers.close()
  await server.stop()
  return {
    name: 'http-load',
    title: `Memory of a server with ${SUBSCRIPTIONS} subscriptions and ${CALLS_PER_SECOND} charges a second`,
    unit: 'MB',
    columns: ['memory'],
    rows: [
      { what: 'at the beginning', values: [beginMb] },
      { what: 'after a minute', values: [endMb] },
    ],
    findings: [
      { what: 'calls', figure: String(calls) },
      { what: 'errors', figure: [errors.length, ...errors.slice(0, 1)].join(': '), bar: '0', isMet: errors.length === 0 },
      { what: 'growth over the second half', figure: percent(slope), bar: `< ${percent(GROWTH_MAX)}`, isMet: slope < GROWTH_MAX },
    ],
  }
}

/**
 * Calls at a steady pace, whether or not earlier ones are answered, and looks at the server's memory each second.
 *
 * @param {number} pid
 * @param {() => Promise<unknown>} call
 */
async function load(pid, call) {
  /** @type {string[]} */
  const errors = []
  /** @type {Promise<unknown>[]} */
  const open = []
  const memory = []
  const started = performance.now()
  for (let passed = 0, sampled = 0; passed < LOAD_MS; passed = performance.now() - started) {
    while (open.length < (passed / 1_000) * CALLS_PER_SECOND) open.push(call().catch((error) => errors.push(String(error))))
    if (passed >= sampled) {
      memory.push(megabytesOf(pid))
      sampled += SAMPLE_MS
    }
    await pause(5)
  }
  await Promise.all(open)
  const half = memory.slice(Math.floor(memory.length / 2))
  return { calls: open.length, errors, beginMb: memory[0] ?? 0, endMb: memory.at(-1) ?? 0, slope: rise(half) }
}

/**
 * How much a straight line through the values rises from its beginning to its end, by its beginning.
 *
 * @param {readonly number[]} values
 */
function rise(values) {
  const meanX = (values.length - 1) / 2
  const meanY = values.reduce((sum, value) => sum + value, 0) / values.length
  const over = values.reduce((sum, value, x) => sum + (x - meanX) * (value - meanY), 0)
  const slope = over / values.reduce((sum, _, x) => sum + (x - meanX) ** 2, 0)
  return (slope * (values.length - 1)) / (meanY - slope * meanX)
}

/** @param {number} part */
function percent(part) {
  return `${(part * 100).toFixed(1)} %`
}

/** What a process holds of the machine's memory. @param {number} pid */
function megabytesOf(pid) {
  const [, pages] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')
  return (Number(pages) * 4_096) / 1_000_000
}
