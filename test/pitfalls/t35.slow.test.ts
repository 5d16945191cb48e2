import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { jsonHere } from '../cli/in-process.js'
import { BIN, Home, MODERN } from '../cli/process.js'
import { type AnyClient, receiptOf } from '../meter/support.js'
import { startListening } from './doors.js'

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
const INFO = { name: 'test', version: '1' }

interface Row {
  readonly tool: string | null
  readonly type: string
  readonly credits: number
}

async function withLedger(): Promise<{ readonly home: Home; readonly key: string }> {
  const home = new Home()
  onTestFinished(() => home.remove())
  await jsonHere(home, 'init', '--catalog', 'starter')
  const { key } = await jsonHere<{ key: string }>(home, 'key', 'create')
  return { home, key }
}

/** Serves an upstream over HTTP, metered, in a process of its own. */
async function serve(home: Home, ...words: readonly string[]): Promise<URL> {
  return (await startListening(home, [BIN, 'serve', '--http', '0', '--log', 'off', ...words])).url
}

async function newClient(url: URL, key: string): Promise<AnyClient> {
  const client = new Client(INFO, { versionNegotiation: { mode: { pin: '2026-07-28' } }, capabilities: { elicitation: { form: {} } } })
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { confirm: true } }))
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers: { authorization: `Bearer ${key}` } } }))
  onTestFinished(() => client.close())
  return client as never
}

async function oldClient(url: URL, key: string): Promise<AnyClient> {
  const client = new OldClient(INFO, { capabilities: { elicitation: {} } })
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { confirm: true } }))
  await client.connect(new OldHttp(url, { requestInit: { headers: { authorization: `Bearer ${key}` } } }) as never)
  onTestFinished(() => client.close())
  return client as never
}

/** The rows of calls, oldest first, of a ledger in which nothing is reserved and everything adds up. */
async function rowsOf(home: Home): Promise<readonly Row[]> {
  expect(await jsonHere(home, 'credits')).toMatchObject({ reserved: 0 })
  expect(await jsonHere(home, 'doctor')).toMatchObject({ ok: true })
  const { transactions } = await jsonHere<{ transactions: readonly Row[] }>(home, 'history', '--limit', '200')
  return transactions.filter(({ tool }) => tool !== null).toReversed()
}

describe('T35: tools that call tools of other servers', () => {
  it('T35: three deep, over HTTP, each call is a row of its own; one that fails gives back itself alone', async () => {
    const { home, key } = await withLedger()
    const inner = await serve(home, '--', process.execPath, fixture('ways-out.mjs'), 'stdio')
    const middle = await serve(home, '--', process.execPath, fixture('nesting.mjs'), 'middle', 'done', inner.href, key)
    const outer = await serve(home, '--', process.execPath, fixture('nesting.mjs'), 'outer', 'middle', middle.href, key)
    for (const client of [await newClient(outer, key), await oldClient(outer, key)]) {
      expect(receiptOf(await client.callTool({ name: 'outer', arguments: { times: 2 } }))).toMatchObject({ charged: 1 })
      expect((await client.callTool({ name: 'outer', arguments: { fails: true } })).isError).toBe(true)
    }
    const counts: Record<string, number> = {}
    for (const { tool, type, credits } of await rowsOf(home)) {
      expect(credits).toBe(1)
      counts[`${tool} ${type}`] = (counts[`${tool} ${type}`] ?? 0) + 1
    }
    expect(counts).toEqual({
      'outer reserve': 4, 'outer settle': 2, 'outer release': 2,
      'middle reserve': 6, 'middle settle': 6,
      'done reserve': 6, 'done settle': 6,
    })
    const { rows } = await jsonHere<{ rows: readonly { key: string; calls: number; credits: number }[] }>(home, 'usage', '--by', 'tool')
    expect(Object.fromEntries(rows.map(({ key: tool, calls, credits }) => [tool, [calls, credits]]))).toEqual({ outer: [2, 2], middle: [6, 6], done: [6, 6] })
  })
})

describe.each([
  ['the relay', () => ['--', ...MODERN]],
  ['the gateway', (home: Home) => ['--upstreams', configurationIn(home)]],
] as const)('T35: a call in several rounds over HTTP, through %s', (_name, words) => {
  it('T35: reserves each round and is charged for the last in 2026-07-28, and is one call where the server asks by itself', async () => {
    const { home, key } = await withLedger()
    const url = await serve(home, ...words(home))
    const first = await newClient(url, key)
    expect(receiptOf(await first.callTool({ name: 'deploy', arguments: { environment: 'one' } }))).toMatchObject({ charged: 1, balance: 999 })
    const second = await oldClient(url, key)
    const answer = await second.callTool({ name: 'deploy', arguments: { environment: 'two' } })
    expect(answer.content).toMatchObject([{ text: 'deployed to two' }])
    expect(receiptOf(answer)).toMatchObject({ charged: 1, balance: 998 })
    expect((await rowsOf(home)).map(({ tool, type }) => `${tool} ${type}`)).toEqual([
      'deploy reserve', 'deploy release', 'deploy reserve', 'deploy settle',
      'deploy reserve', 'deploy settle',
    ])
  })
})

function configurationIn(home: Home): string {
  const file = home.path('mcp.json')
  const [command, ...args] = MODERN
  writeFileSync(file, JSON.stringify({ mcpServers: { modern: { command, args } } }))
  return file
}
