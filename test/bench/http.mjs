import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openCredits } from '../../dist/src/index.js'
import { httpClient, startHttpServer } from './http-client.mjs'
import { interleaved, medianMs, printTable } from './measure.mjs'

const CALLS = 300
const SUBSCRIPTIONS = 1_000
const CALLS_PER_SECOND = 200
const LOAD_MS = 60_000
const SAMPLE_MS = 1_000
const bin = fileURLToPath(new URL('../../dist/bin/mcp-credits.js', import.meta.url))
const upstream = [process.execPath, fileURLToPath(new URL('./fixtures/http-upstream.mjs', import.meta.url))]

/**
 * One metered call over HTTP by what two raw commits add to it, and a server under steady load with many subscriptions
 * that nothing happens to.
 *
 * @param {number} rounds
 */
export async function benchHttp(rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-bench-'))
  const database = join(folder, 'ledger.db')
  const credits = await openCredits({ database, catalog: 'starter' })
  await credits.createAccount({ id: 'default', plan: 'none' })
  await credits.grant({ account: 'default', credits: 1_000_000_000 })
  const { key } = await credits.createKey({ account: 'default', scopes: ['credits:read', 'credits:spend'] })
  await credits.close()
  try {
    await benchCall(rounds, { database, floor: join(folder, 'floor.db') })
    await benchLoad(database, String(key))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * @param {number} rounds
 * @param {{ database: string, floor: string }} files
 */
async function benchCall(rounds, { database, floor }) {
  const servers = {
    bare: await startHttpServer(upstream),
    'with two raw commits': await startHttpServer(upstream, { BENCH_FLOOR: floor }),
    metered: await startHttpServer(upstream, { BENCH_LEDGER: database }),
  }
  const clients = Object.entries(servers).map(([name, { url }]) => ({ name, client: httpClient(url) }))
  for (const { client } of clients) await client.call('noop')
  const figures = await interleaved(clients.map(({ name, client }) => ({ name, run: () => medianMs(CALLS, () => client.call('noop')) })), rounds)
  for (const { client } of clients) client.close()
  for (const server of Object.values(servers)) await server.stop()
  const of = (/** @type {string} */ name) => figures.get(name) ?? 0
  const adds = of('metered') - of('bare')
  const allowed = of('with two raw commits') - of('bare')
  printTable('One empty tool call over HTTP, milliseconds (median)', [
    ...[...figures].map(([what, ms]) => ({ what, figure: ms.toFixed(3) })),
    { what: 'metering adds, by what two raw commits add', figure: `×${(adds / allowed).toFixed(2)}`, bar: '≤ 1.5', isMet: adds <= 1.5 * allowed },
  ])
}

/**
 * @param {string} database
 * @param {string} key
 */
async function benchLoad(database, key) {
  const server = await startHttpServer([process.execPath, bin, 'serve', '--http', '127.0.0.1:0', '--db', database, '--rate-limit', '5000'])
  const listeners = httpClient(server.url, { key, sockets: SUBSCRIPTIONS })
  const stops = []
  for (let opened = 0; opened < SUBSCRIPTIONS; opened += 1) stops.push(await listeners.listen('credits://balance'))
  const callers = httpClient(server.url, { key })
  const outcome = await load(server.pid, () => callers.call('charge_credits', { operation: 'tool.call' }))
  for (const stop of stops) stop()
  listeners.close()
  callers.close()
  await server.stop()
  printTable(`${SUBSCRIPTIONS} subscriptions and ${CALLS_PER_SECOND} charges a second over HTTP for a minute`, [
    { what: 'calls', figure: String(outcome.calls) },
    { what: 'errors', figure: String(outcome.errors.length), bar: '0', isMet: outcome.errors.length === 0 },
    { what: 'memory at the end, MB', figure: outcome.endMb.toFixed(0) },
    { what: 'memory over the second half', figure: `${(outcome.slope * 100).toFixed(1)} %`, bar: '< 5 %', isMet: outcome.slope < 0.05 },
  ])
  if (outcome.errors.length > 0) console.log(outcome.errors[0])
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
  return { calls: open.length, errors, endMb: memory.at(-1) ?? 0, slope: rise(half) }
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

/** What a process holds of the machine's memory. @param {number} pid */
function megabytesOf(pid) {
  const [, pages] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')
  return (Number(pages) * 4_096) / 1_000_000
}
