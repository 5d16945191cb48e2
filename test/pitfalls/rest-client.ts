import { jsonHere } from '../cli/in-process.js'
import { BIN, type Home } from '../cli/process.js'
import type { RefusalBody } from '../../src/refusal-body.js'
import { type ListeningProcess, startListening } from './doors.js'

export interface Answered {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: Readonly<Record<string, unknown>> & { readonly error?: RefusalBody['error'] }
}

/** `serve --http` in a process of its own, asked through REST with a key of the account `default`. */
export interface RestProcess extends ListeningProcess {
  readonly key: string
  tool(name: string, input: object, idempotencyKey?: string): Promise<Answered>
  get(path: string): Promise<Answered>
}

export interface RestOptions {
  readonly words?: readonly string[]
  /** A program that starts the server, with its first words. */
  readonly wrapper?: readonly string[]
}

export async function startRest(home: Home, { words = [], wrapper }: RestOptions = {}): Promise<RestProcess> {
  const { key } = await jsonHere<{ key: string }>(home, 'key', 'create', ...words)
  const listening = await startListening(home, [BIN, 'serve', '--http', '0', '--log', 'off', '--rate-limit', '100000', ...words], wrapper)
  const send = async (path: string, init: RequestInit): Promise<Answered> => {
    const headers = { authorization: `Bearer ${key}`, ...init.headers }
    const response = await fetch(new URL(path, listening.url), { ...init, headers })
    return { status: response.status, retryAfter: response.headers.get('retry-after'), body: (await response.json()) as Answered['body'] }
  }
  return {
    ...listening,
    key,
    tool: (name, input, idempotencyKey) =>
      send(`/v1/tools/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(idempotencyKey === undefined ? {} : { 'idempotency-key': `"${idempotencyKey}"` }) },
        body: JSON.stringify(input),
      }),
    get: (path) => send(path, {}),
  }
}
