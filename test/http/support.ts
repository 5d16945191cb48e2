import { Client as ModernClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { onTestFinished } from 'vitest'
import type { Credits } from '../../src/credits.js'
import { identifyByCredential, type IdentityOptions } from '../../src/http/identity.js'
import type { HttpLimits } from '../../src/http/limits.js'
import { type HttpServerOptions, type ListeningServer, serveHttp } from '../../src/http/server.js'
import { creditsHttpDoor } from '../../src/mcp/http-door.js'
import { type AnyClient, handTicker, testLedger, type TestLedger } from '../mcp/support.js'

export const PRESENT = '2026-07-28'

export interface Served {
  readonly ledger: TestLedger
  readonly server: ListeningServer
  readonly url: string
  /** The secret of a key of the account `default` that may see and spend. */
  readonly key: string
  readonly ticker: ReturnType<typeof handTicker>
  readonly reports: string[]
  readonly log: Record<string, unknown>[]
  /** A request with that key, unless its headers say otherwise. */
  readonly fetch: (path: string, init?: RequestInit & { readonly headers?: Record<string, string> }) => Promise<Response>
  /** One JSON-RPC request of the present era, and what is answered. */
  readonly ask: (method: string, params?: Record<string, unknown>, headers?: Record<string, string>) => Promise<Asked>
  readonly call: (name: string, args?: Record<string, unknown>, headers?: Record<string, string>) => Promise<Asked>
}

export interface Asked {
  readonly status: number
  readonly headers: Headers
  readonly body: { readonly result?: Record<string, unknown>; readonly error?: Record<string, unknown> } & Record<string, unknown>
}

export type ServedOptions = Partial<Omit<HttpServerOptions, 'limits'>> & {
  readonly limits?: Partial<HttpLimits>
  readonly identity?: Partial<IdentityOptions>
  readonly catalog?: string
  /** The ledger as the server has it, where it is another than the test's. */
  readonly open?: (ledger: TestLedger) => Promise<Credits>
}

/** A server in this process on a ledger of its own, whose clock stands still. */
export async function served({ identity, catalog, open, ...options }: ServedOptions = {}): Promise<Served> {
  const ledger = await testLedger(catalog)
  const operator = ledger.credits.as({ account: null })
  const key = await newKey(ledger)
  const ticker = handTicker()
  const reports: string[] = []
  const log: Record<string, unknown>[] = []
  let requests = 0
  const server = await serveHttp({
    host: '127.0.0.1',
    port: 0,
    door: creditsHttpDoor({ toolsets: ['read', 'spend', 'ask'], version: '1.2.3', report: (line) => void reports.push(line), ticker }),
    identify: identifyByCredential({ open: () => (open === undefined ? Promise.resolve(operator) : open(ledger)), run: 'run-1', ...identity }),
    isWell: async () => void (await operator.changeMark()),
    clock: ledger.clock,
    newId: () => `request-${++requests}`,
    log: (line) => void log.push(JSON.parse(line) as Record<string, unknown>),
    report: (line) => void reports.push(line),
    ...options,
  })
  const hurry = new AbortController()
  onTestFinished(async () => {
    hurry.abort()
    await server.close(hurry.signal)
  })
  const fetchWithKey: Served['fetch'] = (path, init = {}) =>
    fetch(`${server.address}${path}`, { ...init, headers: { authorization: `Bearer ${key}`, ...init.headers } })
  const ask: Served['ask'] = async (method, params = {}, headers = {}) => {
    const response = await fetchWithKey('/mcp', { method: 'POST', ...modernRequest(method, params, headers) })
    return { status: response.status, headers: response.headers, body: (await response.json()) as Asked['body'] }
  }
  return {
    ledger,
    server,
    url: `${server.address}/mcp`,
    key,
    ticker,
    reports,
    log,
    fetch: fetchWithKey,
    ask,
    call: (name, args = {}, headers) => ask('tools/call', { name, arguments: args }, headers),
  }
}

export async function newKey({ credits }: TestLedger, terms: Parameters<Credits['createKey']>[0] = {}): Promise<string> {
  const { key } = await credits.createKey({ scopes: ['credits:read', 'credits:spend'], ...terms })
  if (key === null) throw new Error('the key was made before')
  return key
}

/** Something that happens once and can be waited for. */
export function signal(): { readonly given: Promise<void>; readonly give: () => void } {
  let give: () => void = () => undefined
  const given = new Promise<void>((resolve) => (give = resolve))
  return { given, give }
}

/** The headers and the body of a request of the present era. */
export function modernRequest(method: string, params: Record<string, unknown>, headers: Record<string, string> = {}): { headers: Record<string, string>; body: string } {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': PRESENT,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  }
  const name = params['name'] ?? params['uri']
  return {
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': PRESENT,
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } }),
  }
}

const INFO = { name: 'test', version: '1' }

/** Each way in which a client opens over HTTP. */
export const HTTP_CLIENTS = {
  'the client of SDK 1': async (url, key) => {
    const client = new OldClient(INFO)
    await client.connect(new OldTransport(new URL(url), { requestInit: { headers: authorization(key) } }) as never)
    await client.listTools()
    return client as unknown as AnyClient
  },
  'the client of SDK 2 as it comes': (url, key) => modernClient(url, key, 'legacy'),
  'the client of SDK 2 that probes': (url, key) => modernClient(url, key, 'auto'),
  'the client of SDK 2 that wants 2026-07-28': (url, key) => modernClient(url, key, { pin: PRESENT }),
} as const satisfies Record<string, (url: string, key: string) => Promise<AnyClient>>

export type HttpClientKind = keyof typeof HTTP_CLIENTS
export const HTTP_CLIENT_KINDS = Object.keys(HTTP_CLIENTS) as HttpClientKind[]

async function modernClient(url: string, key: string, mode: 'legacy' | 'auto' | { pin: string }): Promise<AnyClient> {
  const client = new ModernClient(INFO, { versionNegotiation: { mode } as never })
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: authorization(key) } }))
  await client.listTools()
  return client as unknown as AnyClient
}

export async function connected(kind: HttpClientKind, url: string, key: string): Promise<AnyClient> {
  const client = await HTTP_CLIENTS[kind](url, key)
  onTestFinished(() => client.close())
  return client
}

function authorization(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` }
}

/** Reads server-sent events one after the other. */
export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #text = ''

  constructor(response: Response) {
    if (response.body === null) throw new Error('the response has no body')
    this.#reader = response.body.getReader()
  }

  /** The next message; null once the stream has ended. */
  async next(): Promise<Record<string, unknown> | null> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end !== -1) {
        const event = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + 2)
        const data = event.split('\n').find((line) => line.startsWith('data: '))
        if (data !== undefined) return JSON.parse(data.slice('data: '.length)) as Record<string, unknown>
        continue
      }
      const { done, value } = await this.#reader.read().catch(() => ({ done: true, value: undefined }) as const)
      if (done || value === undefined) return null
      this.#text += new TextDecoder().decode(value)
    }
  }

  cancel(): Promise<void> {
    return this.#reader.cancel()
  }
}
