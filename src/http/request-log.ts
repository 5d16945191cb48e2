import { formatInstant, type Instant } from '../time/instant.js'

export interface LoggedCall {
  readonly tool: string
  readonly outcome: string
}

/** What is written down of a request: who and what and how long, never an argument, a body or a secret (T46). */
export interface LoggedRequest {
  readonly at: Instant
  readonly id: string
  readonly method: string
  readonly route: string
  readonly status: number
  readonly ms: number
  readonly key: string | null
  readonly account: string | null
  readonly calls: readonly LoggedCall[]
  /** Whether the client had gone before its answer was out. */
  readonly isCut: boolean
}

/** A request as one line of JSON. */
export function logLine({ at, id, method, route, status, ms, key, account, calls, isCut }: LoggedRequest): string {
  return JSON.stringify({
    time: formatInstant(at),
    request: id,
    method: METHODS.has(method) ? method : 'other',
    route,
    status,
    ms,
    key,
    account,
    ...(calls.length === 0 ? {} : { calls }),
    ...(isCut ? { cut: true } : {}),
  })
}

/** A call that went on after its request had ended, which has its line already: as a task, or without its client. */
export function callLine({ at, id, key, account, call }: Pick<LoggedRequest, 'at' | 'id' | 'key' | 'account'> & { readonly call: LoggedCall }): string {
  return JSON.stringify({ time: formatInstant(at), request: id, key, account, calls: [call] })
}

/** A method may be any word that a client likes. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
