import { IDEMPOTENCY_HEADER } from '../facade/idempotency-header.js'
import { invalidParams, isObject, type JsonObject, type JsonRpcError } from '../json/json-rpc.js'
import { isRecord, type ServedRequest } from './sdk-server.js'

/** A call's arguments. What they are is the tool's to say, so they are not typed here. */
export type Arguments = Readonly<Record<string, any>>

/** Who presented an access token, as both SDKs say it. */
export interface CallerAuth {
  readonly token: string
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly expiresAt?: number | undefined
  readonly extra?: Record<string, unknown> | undefined
}

/** What both SDKs know of a call, under one name in both. */
export interface CallFacts {
  readonly tool: string
  /** As the client sent them. */
  readonly arguments: Arguments
  readonly authInfo: CallerAuth | undefined
}

/** The context that the server's SDK gives its handlers, with what both have under one name. */
export type CallContext<Native> = Native & CallFacts

/** One `tools/call` of a client, read from what its SDK hands to a request handler. */
export interface ServedCall {
  readonly tool: string
  readonly arguments: JsonObject | undefined
  readonly meta: JsonObject | undefined
  /** The header `Idempotency-Key` of the request that brought it, where it came over HTTP. */
  readonly keyHeader: string | null
  readonly signal: AbortSignal
  readonly context: CallContext<object>
}

/** @throws an error of the protocol for params that are none: whatever handler there is, it does not run unmetered */
export function readCall({ params }: ServedRequest, native: object): ServedCall {
  const tool = params?.['name']
  const args = params?.['arguments']
  if (typeof tool !== 'string') throw protocolError(invalidParams('"name" must be a string'))
  if (args !== undefined && !isObject(args)) throw protocolError(invalidParams('"arguments" must be an object'))
  const context = { ...native, tool, arguments: args ?? {}, authInfo: authInfoOf(native) }
  const meta = params?.['_meta']
  return {
    tool,
    arguments: args,
    meta: isObject(meta) ? meta : undefined,
    keyHeader: headerOf(native, IDEMPOTENCY_HEADER),
    signal: signalOf(native),
    context,
  }
}

/** The signal that ends with its request: `ctx.mcpReq.signal` in v2, `extra.signal` in v1. */
export function signalOf(native: object): AbortSignal {
  const { mcpReq, signal } = native as { readonly mcpReq?: { readonly signal?: unknown }; readonly signal?: unknown }
  const found = mcpReq?.signal ?? signal
  return found instanceof AbortSignal ? found : new AbortController().signal
}

/** Whether a request is of 2026-07-28: v2 lifts the envelope that each of them carries. */
export function isModern(native: object): boolean {
  return (native as { readonly mcpReq?: { readonly envelope?: unknown } }).mcpReq?.envelope !== undefined
}

function authInfoOf(native: object): CallerAuth | undefined {
  const { http, authInfo } = native as { readonly http?: { readonly authInfo?: CallerAuth }; readonly authInfo?: CallerAuth }
  return http?.authInfo ?? authInfo
}

/** v2 has the request itself, v1 a record of its headers in lower case. */
function headerOf(native: object, name: string): string | null {
  const { http, requestInfo } = native as { readonly http?: { readonly req?: WithHeaders }; readonly requestInfo?: WithHeaders }
  const headers = http?.req?.headers ?? requestInfo?.headers
  if (headers instanceof Headers) return headers.get(name)
  const value = isRecord(headers) ? headers[name.toLowerCase()] : undefined
  return typeof value === 'string' ? value : null
}

interface WithHeaders {
  readonly headers?: unknown
}

/** An error that both SDKs answer with its own code. */
export function protocolError({ code, message }: JsonRpcError): Error {
  return Object.assign(new Error(message), { code })
}
