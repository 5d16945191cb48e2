import { parseArgs } from 'node:util'
import { budgets } from './legs/budgets.mjs'
import { calls } from './legs/calls.mjs'
import { footprint } from './legs/footprint.mjs'
import { growth } from './legs/growth.mjs'
import { http } from './legs/http.mjs'
import { postgres } from './legs/postgres.mjs'
import { processes } from './legs/processes.mjs'
import { redis } from './legs/redis.mjs'
import { slowDisk } from './legs/slow-disk.mjs'
import { start } from './legs/start.mjs'
import { usage } from './legs/usage.mjs'
import { writes } from './legs/writes.mjs'
import { machine, print, writeResults } from './support/report.mjs'

/**
 * @typedef {{ readonly rounds: number, readonly transactions: number, readonly peerSql: string | undefined }} Options
 * @typedef {import('./support/report.mjs').Group | import('./support/report.mjs').Absence} Found
 * @typedef {(options: Options) => AsyncGenerator<Found, void, void>} Run
 * @typedef {{ readonly name: string, readonly seconds: number, readonly run: Run }} Leg `seconds` is what it takes on two cores
 */

/** @type {readonly Leg[]} */
const LEGS = [
  { name: 'writes', seconds: 70, run: writes },
  { name: 'processes', seconds: 10, run: processes },
  { name: 'postgres', seconds: 170, run: postgres },
  { name: 'redis', seconds: 45, run: redis },
  { name: 'slow-disk', seconds: 155, run: slowDisk },
  { name: 'calls', seconds: 40, run: calls },
  { name: 'http', seconds: 75, run: http },
  { name: 'start', seconds: 30, run: start },
  { name: 'growth', seconds: 130, run: growth },
  { name: 'usage', seconds: 40, run: usage },
  { name: 'budgets', seconds: 35, run: budgets },
  { name: 'footprint', seconds: 35, run: footprint },
]
const NAMES = LEGS.map(({ name }) => name)

/** What the largest ledger of `growth` may have: the smallest of its ledgers has a thousand, and is compared with it. */
const SIZES = [10_000, 100_000, 1_000_000, 10_000_000]

const HELP = `npm run bench -- [legs] [options]

${LEGS.map(({ name, seconds }) => `  ${name.padEnd(10)} about ${seconds} s`).join('\n')}

  --rounds <n>         rounds of each leg, of which the median is told; 5
  --transactions <n>   the largest ledger of growth: ${SIZES.join(', ')}; 1000000
  --peer-sql <file>    another ledger's SQL to be measured on PostgreSQL; or MCP_CREDITS_PEER_SQL`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    transactions: { type: 'string', default: '1000000' },
    'peer-sql': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
const options = {
  rounds: wholeNumber('rounds', values.rounds, { min: 1, max: 100 }),
  transactions: SIZES.find((size) => String(size) === values.transactions) ?? fail(`--transactions is ${values.transactions}; expected one of ${SIZES.join(', ')}.`),
  peerSql: values['peer-sql'] ?? process.env['MCP_CREDITS_PEER_SQL'],
}
const unknown = positionals.filter((name) => !NAMES.includes(name))
if (unknown.length > 0) fail(`There is no leg ${unknown.join(', ')}.`)
if (values.help) console.log(HELP)
else await bench(LEGS.filter(({ name }) => positionals.length === 0 || positionals.includes(name)))

/**
 * Runs the legs one after the other. One that fails leaves the others alone, and its earlier results as they are.
 *
 * @param {readonly Leg[]} legs
 */
async function bench(legs) {
  /** @type {Found[]} */
  const all = []
  let hasFailed = false
  for (const { name, seconds, run } of legs) {
    console.log(`\n— ${name}, about ${seconds} s`)
    const started = performance.now()
    const on = machine()
    try {
      const found = []
      for await (const group of run(options)) {
        print(group)
        found.push(group)
      }
      writeResults({ leg: name, machine: on, groups: found }, NAMES)
      all.push(...found)
    } catch (error) {
      console.error(`${name} failed:`, error)
      hasFailed = true
    }
    console.log(`\n  took ${Math.round((performance.now() - started) / 1_000)} s`)
  }
  printVerdict(all)
  // What a leg that failed has left open would keep this process waiting.
  if (hasFailed) process.exit(1)
}

/** @param {readonly Found[]} all */
function printVerdict(all) {
  const findings = all.flatMap((found) => {
    const { title, findings = [] } = 'absent' in found ? { title: found.title } : found
    return findings.map((finding) => ({ ...finding, of: title }))
  })
  const barred = findings.filter(({ bar }) => bar !== undefined)
  const missed = barred.filter(({ isMet }) => isMet !== true)
  console.log(`\n${barred.length - missed.length} of ${barred.length} bars met`)
  for (const { of, what, figure, bar } of missed) console.log(`  missed: ${of}: ${what}: ${figure} (${bar})`)
}

/**
 * @param {string} name
 * @param {string} text
 * @param {{ min: number, max: number }} bounds
 */
function wholeNumber(name, text, { min, max }) {
  const number = Number(text)
  if (Number.isInteger(number) && number >= min && number <= max) return number
  return fail(`--${name} is ${text}; expected a whole number from ${min} to ${max}.`)
}

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(`${message}\n\n${HELP}`)
  process.exit(2)
}
