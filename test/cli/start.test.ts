import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'

const BIN = fileURLToPath(new URL('../../dist/bin/mcp-credits.js', import.meta.url))
const UPSTREAM = fileURLToPath(new URL('../proxy/fixtures/scripted-server.mjs', import.meta.url))

const ASKED = [
  { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } } },
  { jsonrpc: '2.0', method: 'notifications/initialized' },
  { jsonrpc: '2.0', id: 2, method: 'tools/list' },
]

it('a start that only lists our tools opens no ledger and loads no driver, no query builder, no calendar, no catalog and no client', async () => {
  const { loaded, tools, file } = await listed([])
  expect(tools).toContain('charge_credits')
  expect(existsSync(file)).toBe(false)
  expect(among(loaded, ['kysely', 'better-sqlite3', 'pg', 'yaml', 'temporal-polyfill', '@modelcontextprotocol/client', 'cross-spawn'])).toEqual([])
  expect(loaded.filter((url) => /dist\/(?:src\/(?:catalog|storage|usage|decide|proxy)|tools\/\w+_)/.test(url))).toEqual([])
})

it('the relay loads no SDK, no YAML and, for a ledger that is yet to be made, no driver', async () => {
  const { loaded, tools, file } = await listed(['--', process.execPath, UPSTREAM])
  expect(tools).toEqual(expect.arrayContaining(['theirs', 'get_credit_balance']))
  expect(existsSync(file)).toBe(false)
  const unwanted = ['kysely', 'better-sqlite3', 'pg', 'yaml', '@modelcontextprotocol/client', '@modelcontextprotocol/server', '@modelcontextprotocol/core']
  expect(among(loaded, unwanted)).toEqual([])
})

async function listed(command: readonly string[]): Promise<{ loaded: readonly string[]; tools: readonly string[]; file: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'ledger.db')
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
