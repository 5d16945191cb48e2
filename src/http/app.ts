import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import type { Clock } from '../clock.js'
import { CreditError } from '../errors.js'
import { IDEMPOTENCY_HEADER } from '../facade/idempotency-header.js'
import { seeScope } from '../facade/let-in.js'
import { Exchange, type Observers } from './exchange.js'
import { guardsFor } from './guards.js'
import { HttpRefusal } from './http-refusal.js'
import type { Identify } from './identity.js'
import { type HttpLimits, RequestRate, withinBody } from './limits.js'
import type { Metrics } from './metrics.js'
import type { ResourceServer } from './oauth.js'
import type { Caller, McpDoor, RestHandler } from './ports.js'
import { failureResponse } from './problem.js'

export interface HttpAppOptions {
  /** The address that is listened on. */
  readonly host: string
  readonly door: McpDoor
  readonly identify: Identify
  /** Everything below `/v1`; left out, there is nothing. */
  readonly rest?: RestHandler
  /** The description of what is below `/v1`, open to everybody. */
  readonly openApi?: () => object
  /** Resolves if the ledger answers. @throws CreditError otherwise */
  readonly isWell: () => Promise<void>
  /** Whether figures are for everybody: where no key is asked for. */
  readonly areFiguresOpen?: boolean
  readonly allowedHosts?: readonly string[]
  readonly allowedOrigins?: readonly string[]
  readonly resourceServer?: Pick<ResourceServer, 'metadata' | 'metadataUrl'>
  readonly clock: Clock
  /** A random id, for requests. */
  readonly newId: () => string
  /** Takes a line for each request; left out, none is written. */
  readonly log?: (line: string) => void
  /** Takes a line about what went wrong inside, which no client is told. */
  readonly report: (message: string) => void
}

interface Parts {
  readonly limits: HttpLimits
  readonly metrics: Metrics
}

export interface HttpApp {
  readonly fetch: Hono['fetch']
  readonly under: Under
}

/** What is under way. */
export interface Under {
  readonly answers: Set<ServerResponse>
  /** Requests that are being looked at, and are not handed to anybody yet. */
  readonly admissions: Set<Promise<unknown>>
  /** Once the server is to stop: resolves when the door knows, which from then on refuses by itself what it takes no more. */
  stopping: Promise<void> | null
}

interface Bindings {
  readonly Bindings: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse; readonly exchange: Exchange }
}

/**
 * Every route, behind the looks at every request: whether it was meant for us, who asks, how often and how much. Whatever
 * goes wrong is answered.
 *
 * @throws CreditError `invalid_request` for names and origins that are none
 */
export function httpApp(options: HttpAppOptions, { limits, metrics }: Parts): HttpApp {
  const { door, rest, openApi, resourceServer, report } = options
  const guards = guardsFor(options)
  const rate = new RequestRate(limits)
  const observers: Observers = { clock: options.clock, metrics, log: options.log }
  const app = new Hono<Bindings>()

  const known = async (request: Request, exchange: Exchange, address: string): Promise<Caller> => {
    const caller = await options.identify(request.headers.get('authorization')).catch(async (error: unknown) => {
      if (isUnauthenticated(error)) await rate.stranger(address)
      throw error
    })
    exchange.caller = caller
    await rate.caller(`${caller.account} ${caller.id}`)
    return caller
  }
  const under: Under = { answers: new Set(), admissions: new Set(), stopping: null }
  const admitted = async ({ env, req }: Context<Bindings>): Promise<{ readonly caller: Caller; readonly request: Request }> => {
    const admission = known(req.raw, env.exchange, addressOf(env.incoming)).then(async (caller) => ({ caller, request: await withinBody(req.raw, limits.bodyBytesMax) }))
    under.admissions.add(admission)
    return admission.finally(() => under.admissions.delete(admission))
  }

  app.use(async ({ req }, next) => {
    const refused = (req.path === HEALTH ? null : guards.host(req.header('host') ?? null)) ?? guards.origin(req.header('origin') ?? null)
    if (refused !== null) throw refused
    await next()
  })
  if (guards.sharedOrigins.length > 0) {
    app.use((context, next) => {
      const allowHeaders = [...ALLOWED_HEADERS, ...parameterHeaders(context.req.header('access-control-request-headers'))]
      return cors({ origin: [...guards.sharedOrigins], ...CORS, allowHeaders })(context, next)
    })
  }
  app.onError((error, { env, req }) => {
    const response = failureResponse(error, { what: `${req.method} ${env.exchange.pattern}`, signal: req.raw.signal, report })
    if (response.status === 401) response.headers.set('www-authenticate', challenge(resourceServer, req.header('authorization') !== undefined))
    return response
  })
  app.notFound(() => {
    throw new HttpRefusal(404, new CreditError('invalid_request', 'There is nothing here', { advice: [`The protocol is served at ${MCP}, the REST API below /v1.`] }))
  })

  app.get(HEALTH, async ({ env, req }) => {
    env.exchange.route(HEALTH)
    await rate.stranger(addressOf(env.incoming))
    if (under.stopping !== null) throw STOPPING
    return options.isWell().then(
      () => json({ status: 'ok' }),
      (error: unknown) => failureResponse(error, { what: HEALTH, signal: req.raw.signal, report }),
    )
  })
  app.get(METRICS, async ({ env, req }) => {
    env.exchange.route(METRICS)
    const caller = await known(req.raw, env.exchange, addressOf(env.incoming))
    if (options.areFiguresOpen !== true) seeScope({ key: caller.id, scopes: caller.scopes }, 'admin')
    return new Response(await metrics.text(), { headers: { 'content-type': metrics.contentType, 'cache-control': 'no-store' } })
  })
  if (resourceServer !== undefined) {
    app.on('GET', [METADATA_PATH, `${METADATA_PATH}/*`], async ({ env }) => {
      env.exchange.route(METADATA_PATH)
      await rate.stranger(addressOf(env.incoming))
      // Clients that run in a browser read it before they have a token, and there is nothing in it to keep from them.
      return json(resourceServer.metadata, { 'access-control-allow-origin': '*' })
    })
  }
  if (openApi !== undefined) {
    app.get(OPEN_API, async ({ env }) => {
      env.exchange.route(OPEN_API)
      await rate.stranger(addressOf(env.incoming))
      return json(openApi())
    })
  }
  app.all(MCP, async (context) => {
    const { exchange } = context.env
    exchange.route(MCP)
    const { stopping } = under
    const { caller, request } = await admitted(context)
    if (stopping !== null) await stopping
    return door.fetch(request, caller, exchange)
  })
  if (rest !== undefined) {
    app.all('/v1/*', async (context) => {
      const { exchange } = context.env
      exchange.route('/v1')
      if (under.stopping !== null) throw STOPPING
      const { caller, request } = await admitted(context)
      return rest(request, caller, exchange)
    })
  }
  const fetch: Hono['fetch'] = (request, env) => {
    const { incoming, outgoing } = env as Bindings['Bindings']
    const exchange = new Exchange({ id: options.newId(), method: request.method, outgoing }, observers)
    outgoing.setHeader('x-request-id', exchange.id)
    under.answers.add(outgoing)
    outgoing.once('close', () => under.answers.delete(outgoing))
    return app.fetch(request, { incoming, outgoing, exchange })
  }
  return { fetch, under }
}

/** Where a resource server describes itself; the path of its address follows (RFC 9728, 3.1). */
export const METADATA_PATH = '/.well-known/oauth-protected-resource'

const MCP = '/mcp'
const HEALTH = '/healthz'
const METRICS = '/metrics'
const OPEN_API = '/v1/openapi.json'

/** Said of new work alone: what was under way is answered. */
const STOPPING = new CreditError('ledger_unavailable', 'The server is stopping; nothing was done', { advice: ['Send the same request again in a moment.'] })

/** What pages of the allowed origins may send; credentials go by header alone, never by cookie. */
const ALLOWED_HEADERS = ['authorization', 'content-type', 'accept', IDEMPOTENCY_HEADER, 'mcp-protocol-version', 'mcp-method', 'mcp-name', 'mcp-session-id', 'last-event-id']

/** The headers that repeat arguments of a tool (`Mcp-Param-Region`), which each tool names for itself; CORS has no patterns. */
function parameterHeaders(asked = ''): readonly string[] {
  return asked.split(',').map((name) => name.trim().toLowerCase()).filter((name) => /^mcp-param-[\w!#$%&'*+.^`|~-]+$/.test(name))
}

/** What pages of the allowed origins may read beside bodies, and for how many seconds a browser need not ask again. */
const CORS = {
  allowMethods: ['GET', 'POST', 'PUT', 'DELETE'],
  exposeHeaders: ['www-authenticate', 'retry-after', 'mcp-session-id', 'x-request-id', 'idempotency-replayed'],
  maxAge: 600,
}

/** Where to find out who gives tokens, in the mode that has them; a host would otherwise begin a flow that cannot succeed. */
function challenge(resourceServer: HttpAppOptions['resourceServer'], hadCredential: boolean): string {
  if (resourceServer === undefined) return 'Bearer'
  return [`Bearer resource_metadata="${resourceServer.metadataUrl}"`, ...(hadCredential ? ['error="invalid_token"'] : [])].join(', ')
}

function isUnauthenticated(error: unknown): boolean {
  return error instanceof CreditError && error.code === 'unauthenticated'
}

/** Where a request comes from; behind a proxy, the proxy: what it says of others anybody could say. */
function addressOf({ socket }: IncomingMessage): string {
  return socket.remoteAddress ?? 'unknown'
}

function json(body: object, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers } })
}

