import { CreditError } from '../errors.js'
import type { JsonObject } from '../json/json-rpc.js'

/*
 * What is known here of the servers of both SDKs, by their shape alone: neither SDK is imported, so that a server on one
 * never meets objects of the other, and that neither has to be installed for the sake of the other.
 */

/** The low-level `Server` of either SDK. */
export interface LowLevelServer {
  // The request and the context differ between the SDKs; what a server says of its own is read from here.
  fallbackRequestHandler?: ((request: any, context: any) => Promise<any>) | undefined
  close(): Promise<void>
}

/** An `McpServer` or a low-level `Server`, of `@modelcontextprotocol/server` (v2) or `@modelcontextprotocol/sdk` (v1). */
export type MeterableServer = LowLevelServer | { readonly server: LowLevelServer }

/** What the SDK of a server gives each of its request handlers: `ServerContext` in v2, `RequestHandlerExtra` in v1. */
export type ContextOf<S> = S extends { readonly server: infer Inner }
  ? ContextOf<Inner>
  : S extends { fallbackRequestHandler?: infer Handler }
    ? NonNullable<Handler> extends (request: never, context: infer Context) => unknown
      ? Context
      : unknown
    : unknown

export interface ServedRequest {
  readonly method: string
  readonly params?: JsonObject
}

/** A request handler as the SDKs keep it: around the one that was registered, with their checks of request and result. */
export type Handler = (request: ServedRequest, context: object) => unknown

/** Makes one handler of another. */
export type Around = (inner: Handler) => Handler

/**
 * The low-level server behind one of either SDK.
 *
 * @throws CreditError `invalid_request` for what is none, or one that is metered already
 */
export function servedServer(server: MeterableServer): object {
  const given: unknown = server
  const inner = isRecord(given) && isRecord(given['server']) ? given['server'] : given
  if (!isRecord(inner) || !(inner['_requestHandlers'] instanceof Map)) {
    throw new CreditError('invalid_request', `server: expected ${EXPECTED}`, { details: { field: 'server' } })
  }
  if (METERED in inner) {
    const again = 'server: it is metered already, and a call is paid once; call meter() once for each server'
    throw new CreditError('invalid_request', again, { details: { field: 'server' } })
  }
  Object.defineProperty(inner, METERED, { value: true })
  return inner
}

const EXPECTED = 'an McpServer or a Server of @modelcontextprotocol/server or of @modelcontextprotocol/sdk'

/** Known to every copy of this package in the process: two of them must not both meter one server. */
const METERED = Symbol.for('io.github.mcp-credits/metered')

/**
 * Puts something around the handlers of these methods, whenever and however they are registered: before or after, by the
 * SDK, by its user or by another tool that wraps them. A handler that is not there does not come to be, so that a server
 * says of itself what it said before.
 *
 * Both SDKs look a handler up in this map for each request. What is put around it there sees results that the SDK has
 * checked: a result that it refuses is a call that failed, and is not charged.
 *
 * @returns the handlers as they are without it
 */
export function interceptRequests(server: object, around: ReadonlyMap<string, Around>): (method: string) => Handler | undefined {
  const served = server as { readonly _requestHandlers: Map<string, Handler>; readonly fallbackRequestHandler?: Handler }
  const handlers = served._requestHandlers
  const registered = (method: string): Handler | undefined => Map.prototype.get.call(handlers, method) as Handler | undefined
  const made = new Map([...around.keys()].map((method) => [method, new WeakMap<Handler, Handler>()]))
  const bare = (method: string): Handler | undefined => registered(method) ?? served.fallbackRequestHandler
  handlers.get = (method) => {
    const wrap = around.get(method)
    if (wrap === undefined) return registered(method)
    const inner = bare(method)
    if (inner === undefined) return undefined
    const known = made.get(method)
    const wrapped = known?.get(inner) ?? wrap(inner)
    known?.set(inner, wrapped)
    return wrapped
  }
  return bare
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
