import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { ERRORS } from '../../src/errors.js'
import { openApiDocument } from '../../src/http/open-api.js'
import { fieldsBesidePath, pathParameters } from '../../src/http/route.js'
import { routes } from '../../src/http/routes.js'
import { restLedger } from './rest-support.js'

type Node = { readonly [member: string]: Node } & { readonly [member: string]: unknown }

const document = openApiDocument({ version: '1.2.3' }) as unknown as Node
const operations = Object.entries(document['paths'] as Node).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation: operation as Node, name: `${method} ${path}` })),
)

const ajv = new Ajv2020({ strict: false, validateFormats: false })
ajv.addSchema(document, 'document')

/** What is wrong with a value by a schema of the document; null for nothing. */
function wrong(pointer: string, value: unknown): string | null {
  const validate = ajv.getSchema(`document#${pointer}`)
  if (validate === undefined) throw new Error(`there is no schema at ${pointer}`)
  return validate(value) ? null : ajv.errorsText(validate.errors)
}

function pointerTo(...parts: readonly string[]): string {
  return parts.map((part) => `/${encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('')
}

function at(pointer: string): unknown {
  return pointer.split('/').slice(1).reduce<unknown>((node, part) => (node as Node)[part.replaceAll('~1', '/').replaceAll('~0', '~')], document)
}

function nodesIn(value: unknown): readonly Node[] {
  if (typeof value !== 'object' || value === null) return []
  return [...(Array.isArray(value) ? [] : [value as Node]), ...Object.values(value).flatMap(nodesIn)]
}

describe('the OpenAPI document', () => {
  it('is one of version 3.1 and describes every route and nothing else', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'mcp-credits', version: '1.2.3' } })
    expect(operations.map(({ name }) => name).sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort())
    const allowed = ['openapi', 'info', 'servers', 'security', 'tags', 'paths', 'components']
    expect(Object.keys(document).filter((member) => !allowed.includes(member))).toEqual([])
    expect(JSON.parse(JSON.stringify(document))).toEqual(document)
  })

  it('every reference leads somewhere, and none out of the document', () => {
    const references = nodesIn(document).flatMap((node) => (typeof node['$ref'] === 'string' ? [node['$ref'] as string] : []))
    expect(references.length).toBeGreaterThan(100)
    for (const reference of references) {
      expect(reference).toMatch(/^#\/components\//)
      expect(at(reference.slice(1)), reference).toBeDefined()
    }
  })

  it('every schema compiles as JSON Schema 2020-12', () => {
    for (const name of Object.keys((document['components'] as Node)['schemas'] as Node)) expect(ajv.getSchema(`document#${pointerTo('components', 'schemas', name)}`), name).toBeTypeOf('function')
  })

  it('each operation has an id of its own, a summary, one group, a scope and what it answers', () => {
    const ids = operations.map(({ operation }) => operation['operationId'])
    expect(new Set(ids).size).toBe(ids.length)
    const groups = (document['tags'] as unknown as readonly { readonly name: string }[]).map(({ name }) => name)
    for (const { operation, name } of operations) {
      expect(operation['operationId'], name).toMatch(/^[a-z][a-z_]*$/)
      expect(operation['summary'], name).toMatch(/^[A-Z].{3,}[^.]$/)
      expect(groups, name).toContain((operation['tags'] as unknown as readonly string[])[0])
      expect((operation['security'] as unknown as readonly Node[])[0], name).toEqual({ bearer: [expect.stringMatching(/^(credits:read|credits:spend|admin)$/)] })
      expect(operation, name).toHaveProperty(['responses', '200', 'content', 'application/json', 'schema'])
    }
  })

  it('every parameter of a path is declared, required and its only one; every field stands in exactly one place', () => {
    for (const route of routes) {
      const { operation, name } = operations.find(({ path, method }) => path === route.path && method === route.method) ?? expect.fail(route.path)
      const parameters = ((operation['parameters'] ?? []) as unknown as readonly Node[]).filter((parameter) => !('$ref' in parameter))
      const inPath = parameters.filter((parameter) => parameter['in'] as unknown === 'path')
      expect(inPath.map((parameter) => parameter['name']), name).toEqual(pathParameters(route.path))
      expect(inPath.every((parameter) => parameter['required'] as unknown === true), name).toBe(true)
      const inQuery = parameters.filter((parameter) => parameter['in'] as unknown === 'query').map((parameter) => parameter['name'] as unknown as string)
      const body = (operation['requestBody'] as Node | undefined)?.['content']?.['application/json']?.['schema']
      const inBody = Object.keys((body?.['properties'] ?? {}) as object)
      expect([...inQuery, ...inBody], name).toEqual(fieldsBesidePath(route))
      expect(body === undefined || inQuery.length === 0, name).toBe(true)
      const isKeyed = JSON.stringify(operation['parameters'] ?? []).includes('/parameters/idempotencyKey')
      expect(isKeyed, name).toBe(route.isWrite)
    }
  })

  it('every example is valid by its schema, and every input that takes any has one', () => {
    let count = 0
    for (const { path, method, operation, name } of operations) {
      const here = ['paths', path, method]
      for (const [index, parameter] of ((operation['parameters'] ?? []) as unknown as readonly Node[]).entries()) {
        if (!('example' in parameter)) continue
        expect(wrong(pointerTo(...here, 'parameters', String(index), 'schema'), parameter['example']), `${name} ${String(parameter['name'])}`).toBeNull()
        count += 1
      }
      const media = (operation['requestBody'] as Node | undefined)?.['content']?.['application/json']
      if (media !== undefined) {
        expect(wrong(pointerTo(...here, 'requestBody', 'content', 'application/json', 'schema'), media['example']), name).toBeNull()
        if (operation['requestBody']?.['required'] as unknown === true) expect(Object.keys(media['example'] as object), name).not.toEqual([])
        count += 1
      }
      const answer = operation['responses']?.['200']?.['content']?.['application/json'] as Node
      expect(wrong(pointerTo(...here, 'responses', '200', 'content', 'application/json', 'schema'), answer['example']), name).toBeNull()
      count += 1
    }
    for (const [name, response] of Object.entries((document['components'] as Node)['responses'] as Node)) {
      const example = response['content']?.['application/problem+json']?.['example']
      expect(wrong(pointerTo('components', 'schemas', 'problem'), example), name).toBeNull()
      expect(example, name).toMatchObject({ error: { code: expect.any(String) } })
      count += 1
    }
    expect(count).toBeGreaterThan(2 * routes.length)
  })

  it('an example that is wrong would be found', () => {
    const body = pointerTo('paths', '/v1/tools/settle_reservation', 'post', 'requestBody', 'content', 'application/json', 'schema')
    expect(wrong(body, { reservation: 'rs_1' })).toBeNull()
    for (const value of [{}, { reservation: 7 }, { reservation: 'rs_1', nothing: 1 }]) expect(wrong(body, value), JSON.stringify(value)).not.toBeNull()
    expect(wrong(pointerTo('components', 'schemas', 'problem'), { status: 402 })).not.toBeNull()
  })

  it('T40: 402 is said of what can be unpaid and of nothing else, 429 of requests and never of money, and only 429 tells when to come again', () => {
    for (const { operation, path, name } of operations) {
      const isRefusedUnpaid = routes.some((route) => route.path === path && name.startsWith(route.method) && route.isRefusedUnpaid)
      expect('402' in (operation['responses'] as object), name).toBe(isRefusedUnpaid)
      expect(Object.keys(operation['responses'] as object), name).toEqual(expect.arrayContaining(['400', '401', '403', '429', '500', '503']))
    }
    const responses = Object.entries((document['components'] as Node)['responses'] as Node)
    for (const [name, response] of responses) {
      const example = response['content']?.['application/problem+json']?.['example'] as unknown as { code: keyof typeof ERRORS; status: number }
      const own = ERRORS[example.code].status
      expect('Retry-After' in ((response['headers'] ?? {}) as object), name).toBe(own === 429)
      expect([own, 413, 415, 422], name).toContain(example.status)
      expect(own === 402 ? example.status : 402, name).toBe(402)
    }
  })

  it('is answered at its place, to whoever asks', async () => {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', ['credits:read'])
    expect(await rest.send(caller, 'GET', '/v1/openapi.json')).toMatchObject({ status: 200, body: document })
  })
})
