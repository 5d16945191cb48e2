import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { CreditError, type ErrorCode } from '../errors.js'
import { IDEMPOTENCY_HEADER, keyOfHeader, withHeaderKey } from '../facade/idempotency-header.js'
import { seeScope } from '../facade/let-in.js'
import { HttpRefusal } from './http-refusal.js'
import { openApiDocument } from './open-api.js'
import type { Caller, RestHandler, Telling } from './ports.js'
import { failureResponse } from './problem.js'
import type { FieldSchema } from './query-parameter.js'
import { bodyInput, queryInput, seeNoBody, seeNoQuery } from './request-input.js'
import { fieldsBesidePath, hasBody, type Method, pathParameters, REPLAYED_HEADER, type Route } from './route.js'
import { routes } from './routes.js'

export interface RestOptions {
  /** The product's version, for the document that describes the routes. */
  readonly version: string
  /** Gets a line about what went wrong inside, which no client is told. */
  readonly report: (message: string) => void
}

/** Where the routes are described; open to whoever asks. */
export const OPEN_API_PATH = '/v1/openapi.json'

/** The REST API, for requests that were let in. Whatever goes wrong is answered, nothing is thrown. */
export function restHandler(options: RestOptions): RestHandler {
  const app = restApp(options)
  return async (request, caller, tell) => app.fetch(request, { caller, tell })
}

type Bindings = { Bindings: { readonly caller: Caller; readonly tell: Telling } }

function restApp({ version, report }: RestOptions): Hono<Bindings> {
  const app = new Hono<Bindings>()
  app.onError((error, { req }) => failureResponse(error, { what: 'A request that is none of ours', signal: req.raw.signal, report }))
  app.notFound(({ req }) => {
    throw new HttpRefusal(404, new CreditError('invalid_request', `There is no ${req.path.slice(0, SHOWN_LENGTH)} here`, { advice: [ALL_ROUTES] }))
  })
  app.get(OPEN_API_PATH, () => jsonResponse(openApiDocument({ version })))
  for (const route of routes) app.on(route.method.toUpperCase(), honoPath(route.path), answererOf(route, report))
  for (const [path, methods] of methodsByPath()) {
    app.all(honoPath(path), ({ req }) => {
      throw new HttpRefusal(405, new CreditError('invalid_request', `${req.method.slice(0, 20)} is none of the methods of this route; it has ${methods.join(', ')}`), {
        allow: methods.join(', '),
      })
    })
  }
  return app
}

const SHOWN_LENGTH = 80

const ALL_ROUTES = `All routes stand in GET ${OPEN_API_PATH}`

function answererOf(route: Route, report: RestOptions['report']): (context: Context<Bindings>) => Promise<Response> {
  const inputOf = inputReader(route)
  const answer = async (context: Context<Bindings>): Promise<Response> => {
    const { caller } = context.env
    // Before anything of the request is read.
    seeScope({ key: caller.id, scopes: caller.scopes }, route.scope)
    const input = await inputOf(context)
    return jsonResponse(await route.run(caller.credits, input))
  }
  return async (context) => {
    const { tell } = context.env
    tell.route(route.path)
    try {
      const response = await answer(context)
      if (route.tool !== null) tell.call(route.tool, 'ok')
      return response
    } catch (error) {
      if (route.tool !== null) tell.call(route.tool, outcomeOf(error))
      return failureResponse(error, { what: `${route.method.toUpperCase()} ${route.path}`, signal: context.req.raw.signal, report })
    }
  }
}

function outcomeOf(error: unknown): ErrorCode | 'error' {
  if (error instanceof HttpRefusal) return error.refusal.code
  return error instanceof CreditError ? error.code : 'error'
}

/** Reads the input of a route from wherever it stands: the path, the body or the query, and a header. */
function inputReader(route: Route): (context: Context<Bindings>) => Promise<Record<string, unknown>> {
  const inPath = pathParameters(route.path)
  const beside = new Set(fieldsBesidePath(route))
  const fields = hasBody(route.method) ? {} : fieldSchemas(route)
  return async ({ req }) => {
    const query = new URL(req.url).searchParams
    if (hasBody(route.method)) seeNoQuery(query)
    else await seeNoBody(req.raw)
    const given = hasBody(route.method) ? await bodyInput(req.raw) : queryInput(query, fields)
    const misplaced = Object.keys(given).find((name) => Object.hasOwn(route.input.shape, name) && !beside.has(name))
    if (misplaced !== undefined) throw new CreditError('invalid_request', misplacedWords(misplaced, inPath), { details: { field: misplaced } })
    const input = { ...given, ...Object.fromEntries(inPath.map((name) => [name, req.param(name)])) }
    return route.isWriting(input) ? withHeaderKey(input, 'idempotency_key', keyOfHeader(req.header(IDEMPOTENCY_HEADER) ?? null)) : input
  }
}

function misplacedWords(name: string, inPath: readonly string[]): string {
  return inPath.includes(name) ? `${name}: stands in the path and is not given again` : `${name}: expected as the header ${IDEMPOTENCY_HEADER}`
}

function fieldSchemas({ input }: Route): Readonly<Record<string, FieldSchema>> {
  return z.toJSONSchema(input, { io: 'input' }).properties as Readonly<Record<string, FieldSchema>>
}

/** `/v1/admin/budgets/{id}` as the router has it. */
function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

/** What each path takes, for whoever comes with another method. What a `GET` answers, a `HEAD` does without the body. */
function methodsByPath(): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, readonly string[]>([[OPEN_API_PATH, METHODS.get]])
  for (const { path, method } of routes) methods.set(path, [...(methods.get(path) ?? []), ...METHODS[method]])
  return methods
}

const METHODS: Readonly<Record<Method, readonly string[]>> = { get: ['GET', 'HEAD'], post: ['POST'], put: ['PUT'], delete: ['DELETE'] }

function jsonResponse(answer: object): Response {
  const isReplay = (answer as { readonly replayed?: unknown }).replayed === true
  return new Response(JSON.stringify(answer), {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...(isReplay ? { [REPLAYED_HEADER]: 'true' } : {}) },
  })
}
