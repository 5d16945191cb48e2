import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { serve } from '@hono/node-server'
import { Client as ModernClient, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as OldHttpTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { onTestFinished } from 'vitest'
import type { DoorLimits } from '../../src/proxy/http/limits.js'
import { type CallerParts, relayHttpDoor } from '../../src/proxy/http/relay-door.js'
import type { JsonObject } from '../../src/proxy/ports.js'
import type { OpenUpstream } from '../../src/proxy/upstream-link.js'
import { upstreamProcess } from '../../src/proxy/upstream-process.js'
import { Lines, type Message, ownServer } from './harness.js'

export const IDEMPOTENCY_MEMBER = 'io.github.mcp-credits/idempotency_key'
export const MODERN_VERSION = '2026-07-28'
export const LEGACY_VERSION = '2025-11-25'

/** Whoever is named in the Authorization header, as a server in front of the door would have found out. */
export interface TestCaller {
  readonly id: string
}

/** Where a door is served. */
export interface Address {
  readonly url: URL
}

export interface Served extends Address {
  readonly reports: string[]
  /** What the upstreams' processes write to their standard error. */
  readonly diagnostics: Lines
  /** Upstreams that were opened, in order; each with a way to kill it as a crash would. */
  readonly opened: { readonly kill: () => void; readonly exit: Promise<unknown> }[]
  /** What has reached the door, in order. */
  readonly requests: readonly Request[]
  readonly close: () => Promise<void>
  /** Closes again, as for a second signal. */
  readonly hurry: () => Promise<void>
}

/** Serves the door on a port of its own, in front of a real process for each upstream. */
export async function startDoor(args: readonly string[], options: {
  readonly partsFor: (caller: () => TestCaller) => Pick<CallerParts, 'meter'> & Partial<CallerParts>
  readonly script?: JsonObject
  readonly limits?: Partial<DoorLimits>
  readonly command?: string
  readonly mayListen?: (caller: TestCaller) => Promise<boolean>
}): Promise<Served> {
  const reports: string[] = []
  const errors = new PassThrough()
  const opened: Served['opened'] = []
  const open = upstreamProcess({
    command: options.command ?? process.execPath,
    args,
    env: { ...process.env, SCRIPT: JSON.stringify(options.script ?? {}) },
    diagnostics: errors
  })
  const upstream: OpenUpstream = onLine => {
    const link = open(onLine)
    opened.push({ kill: () => void link.terminate(), exit: link.exit })
    return link
  }
  const door = relayHttpDoor<TestCaller>({
    upstream,
    partsFor: caller => ({ own: ownServer(), prices: NO_PRICES, instructions: 'Ours after.', ...options.partsFor(caller) }),
    idempotencyMember: IDEMPOTENCY_MEMBER,
    newId: randomUUID,
    report: text => reports.push(text),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.mayListen === undefined ? {} : { mayListen: options.mayListen })
  })
  const requests: Request[] = []
  const fetch = (request: Request): Promise<Response> => {
    requests.push(request)
    const id = request.headers.get('authorization')?.replace('Bearer ', '') ?? 'nobody'
    return door.fetch(request, { id })
  }
  const server = serve({ fetch, port: 0, hostname: '127.0.0.1' })
  await new Promise(resolve => server.once('listening', resolve))
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => (closed ??= door.close())
  onTestFinished(async () => {
    await close()
    await new Promise(resolve => {
      server.close(resolve)
      if ('closeAllConnections' in server) server.closeAllConnections()
    })
  })
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`), reports, diagnostics: new Lines(errors), opened, requests, close, hurry: door.close }
}

const NO_PRICES = { decorate: <T>(tool: T) => tool, validForMs: () => 60_000 }

const INFO = { name: 'test', version: '1' }

export function headersOf(caller: string): Record<string, string> {
  return { authorization: `Bearer ${caller}` }
}

export async function oldHttpClient(served: Address, caller = 'ada', { capabilities = {}, prepare = () => undefined }: {
  readonly capabilities?: object
  readonly prepare?: (client: OldClient) => void
} = {}): Promise<OldClient> {
  const client = new OldClient(INFO, { capabilities })
  prepare(client)
  const transport = new OldHttpTransport(served.url, { requestInit: { headers: headersOf(caller) } })
  await client.connect(transport as never)
  onTestFinished(() => client.close())
  return client
}

export type Mode = 'legacy' | 'auto' | { readonly pin: string }

export async function httpClient(served: Address, mode: Mode, caller = 'ada', prepare: (client: ModernClient) => void = () => undefined): Promise<ModernClient> {
  const client = new ModernClient(INFO, { versionNegotiation: { mode } as never, capabilities: { elicitation: { form: {} }, sampling: {} } })
  prepare(client)
  await client.connect(new StreamableHTTPClientTransport(served.url, { requestInit: { headers: headersOf(caller) } }))
  onTestFinished(() => client.close())
  return client
}

export interface PostOptions {
  readonly caller?: string
  readonly session?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** A POST as a client up to 2025-11-25 sends it. */
export function post(served: Address, body: unknown, { caller = 'ada', session, headers = {}, signal }: PostOptions = {}): Promise<Response> {
  return fetch(served.url, {
    method: 'POST',
    headers: {
      ...headersOf(caller),
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(session === undefined ? {} : { 'mcp-session-id': session, 'mcp-protocol-version': LEGACY_VERSION }),
      ...headers
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal === undefined ? {} : { signal })
  })
}

/** A request of 2026-07-28 with all that the version asks for. */
export function postModern(served: Address, id: string | number, method: string, params: JsonObject = {}, options: PostOptions = {}): Promise<Response> {
  const name = params['name'] ?? params['uri'] ?? params['taskId']
  const meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN_VERSION,
    'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
    'io.modelcontextprotocol/clientInfo': INFO,
    ...(params['_meta'] as JsonObject | undefined)
  }
  return post(served, { jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } }, {
    ...options,
    headers: {
      'mcp-protocol-version': MODERN_VERSION,
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
      ...options.headers
    }
  })
}

/** Opens a session and returns its id. */
export async function openSession(served: Address, caller = 'ada', capabilities: object = {}): Promise<string> {
  const opened = await post(served, initialize(capabilities), { caller })
  const session = opened.headers.get('mcp-session-id') ?? ''
  await post(served, { jsonrpc: '2.0', method: 'notifications/initialized' }, { caller, session })
  return session
}

export function initialize(capabilities: object = {}): JsonObject {
  return { jsonrpc: '2.0', id: 'open', method: 'initialize', params: { protocolVersion: LEGACY_VERSION, capabilities, clientInfo: INFO } }
}

export interface ReadEvent {
  readonly id: string | undefined
  readonly message: Message | undefined
}

/** The events of a response as they come. */
export async function* eventsOf(response: Response): AsyncGenerator<ReadEvent> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = new Map(text.slice(0, end).split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]))
      text = text.slice(end + 2)
      const data = fields.get('data')
      if (data !== undefined) yield { id: fields.get('id'), message: data === '' ? undefined : (JSON.parse(data) as Message) }
    }
  }
}

/** The messages of a response, whichever form it has. */
export async function messagesOf(response: Response): Promise<Message[]> {
  if (response.headers.get('content-type')?.startsWith('application/json')) return [(await response.json()) as Message].flat()
  const messages: Message[] = []
  for await (const { message } of eventsOf(response)) if (message !== undefined) messages.push(message)
  return messages
}

/** The one message that answers. */
export async function answerOf(response: Response): Promise<Message> {
  const messages = await messagesOf(response)
  const answer = messages.find(message => !('method' in message))
  if (answer === undefined) throw new Error(`no answer among ${JSON.stringify(messages)}`)
  return answer
}

/** A call by a client up to 2025-11-25. */
export async function call(served: Address, session: string, id: number, name: string, params: JsonObject = {}, options: PostOptions = {}): Promise<Message> {
  return answerOf(await post(served, { jsonrpc: '2.0', id, method: 'tools/call', params: { name, ...params } }, { session, ...options }))
}
