import { randomUUID } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { gateway } from '../../src/proxy/gateway/gateway.js'
import type { GatewayLimits, GatewayServer, Timers } from '../../src/proxy/gateway/gateway-ports.js'
import type { JsonObject } from '../../src/proxy/ports.js'
import { upstreamProcess } from '../../src/proxy/upstream-process.js'
import type { OpenUpstream } from '../../src/proxy/upstream-link.js'
import { EVERYTHING, FILESYSTEM, Lines, MODERN, type Proxied, startProxy } from './harness.js'

/** Time that passes when the test says so, and chance that always falls the same way: the longest pause. */
export class ManualTimers implements Timers {
  #now = Date.UTC(2026, 0, 1)
  #due: { readonly at: number; readonly work: () => void }[] = []

  now = (): number => this.#now

  jitterMs = (max: number): number => Math.floor(max)

  after = (ms: number, work: () => void): (() => void) => {
    const entry = { at: this.#now + ms, work }
    this.#due.push(entry)
    return () => {
      this.#due = this.#due.filter(other => other !== entry)
    }
  }

  advance(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const next = this.#due.filter(({ at }) => at <= until).toSorted((one, other) => one.at - other.at)[0]
      if (next === undefined) break
      this.#due = this.#due.filter(entry => entry !== next)
      this.#now = next.at
      next.work()
    }
    this.#now = until
  }
}

export interface Fronted extends Proxied {
  readonly timers: ManualTimers
  /** What the gateway tells people. */
  readonly reports: Lines
}

/** The real relay in front of a real gateway in front of real servers. */
export function startGateway(servers: readonly GatewayServer[], options: Parameters<typeof startProxy>[1] & {
  readonly gatewayLimits?: Partial<GatewayLimits>
} = {}): Fronted {
  const timers = new ManualTimers()
  const told = new PassThrough()
  const upstream = gateway({
    servers,
    identity: { name: 'mcp-credits', version: '0.0.0' },
    timers,
    newId: randomUUID,
    report: text => told.write(`${text}\n`),
    ...(options.gatewayLimits === undefined ? {} : { limits: options.gatewayLimits })
  })
  return { ...startProxy([], { ...options, upstream }), timers, reports: new Lines(told) }
}

export function node(args: readonly string[], script: JsonObject = {}): OpenUpstream {
  return upstreamProcess({
    command: process.execPath,
    args,
    env: { ...process.env, SCRIPT: JSON.stringify(script) },
    diagnostics: new PassThrough().resume()
  })
}

export const everything = (name = 'everything'): GatewayServer => ({ name, open: node(EVERYTHING) })
export const filesystem = (folder: string, name = 'files'): GatewayServer => ({ name, open: node([FILESYSTEM, folder]) })
export const modern = (name = 'modern'): GatewayServer => ({ name, open: node(MODERN) })

export const HELLO = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }

export const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' }
}

/** Shakes hands as clients up to 2025-11-25 do, and returns what the server said. */
export async function greet(fronted: Proxied, params: JsonObject = HELLO): Promise<JsonObject> {
  const answer = await fronted.request('hello', 'initialize', params)
  fronted.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  return answer.result ?? answer.error ?? {}
}

export async function close(fronted: Proxied): Promise<void> {
  fronted.input.end()
  await fronted.exit
}

export function textOf(result: JsonObject | undefined): string {
  const [block] = (result?.['content'] ?? []) as readonly { readonly text?: string }[]
  return block?.text ?? ''
}

export function namesIn(result: JsonObject | undefined, member: string, key = 'name'): readonly unknown[] {
  return ((result?.[member] ?? []) as readonly JsonObject[]).map(entry => entry[key])
}

/** A server that is told how to be: see `fixtures/routed-server.mjs`. */
export const routed = (name: string, script: JsonObject = {}): GatewayServer => ({ name, open: node([ROUTED], { name, ...script }) })

const ROUTED = fileURLToPath(new URL('fixtures/routed-server.mjs', import.meta.url))
