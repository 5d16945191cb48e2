import { randomUUID } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { runStdioProxy } from '../../src/proxy/stdio-proxy.js'
import { upstreamProcess } from '../../src/proxy/upstream-process.js'
import type { OpenUpstream } from '../../src/proxy/upstream-link.js'
import type { JsonObject, Meter, OwnServer, Prices, ProxyExit, ProxyLimits } from '../../src/proxy/ports.js'
import { countingMeter, type CountingMeter } from './counting-meter.js'

export const EVERYTHING = [fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js')), 'stdio']
export const FILESYSTEM = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-filesystem/dist/index.js'))
export const MODERN = [fixture('modern-server.mjs')]
export const HEADERS = [fixture('header-server.mjs')]
export const SCRIPTED = [fixture('scripted-server.mjs')]

export const OUR_PRICE = 'io.github.mcp-credits/price'

export type Message = JsonObject & { readonly id?: string | number | null; readonly result?: JsonObject; readonly error?: JsonObject }

export interface Proxied extends CountingMeter {
  readonly input: PassThrough
  readonly output: PassThrough
  readonly lines: Lines
  readonly diagnostics: Lines
  readonly exit: Promise<ProxyExit>
  readonly stop: () => void
  readonly send: (message: unknown) => void
  readonly sendText: (line: string) => void
  /** Sends a request and waits for the message that answers its id. */
  readonly request: (id: string | number, method: string, params?: JsonObject) => Promise<Message>
}

/** Runs the real proxy in front of a real process; the ledger behind the meter is a counter unless another is given. */
export function startProxy(args: readonly string[], options: {
  readonly script?: JsonObject
  readonly counting?: CountingMeter
  /** Another meter than the counter, such as a real ledger's. */
  readonly meter?: Meter
  readonly own?: OwnServer
  readonly prices?: Partial<Prices>
  readonly instructions?: string
  readonly limits?: Partial<ProxyLimits>
  readonly command?: string
  /** Another upstream than the process of `args`. */
  readonly upstream?: OpenUpstream
} = {}): Proxied {
  const counting = options.counting ?? countingMeter()
  const input = new PassThrough()
  const output = new PassThrough()
  const errors = new PassThrough()
  const stop = new AbortController()
  const exit = runStdioProxy({
    upstream: options.upstream ?? upstreamProcess({
      command: options.command ?? process.execPath,
      args,
      env: { ...process.env, SCRIPT: JSON.stringify(options.script ?? {}) },
      diagnostics: errors,
      ...(options.limits === undefined ? {} : { limits: options.limits })
    }),
    input,
    output,
    diagnostics: errors,
    stop: stop.signal,
    meter: options.meter ?? counting.meter,
    own: options.own ?? ownServer(),
    prices: {
      decorate: tool => ({ ...tool, _meta: { ...(tool['_meta'] as JsonObject), [OUR_PRICE]: { credits: 1 } } }),
      validForMs: () => 60_000,
      ...options.prices
    },
    instructions: options.instructions ?? 'Ours after.',
    newId: randomUUID,
    ...(options.limits === undefined ? {} : { limits: options.limits })
  })
  const lines = new Lines(output)
  const sendText = (line: string): void => void input.write(`${line}\n`)
  const send = (message: unknown): void => sendText(JSON.stringify(message))
  return {
    ...counting,
    input,
    output,
    lines,
    diagnostics: new Lines(errors),
    exit,
    stop: () => stop.abort(),
    send,
    sendText,
    request: async (id, method, params) => {
      send({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) })
      return answerTo(lines, id)
    }
  }
}

export async function answerTo(lines: Lines, id: string | number | null): Promise<Message> {
  return JSON.parse(await lines.find(line => isAnswerTo(line, id))) as Message
}

/** Lets everything happen that is due: what waits for nothing but the event loop has happened afterwards. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(resolve => setImmediate(resolve))
}

/** Our own server as the tests know it: one tool whose name is free upstream, one that may clash, two resources. */
export function ownServer(names: readonly string[] = ['get_credit_balance']): OwnServer {
  return {
    tools: () => names.map(name => ({ name, description: 'ours', inputSchema: { type: 'object' } })),
    call: async (name, args, { era }) => ({ content: [{ type: 'text', text: JSON.stringify({ ours: name, args, era }) }] }),
    resources: {
      list: () => [{ uri: 'credits://balance', name: 'balance' }],
      templates: () => [{ uriTemplate: 'credits://usage/{period}', name: 'usage' }],
      read: async (uri, { era }) =>
        uri === 'credits://balance'
          ? { result: { contents: [{ uri, text: '12' }], ...(era === 'modern' ? { ttlMs: 0, cacheScope: 'private' } : {}) } }
          : { error: { code: -32602, message: 'unknown resource' } }
    }
  }
}

/** The lines of a stream, those that came and those that are waited for. */
export class Lines {
  readonly all: string[] = []
  #rest = ''
  #waiting: (() => void)[] = []

  constructor(stream: PassThrough, onLine?: (line: string) => void) {
    stream.on('data', (chunk: Buffer) => {
      const parts = (this.#rest + chunk.toString()).split('\n')
      this.#rest = parts.pop() ?? ''
      this.all.push(...parts)
      if (onLine) parts.forEach(onLine)
      const waiting = this.#waiting
      this.#waiting = []
      for (const wake of waiting) wake()
    })
  }

  /** The first line, past or to come, that passes `test`. The test's own time limit bounds the wait. */
  async find(test: (line: string) => boolean): Promise<string> {
    for (;;) {
      const found = this.all.find(test)
      if (found !== undefined) return found
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }
}

function isAnswerTo(line: string, id: string | number | null): boolean {
  try {
    const message = JSON.parse(line) as Message
    return message.id === id && !('method' in message)
  } catch {
    return false
  }
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
}
