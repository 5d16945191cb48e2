import { DEPTH_MAX, foldCase, inspectJson, type JsonFindings } from './json-text.js'

export type JsonObject = { readonly [member: string]: unknown }

/** `legacy` is every protocol version up to 2025-11-25, `modern` is 2026-07-28: the request's own `_meta` tells. */
export type Era = 'legacy' | 'modern'

export interface JsonRpcError {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/**
 * A string or a safe integer, which is what the protocol allows. An id written `1.0` is the number 1 to every reader; one
 * that a double cannot hold is refused, because its answer would carry another id.
 */
export type RequestId = string | number

export type ClientMessage =
  | { readonly kind: 'request'; readonly id: RequestId; readonly method: string; readonly params: JsonObject | undefined }
  | { readonly kind: 'notification'; readonly method: string; readonly params: JsonObject | undefined }
  /** The client's answer to a request of the upstream, or of ours (elicitation, sampling, roots). */
  | { readonly kind: 'response'; readonly id: RequestId | null }
  | { readonly kind: 'invalid'; readonly id: RequestId | null; readonly error: JsonRpcError }

export type ClientRequest = Extract<ClientMessage, { kind: 'request' }>

/** A message as it was understood, and as it was parsed. */
export interface ReadMessage {
  readonly message: ClientMessage
  readonly value: unknown
}

/** What one line of the client holds: a message, or the members of a batch (up to 2025-03-26). */
export type ClientLine =
  | ({ readonly kind: 'single' } & ReadMessage)
  | { readonly kind: 'batch'; readonly members: readonly ReadMessage[] }

export interface Reading {
  /** 0 where the connection's protocol version has no batches. */
  readonly batchMembersMax: number
  /** Whether calls are written again for another server, so that their numbers have to survive that. */
  readonly isPassedOn: boolean
}

export type UpstreamMessage =
  | { readonly kind: 'answer'; readonly id: RequestId; readonly answer: Answer }
  | { readonly kind: 'notification'; readonly method: string; readonly params: JsonObject | undefined }
  /** Requests to the client, and whatever is no message: passed on as it came. */
  | { readonly kind: 'other' }

export type Answer = { readonly result: JsonObject } | { readonly error: JsonRpcError }

export const PARSE_ERROR = -32700
export const INVALID_REQUEST = -32600
export const METHOD_NOT_FOUND = -32601
export const INVALID_PARAMS = -32602
export const INTERNAL_ERROR = -32603

/** Reads a line of the client strictly: what two parsers could read differently is refused, not understood somehow. */
export function readClientLine(text: string, reading: Reading): ClientLine {
  const value = parseJson(text)
  if (value === undefined) return single(invalid(null, NOT_JSON), value)
  const isBatch = Array.isArray(value)
  const found = inspectJson(text, isBatch ? MESSAGE_LEVELS + 1 : MESSAGE_LEVELS)
  if (!isBatch) return single(readMessage(value, found, reading, false), value)
  const refused = (reason: string): ClientLine => single(invalid(null, invalidRequest(reason)), value)
  const { batchMembersMax } = reading
  if (batchMembersMax === 0) return refused(NO_BATCHES)
  if (value.length === 0) return refused('a batch must have a member')
  if (value.length > batchMembersMax) return refused(`a batch may have at most ${batchMembersMax} members`)
  const members = value.map((member: unknown) => ({ message: readMessage(member, found, reading, true), value: member }))
  return { kind: 'batch', members }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The modern era names its version in each request; every other request is of the legacy era. */
export function eraOf(params: JsonObject | undefined): Era {
  const meta = params?.['_meta']
  return isObject(meta) && typeof meta[PROTOCOL_VERSION] === 'string' ? 'modern' : 'legacy'
}

export function metaOf(params: JsonObject | undefined): JsonObject | undefined {
  const meta = params?.['_meta']
  return isObject(meta) ? meta : undefined
}

/** What the client says in this request that it can do; the modern era repeats it in each. */
export function clientCapabilities(params: JsonObject | undefined): JsonObject | undefined {
  const capabilities = metaOf(params)?.[CLIENT_CAPABILITIES]
  return isObject(capabilities) ? capabilities : undefined
}

/**
 * The params that a request of our own carries when it is sent for the sake of the client's: the envelope that the modern
 * era asks for. The rest of `_meta` (progress token, related task) is of the client's request alone.
 */
export function envelopeOf(params: JsonObject | undefined): JsonObject {
  if (eraOf(params) === 'legacy') return {}
  const envelope = Object.entries(metaOf(params) ?? {}).filter(([name]) => ENVELOPE.has(name))
  return { _meta: Object.fromEntries(envelope) }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Reads one message of the upstream, leniently: what we do not understand is the client's to judge. */
export function readUpstreamMessage(value: unknown): UpstreamMessage {
  if (!isObject(value)) return { kind: 'other' }
  const { id, method, result, error, params } = value
  if (typeof method === 'string') {
    if (id !== undefined) return { kind: 'other' }
    return { kind: 'notification', method, params: isObject(params) ? params : undefined }
  }
  if (typeof id !== 'string' && typeof id !== 'number') return { kind: 'other' }
  if (isObject(result)) return { kind: 'answer', id, answer: { result } }
  if (isError(error)) return { kind: 'answer', id, answer: { error } }
  return { kind: 'answer', id, answer: { error: NO_ANSWER } }
}

export function answerText(id: RequestId | null, answer: Answer): string {
  return JSON.stringify({ jsonrpc: '2.0', id, ...answer })
}

export function requestText(id: RequestId, method: string, params: JsonObject): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params })
}

export function invalidParams(reason: string): JsonRpcError {
  return { code: INVALID_PARAMS, message: `Invalid params: ${reason}` }
}

export function invalidRequest(reason: string): JsonRpcError {
  return { code: INVALID_REQUEST, message: `Invalid request: ${reason}` }
}

/** The refusal of a line that was too long to be read. Its id is unknown, so the answer carries none. */
export function tooLong(bytesMax: number): JsonRpcError {
  return invalidRequest(`a message may have at most ${bytesMax} bytes`)
}

/** The refusal of a request that could not be told from one that still waits for its answer. */
export const ID_IN_USE: JsonRpcError = invalidRequest('a request with this id is still open')

const NOT_JSON: JsonRpcError = { code: PARSE_ERROR, message: 'Parse error: the line is not valid JSON' }

const NO_ANSWER: JsonRpcError = { code: INTERNAL_ERROR, message: 'The upstream server answered neither a result nor an error' }

export const PROTOCOL_VERSION = 'io.modelcontextprotocol/protocolVersion'
const CLIENT_CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'
const ENVELOPE: ReadonlySet<string> = new Set([PROTOCOL_VERSION, CLIENT_CAPABILITIES, 'io.modelcontextprotocol/clientInfo'])

/** The names that decide what a message is, what it is a call of, and which task it asks about, by how they fold. */
const MESSAGE_MEMBERS = byFold(['jsonrpc', 'id', 'method', 'params', 'result', 'error'])
const CALL_MEMBERS = byFold(['name', 'arguments', '_meta', 'task'])
const TASK_MEMBERS = byFold(['taskId', '_meta'])
const CALL_METHOD = byFold(['tools/call'])

/** How much of the client's own text an error repeats. */
const SHOWN_LENGTH = 80

/** The message's own members and those of `params`: the names that decide what a message is. */
const MESSAGE_LEVELS = 2

/** Batches were in the protocol up to 2025-03-26. */
const NO_BATCHES = 'this version of the protocol has no batches; send one message a line'

function single(message: ClientMessage, value: unknown): ClientLine {
  return { kind: 'single', message, value }
}

function invalid(id: RequestId | null, error: JsonRpcError): ClientMessage {
  return { kind: 'invalid', id, error }
}

/** Members of a batch are passed on one by one, written again as a tool call is. */
function readMessage(value: unknown, found: JsonFindings, { isPassedOn }: Reading, isMember: boolean): ClientMessage {
  if (!isObject(value)) return invalid(null, invalidRequest('a message is a JSON object'))
  const { jsonrpc, id, method, params } = value
  const knownId = isRequestId(id) ? id : null
  const fault = faultOf(found) ?? miswritten('member', Object.keys(value), MESSAGE_MEMBERS)
  if (fault !== undefined) return invalid(knownId, invalidRequest(fault))
  if (jsonrpc !== '2.0') return invalid(knownId, invalidRequest('"jsonrpc" must be "2.0"'))
  if (method === undefined) {
    const isResponse = 'result' in value || 'error' in value
    return isResponse ? { kind: 'response', id: knownId } : invalid(knownId, invalidRequest('"method" is missing'))
  }
  if (typeof method !== 'string') return invalid(knownId, invalidRequest('"method" must be a string'))
  if (params !== undefined && !isObject(params)) return invalid(knownId, invalidParams('"params" must be an object'))
  if ('id' in value && knownId === null) {
    return invalid(null, invalidRequest('"id" must be a string or an integer of at most 2^53 - 1'))
  }
  const other = miswritten('method', [method], CALL_METHOD) ?? miswritten('member', Object.keys(params ?? {}), membersOf(method))
  if (other !== undefined) return invalid(knownId, invalidRequest(other))
  if (isMember && eraOf(params) === 'modern') return invalid(knownId, invalidRequest(NO_BATCHES))
  if (found.inexactNumber !== undefined && isPassedOn && (isMember || method === 'tools/call')) {
    const number = found.inexactNumber.slice(0, SHOWN_LENGTH)
    return invalid(knownId, invalidRequest(`the number ${number} cannot be passed on exactly; send it as a string`))
  }
  return knownId === null ? { kind: 'notification', method, params } : { kind: 'request', id: knownId, method, params }
}

function faultOf(found: JsonFindings): string | undefined {
  if (found.isTooDeep) return `nested deeper than ${DEPTH_MAX} levels`
  if (found.duplicateMember === undefined) return undefined
  return `the member "${found.duplicateMember.slice(0, SHOWN_LENGTH)}" stands twice in one object`
}

/**
 * A name that is a known one in another case. We would pass it by, and a reader that matches names in any case would take
 * it for the known one: as what is forwarded has to be what was inspected, it is refused.
 */
function miswritten(kind: 'member' | 'method', names: readonly string[], known: ReadonlyMap<string, string>): string | undefined {
  for (const name of names) {
    const exact = known.get(foldCase(name))
    if (exact !== undefined && exact !== name) return `the ${kind} "${name}" must be written "${exact}"`
  }
  return undefined
}

function membersOf(method: string): ReadonlyMap<string, string> {
  if (method === 'tools/call') return CALL_MEMBERS
  return method.startsWith('tasks/') ? TASK_MEMBERS : new Map()
}

function byFold(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map(name => [foldCase(name), name]))
}

function isRequestId(id: unknown): id is RequestId {
  return typeof id === 'string' || Number.isSafeInteger(id)
}

function isError(error: unknown): error is JsonObject & JsonRpcError {
  return isObject(error) && typeof error['code'] === 'number' && typeof error['message'] === 'string'
}
