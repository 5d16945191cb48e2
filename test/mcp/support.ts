import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Client as ModernClient } from '@modelcontextprotocol/client'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioServerTransport as OldTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { onTestFinished } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'
import { type CreditsServerOptions, type ServedConnection, serveCreditsOnStdio, type Ticker } from '../../src/mcp/index.js'

export const NOW = Date.UTC(2026, 0, 10, 12)

export interface TestLedger {
  /** As an operator. */
  readonly credits: Credits
  readonly file: string
  readonly clock: { at: number; now(): number }
}

/** A ledger in a file of its own, on a clock that stands still. */
export async function testLedger(catalog: string | object = 'neural-draft'): Promise<TestLedger> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-credits-'))
  const clock = { at: NOW, now: () => clock.at }
  const file = join(folder, 'ledger.db')
  const credits = await openCredits({ database: file, catalog, clock, defaultAccount: { id: 'default' } })
  onTestFinished(async () => {
    await credits.close()
    await rm(folder, { recursive: true, force: true })
  })
  return { credits: credits.as({ account: 'default' }), file, clock }
}

/** A ticker that ticks when it is told to, and knows whether anybody listens. */
export function handTicker(): Ticker & { readonly running: Set<() => void>; tick(): void } {
  const running = new Set<() => void>()
  const ticker = (run: () => void) => {
    running.add(run)
    return () => void running.delete(run)
  }
  return Object.assign(ticker, { running, tick: () => running.forEach((run) => run()) })
}

export interface Served {
  readonly input: PassThrough
  readonly output: PassThrough
  readonly connection: ServedConnection
  readonly reports: string[]
  readonly ticker: ReturnType<typeof handTicker>
}

/** Our server on a pair of streams, as on the standard ones. */
export function serve(open: () => Promise<Credits>, options: Partial<CreditsServerOptions> = {}): Served {
  const input = new PassThrough()
  const output = new PassThrough()
  const reports: string[] = []
  const ticker = handTicker()
  const connection = serveCreditsOnStdio(
    { credits: open, toolsets: ['read', 'spend', 'ask'], version: '1.2.3', report: (line) => reports.push(line), ticker, ...options },
    { input, output },
  )
  onTestFinished(() => connection.close())
  return { input, output, connection, reports, ticker }
}

export type ToolResult = {
  readonly isError?: boolean
  readonly content: readonly { readonly type: string; readonly text: string }[]
  readonly structuredContent?: Record<string, unknown>
  readonly _meta?: Record<string, unknown>
}

/** What the clients of all SDKs have in common. */
export interface AnyClient {
  listTools(): Promise<{ readonly tools: readonly Record<string, unknown>[] }>
  callTool(call: { name: string; arguments?: Record<string, unknown> }): Promise<ToolResult>
  listResources(): Promise<{ readonly resources: readonly { readonly uri: string }[] }>
  listResourceTemplates(): Promise<{ readonly resourceTemplates: readonly { readonly uriTemplate: string }[] }>
  listPrompts(): Promise<{ readonly prompts: readonly { readonly name: string; readonly description?: string }[] }>
  getPrompt(asked: { name: string; arguments?: Record<string, string> }): Promise<{ readonly messages: readonly { readonly content: { readonly text: string } }[] }>
  readResource(asked: { uri: string }): Promise<{ readonly contents: readonly { readonly text: string; readonly mimeType?: string }[] }>
  getInstructions(): string | undefined
  /** Of SDK 2 only. */
  getProtocolEra?(): string | undefined
  close(): Promise<void>
}

const INFO = { name: 'test', version: '1' }

/** Each way in which a client opens: the previous SDK, and the present one by default, by probing and by insisting. */
export const CLIENTS = {
  'the client of SDK 1': async ({ input, output }) => {
    const client = new OldClient(INFO)
    await client.connect(new OldTransport(output, input))
    // It checks structured content against the output schemas that it has listed.
    await client.listTools()
    return client as unknown as AnyClient
  },
  'the client of SDK 2 as it comes': (served) => modern(served),
  'the client of SDK 2 that probes': (served) => modern(served, 'auto'),
  'the client of SDK 2 that wants 2026-07-28': (served) => modern(served, { pin: '2026-07-28' }),
} as const satisfies Record<string, (served: Pick<Served, 'input' | 'output'>) => Promise<AnyClient>>

export type ClientKind = keyof typeof CLIENTS
export const CLIENT_KINDS = Object.keys(CLIENTS) as ClientKind[]

async function modern({ input, output }: Pick<Served, 'input' | 'output'>, mode: 'legacy' | 'auto' | { pin: string } = 'legacy'): Promise<AnyClient> {
  const client = new ModernClient(INFO, { versionNegotiation: { mode } as never })
  await client.connect(new StdioServerTransport(output, input))
  await client.listTools()
  return client as unknown as AnyClient
}

/** A server and a client of this kind on the same ledger. */
export async function connect(kind: ClientKind, ledger: TestLedger, options: Partial<CreditsServerOptions> = {}): Promise<{ client: AnyClient; served: Served }> {
  const served = serve(async () => ledger.credits, options)
  return { client: await CLIENTS[kind](served), served }
}

export interface Body {
  readonly error: Readonly<Record<string, unknown>> & {
    readonly code: string
    readonly message: string
    readonly details: Readonly<Record<string, unknown>>
    readonly advice: readonly string[]
  }
}

export function bodyOf(result: ToolResult): Body {
  return JSON.parse(result.content[0]?.text ?? '') as Body
}

/** Speaks JSON-RPC as text, for what no client would send. */
export class RawClient {
  readonly #served: Served
  #text = ''
  #waiting: (() => void)[] = []

  constructor(served: Served) {
    this.#served = served
    served.output.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString()
      for (const wake of this.#waiting.splice(0)) wake()
    })
  }

  get lines(): readonly string[] {
    return this.#text.split('\n').slice(0, -1)
  }

  get messages(): readonly Record<string, unknown>[] {
    return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  /** The first line, past or to come, that fits. */
  async line(fits: (line: string) => boolean): Promise<string> {
    for (;;) {
      const found = this.lines.find(fits)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  send(line: string): void {
    this.#served.input.write(`${line}\n`)
  }

  /** Sends a line and waits for the next message that fits. */
  async ask(line: string, fits: (message: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    const before = this.messages.length
    this.send(line)
    return this.next(fits, before)
  }

  async next(fits: (message: Record<string, unknown>) => boolean, from = 0): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.messages.slice(from).find(fits)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }
}

export const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 'open',
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: INFO },
})

/** The `_meta` that every request of the modern era carries. */
export const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': INFO,
}
