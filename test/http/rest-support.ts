import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'
import type { Problem } from '../../src/http/problem.js'
import type { Caller, RestHandler, Telling } from '../../src/http/ports.js'
import { restHandler } from '../../src/http/rest.js'

export const NOW = Date.UTC(2026, 0, 10, 12)

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as it was parsed; `undefined` for one that is no JSON. */
  readonly body: Record<string, unknown>
}

/** A REST API over a ledger of its own, on a clock that stands still. */
export interface RestLedger {
  /** As the operator of the machine, of no account. */
  readonly credits: Credits
  readonly file: string
  readonly clock: { at: number; now(): number }
  /** What was reported as gone wrong inside. */
  readonly reports: readonly string[]
  /** What was told of requests: routes, and tools with how their calls ended. */
  readonly told: readonly string[]
  readonly handler: RestHandler
  /** Somebody who presents a key with these scopes; the key is made for it. */
  keyed(account: string, scopes: readonly string[], more?: object): Promise<Caller>
  /** Whoever asks where no key is asked for. */
  local(account: string): Caller
  send(caller: Caller, method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answered>
  sendRaw(caller: Caller, path: string, init: RequestInit): Promise<Answered>
}

export async function restLedger({ catalog = 'neural-draft', accounts = ['acme', 'other'] }: { catalog?: string | object; accounts?: readonly string[] } = {}): Promise<RestLedger> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-credits-rest-'))
  const clock = { at: NOW, now: () => clock.at }
  const file = join(folder, 'ledger.db')
  const credits = await openCredits({ database: file, catalog, clock })
  onTestFinished(async () => {
    await credits.close()
    await rm(folder, { recursive: true, force: true })
  })
  for (const id of accounts) await credits.createAccount({ id })
  const reports: string[] = []
  const told: string[] = []
  const handler = restHandler({ version: '1.2.3', report: (line) => reports.push(line) })
  const tell: Telling = { route: (pattern) => told.push(pattern), call: (tool, outcome) => told.push(`${tool} ${outcome}`) }
  const sendRaw = async (caller: Caller, path: string, init: RequestInit) => answered(await handler(new Request(`http://127.0.0.1${path}`, init), caller, tell))
  return {
    credits,
    file,
    clock,
    reports,
    told,
    handler,
    keyed: async (account, scopes, more = {}) => {
      const { key } = await credits.createKey({ account, scopes: [...scopes], ...more })
      return callerOf(credits, key ?? '')
    },
    local: (account) => localCaller(credits.as({ account }), account),
    sendRaw,
    send: (caller, method, path, body, headers = {}) =>
      sendRaw(caller, path, {
        method,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  }
}

/** What the server makes of a key. */
export async function callerOf(credits: Credits, secret: string): Promise<Caller> {
  const party = await credits.withKey(secret)
  const { account, scopes, key: id } = party
  return { credits: party.credits, id, account, scopes, credential: `key:${id}`, again: () => callerOf(credits, secret) }
}

function localCaller(credits: Credits, account: string): Caller {
  const caller: Caller = { credits, id: 'local', account, scopes: ['operator'], credential: 'local', again: () => Promise.resolve(caller) }
  return caller
}

async function answered(response: Response): Promise<Answered> {
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
}

export function problemIn({ body }: Answered): Problem {
  return body as unknown as Problem
}
