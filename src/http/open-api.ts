import { IDEMPOTENCY_HEADER } from '../facade/idempotency-header.js'
import { jsonSchemaOf, type JsonSchema, schemaReference, Schemas } from './json-schemas.js'
import { PROBLEM_SCHEMA, refusals } from './open-api-refusals.js'
import { PAIR_PATTERN, pairText } from './query-parameter.js'
import { fieldsBesidePath, hasBody, pathParameters, REPLAYED_HEADER, type Route } from './route.js'
import { routes } from './routes.js'

type Plain = Readonly<Record<string, unknown>>

/** An OpenAPI document, as plain data. */
export type OpenApiDocument = Plain & { readonly paths: Readonly<Record<string, Readonly<Record<string, Plain>>>> }

const made = new Map<string, OpenApiDocument>()

/** What describes every route, in the words and schemas by which it is served. Made once: whoever asks needs no key. */
export function openApiDocument({ version }: { readonly version: string }): OpenApiDocument {
  const document = made.get(version) ?? documentOf(version)
  made.set(version, document)
  return document
}

function documentOf(version: string): OpenApiDocument {
  const schemas = new Schemas()
  const paths: Record<string, Record<string, Plain>> = {}
  for (const route of routes) (paths[route.path] ??= {})[route.method] = operationOf(route, schemas)
  schemas.add('problem', PROBLEM_SCHEMA)
  return {
    openapi: '3.1.0',
    info: { title: 'mcp-credits', version, summary: 'Credits for AI agents', description: DESCRIPTION },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    tags: TAGS,
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'The secret of a key: mcp-credits key create' } },
      parameters: { idempotencyKey: IDEMPOTENCY_PARAMETER },
      responses: Object.fromEntries(refusals.map(({ name, response }) => [name, response])),
      schemas: schemas.all,
    },
  }
}

const DESCRIPTION =
  'Credits are numbers with at most six decimals, instants ISO 8601 in UTC. A refusal says in `advice` what to do, and in ' +
  '`retryable` whether the same request can succeed with nobody doing anything. Money is never 429.'

const TAGS = [
  { name: 'tools', description: 'What agents call, as over MCP' },
  { name: 'reads', description: 'The reading tools, with parameters in place of a body' },
  { name: 'admin', description: 'What operators do; takes a key with the scope admin, for other accounts than its own the scope operator' },
] as const

const IDEMPOTENCY_PARAMETER = {
  name: IDEMPOTENCY_HEADER,
  in: 'header',
  required: false,
  description: 'A text of your own, quoted or bare, that names this write. Sent again with the same input it is answered as the first time and done once.',
  schema: { type: 'string', minLength: 1 },
  example: '"job-1"',
} as const

function operationOf(route: Route, schemas: Schemas): Plain {
  const { operation, group, summary, description, scope, isWrite, method } = route
  const input = schemas.hoisted(jsonSchemaOf(route.input, 'input'))
  const parameters = [
    ...pathParameters(route.path).map((name) => parameterOf(route, name, 'path', input)),
    ...(hasBody(method) ? [] : fieldsBesidePath(route).map((name) => parameterOf(route, name, 'query', input))),
    ...(isWrite ? [{ $ref: '#/components/parameters/idempotencyKey' }] : []),
  ]
  return {
    operationId: operation,
    tags: [group],
    summary,
    ...(description === undefined ? {} : { description }),
    security: [{ bearer: [scope] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(hasBody(method) ? { requestBody: bodyOf(route, input) } : {}),
    responses: { 200: answerOf(route, schemas), ...refusalsOf(route) },
  }
}

function parameterOf({ example }: Route, name: string, place: 'path' | 'query', input: JsonSchema): Plain {
  const { description, ...schema } = (input.properties?.[name] ?? {}) as JsonSchema
  const isPair = schema['type'] === 'object'
  const words = isPair ? 'A label, as <name>:<value>' : description
  return {
    name,
    in: place,
    required: place === 'path' || (input.required ?? []).includes(name),
    ...(words === undefined ? {} : { description: words }),
    schema: isPair ? { type: 'string', pattern: PAIR_PATTERN } : schema,
    ...(name in example ? { example: isPair ? pairText(example[name] as Parameters<typeof pairText>[0]) : example[name] } : {}),
  }
}

function bodyOf(route: Route, { properties = {}, required = [], ...rest }: JsonSchema): Plain {
  const names = fieldsBesidePath(route)
  const needed = required.filter((name) => names.includes(name))
  const only = <Value>(members: Readonly<Record<string, Value>>) => Object.fromEntries(Object.entries(members).filter(([name]) => names.includes(name)))
  const schema = { ...rest, properties: only(properties), ...(needed.length === 0 ? {} : { required: needed }) }
  return { required: needed.length > 0, content: { 'application/json': { schema, example: only(route.example) } } }
}

function answerOf({ answer, isWrite }: Route, schemas: Schemas): Plain {
  schemas.add(answer.name, schemas.hoisted(jsonSchemaOf(answer.schema, 'output')))
  const replayed = { description: 'true where the same write was answered before, and nothing was done now', schema: { type: 'string', enum: ['true'] } }
  return {
    description: 'Done',
    ...(isWrite ? { headers: { [REPLAYED_HEADER]: replayed } } : {}),
    content: { 'application/json': { schema: { $ref: schemaReference(answer.name) }, example: answer.example } },
  }
}

function refusalsOf(route: Route): Plain {
  const happening = refusals.filter(({ happensAt }) => happensAt(route))
  return Object.fromEntries(happening.map(({ name, status }) => [status, { $ref: `#/components/responses/${name}` }]))
}

