/**
 * `npm run clients` lets clients that people use list our tools, call one and meet a refusal, over stdio and over HTTP,
 * and hosts connect; `npm run clients -- --quick` leaves the hosts out, which are large and not pinned.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { announce, writeTally } from '../support/report.mjs'
import { installTools } from '../support/tool-install.mjs'
import { sdkClients } from './sdk-clients.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const cli = join(here, '../../dist/bin/mcp-credits.js')
const withHosts = !process.argv.includes('--quick')
const HOSTS = ['@anthropic-ai/claude-code', '@google/gemini-cli']
const tools = installTools(here, withHosts ? 'clients-and-hosts' : 'clients', withHosts ? HOSTS : [])
const home = mkdtempSync(join(tmpdir(), 'mcp-credits-clients-'))
const database = join(home, 'ledger.db')
const stdio = [process.execPath, cli, 'serve', '--db', database]
const outcome = { passed: 0, failed: 0 }

/** A home of their own: some of these write into it. */
const environment = {
  HOME: home,
  PATH: process.env['PATH'] ?? '',
  DISABLE_AUTOUPDATER: '1',
  DISABLE_TELEMETRY: '1',
  DISABLE_ERROR_REPORTING: '1',
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
}

run(process.execPath, [cli, 'init', '--db', database])
const { key } = JSON.parse(run(process.execPath, [cli, 'key', 'create', '--json', '--db', database]).stdout)
const server = await serveHttp()
try {
  inspector('over stdio', [], ['--', ...stdio])
  inspector('over HTTP', ['--server-url', server.url, '--transport', 'http', '--header', `Authorization: Bearer ${key}`], [])
  inspector('over HTTP, in the newer era', ['--server-url', server.url, '--transport', 'http', '--protocol-era', 'modern', '--header', `Authorization: Bearer ${key}`], [])
  mcporter('over stdio', { command: stdio[0], args: stdio.slice(1) })
  mcporter('over HTTP', { baseUrl: server.url, headers: { Authorization: `Bearer ${key}` } })
  for (const { name, connect } of sdkClients({ stdio, url: server.url, key })) {
    await checkAsync(`${name} lists, calls and is refused`, async () => {
      const client = await connect()
      const listed = await client.listTools()
      const called = await client.callTool({ name: 'get_credit_balance', arguments: {} })
      const refused = await client.callTool({ name: 'charge_credits', arguments: { operation: 'tool.call', quantity: 1_000_000 } })
      await client.close()
      return isBalance(called.structuredContent) && listed.tools.length > 10 && refused.isError === true && JSON.stringify(refused).includes('out_of_credits')
    })
  }
  if (withHosts) hosts()
} finally {
  server.stop()
  rmSync(home, { recursive: true, force: true })
}
writeTally('clients', outcome)
process.exitCode = announce(outcome)

/**
 * @param {string} how
 * @param {readonly string[]} before
 * @param {readonly string[]} after
 */
function inspector(how, before, after) {
  const script = join(tools, 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js')
  const ask = (/** @type {string[]} */ ...args) => run(process.execPath, [script, '--cli', ...before, ...args, '--format', 'json', '-q', ...after])
  check(`the inspector lists ${how}`, () => ask('--method', 'tools/list').stdout.includes('get_credit_balance'))
  check(`the inspector calls ${how}`, () => isBalance(resultIn(ask('--method', 'tools/call', '--tool-name', 'get_credit_balance').stdout).structuredContent))
  check(`the inspector is refused ${how}`, () => {
    const refused = ask('--method', 'tools/call', '--tool-name', 'charge_credits', '--tool-args-json', '{"operation":"tool.call","quantity":1000000}')
    return refused.status === 5 && refused.stdout.includes('out_of_credits')
  })
}

/** @param {string} text */
function resultIn(text) {
  const parsed = JSON.parse(text)
  return parsed.result ?? parsed
}

/**
 * @param {string} how
 * @param {object} entry of its configuration
 */
function mcporter(how, entry) {
  const script = join(tools, 'node_modules/mcporter/dist/cli.js')
  const config = join(home, `${how.replaceAll(' ', '-')}.json`)
  writeFileSync(config, JSON.stringify({ mcpServers: { credits: entry } }))
  const ask = (/** @type {string[]} */ ...args) => run(process.execPath, [script, '--config', config, ...args])
  check(`mcporter lists ${how}`, () => ask('list', 'credits', '--json').stdout.includes('get_credit_balance'))
  check(`mcporter calls ${how}`, () => isBalance(JSON.parse(ask('call', 'credits.get_credit_balance', '--output', 'json').stdout)))
  check(`mcporter is refused ${how}`, () => ask('call', 'credits.charge_credits', 'operation=tool.call', 'quantity=1000000', '--output', 'json').stdout.includes('out_of_credits'))
}

function hosts() {
  const bin = (/** @type {string} */ name) => join(tools, 'node_modules/.bin', name)
  run(bin('claude'), ['mcp', 'add', '--scope', 'user', 'stdio', '--', ...stdio])
  run(bin('claude'), ['mcp', 'add', '--scope', 'user', '--transport', 'http', 'http', server.url, '--header', `Authorization: Bearer ${key}`])
  check('claude connects over both', () => connectedIn(run(bin('claude'), ['mcp', 'list'])) === 2)
  mkdirSync(join(home, '.gemini'), { recursive: true })
  writeFileSync(join(home, '.gemini', 'trustedFolders.json'), JSON.stringify({ [home]: 'TRUST_FOLDER' }))
  run(bin('gemini'), ['mcp', 'add', '-s', 'user', 'stdio', .../** @type {[string, ...string[]]} */ (stdio)])
  run(bin('gemini'), ['mcp', 'add', '-s', 'user', '-t', 'http', '-H', `Authorization: Bearer ${key}`, 'http', server.url])
  check('gemini connects over both', () => connectedIn(run(bin('gemini'), ['mcp', 'list'])) === 2)
}

/** @param {{ stdout: string, stderr: string }} output */
function connectedIn({ stdout, stderr }) {
  return `${stdout}${stderr}`.match(/\bConnected\b/g)?.length ?? 0
}

/** @param {any} balance */
function isBalance(balance) {
  return balance?.account === 'default' && balance.balance === 1000
}

/**
 * @param {string} what
 * @param {() => boolean} work
 */
function check(what, work) {
  let isSo = false
  try {
    isSo = work()
  } catch (error) {
    console.log(String(error))
  }
  record(what, isSo)
}

/**
 * @param {string} what
 * @param {() => Promise<boolean>} work
 */
async function checkAsync(what, work) {
  const isSo = await work().catch((error) => {
    console.log(String(error))
    return false
  })
  record(what, isSo)
}

/**
 * @param {string} what
 * @param {boolean} isSo
 */
function record(what, isSo) {
  console.log(`${isSo ? '✓' : '✗'} ${what}`)
  outcome[isSo ? 'passed' : 'failed'] += 1
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function run(command, args) {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8', env: environment, cwd: home, timeout: 60_000, input: '' })
  return { stdout: stdout ?? '', stderr: stderr ?? '', status }
}

async function serveHttp() {
  const child = spawn(process.execPath, [cli, 'serve', '--http', '127.0.0.1:0', '--db', database], { stdio: ['ignore', 'ignore', 'pipe'], env: environment })
  const lines = createInterface({ input: child.stderr })
  const address = new Promise((resolve) => lines.on('line', (line) => resolve(/http:\/\/[\w.:]+\/mcp/.exec(line)?.[0])))
  const url = await Promise.race([address, once(child, 'exit').then(() => undefined)])
  if (typeof url !== 'string') throw new Error('the server did not say where it listens')
  return { url, stop: () => void child.kill('SIGTERM') }
}
