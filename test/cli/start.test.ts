import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import * as modules from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { compileCacheFolders } from '../../src/cli/compile-cache.js'
import { openCredits } from '../../src/index.js'
import { Home } from './process.js'

const BIN = fileURLToPath(new URL('../../dist/bin/mcp-credits.js', import.meta.url))
const UPSTREAM = fileURLToPath(new URL('../proxy/fixtures/scripted-server.mjs', import.meta.url))

const ASKED = [
  { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } } },
  { jsonrpc: '2.0', method: 'notifications/initialized' },
  { jsonrpc: '2.0', id: 2, method: 'tools/list' },
]

/** What a list of our tools does without: each of these is loaded by what first needs it. */
const LATER = [
  'kysely', 'better-sqlite3', 'pg', 'yaml', 'temporal-polyfill', 'hono', '@hono/node-server', 'jose', 'prom-client',
  'rate-limiter-flexible', 'cross-spawn', '@modelcontextprotocol/client', '@modelcontextprotocol/sdk',
]

/** Files of ours that such a start reads; a few more than it does, so that one can be cut in two. */
const FILES_MAX = 52

it.each(['new', 'existing'])('a start that only lists our tools, with a ledger that is %s, loads no other door, no storage and no other command', async (ledger) => {
  const { loaded, tools, file } = await listed([], ledger === 'existing')
  expect(tools).toContain('charge_credits')
  expect(existsSync(file)).toBe(ledger === 'existing')
  expect(among(loaded, LATER)).toEqual([])
  const own = loaded.filter((url) => /\/dist\/(?:bin|src|tools|schema)\//.test(url))
  expect(own.filter((url) => /dist\/(?:src\/(?:catalog|storage|usage|decide|proxy|meter|http\/(?!guards))|tools\/\w+_)/.test(url))).toEqual([])
  expect(own.filter((url) => url.includes('/cli/commands/')).map((url) => basename(url))).toEqual(['serve.js'])
  expect(own.length).toBeGreaterThan(20)
  expect(own.length).toBeLessThanOrEqual(FILES_MAX)
})

it('a command keeps its compiled code in the cache folder where Node.js can, for its owner alone, and runs where it cannot be kept', async () => {
  const home = new Home()
  onTestFinished(() => home.remove())
  expect(await home.run('--version')).toMatchObject({ code: 0, stderr: '' })
  const [, folder = ''] = compileCacheFolders({ platform: process.platform, env: home.env, home: home.folder })
  expect(existsSync(folder)).toBe('enableCompileCache' in modules)
  if (existsSync(folder)) expect(statSync(folder).mode & 0o777).toBe(0o700)
  // A file is no folder, and below /proc no folder can be made: Node tries that without end, if it is asked to.
  const elsewhere = [fileURLToPath(import.meta.url), ...(process.platform === 'linux' ? ['/proc/none'] : [])]
  for (const cache of elsewhere) {
    const other = new Home({ XDG_CACHE_HOME: cache })
    onTestFinished(() => other.remove())
    expect(await other.run('--version'), cache).toMatchObject({ code: 0, stderr: '' })
  }
})

it('the relay loads no SDK, no YAML and, for a ledger that is yet to be made, no driver', async () => {
  const { loaded, tools, file } = await listed(['--', process.execPath, UPSTREAM])
  expect(tools).toEqual(expect.arrayContaining(['theirs', 'get_credit_balance']))
  expect(existsSync(file)).toBe(false)
  const unwanted = ['kysely', 'better-sqlite3', 'pg', 'yaml', '@modelcontextprotocol/client', '@modelcontextprotocol/server', '@modelcontextprotocol/core']
  expect(among(loaded, unwanted)).toEqual([])
})

async function listed(command: readonly string[], isThere = false): Promise<{ loaded: readonly string[]; tools: readonly string[]; file: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'ledger.db')
  if (isThere) await (await openCredits({ database: file, catalog: 'starter' })).close()
  const log = join(folder, 'loaded.txt')
  const args = ['--import', recorder(log), BIN, 'serve', '--db', file, ...command]
  const child = spawn(process.execPath, args, { env: { ...process.env, SCRIPT: '{"pages":[["theirs"]]}' }, stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    if (output.split('\n').length > 2) child.stdin.end()
  })
  child.stdin.write(ASKED.map((message) => `${JSON.stringify(message)}\n`).join(''))
  await ended
  const answer = output.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as { id: number; result: { tools: { name: string }[] } })
  const tools = answer.find(({ id }) => id === 2)?.result.tools.map(({ name }) => name) ?? []
  return { loaded: readFileSync(log, 'utf8').split('\n'), tools, file }
}

/** A module to preload that writes down the address of every module of JavaScript that is loaded after it. */
function recorder(log: string): string {
  const hooks = `import { appendFileSync } from 'node:fs'
    export async function load(url, context, next) { appendFileSync(${JSON.stringify(log)}, url + '\\n'); return next(url, context) }`
  return asModule(`import { register } from 'node:module'; register(${JSON.stringify(asModule(hooks))})`)
}

function asModule(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`
}

function among(loaded: readonly string[], packages: readonly string[]): readonly string[] {
  return packages.filter((name) => loaded.some((url) => url.includes(`/node_modules/${name}/`)))
}
