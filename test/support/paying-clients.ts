import { writeFileSync } from 'node:fs'
import { expect } from 'vitest'
import { starter } from '../../src/catalog/bundled.js'
import { openCredits } from '../../src/index.js'
import type { RefusalBody } from '../../src/refusal-body.js'
import { jsonHere } from '../cli/in-process.js'
import type { Home } from '../cli/process.js'
import { modernRequest } from '../http/support.js'
import { KEY, RECEIPT, REFUSAL } from '../meter/support.js'
import { databaseOf } from '../pitfalls/doors.js'
import type { SeededRandom } from './seeded-random.js'

/** By REST a charge alone; through the relay a call of somebody's tool, which is reserved, run and settled. */
export const WAYS = ['rest', 'relay'] as const
export type Way = (typeof WAYS)[number]

/** A call that is paid under a key of its own: sent again, it has to be the same one. */
export interface PaidCall {
  readonly way: Way
  readonly key: string
}

/** What a client was told of a paid call, and how long it waited. */
export type Told = PaidCall & { readonly at: number; readonly tookMs: number } & (
    | { readonly said: 'charged'; readonly transaction: string; readonly replayed: boolean }
    | { readonly said: 'refused'; readonly error: RefusalBody['error'] }
    | { readonly said: 'nothing' }
  )

/** Somebody's tool that a call through the relay is of. */
export interface CalledTool {
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
}

const DONE: CalledTool = { name: 'done', arguments: {} }
const LOOKS: CalledTool = { name: 'looks', arguments: {} }

/** Makes the ledger of a home, with credits and a free tool among the paid ones. @returns the secret of a key to pay with */
export async function makePayableLedger(home: Home): Promise<string> {
  const catalog = home.path('catalog.json')
  writeFileSync(catalog, JSON.stringify({ ...(starter as object), tools: { looks: { free: true } } }))
  await jsonHere(home, 'init', '--catalog', catalog)
  await jsonHere(home, 'grant', '1000000')
  const { key } = await jsonHere<{ key: string }>(home, 'key', 'create')
  return key
}

/** A client of one `serve --http` in front of tools at a credit a call, but for `looks`, which costs nothing. */
export interface PayingClient {
  pay(call: PaidCall, tool?: CalledTool): Promise<Told>
  /** Calls what is free; false where it was not done. */
  isServedFree(): Promise<{ readonly isServed: boolean; readonly at: number; readonly tookMs: number }>
}

/** @param url of `/mcp` */
export function payingClient(url: URL, secret: string): PayingClient {
  const authorization = { authorization: `Bearer ${secret}` }
  const callTool = async (tool: CalledTool, meta: Record<string, unknown> = {}): Promise<CalledResult> => {
    const { headers, body } = modernRequest('tools/call', { ...tool }, authorization)
    const request = JSON.parse(body) as { params: { _meta: object } }
    Object.assign(request.params._meta, meta)
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(request) })
    return (JSON.parse(lastMessage(await response.text())) as { result: CalledResult }).result
  }
  const ask: Readonly<Record<Way, (key: string, tool: CalledTool) => Promise<Answer>>> = {
    rest: async (key) => {
      const headers = { ...authorization, 'content-type': 'application/json', 'idempotency-key': `"${key}"` }
      const response = await fetch(new URL('/v1/tools/charge_credits', url), { method: 'POST', headers, body: JSON.stringify({ operation: 'tool.call' }) })
      const body = (await response.json()) as { transaction: string; replayed: boolean; error: RefusalBody['error'] }
      return response.ok ? { said: 'charged', transaction: body.transaction, replayed: body.replayed } : { said: 'refused', error: body.error }
    },
    relay: async (key, tool) => {
      const { _meta: meta } = await callTool(tool, { [KEY]: key })
      const receipt = meta?.[RECEIPT] as { readonly transaction: string; readonly replayed: boolean } | undefined
      if (receipt !== undefined) return { said: 'charged', transaction: receipt.transaction, replayed: receipt.replayed }
      return { said: 'refused', error: (meta?.[REFUSAL] as RefusalBody).error }
    },
  }
  return {
    pay: async ({ way, key }, tool = DONE) => {
      const at = performance.now()
      // A process that was killed says nothing.
      const answer = await ask[way](key, tool).catch((): Answer => ({ said: 'nothing' }))
      return { way, key, at, tookMs: performance.now() - at, ...answer }
    },
    isServedFree: async () => {
      const at = performance.now()
      const isServed = await callTool(LOOKS).then(({ content }) => content[0]?.text === 'done', () => false)
      return { isServed, at, tookMs: performance.now() - at }
    },
  }
}

interface CalledResult {
  readonly content: readonly { readonly text?: string }[]
  readonly _meta?: Readonly<Record<string, unknown>>
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
type Answer = DistributiveOmit<Told, keyof PaidCall | 'at' | 'tookMs'>

/** Of an answer that may come as a stream of events. */
function lastMessage(text: string): string {
  const events = text.split('\n').filter((line) => line.startsWith('data: '))
  return events.at(-1)?.slice('data: '.length) ?? text
}

/** As clients wait before they try again what was refused. */
const PAUSE_MS = 50

export interface Lane {
  readonly client: PayingClient
  readonly way: Way
  /** Its keys begin with it. */
  readonly name: string
  readonly random: SeededRandom
}

/**
 * Pays call after call until it is over, and tells of each. What was not charged is sent again at once or, as chance has
 * it, left alone: a client may give up and never learn what became of its call.
 */
export async function payOn({ client, way, name, random }: Lane, isOver: () => boolean, tell: (told: Told) => void): Promise<void> {
  let again: PaidCall | null = null
  for (let count = 0; !isOver(); count += 1) {
    const call: PaidCall = again ?? { way, key: `${name}-${count}` }
    const told = await client.pay(call)
    tell(told)
    again = told.said === 'charged' || random.below(2) === 0 ? null : call
    if (told.said !== 'charged') await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

/** So long it may take until a call that was cut off by a fault can be made again under its key. */
const AGAIN_MAX_MS = 10_000

/** And one that ran in a process that was killed: its reservation lives for a minute after the last sign of life. */
export const AFTER_KILL_MS = 90_000

interface Again {
  readonly tool?: CalledTool
  readonly patienceMs?: number
}

/** Sends a call again for as long as it is refused with the word that a retry can help. */
export async function payUntilCharged(client: PayingClient, call: PaidCall, { tool, patienceMs = AGAIN_MAX_MS }: Again = {}): Promise<Told> {
  const since = performance.now()
  for (;;) {
    const told = await client.pay(call, tool)
    if (told.said !== 'refused' || !told.error.retryable || told.at - since > patienceMs) return told
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

/** Asks once more for everything of which nobody knows that it was charged, and gets it. */
export async function askAgain(client: PayingClient, told: readonly Told[], again: Pick<Again, 'patienceMs'> = {}): Promise<readonly Told[]> {
  const more: Told[] = []
  for (const call of unanswered(told)) more.push(await payUntilCharged(client, call, again))
  expect(more.filter(({ said }) => said !== 'charged')).toEqual([])
  return [...told, ...more]
}

/** The calls of which no client knows that they were charged. */
function unanswered(told: readonly Told[]): readonly PaidCall[] {
  const known = new Set(told.flatMap(({ said, key }) => (said === 'charged' ? [key] : [])))
  const open = new Map(told.flatMap(({ way, key }) => (known.has(key) ? [] : [[key, { way, key }] as const])))
  return [...open.values()]
}

/**
 * Holds what clients were told against the ledger: whatever was acknowledged is there, as it was told; no key paid twice,
 * nothing was charged that nobody asked for, and the books add up.
 */
export async function expectAccounted(home: Home, told: readonly Told[]): Promise<void> {
  const all = await openCredits({ database: databaseOf(home) })
  try {
    const credits = all.as({ account: 'default' })
    const spent = new Map<string, string[]>()
    for (const type of ['charge', 'settle'] as const) {
      for (let cursor: string | undefined; ; ) {
        const page = await credits.transactions({ type, limit: 500, ...(cursor === undefined ? {} : { cursor }) })
        for (const { id, idempotencyKey } of page.transactions) spent.set(String(idempotencyKey), [...(spent.get(String(idempotencyKey)) ?? []), id])
        if (page.nextCursor === null) break
        cursor = page.nextCursor
      }
    }
    const lost = told.filter((one) => one.said === 'charged' && !(spent.get(one.key) ?? []).includes(one.transaction))
    const asked = new Set(told.map(({ key }) => key))
    expect({
      lost,
      twice: [...spent].filter(([, ids]) => ids.length > 1),
      unasked: [...spent.keys()].filter((key) => !asked.has(key)),
    }).toEqual({ lost: [], twice: [], unasked: [] })
    expect((await credits.balance()).lifetimeUsed).toBe(spent.size)
    expect(await all.verify()).toMatchObject({ ok: true, problems: [] })
  } finally {
    await all.close()
  }
}
