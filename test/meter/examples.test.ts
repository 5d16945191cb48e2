import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Client as NewClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport as NewStdio } from '@modelcontextprotocol/client/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Credits, openCredits } from '../../src/index.js'
import { type AnyClient, receiptOf, refusalOf } from './support.js'

const example = (name: string): string => fileURLToPath(new URL(`examples/${name}`, import.meta.url))
const INFO = { name: 'test', version: '1' }

interface Ends {
  readonly command: string
  readonly args: string[]
}

/** Each way in which a client opens. */
const CLIENTS: Readonly<Record<string, (start: Ends) => Promise<AnyClient>>> = {
  'the client of SDK 1': async (start) => connected(new OldClient(INFO), new OldStdio(start)),
  'the client of SDK 2 as it comes': async (start) => connected(new NewClient(INFO), new NewStdio(start)),
  'the client of SDK 2 that probes': async (start) => connected(new NewClient(INFO, { versionNegotiation: { mode: 'auto' } }), new NewStdio(start)),
}

async function connected(client: OldClient | NewClient, transport: unknown): Promise<AnyClient> {
  await client.connect(transport as never)
  onTestFinished(() => client.close())
  // A client holds results against the schemas that it has listed.
  await client.listTools()
  return client as never
}

function ledgerFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-credits-meter-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'ledger.db')
}

async function openFile(file: string): Promise<Credits> {
  const credits = await openCredits({ database: file })
  onTestFinished(() => credits.close())
  return credits
}

describe.each(['server-v1.mjs', 'server-v2.mjs'])('the example %s, over stdio', (server) => {
  it.each(Object.keys(CLIENTS))('AX-17: shows its prices, charges, gives receipts and refuses when credits are out, with %s', async (kind) => {
    const file = ledgerFile()
    const client = (await CLIENTS[kind]?.({ command: process.execPath, args: [example(server), file] })) as AnyClient
    const call = (name: string, args: Record<string, unknown> = {}) => client.callTool({ name, arguments: args })
    const { tools } = await client.listTools()
    expect(Object.fromEntries(tools.map(({ name, description }) => [name, description]))).toEqual({
      generate_image: 'Price: 5 credits ($0.05).',
      translate: 'Price: 0.5 credits a word ($0.005).',
      write_story: 'Price: 1 to 20 credits ($0.01 to $0.20).',
      list_styles: 'Names the styles there are. Price: free.',
    })
    expect(receiptOf(await call('generate_image', { prompt: 'a pear' }))).toMatchObject({ charged: 5, balance: 25 })
    expect(receiptOf(await call('translate', { text: 'one two three' }))).toMatchObject({ charged: 1.5, balance: 23.5 })
    const story = await call('write_story', { about: 'a pear' })
    expect(story.structuredContent).toEqual({ pages: 3 })
    expect(receiptOf(story)).toMatchObject({ charged: 6, balance: 17.5 })
    expect(refusalOf(await call('write_story', { about: 'another' }))).toBe('out_of_credits')
    expect((await call('list_styles')).content[0]?.text).toBe('plain, fine')
    await client.close()
    const credits = await openFile(file)
    expect(await credits.balance({ account: 'acme' })).toMatchObject({ balance: 17.5, reserved: 0 })
    expect((await credits.verify({ account: 'acme' })).problems).toEqual([])
  })
})

describe('the example server-v2-http.mjs', () => {
  /** Clients over HTTP, each with the key that it pays with. */
  const OVER_HTTP: Readonly<Record<string, (url: URL, headers: Record<string, string>) => Promise<AnyClient>>> = {
    'the client of SDK 1': (url, headers) => connected(new OldClient(INFO), new OldHttp(url, { requestInit: { headers } })),
    'the client of SDK 2 as it comes': (url, headers) => connected(new NewClient(INFO), new StreamableHTTPClientTransport(url, { requestInit: { headers } })),
    'the client of SDK 2 that probes': (url, headers) =>
      connected(new NewClient(INFO, { versionNegotiation: { mode: 'auto' } }), new StreamableHTTPClientTransport(url, { requestInit: { headers } })),
  }

  it('AX-17: charges the account of whoever calls, once for a key in the header, and lets nobody else in', async () => {
    const file = ledgerFile()
    const { url, credits, key } = await startHttp(file)
    let balance = 30
    for (const connect of Object.values(OVER_HTTP)) {
      const client = await connect(url, { authorization: `Bearer ${key}` })
      balance -= 5
      expect(receiptOf(await client.callTool({ name: 'generate_image', arguments: { prompt: 'a pear' } }))).toMatchObject({ charged: 5, balance })
      await client.close()
    }
    const keyed = await OVER_HTTP['the client of SDK 2 that probes']?.(url, { authorization: `Bearer ${key}`, 'idempotency-key': '"job-1"' })
    for (const replayed of [false, true]) {
      expect(receiptOf((await keyed?.callTool({ name: 'generate_image', arguments: { prompt: 'a pear' } })) as never)).toMatchObject({ charged: 5, balance: 10, replayed })
    }
    expect((await fetch(url, { method: 'POST', headers: { authorization: 'Bearer nobody' } })).status).toBe(401)
    expect((await credits.usage({ account: 'ada', groupBy: 'key' })).rows).toMatchObject([{ calls: 4, credits: 20 }])
    expect((await credits.verify({ account: 'ada' })).problems).toEqual([])
  })

  async function startHttp(file: string): Promise<{ readonly url: URL; readonly credits: Credits; readonly key: string }> {
    const credits = await openCredits({ database: file, catalog: example('catalog.yaml') })
    onTestFinished(() => credits.close())
    await credits.createAccount({ id: 'ada' })
    const { key } = await credits.createKey({ account: 'ada' })
    const child = spawn(process.execPath, [example('server-v2-http.mjs'), file], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => ended(child))
    const lines = createInterface({ input: child.stdout })
    const line = await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve)
      child.once('exit', () => reject(new Error('the example ended before it served')))
    })
    return { url: new URL(line), credits, key: key ?? '' }
  }

  async function ended(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null) return
    const exit = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await exit
  }
})
