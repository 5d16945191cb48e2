import { PassThrough } from 'node:stream'
import { Client as NewClient, InMemoryTransport as NewPair } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport as OldPair } from '@modelcontextprotocol/sdk/inMemory.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { expect, onTestFinished } from 'vitest'
import { type Credits, openCredits } from '../../src/index.js'

export const RECEIPT = 'io.github.mcp-credits/receipt'
export const REFUSAL = 'io.github.mcp-credits/refusal'
export const PRICE = 'io.github.mcp-credits/price'
export const KEY = 'io.github.mcp-credits/idempotency_key'
export const FAULT = 'io.github.mcp-credits/fault'

const NOW = Date.UTC(2026, 10, 10, 12)

/** A vendor's catalog: tools that it maps, operations that a server may name by itself, and nothing by default. */
export const CATALOG = {
  id: 'studio',
  name: 'Studio',
  unit: { name: 'credit', plural: 'credits', credit_usd: '0.01' },
  price_increase_notice_days: 0,
  operations: {
    'image.draw': { name: 'Draw', category: 'image', price: { model: 'flat', credits: '5' }, charge_on_fault: ['caller'] },
    'video.clip': {
      name: 'Clip',
      category: 'video',
      unit: { name: 'second', plural: 'seconds' },
      default_variant: 'plain',
      variants: {
        plain: { name: 'Plain', price: { model: 'per_unit', credits: '2' } },
        fine: { name: 'Fine', price: { model: 'per_unit', credits: '4' } },
      },
    },
    'text.study': { name: 'Study', category: 'text', price: { model: 'range', minimum: '1', maximum: '10' } },
    'text.chat': {
      name: 'Chat',
      category: 'text',
      price: { model: 'pass_through', rates: { tokens: { credits: '1', per: 1000 } }, typical: { minimum: '1', maximum: '10' } },
    },
    'help.read': { name: 'Read help', category: 'help', price: { model: 'flat', credits: '0' } },
  },
  tools: {
    draw: { operation: 'image.draw' },
    clip: { operation: 'video.clip', quantity: { from: 'arguments', pointer: '/seconds', default: 1 } },
    look: { free: true },
  },
}

export interface MeterLedger {
  /** As an operator, bound to the account `acme`. */
  readonly credits: Credits
  readonly clock: { at: number; now(): number }
}

/** A ledger in memory with one account, on a clock that stands still. */
export async function openLedger(balance = 100): Promise<MeterLedger> {
  const clock = { at: NOW, now: () => clock.at }
  const all = await openCredits({ database: ':memory:', catalog: CATALOG, clock })
  await all.createAccount({ id: 'acme', plan: 'none' })
  await all.grant({ account: 'acme', credits: balance })
  onTestFinished(() => all.close())
  return { credits: all.as({ account: 'acme' }), clock }
}

/** What was spent of what was granted, with nothing left reserved and a ledger that adds up (T03). */
export async function spent({ credits }: Pick<MeterLedger, 'credits'>): Promise<number> {
  const { balance, reserved, lifetimeUsed } = await credits.balance()
  expect(reserved).toBe(0)
  expect(await credits.verify({ account: 'acme' })).toMatchObject({ ok: true, problems: [] })
  expect(balance).toBeGreaterThanOrEqual(0)
  return lifetimeUsed
}

export interface Result {
  readonly isError?: boolean
  readonly content: readonly { readonly type: string; readonly text?: string }[]
  readonly structuredContent?: unknown
  readonly _meta?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

export interface Listed {
  readonly name: string
  readonly description?: string
  readonly outputSchema?: unknown
  readonly _meta?: Readonly<Record<string, unknown>>
}

/** What the clients of both SDKs have in common. */
export interface AnyClient {
  callTool(call: { name: string; arguments?: Record<string, unknown>; _meta?: Record<string, unknown> }, ...options: unknown[]): Promise<Result>
  listTools(): Promise<{ readonly tools: readonly Listed[]; readonly ttlMs?: number }>
  getServerCapabilities(): Record<string, unknown> | undefined
  close(): Promise<void>
}

interface Connectable {
  connect(transport: never): Promise<void>
  close(): Promise<void>
}

export interface Elicited {
  readonly action: 'accept' | 'decline' | 'cancel'
  readonly content?: Record<string, string | number | boolean>
}

/** What the person at a client says to what is asked; null for a client that cannot be asked. */
export type Person = ((message: string) => Elicited | Promise<Elicited>) | null

const CONFIRMS: Person = () => ({ action: 'accept', content: { confirm: true } })

export async function oldClient(server: Connectable, person: Person = CONFIRMS): Promise<AnyClient & OldClient> {
  const client = new OldClient({ name: 'old', version: '1' }, { capabilities: person === null ? {} : { elicitation: {} } })
  if (person !== null) client.setRequestHandler(ElicitRequestSchema, ({ params }) => person(params.message) as never)
  const [ours, theirs] = OldPair.createLinkedPair()
  await server.connect(theirs as never)
  await client.connect(ours)
  onTestFinished(() => client.close())
  return client as never
}

/** A client of SDK 2 in the era of the handshake. */
export async function newClient(server: Connectable, person: Person = CONFIRMS): Promise<AnyClient & NewClient> {
  const client = clientOf(person)
  const [ours, theirs] = NewPair.createLinkedPair()
  await server.connect(theirs as never)
  await client.connect(ours)
  onTestFinished(() => client.close())
  return client as never
}

/** A client of SDK 2 that speaks 2026-07-28 with a server that is made for the connection. */
export async function modernClient(factory: () => Connectable, person: Person = CONFIRMS): Promise<AnyClient & NewClient> {
  const client = clientOf(person, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
  const [input, output] = [new PassThrough(), new PassThrough()]
  const served = serveStdio(factory as never, { transport: new StdioServerTransport(input, output) })
  await client.connect(new StdioServerTransport(output, input))
  const close = client.close.bind(client)
  client.close = async () => {
    await close()
    // As a process that ends lets go of its pipes.
    input.end()
  }
  onTestFinished(async () => {
    await client.close()
    await served.close()
  })
  return client as never
}

function clientOf(person: Person, options: object = {}): NewClient {
  const client = new NewClient({ name: 'new', version: '1' }, { capabilities: person === null ? {} : { elicitation: { form: {} } }, ...options })
  if (person !== null) client.setRequestHandler('elicitation/create', ({ params }) => person(params.message) as never)
  return client
}

export function receiptOf({ _meta: meta }: Result): Readonly<Record<string, unknown>> | undefined {
  return meta?.[RECEIPT]
}

/** The code of a refusal, once its forms are seen to agree. */
export function refusalOf(result: Result): string | undefined {
  const body = result._meta?.[REFUSAL] as { readonly error: { readonly code: string } } | undefined
  if (body === undefined) return undefined
  expect(result.isError).toBe(true)
  expect(result).not.toHaveProperty('structuredContent')
  expect(JSON.parse(result.content[0]?.text ?? '')).toEqual(body)
  return body.error.code
}

export const says = (text: string) => ({ content: [{ type: 'text' as const, text }] })
