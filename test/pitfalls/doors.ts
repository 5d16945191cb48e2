import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { onTestFinished } from 'vitest'
import { jsonHere } from '../cli/in-process.js'
import { BIN, type Home } from '../cli/process.js'
import type { Result } from '../meter/support.js'

const INFO = { name: 'test', version: '1' }
const PRESENT = '2026-07-28'

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
const WAYS_OUT = [process.execPath, fixture('ways-out.mjs'), 'stdio']

/** A server process whose calls are metered, and a client that talks to it. */
export interface Opened {
  readonly client: DoorClient
  /** The process that meters. */
  readonly server: ChildProcess
  /** As clients go that are closed by their user, in the middle of whatever is under way. */
  leave(): Promise<void>
  /** Sends a signal, or none where the process ends by itself, and waits for its end. */
  ended(signal?: NodeJS.Signals): Promise<void>
}

export interface DoorClient {
  /** Calls a tool; `started` resolves once it says that it runs, `answer` is what the client makes of it. */
  call(name: string, options?: { readonly signal?: AbortSignal; readonly arguments?: Record<string, unknown>; readonly meta?: Record<string, unknown> }): { readonly started: Promise<void>; readonly answer: Promise<Result> }
  close(): Promise<void>
}

export interface Door {
  /** What is behind it, for the rules that differ: a relay can be told to end, a vendor's own server ends as it was written. */
  readonly by: 'relay' | 'meter'
  /** @param wrapper a program that starts the server, with its first words */
  readonly open: (home: Home, wrapper?: readonly string[]) => Promise<Opened>
}

/** Every door through which a tool of somebody's server is metered, in front of the same tools. */
export const DOORS: Readonly<Record<string, Door>> = {
  'the relay on standard streams': { by: 'relay', open: (home, wrapper) => onStreams(home, [BIN, 'serve', '--', ...WAYS_OUT], { wrapper }) },
  'the gateway on standard streams': { by: 'relay', open: (home, wrapper) => onStreams(home, [BIN, 'serve', '--upstreams', upstreams(home)], { wrapper }) },
  'the relay over HTTP, in a session': { by: 'relay', open: (home, wrapper) => overHttp(home, serveHttp(['--', ...WAYS_OUT]), { wrapper, kind: 'session' }) },
  'the relay over HTTP, of 2026-07-28': { by: 'relay', open: (home, wrapper) => overHttp(home, serveHttp(['--', ...WAYS_OUT]), { wrapper, kind: 'request' }) },
  'the gateway over HTTP, in a session': { by: 'relay', open: (home, wrapper) => overHttp(home, serveHttp(['--upstreams', upstreams(home)]), { wrapper, kind: 'session' }) },
  'the gateway over HTTP, of 2026-07-28': { by: 'relay', open: (home, wrapper) => overHttp(home, serveHttp(['--upstreams', upstreams(home)]), { wrapper, kind: 'request' }) },
  'a meter in SDK 1': { by: 'meter', open: (home, wrapper) => onStreams(home, [fixture('ways-out-old.mjs'), databaseOf(home)], { wrapper, sdk: 'SDK 1' }) },
  'a meter in SDK 2': { by: 'meter', open: (home, wrapper) => onStreams(home, [...WAYS_OUT.slice(1), databaseOf(home)], { wrapper }) },
  'a meter in SDK 2 over HTTP': { by: 'meter', open: (home, wrapper) => overHttp(home, [fixture('ways-out.mjs'), 'http', databaseOf(home)], { wrapper, kind: 'request' }) },
}

/** The ledger of a home: a file in it, unless its variables name another database. */
export function databaseOf(home: Home): string {
  return home.env['MCP_CREDITS_DB'] ?? home.ledger
}

function serveHttp(words: readonly string[]): readonly string[] {
  return [BIN, 'serve', '--http', '0', '--log', 'off', ...words]
}

function upstreams(home: Home): string {
  const file = home.path('upstreams.json')
  const [command, ...args] = WAYS_OUT
  writeFileSync(file, JSON.stringify({ mcpServers: { ways: { command, args } } }))
  return file
}

interface Opening {
  /** A program that starts the server, with its first words. */
  readonly wrapper: readonly string[] | undefined
}

async function onStreams(home: Home, words: readonly string[], { wrapper = [], sdk = 'SDK 2' }: Opening & { readonly sdk?: 'SDK 1' | 'SDK 2' }): Promise<Opened> {
  const [command = '', ...args] = [...wrapper, process.execPath, ...words]
  const launched = { command, args, env: home.env, stderr: 'ignore' as const }
  const client = sdk === 'SDK 1' ? new OldClient(INFO) : new Client(INFO)
  const transport = sdk === 'SDK 1' ? new OldStdio(launched) : new StdioClientTransport(launched)
  await client.connect(transport as never)
  // The transports keep their process to themselves; whether and when it has ended is what these tests are about.
  const { _process: server } = transport as unknown as { readonly _process: ChildProcess }
  onTestFinished(() => client.close())
  return { client: doorClient(client as never, sdk), server, leave: () => client.close(), ended: endOf(server) }
}

async function overHttp(home: Home, words: readonly string[], { wrapper, kind }: Opening & { readonly kind: 'session' | 'request' }): Promise<Opened> {
  const { server, url, ended } = await startListening(home, words, wrapper)
  const headers = { authorization: `Bearer ${(await jsonHere<{ key: string }>(home, 'key', 'create')).key}` }
  const opened = { server, ended }
  if (kind === 'session') {
    const [client, transport] = [new OldClient(INFO), new OldHttp(url, { requestInit: { headers } })]
    await client.connect(transport as never)
    onTestFinished(() => client.close())
    return { ...opened, client: doorClient(client as never, 'SDK 1'), leave: () => transport.terminateSession() }
  }
  const client = new Client(INFO, { versionNegotiation: { mode: { pin: PRESENT } } })
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }))
  onTestFinished(() => client.close())
  return { ...opened, client: doorClient(client as never, 'SDK 2'), leave: () => client.close() }
}

export interface ListeningProcess {
  readonly server: ChildProcess
  /** Of `/mcp`. */
  readonly url: URL
  /** What it has written on standard error so far. */
  stderr(): string
  ended(signal?: NodeJS.Signals): Promise<void>
}

/** Starts a process that serves over HTTP and waits until it says where. */
export async function startListening(home: Home, words: readonly string[], wrapper: readonly string[] = []): Promise<ListeningProcess> {
  const [command = '', ...args] = [...wrapper, process.execPath, ...words]
  const server = spawn(command, args, { env: home.env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  server.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = endOf(server)
  onTestFinished(() => ended('SIGKILL'))
  return { server, url: new URL(await addressOf(server)), stderr: () => stderr, ended }
}

/** The address of `/mcp`, as the process tells it on either stream. */
async function addressOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let told = ''
    for (const stream of [server.stdout, server.stderr]) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', (line) => {
        told += `${line}\n`
        const address = /http:\/\/[\w.:]+\/mcp/.exec(line)?.[0]
        if (address !== undefined) resolve(address)
      })
    }
    server.once('exit', () => reject(new Error(`the server ended before it listened: ${told}`)))
  })
}

function endOf(server: ChildProcess): Opened['ended'] {
  const exit = once(server, 'exit')
  return async (signal) => {
    if (signal !== undefined) server.kill(signal)
    if (server.exitCode === null && server.signalCode === null) await exit
  }
}

interface SdkClient {
  callTool(params: object, ...options: unknown[]): Promise<unknown>
  close(): Promise<void>
}

function doorClient(client: SdkClient, sdk: 'SDK 1' | 'SDK 2'): DoorClient {
  return {
    call: (name, { signal, arguments: args = {}, meta } = {}) => {
      let begin!: () => void
      const started = new Promise<void>((resolve) => (begin = resolve))
      const options = { onprogress: begin, ...(signal === undefined ? {} : { signal }) }
      const params = { name, arguments: args, ...(meta === undefined ? {} : { _meta: meta }) }
      const answer = client.callTool(params, ...(sdk === 'SDK 1' ? [undefined] : []), options) as Promise<Result>
      // Who waits for the start alone leaves the answer to whoever asks for it later.
      answer.catch(() => undefined)
      return { started, answer }
    },
    close: () => client.close(),
  }
}
