import { fileHere, makeFolder } from '../support/folder.mjs'
import { interleaved } from '../support/measure.mjs'
import { atMost, figureOf } from '../support/report.mjs'
import { startServer } from '../support/stdio-client.mjs'

/** A start takes less time than a load, and varies more. */
const ROUNDS_A_ROUND = 2
const ROW = 'start to first answer'
const EMPTY = 'SDK, one empty tool'
const OURS = 'serve'

/**
 * From the start of the process to the first answer to `tools/list`.
 *
 * @type {import('../run.mjs').Run}
 */
export async function* start({ rounds }) {
  const folder = makeFolder()
  try {
    const everything = [fileHere('../../node_modules/@modelcontextprotocol/server-everything/dist/index.js'), 'stdio']
    const serve = [fileHere('../../dist/bin/mcp-credits.js'), 'serve', '--db', folder.file('ledger.db')]
    const table = await interleaved({
      rows: [[ROW, null]],
      columns: [
        [EMPTY, [fileHere('fixtures/empty-server.mjs')]],
        ['server-everything', everything],
        [OURS, serve],
        ['serve -- server-everything', [...serve, '--', process.execPath, ...everything]],
      ],
      rounds: rounds * ROUNDS_A_ROUND,
      figure: (_row, script) => firstListMs([process.execPath, ...script]),
    })
    const findings = [atMost(`${OURS}, by ${EMPTY}`, figureOf(table, ROW, OURS) / figureOf(table, ROW, EMPTY), 1.3)]
    yield { name: 'start', title: 'From start to the first tools/list', unit: 'ms (median)', ...table, findings }
  } finally {
    folder.remove()
  }
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
