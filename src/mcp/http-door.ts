import {
  createMcpHandler,
  isJsonContentType,
  type McpHttpHandler,
  type McpServerFactory,
  type Server,
  type ServerEventBus,
} from '@modelcontextprotocol/server'
import { CreditError, ERRORS } from '../errors.js'
import { IDEMPOTENCY_HEADER, keyOfHeader } from '../facade/idempotency-header.js'
import {
  answerText,
  type ClientLine,
  INTERNAL_ERROR,
  INVALID_REQUEST,
  invalidParams,
  isObject,
  type JsonObject,
  type JsonRpcError,
  readClientLine,
  type RequestId,
} from '../json/json-rpc.js'
import { refusalBody } from '../refusal-body.js'
import { callKeyOf, type WithCallKey } from './call-key.js'
import { accessOf, type HttpCaller, type HttpTelling } from './http-caller.js'
import { type Listener, NewsStand, SUBSCRIBED_URIS_MAX } from './news-stand.js'
import { everySecond } from './resource-watch.js'
import { isResource } from './resources.js'
import { buildServer, type CreditsServerOptions } from './server.js'

export interface HttpDoorOptions extends Omit<CreditsServerOptions, 'credits' | 'called' | 'canSubscribe'> {
  readonly limits?: Partial<HttpDoorLimits>
}

export interface HttpDoorLimits {
  /** Streams of news that may be open at once: of all callers together, and with one credential. */
  readonly subscriptionsMax: number
  readonly callerSubscriptionsMax: number
  /** Members of a batch, which the versions up to 2025-03-26 have. */
  readonly batchMembersMax: number
}

export const HTTP_DOOR_LIMITS: HttpDoorLimits = {
  // Each is a connection of its own; what is watched is watched once for all who listen with the same credential.
  subscriptionsMax: 4_096,
  callerSubscriptionsMax: 1_024,
  // What the SDK takes in one request.
  batchMembersMax: 100,
}

export interface HttpDoor {
  fetch(request: Request, caller: HttpCaller, tell: HttpTelling): Promise<Response>
  close(): Promise<void>
}

/** The route under which streams of news are logged and counted: they last for as long as somebody listens. */
export const NEWS_ROUTE = '/mcp subscriptions/listen'

/**
 * Our tools and resources over HTTP, in both eras: each request is served by a server of its own, with the ledger as its
 * caller may use it. The old era has no push here, and says so by its capabilities.
 */
export function creditsHttpDoor(options: HttpDoorOptions): HttpDoor {
  return new CreditsHttpDoor(options)
}

interface Exchange {
  readonly caller: HttpCaller
  readonly tell: HttpTelling
}

class CreditsHttpDoor implements HttpDoor {
  readonly #limits: HttpDoorLimits
  /** Whoever is behind a request, for the server that is made for it. */
  readonly #exchanges = new WeakMap<Request, Exchange>()
  readonly #news: NewsStand
  readonly #build: McpServerFactory
  readonly #calls: McpHttpHandler
  /**
   * A handler for each stream of news. The SDK has one bus for all streams of a handler, and knows neither callers nor that
   * a balance is somebody's; and closing a handler ends its streams, but also what is under way in it.
   */
  readonly #streams = new Set<McpHttpHandler>()
  readonly #withCallKey: WithCallKey
  /** The servers whose request is not answered yet. */
  readonly #open = new Set<Server>()
  #isClosing = false
  #allAnswered: () => void = () => undefined

  constructor({ limits, ...options }: HttpDoorOptions) {
    this.#limits = { ...HTTP_DOOR_LIMITS, ...limits }
    this.#withCallKey = callKeyOf(options.toolsets)
    this.#news = new NewsStand(options.ticker ?? everySecond)
    this.#build = ({ era, requestInfo }) => {
      const { caller, tell } = this.#exchangeOf(requestInfo)
      return buildServer({ ...options, credits: accessOf(caller), called: tell.call, canSubscribe: era === 'modern' }).server
    }
    this.#calls = createMcpHandler(async (context) => this.#counted((await this.#build(context)) as Server))
  }

  async fetch(request: Request, caller: HttpCaller, tell: HttpTelling): Promise<Response> {
    if (this.#isClosing) return stopping(null)
    this.#exchanges.set(request, { caller, tell })
    return this.#serve(request, { caller, tell })
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all([...this.#streams].map((stream) => stream.close()))
    if (this.#open.size > 0) await new Promise<void>((resolve) => (this.#allAnswered = resolve))
    await this.#calls.close()
  }

  async #serve(request: Request, exchange: Exchange): Promise<Response> {
    // What has no message in it is answered by the SDK, with the status that the protocol has for it.
    if (request.method !== 'POST' || !isJsonContentType(request.headers.get('content-type'))) return this.#calls.fetch(request)
    const line = readClientLine(await request.text(), { batchMembersMax: this.#limits.batchMembersMax, isPassedOn: false })
    // A body may take as long to arrive as its client likes.
    if (this.#isClosing) return stopping(idOf(line))
    const unread = messagesOf(line).find((message) => message.kind === 'invalid')
    if (unread !== undefined) return failed(400, unread.id, unread.error)
    if (line.kind === 'single' && line.message.kind === 'request' && line.message.method === 'subscriptions/listen') {
      return this.#listen(request, { id: line.message.id, value: line.value as JsonObject }, exchange)
    }
    try {
      return await this.#calls.fetch(request, { parsedBody: this.#keyed(line, keyOfHeader(request.headers.get(IDEMPOTENCY_HEADER))) })
    } catch (error) {
      if (!(error instanceof CreditError)) throw error
      return failed(ERRORS[error.code].status, idOf(line), { code: INVALID_REQUEST, message: error.message, data: refusalBody(error) })
    }
  }

  /** A stream of news of the modern era, handed over once later changes are sure to be told. It ends with its caller's credential. */
  async #listen(request: Request, { id, value }: { readonly id: RequestId; readonly value: JsonObject }, { caller, tell }: Exchange): Promise<Response> {
    tell.route(NEWS_ROUTE)
    const uris = subscribedBy(value)
    if (uris.length > SUBSCRIBED_URIS_MAX) return failed(400, id, invalidParams(`a subscription may name at most ${SUBSCRIBED_URIS_MAX} resources`))
    const { subscriptionsMax, callerSubscriptionsMax } = this.#limits
    if (this.#streams.size >= subscriptionsMax || this.#news.countOf(caller) >= callerSubscriptionsMax) {
      return failed(200, id, { code: INTERNAL_ERROR, message: 'Subscription limit reached' })
    }
    let ready: Promise<void> | undefined
    const bus: ServerEventBus = {
      publish: () => undefined,
      subscribe: (listener) => {
        const listening: Listener = { caller, uris, changed: (uri) => listener({ kind: 'resource_updated', uri }), over: () => void stream.close() }
        ready = this.#news.join(listening)
        return () => {
          this.#streams.delete(stream)
          this.#news.leave(listening)
        }
      },
    }
    const stream = createMcpHandler(this.#build, { bus })
    this.#streams.add(stream)
    const response = await stream.fetch(request, { parsedBody: value })
    // It was refused, or there is nothing that it could be told.
    if (ready === undefined) this.#streams.delete(stream)
    await ready
    // Of what is none of ours nothing is ever read, and no key looked at again: it would stay open after its key.
    if (!uris.some(isResource)) await stream.close()
    return response
  }

  /**
   * What was read, with the header's key where a call of ours takes one. The header names one call, so that a batch of calls
   * cannot have it.
   *
   * @throws CreditError `invalid_request`
   */
  #keyed(line: ClientLine, key: string | null): unknown {
    if (line.kind === 'batch') {
      const values = line.members.map(({ value }) => value)
      if (key === null || !line.members.some(({ message }) => message.kind === 'request' && message.method === 'tools/call')) return values
      throw new CreditError('invalid_request', `${IDEMPOTENCY_HEADER} names one call, and this is a batch; send each call by itself`)
    }
    const { message, value } = line
    if (key === null || message.kind !== 'request' || message.method !== 'tools/call' || message.params === undefined) return value
    const { name, arguments: args = {} } = message.params
    if (!isObject(args)) return value
    const keyed = this.#withCallKey(name, args, key)
    return keyed === args ? value : { ...(value as JsonObject), params: { ...message.params, arguments: keyed } }
  }

  /** A server that is known of until its request is answered, or nobody waits for the answer any more. */
  #counted(server: Server): Server {
    const { onclose } = server
    this.#open.add(server)
    server.onclose = () => {
      onclose?.()
      this.#open.delete(server)
      if (this.#open.size === 0) this.#allAnswered()
    }
    return server
  }

  #exchangeOf(request: Request | undefined): Exchange {
    const exchange = request === undefined ? undefined : this.#exchanges.get(request)
    if (exchange === undefined) throw new Error('a server was asked for outside of a request')
    return exchange
  }
}

function messagesOf(line: ClientLine) {
  return line.kind === 'batch' ? line.members.map(({ message }) => message) : [line.message]
}

function idOf(line: ClientLine): RequestId | null {
  return line.kind === 'single' && line.message.kind === 'request' ? line.message.id : null
}

/** Said of new work alone: what was under way is answered. */
function stopping(id: RequestId | null): Response {
  return failed(503, id, { code: INTERNAL_ERROR, message: 'The server is stopping' })
}

function failed(status: number, id: RequestId | null, error: JsonRpcError): Response {
  return new Response(answerText(id, { error }), { status, headers: { 'content-type': 'application/json' } })
}

/** The resources that a subscription names, as far as it is written as it has to be; what it gets the SDK says. */
function subscribedBy(message: JsonObject): readonly string[] {
  const { params } = message
  const notifications = isObject(params) ? params['notifications'] : undefined
  const uris = isObject(notifications) ? notifications['resourceSubscriptions'] : undefined
  return Array.isArray(uris) ? uris.filter((uri): uri is string => typeof uri === 'string') : []
}
