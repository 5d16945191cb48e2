import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCredits } from '../../src/credits.js'
import { CreditError } from '../../src/errors.js'
import { REFUSAL_META, refusalBody, type RefusalBody } from '../../src/refusal-body.js'
import { BIN, EVERYTHING, Home } from '../cli/process.js'
import { type Case, CASES, prepareLedger } from './refusing-ledger.js'

/** What a route says when it refuses: the one body, and what stands beside it where the route has such a thing. */
interface Told {
  readonly body: RefusalBody['error']
  readonly status?: number
  readonly exit?: number | null
}

type Route = (one: Case, secret: string) => Promise<Told>

const home = new Home()
const database = home.path('matrix.db')
const upstreams = home.path('upstreams.json')
const serve = [process.execPath, BIN, 'serve', '--db', database]
const http = [...serve, '--http', '127.0.0.1:0', '--log', 'off']
const closing: (() => Promise<unknown> | void)[] = [() => home.remove()]
let secrets: Readonly<Record<string, string>> = {}
const addresses = { own: '', proxy: '', gateway: '' }

beforeAll(async () => {
  secrets = await prepareLedger(database)
  const [command, ...args] = EVERYTHING
  writeFileSync(upstreams, JSON.stringify({ mcpServers: { everything: { command, args } } }))
  addresses.own = await listening(http)
  addresses.proxy = await listening([...http, '--', ...EVERYTHING])
  addresses.gateway = await listening([...http, '--upstreams', upstreams])
}, 60_000)

afterAll(async () => {
  for (const close of closing.reverse()) await close()
})

/** Where an operation is named. */
const SPENDING: Readonly<Record<string, Route>> = {
  library: async ({ operation }, secret) => {
    const credits = await openCredits({ database })
    try {
      const { credits: own } = await credits.withKey(secret)
      return await own.charge({ operation: String(operation) }).then(notRefused, (error: unknown) => ({ body: refusalBody(error as CreditError).error }))
    } finally {
      await credits.close()
    }
  },
  'command line': async ({ operation }, secret) => {
    const { code, stdout } = await home.run('charge', String(operation), '--db', database, '--key', secret, '--json')
    return { body: (JSON.parse(stdout) as RefusalBody).error, exit: code }
  },
  REST: async ({ operation }, secret) => {
    const response = await fetch(new URL('/v1/tools/charge_credits', addresses.own), {
      method: 'POST', headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }, body: JSON.stringify({ operation }),
    })
    expect(response.headers.get('retry-after')).toBeNull()
    return { body: ((await response.json()) as RefusalBody).error, status: response.status }
  },
  'MCP over stdio': ({ operation }, secret) => refusedBy(stdio(serve, secret), 'charge_credits', { operation }),
  'MCP over HTTP': ({ operation }, secret) => refusedBy(modernHttp(addresses.own, secret), 'charge_credits', { operation }),
  'MCP over HTTP, in the older era': ({ operation }, secret) => refusedBy(oldHttp(addresses.own, secret), 'charge_credits', { operation }),
  'a batch': ({ operation }, secret) => refusedInBatch(serve, secret, { name: 'charge_credits', arguments: { operation } }),
}

/** Where a tool of an upstream server is called. */
const CALLING: Readonly<Record<string, Route>> = {
  proxy: ({ tool }, secret) => refusedBy(stdio([...serve, '--', ...EVERYTHING], secret), tool.name, tool.arguments),
  gateway: ({ tool }, secret) => refusedBy(stdio([...serve, '--upstreams', upstreams], secret), tool.name, tool.arguments),
  'proxy over HTTP': ({ tool }, secret) => refusedBy(oldHttp(addresses.proxy, secret), tool.name, tool.arguments),
  'gateway over HTTP': ({ tool }, secret) => refusedBy(oldHttp(addresses.gateway, secret), tool.name, tool.arguments),
  'a batch through the proxy': ({ tool }, secret) => refusedInBatch([...serve, '--', ...EVERYTHING], secret, tool),
  'a meter inside': ({ tool }, secret) =>
    refusedBy(stdio([process.execPath, new URL('./fixtures/metered-server.mjs', import.meta.url).pathname, database], secret), tool.name, tool.arguments),
}

describe('T36, AX-17, AX-25: the same refusal over every route', () => {
  for (const [name, one] of Object.entries(CASES)) {
    const spending = one.operation === null ? {} : SPENDING
    it(`${name}: the same body wherever the operation is named, with its own status and exit`, { skip: one.operation === null }, async () => {
      await seeAlike(one, spending, String(secrets[name]))
    })
    it(`${name}: the same body wherever the tool is called`, async () => {
      await seeAlike(one, CALLING, String(secrets[name]))
    })
  }

  it('nothing was spent by any of it', async () => {
    const credits = await openCredits({ database })
    for (const name of Object.keys(CASES)) {
      const own = credits.as({ account: name.replaceAll(' ', '-') })
      expect((await own.balance()).lifetimeUsed, name).toBe(0)
      expect((await own.balance()).reserved, name).toBe(0)
    }
    await credits.close()
  })
})

async function seeAlike(one: Case, routes: Readonly<Record<string, Route>>, secret: string): Promise<void> {
  const told = new Map<string, Told>()
  for (const [route, ask] of Object.entries(routes)) told.set(route, await ask(one, secret))
  const [first] = told.values()
  for (const [route, { body, status = one.status, exit = one.exit }] of told) {
    expect({ route, code: body.code, retryable: body.retryable, status, exit }).toEqual({ route, code: one.code, retryable: false, status: one.status, exit: one.exit })
    expect({ route, body }).toEqual({ route, body: first?.body })
  }
}

function notRefused(): never {
  throw new Error('it was not refused')
}

interface Connection {
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<unknown>
  close(): Promise<void>
}

async function refusedBy(opening: Promise<Connection>, name: string, args: Readonly<Record<string, unknown>>): Promise<Told> {
  const client = await opening
  try {
    return toldBy(await client.callTool({ name, arguments: { ...args } }))
  } finally {
    await client.close()
  }
}

function toldBy(result: unknown): Told {
  const { isError, content, structuredContent, _meta: meta } = result as {
    isError?: boolean
    content: { text: string }[]
    structuredContent?: unknown
    _meta?: Record<string, RefusalBody>
  }
  expect({ isError, structuredContent }).toEqual({ isError: true, structuredContent: undefined })
  const body = JSON.parse(content[0]?.text ?? '') as RefusalBody
  expect(meta?.[REFUSAL_META]).toEqual(body)
  return { body: body.error }
}

async function stdio([command = '', ...args]: readonly string[], secret: string): Promise<Connection> {
  const client = new Client({ name: 'matrix', version: '1' })
  await client.connect(new StdioClientTransport({ command, args, env: { ...home.env, MCP_CREDITS_KEY: secret }, stderr: 'ignore' }))
  return client
}

async function modernHttp(address: string, secret: string): Promise<Connection> {
  const client = new Client({ name: 'matrix', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
  await client.connect(new StreamableHTTPClientTransport(new URL(address), { requestInit: { headers: { Authorization: `Bearer ${secret}` } } }))
  return client
}

async function oldHttp(address: string, secret: string): Promise<Connection> {
  const client = new OldClient({ name: 'matrix', version: '1' })
  await client.connect(new OldHttp(new URL(address), { requestInit: { headers: { Authorization: `Bearer ${secret}` } } }) as never)
  return client
}

/** A batch is of the versions up to 2025-03-26; each member of it is metered. */
async function refusedInBatch([command = '', ...args]: readonly string[], secret: string, call: object): Promise<Told> {
  const child = spawn(command, args, { env: { ...home.env, MCP_CREDITS_KEY: secret }, stdio: ['pipe', 'pipe', 'ignore'] })
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const send = (message: unknown) => child.stdin.write(`${JSON.stringify(message)}\n`)
    send({ jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 'matrix', version: '1' } } })
    await lines.next()
    send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    send([1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: call })))
    for (;;) {
      const { value, done } = await lines.next()
      if (done === true) throw new Error('the server ended without an answer')
      const answers = JSON.parse(value) as { id: number; result: unknown }[]
      if (!Array.isArray(answers)) continue
      const [one, other] = answers.map(({ result }) => toldBy(result))
      expect(other).toEqual(one)
      return one as Told
    }
  } finally {
    child.kill('SIGTERM')
  }
}

/** Starts a server and waits until it says where it listens. */
async function listening([command = '', ...args]: readonly string[]): Promise<string> {
  const child = spawn(command, args, { env: home.env, stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  closing.push(async () => {
    child.kill('SIGTERM')
    await ended
  })
  for await (const line of createInterface({ input: child.stderr })) {
    const address = /http:\/\/[\w.:]+\/mcp/.exec(line)?.[0]
    if (address !== undefined) {
      child.stderr.resume()
      return address
    }
  }
  throw new Error(`${args.join(' ')} ended before it listened`)
}
