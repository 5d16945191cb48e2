import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { interleaved, printTable } from './measure.mjs'
import { startServer } from './stdio-client.mjs'

const file = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url))
const everything = file('../../node_modules/@modelcontextprotocol/server-everything/dist/index.js')
const bin = file('../../dist/bin/mcp-credits.js')

/**
 * From the start of the process to the first answer to `tools/list`.
 *
 * @param {number} rounds
 */
export async function benchStart(rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-bench-'))
  const leg = (/** @type {string} */ name, /** @type {readonly string[]} */ command) => ({ name, run: () => firstListMs(command) })
  const medians = await interleaved(
    [
      leg('server-everything', [process.execPath, everything, 'stdio']),
      leg('mcp-credits serve', [process.execPath, bin, 'serve', '--db', join(folder, 'ledger.db')]),
      leg('mcp-credits serve -- server-everything', [process.execPath, bin, 'serve', '--db', join(folder, 'ledger.db'), '--', process.execPath, everything, 'stdio']),
    ],
    rounds,
  )
  rmSync(folder, { recursive: true })
  const ratio = (/** @type {string} */ name) => `×${((medians.get(name) ?? 0) / (medians.get('server-everything') ?? 1)).toFixed(2)}`
  printTable('From start to the first tools/list, milliseconds (median)', [
    ...[...medians].map(([what, ms]) => ({ what, figure: ms.toFixed(0) })),
    { what: 'ours by theirs', figure: ratio('mcp-credits serve') },
    { what: 'theirs behind ours by theirs', figure: ratio('mcp-credits serve -- server-everything') },
  ])
}

/** @param {readonly string[]} command */
async function firstListMs(command) {
  const started = performance.now()
  const server = startServer(command)
  await server.initialize()
  await server.request('tools/list')
  const elapsed = performance.now() - started
  await server.stop()
  return elapsed
}
