import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openCredits } from '../../dist/src/index.js'
import { interleaved, medianMs, printTable, ratePerSecond } from './measure.mjs'
import { startServer } from './stdio-client.mjs'

const CALLS = 300
const CALLERS = 32
const ROUND_MS = 1_500
const bin = fileURLToPath(new URL('../../dist/bin/mcp-credits.js', import.meta.url))
const upstream = [process.execPath, fileURLToPath(new URL('./fixtures/upstream.mjs', import.meta.url))]
const relay = [process.execPath, fileURLToPath(new URL('./fixtures/relay.mjs', import.meta.url))]

/**
 * One tool call over stdio: bare, through a relay that only passes lines on, through one that also makes two raw commits,
 * and metered. The commits are made where the meter makes its own, call by call: a disk that is asked now and then
 * answers later than one that is asked in a loop, and both are to be asked alike.
 *
 * @param {number} rounds
 */
export async function benchCalls(rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-bench-'))
  const database = join(folder, 'ledger.db')
  const credits = await openCredits({ database, catalog: 'starter' })
  await credits.createAccount({ id: 'default', plan: 'none' })
  await credits.grant({ account: 'default', credits: 1_000_000_000 })
  await credits.close()
  const servers = {
    bare: startServer(upstream),
    relayed: startServer([...relay, ...upstream]),
    'relayed with two raw commits': startServer([...relay, ...upstream], { BENCH_FLOOR: join(folder, 'floor.db') }),
    metered: startServer([process.execPath, bin, 'serve', '--db', database, '--', ...upstream]),
  }
  for (const server of Object.values(servers)) await server.initialize()
  const call = (/** @type {ReturnType<typeof startServer>} */ server, /** @type {string} */ name) =>
    server.request('tools/call', { name, arguments: {} })
  for (const server of Object.values(servers)) await call(server, 'noop')
  const sequential = await interleaved(
    Object.entries(servers).map(([name, server]) => ({ name, run: () => medianMs(CALLS, () => call(server, 'noop')) })),
    rounds,
  )
  const parallel = await interleaved(
    Object.entries(servers).map(([name, server]) => ({ name, run: () => ratePerSecond(CALLERS, ROUND_MS, () => call(server, 'wait')) })),
    rounds,
  )
  for (const server of Object.values(servers)) await server.stop()
  rmSync(folder, { recursive: true })
  printCalls(sequential, parallel)
}

/**
 * @param {ReadonlyMap<string, number>} sequential
 * @param {ReadonlyMap<string, number>} parallel
 */
function printCalls(sequential, parallel) {
  const of = (/** @type {string} */ name) => sequential.get(name) ?? 0
  const adds = of('metered') - of('bare')
  const allowed = of('relayed with two raw commits') - of('bare')
  printTable('One empty tool call over stdio, milliseconds (median)', [
    ...[...sequential].map(([what, ms]) => ({ what, figure: ms.toFixed(3) })),
    { what: 'metering adds, by what that adds', figure: `×${(adds / allowed).toFixed(2)}`, bar: '≤ 1.5', isMet: adds <= 1.5 * allowed },
  ])
  const ratio = (parallel.get('metered') ?? 0) / (parallel.get('bare') ?? 1)
  printTable(`A tool that takes 20 ms, ${CALLERS} calls at once, calls a second`, [
    ...[...parallel].map(([what, rate]) => ({ what, figure: `${Math.round(rate)}/s` })),
    { what: 'metered by bare', figure: `×${ratio.toFixed(2)}`, bar: '≥ 0.9', isMet: ratio >= 0.9 },
  ])
}
