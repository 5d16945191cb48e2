import { CreditError, ERRORS, type ErrorCode } from '../errors.js'
import { refusalBody, type RefusalBody } from '../refusal-body.js'
import { HttpRefusal } from './http-refusal.js'

/**
 * A refusal over HTTP: a problem (RFC 9457) whose further members are the refusal's own fields. Under `error` stands the
 * one body that every door gives, so that whoever reads the refusals of one door reads those of all.
 */
export type Problem = RefusalBody['error'] &
  RefusalBody & {
    readonly type: string
    readonly title: string
    readonly status: number
    readonly detail: string
  }

export const PROBLEM_TYPE = 'application/problem+json'

export interface ProblemOptions {
  /** Another status than the code's own, where HTTP has one that says more: 405, 413, 415, 422. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** The body of a refusal over HTTP. */
export function problemOf(error: CreditError, status: number = ERRORS[error.code].status): Problem {
  const body = refusalBody(error)
  return { type: problemType(error.code), title: ERRORS[error.code].title, status, detail: error.message, ...body.error, ...body }
}

/** What a problem's `type` is for a code. It names and leads nowhere: what to do stands in the problem itself. */
export function problemType(code: ErrorCode): string {
  return `urn:mcp-credits:error:${code}`
}

/**
 * A refusal as a response. It carries no `Retry-After`, for what is about money is never worth a blind retry (T40), and
 * neither is what may have been done when the ledger went away. Whoever limits requests gives that header, and nobody else.
 */
export function problemResponse(error: CreditError, options: ProblemOptions = {}): Response {
  const problem = problemOf(error, options.status)
  const challenge = problem.status === 401 ? { 'www-authenticate': 'Bearer' } : {}
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store', ...challenge, ...lowerCased(options.headers ?? {}) },
  })
}

/** A header that is given takes the place of ours, however it is written. */
function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** By custom: there is nobody left to be told a status. */
export const CLIENT_GONE = 499

export interface Failed {
  /** The request in a few words, for the report; nothing of its body or its query. */
  readonly what: string
  /** The request's own: whether the client has gone. */
  readonly signal: AbortSignal
  readonly report: (message: string) => void
}

/**
 * The response to whatever was thrown. What is no refusal is a fault of ours: `report` is told of it in full, and the
 * client that it happened.
 */
export function failureResponse(error: unknown, { what, signal, report }: Failed): Response {
  // Whoever has gone is told nothing, and nothing of it is a fault of ours.
  if (signal.aborted) return new Response(null, { status: CLIENT_GONE })
  if (error instanceof CreditError) return problemResponse(error)
  if (error instanceof HttpRefusal) return problemResponse(error.refusal, { status: error.status, headers: error.headers })
  report(`${what.slice(0, 255)} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  return problemResponse(new CreditError('internal_error', 'Something went wrong inside; the operator was told', { advice: INTERNAL_ADVICE }))
}

const INTERNAL_ADVICE = ['Whether it was written is not known: send it again with the same idempotency key, which never charges twice.']
