import {
  answerText, INTERNAL_ERROR, INVALID_REQUEST, type JsonRpcError, METHOD_NOT_FOUND, PARSE_ERROR, type RequestId
} from '../../json/json-rpc.js'
import { UNSUPPORTED_PROTOCOL_VERSION } from '../../json/meta-fault.js'
import { HEADER_MISMATCH } from '../param-headers.js'

/** A JSON-RPC error as a whole response. */
export function refuse(
  status: number,
  error: JsonRpcError,
  { id = null, headers = {} }: { readonly id?: RequestId | null; readonly headers?: Readonly<Record<string, string>> } = {}
): Response {
  return jsonResponse(answerText(id, { error }), status, headers)
}

export function jsonResponse(text: string, status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(text, { status, headers: { 'content-type': 'application/json', ...headers } })
}

/** To what is not answered. */
export function accepted(): Response {
  return new Response(null, { status: 202 })
}

/** The same for a session that never was, one that has ended and one of somebody else: the client opens a new one. */
export function sessionNotFound(): Response {
  return refuse(404, { code: SESSION_NOT_FOUND, message: 'Session not found' })
}

export function sessionMissing(): Response {
  return refuse(400, { code: TRANSPORT_ERROR, message: 'Bad Request: Mcp-Session-Id header is required; a session begins with initialize' })
}

export function methodNotAllowed(allow: string): Response {
  return refuse(405, { code: TRANSPORT_ERROR, message: 'Method not allowed' }, { headers: { allow } })
}

export function notAcceptable(): Response {
  return refuse(406, { code: TRANSPORT_ERROR, message: 'Not Acceptable: the client must accept application/json and text/event-stream' })
}

export function badRequest(message: string): Response {
  return refuse(400, { code: TRANSPORT_ERROR, message: `Bad Request: ${message}` })
}

export function tooManyStreams(max: number): Response {
  return refuse(409, { code: TRANSPORT_ERROR, message: `Conflict: ${max} streams of this session are open; close one first` })
}

export function tooManyUpstreams(max: number, id: RequestId | null): Response {
  const message = `Too many connections to the upstream server are open (${max}). End a session that you no longer need, or try again later`
  return refuse(503, { code: INTERNAL_ERROR, message }, { id })
}

export function ending(id: RequestId | null = null): Response {
  return refuse(503, { code: INTERNAL_ERROR, message: 'The server is ending' }, { id })
}

export function notStarted(id: RequestId | null): Response {
  return refuse(502, { code: INTERNAL_ERROR, message: 'The upstream server cannot be started' }, { id })
}

/** The status of an answer of the 2026-07-28 era: there it is what the transport itself went wrong with, if it did. */
export function statusOf(error: JsonRpcError | undefined): number {
  return error === undefined ? 200 : (STATUS_OF_CODE.get(error.code) ?? 200)
}

const MISSING_CAPABILITY = -32021

const STATUS_OF_CODE: ReadonlyMap<number, number> = new Map([
  [HEADER_MISMATCH, 400],
  [MISSING_CAPABILITY, 400],
  [UNSUPPORTED_PROTOCOL_VERSION, 400],
  [INVALID_REQUEST, 400],
  [PARSE_ERROR, 400],
  [METHOD_NOT_FOUND, 404]
])

/** As the official SDK numbers what its HTTP transport refuses. */
const TRANSPORT_ERROR = -32000
const SESSION_NOT_FOUND = -32001
