import Database from 'better-sqlite3'
import fc from 'fast-check'
import { expect } from 'vitest'
import { z } from 'zod'
import { openApiDocument } from '../../src/http/open-api.js'
import type { Caller } from '../../src/http/ports.js'
import { hasBody, pathParameters, type Route } from '../../src/http/route.js'
import { type Answered, problemIn, restLedger, type RestLedger } from './rest-support.js'

/** How often a route is tried where there is time for it: a thousand times with the slow tests, ten thousand by `npm run fuzz`. */
export const FUZZED_CASES = Number(process.env['FUZZ_CASES'] ?? 1_000)

/** Cases that one ledger sees: what they have done to it, a closed account say, must not decide all that come after. */
const CASES_A_LEDGER = 500

/** A request as it is made up: `$`-names in it stand for what the ledger has of that kind. */
interface MadeUp {
  readonly input: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
  /** What becomes of the body's text. */
  readonly spoil: (text: string) => string
}

export interface Fuzzed {
  readonly done: number
  readonly refused: number
}

/**
 * Sends made-up requests to routes: inputs that their schemas describe, most of them broken somewhere.
 *
 * Whatever comes, it is answered by JSON with a status of ours that is not 500, and a refusal has written nothing at all.
 */
export async function fuzz(routes: readonly Route[], { cases, seed }: { readonly cases: number; readonly seed: number }): Promise<Fuzzed> {
  const counts = { done: 0, refused: 0 }
  let stage: Stage | null = null
  const requests = fc.oneof(...routes.map((route) => requestOf(route).map((made) => ({ operation: route.operation, made }))))
  await fc.assert(
    fc.asyncProperty(requests, async ({ operation, made }) => {
      const route = routes.find((one) => one.operation === operation) ?? expect.fail(operation)
      if (stage === null || (counts.done + counts.refused) % CASES_A_LEDGER === 0) {
        if (stage !== null) await stage.expectWhole()
        stage = await Stage.open()
      }
      const isDone = await stage.play(route, made)
      counts[isDone ? 'done' : 'refused'] += 1
    }),
    { numRuns: cases, seed },
  )
  await (stage as Stage | null)?.expectWhole()
  return counts
}

/** Refusals that ask a person or count how often: that is written down, and moves no credits. */
const LEAVING_A_TRACE: ReadonlySet<string> = new Set(['approval_required', 'runaway_stopped'])

class Stage {
  readonly #rest: RestLedger
  readonly #caller: Caller
  readonly #known: Readonly<Record<string, string>>
  /** Sees whenever anybody else has written to the file. */
  readonly #watch: Database.Database

  private constructor(rest: RestLedger, caller: Caller, known: Readonly<Record<string, string>>) {
    this.#rest = rest
    this.#caller = caller
    this.#known = known
    this.#watch = new Database(rest.file, { readonly: true })
  }

  static async open(): Promise<Stage> {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', ['operator'])
    const known = await furnish(rest, caller)
    return new Stage(rest, caller, known)
  }

  /** Whether it was done; otherwise it was refused. */
  async play(route: Route, made: MadeUp): Promise<boolean> {
    const before = this.#mark()
    const { path, init } = requestFor(route, this.#filled(made))
    const answer = await this.#rest.sendRaw(this.#caller, path, init)
    const shown = () => `${route.method} ${path} ${String(init.body)} → ${answer.text}\n${this.#rest.reports.join('\n')}`
    if (answer.status === 200) {
      expect(this.#rest.reports, shown()).toEqual([])
      return true
    }
    expectRefusal(answer, shown)
    if (!isDescribed(route, answer.status)) expect.fail(`a status that the description does not have: ${shown()}`)
    // What time alone has made necessary is written whatever the outcome, and only this route lets time go on.
    const mayWrite = route.operation === 'advance_clock' || LEAVING_A_TRACE.has(problemIn(answer).code)
    if (!mayWrite && this.#mark() !== before) expect.fail(`a refusal has written: ${shown()}`)
    return false
  }

  async expectWhole(): Promise<void> {
    this.#watch.close()
    expect(await this.#rest.credits.verify()).toMatchObject({ ok: true, problems: [] })
  }

  #mark(): number {
    return this.#watch.pragma('data_version', { simple: true }) as number
  }

  #filled(made: MadeUp): MadeUp {
    const text = JSON.stringify(made.input).replaceAll(/"\$(\w+)"/g, (whole, name: string) => (name in this.#known ? JSON.stringify(this.#known[name]) : whole))
    return { ...made, input: JSON.parse(text) as Record<string, unknown> }
  }
}

/** Things of every kind, for inputs to name. */
async function furnish(rest: RestLedger, caller: Caller): Promise<Readonly<Record<string, string>>> {
  const of = async (name: string, method: string, path: string, body: object): Promise<string> => {
    const answer = await rest.send(caller, method, path, body)
    if (answer.status !== 200) throw new Error(answer.text)
    return String(answer.body[name])
  }
  await of('id', 'PUT', '/v1/admin/subscription', { plan: 'build' })
  await of('id', 'POST', '/v1/admin/accounts', { id: 'trial', plan: 'hobby', test: true })
  await of('id', 'PUT', '/v1/admin/budgets/daily', { limit: 1_000_000, window: 'day', scope: { each: 'key' } })
  await of('id', 'PUT', '/v1/admin/budgets/searching', { limit: 1_000, window: 'day', scope: { tool: 'web_search' } })
  await of('id', 'PUT', '/v1/admin/guards/runaway', { identical: 100 })
  await of('id', 'PUT', '/v1/admin/alerts/half', { percent: 50 })
  await of('id', 'PUT', '/v1/admin/members/ada', { role: 'admin' })
  await of('id', 'POST', '/v1/admin/keys', { id: 'preview', scopes: ['content:*'] })
  return {
    transaction: await of('transaction', 'POST', '/v1/tools/charge_credits', { operation: 'blog.post', labels: { customer_id: 'c1' }, idempotency_key: 'job-1' }),
    reservation: await of('reservation', 'POST', '/v1/tools/reserve_credits', { operation: 'video.clip', variant: 'premium' }),
    purchase: await of('purchase', 'POST', '/v1/admin/purchases', { pack: 'usd-20', pending: true }),
    request: await of('request', 'POST', '/v1/tools/request_credits', { credits: 5, reason: 'more', kind: 'top_up' }),
    quote: await of('quote_id', 'POST', '/v1/tools/estimate_cost', { operation: 'blog.post', quote: true }),
    paid: await of('purchase', 'POST', '/v1/admin/purchases', { pack: 'usd-20' }),
    cursor: await of('next_cursor', 'GET', '/v1/transactions?limit=1', {}).catch(() => '5.0000000000000000'),
    catalog: 'starter',
  }
}

/** Whether the description says that the route answers so; what the router answers to a path that is no route's, it says of none. */
function isDescribed({ path, method }: Route, status: number): boolean {
  const { responses } = openApiDocument({ version: '1' }).paths[path]?.[method] as { readonly responses: object }
  return status === 405 || status in responses
}

function expectRefusal(answer: Answered, shown: () => string): void {
  if (![400, 402, 403, 404, 405, 409, 413, 415, 422].includes(answer.status)) expect.fail(`not a refusal of a bad request: ${shown()}`)
  const { type, title, status, detail, error, ...flat } = problemIn(answer)
  if (answer.headers.get('content-type') !== 'application/problem+json' || status !== answer.status) expect.fail(`no problem: ${shown()}`)
  if (typeof title !== 'string' || !type.endsWith(error.code) || detail !== error.message || detail === '') expect.fail(`not said: ${shown()}`)
  if (JSON.stringify(flat) !== JSON.stringify(error)) expect.fail(`said differently: ${shown()}`)
  if (answer.text.length > 50_000) expect.fail(`as long as what was sent: ${shown().slice(0, 2_000)}`)
  if (answer.headers.get('retry-after') !== null) expect.fail(`to be tried again: ${shown()}`)
}

function requestFor(route: Route, { input, headers, spoil }: MadeUp): { readonly path: string; readonly init: RequestInit } {
  const inPath = pathParameters(route.path)
  const segment = (name: string): string => {
    const value = input[name]
    return encoded(typeof value === 'string' ? value : JSON.stringify(value ?? null))
  }
  const path = inPath.reduce((text, name) => text.replace(`{${name}}`, () => segment(name)), route.path)
  const beside = Object.entries(input).filter(([name]) => !inPath.includes(name))
  const method = route.method.toUpperCase()
  if (hasBody(route.method)) {
    const body = spoil(JSON.stringify(Object.fromEntries(beside)))
    return { path, init: { method, headers: { 'content-type': 'application/json', ...headers }, body } }
  }
  const query = beside.map(([name, value]) => `${encoded(name)}=${encoded(inQuery(value))}`).join('&')
  return { path: query === '' ? path : `${path}?${query}`, init: { method, headers } }
}

/** An address has no lone surrogates, which a text of JSON may have. */
function encoded(text: string): string {
  return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, '\ufffd'))
}

function inQuery(value: unknown): string {
  if (typeof value === 'string') return value
  const { name, value: of } = (value ?? {}) as { name?: unknown; value?: unknown }
  return typeof name === 'string' && typeof of === 'string' ? `${name}:${of}` : JSON.stringify(value)
}

type Schema = Readonly<Record<string, unknown>>
type Made<T> = fc.Arbitrary<T>

function requestOf(route: Route): Made<MadeUp> {
  const schema = z.toJSONSchema(route.input, { io: 'input' }) as Schema
  const fields = (schema['properties'] ?? {}) as Readonly<Record<string, Schema>>
  const required = (schema['required'] ?? []) as readonly string[]
  const named = Object.entries(fields).map(([name, field]) => [name, fieldOf(`${route.operation}.${name}` in MEANINGFUL ? `${route.operation}.${name}` : name, field)])
  const sound = fc.record(Object.fromEntries(named) as Readonly<Record<string, Made<unknown>>>, { requiredKeys: [...required] })
  // What an example names is not there: what is takes its place.
  // The examples' operations are made up as well, and the variants with them.
  const { variant: _, ...rest } = route.example as Readonly<Record<string, unknown>>
  const example = 'operation' in rest ? { ...rest, operation: 'blog.post' } : rest
  const there = Object.entries(example).map(([name, value]) => [name, KEPT.includes(name) ? `$${name}` : value] as const)
  const asExample = fc.constant(Object.fromEntries(there))
  return fc.record({
    input: fc
      .oneof({ arbitrary: sound, weight: 3 }, { arbitrary: asExample, weight: 1 })
      .chain((input) => fc.oneof({ arbitrary: fc.constant(input), weight: 1 }, { arbitrary: broken(input, Object.keys(fields)), weight: 2 })),
    headers: fc.oneof(
      { arbitrary: fc.constant({}), weight: 6 },
      { arbitrary: fc.stringMatching(/^[ -~]{0,20}$/).map((key) => ({ 'idempotency-key': key })), weight: 2 },
      { arbitrary: fc.constantFrom('text/plain', 'application/json; charset=utf-16', '', 'application/json').map((type) => ({ 'content-type': type })), weight: 1 },
    ),
    spoil: fc.oneof({ arbitrary: fc.constant((text: string) => text), weight: 12 }, { arbitrary: spoiling, weight: 1 }),
  }) as Made<MadeUp>
}

const KEPT = ['transaction', 'reservation', 'purchase', 'cursor', 'quote_id']

/** An input with one thing wrong: another value, a field left out, one more, or one written otherwise. */
function broken(input: Schema, fields: readonly string[]): Made<Schema> {
  const name = fc.oneof(fc.constantFrom('account', 'nothing', ...fields, ...Object.keys(input)), fc.string())
  const without = (left: string) => Object.fromEntries(Object.entries(input).filter(([other]) => other !== left))
  return fc.oneof(
    fc.tuple(name, anything).map(([one, value]) => ({ ...without(one), [one]: value })),
    name.map(without),
    name.map((one) => ({ ...without(one), [one.toUpperCase()]: input[one] ?? 1 })),
    name.map((one) => ({ ...without(one), [one.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())]: input[one] ?? 1 })),
  )
}

/** A text that is perhaps no JSON any more. */
const spoiling: Made<(text: string) => string> = fc.tuple(fc.nat(), fc.constantFrom('', '"', '{', '}', ',', '\u0000', '1e999', 'é', '[[[[', '\\ud800')).map(
  ([at, inserted]) => (text: string) => text.slice(0, at % (text.length + 1)) + inserted + text.slice((at % (text.length + 1)) + 1),
)

const EDGES = [0, -0, 1, -1, 0.5, 1e-6, 1e-7, 2e9, 2_000_000_000.000001, 1_999_999_999.999999, 2 ** 31, 2 ** 53, 2 ** 53 + 2, 1e21, 1e300, -1e300, 5e-324]

const number = fc.oneof({ arbitrary: fc.integer({ min: 0, max: 20 }), weight: 3 }, fc.constantFrom(...EDGES), fc.double({ noNaN: true, noDefaultInfinity: true }))
const text = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('', '\u0000', '\ud800', 'x'.repeat(256), 'x'.repeat(70_000), '__proto__', 'constructor', 'label:', '../../etc/passwd'))
const anything: Made<unknown> = fc.oneof(fc.constantFrom(null, true, false, [], {}), number, text, fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(JSON.parse('{"__proto__":{"a":1}}'), nested(100)))

/** Values that mean something in the fields of this name. */
const MEANINGFUL: Readonly<Record<string, readonly unknown[]>> = {
  account: ['acme', 'acme', 'other', 'nobody'],
  accounts: [['acme'], ['acme', 'other'], ['nobody']],
  // A test account's clock goes on by this route alone: everywhere else nothing falls due meanwhile.
  'advance_clock.account': ['trial', 'trial', 'acme', 'nobody'],
  'set_guard.id': ['approval', 'runaway'],
  'remove_guard.id': ['approval', 'runaway'],
  'reset_guard.id': ['approval', 'runaway'],
  'approve.id': ['$request'],
  'deny.id': ['$request'],
  quote_id: ['$quote'],
  above: [50],
  identical: [3],
  within: ['60s', '1m', 5],
  id: ['daily', 'searching', 'half', 'ada', 'preview', 'spending_cap', 'acme'],
  operation: ['blog.post', 'video.clip', 'translate', 'social.post', 'website.generate', 'auto', '$operation'],
  variant: ['auto', 'budget', 'premium', 'text'],
  quantity: [1, 2, 0.5, 100],
  transaction: ['$transaction'],
  reservation: ['$reservation'],
  purchase: ['$purchase', '$paid'],
  cursor: ['$cursor', '3.0123456789abcdef'],
  idempotency_key: ['job-1', 'k1', 'k2'],
  plan: ['free', 'hobby', 'build', 'none'],
  pack: ['usd-20', 'usd-100'],
  item: ['storage', 'custom-domain'],
  budget: ['daily'],
  member: ['ada'],
  month: ['2026-01', '2026-13', '1969-01', '9999-12'],
  time_zone: ['UTC', 'Europe/Berlin', 'Nowhere', 'Asia/Kathmandu'],
  since: ['2026-01-01T00:00:00Z', '2026-01-10T12:00:00.000Z', '1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2026-02-30T00:00:00Z'],
  until: ['2026-01-11T00:00:00Z', '2026-01-01T00:00:00Z', '+275760-09-13T00:00:00Z'],
  expires_at: ['2026-02-01T00:00:00Z', '2025-01-01T00:00:00Z'],
  effective_at: ['2026-02-01T00:00:00Z'],
  group_by: ['tool', 'operation', 'label:customer_id', 'day', 'week', 'month', 'label:', 'nothing'],
  window: ['day', 'run', 'total', 'rolling:24h', 'rolling:0h', 'century'],
  by: ['30d', '1ms', '99999999999d', 1_000],
  scopes: [['content:*'], ['operator'], ['credits:read'], ['nothing at all']],
  operations: [['content:*'], ['blog.post']],
  category: ['video'],
  search: ['post'],
  catalog: ['starter', 'neural-draft', { id: 'x' }, '/etc/passwd'],
  target: ['blog.post', 'video.clip/budget', 'some_tool', 'no.such', 'social.post'],
}

function fieldOf(name: string, schema: Schema): Made<unknown> {
  const known = MEANINGFUL[name]
  return known === undefined ? valueOf(schema) : fc.oneof({ arbitrary: fc.constantFrom(...known), weight: 3 }, { arbitrary: valueOf(schema), weight: 1 })
}

/** Values that a schema describes, and close to what it describes. */
function valueOf(schema: Schema): Made<unknown> {
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]))
  if (Array.isArray(schema['anyOf'])) return fc.oneof(...(schema['anyOf'] as Schema[]).map(valueOf))
  switch (schema['type']) {
    case 'string':
      return text
    case 'number':
      return number
    case 'integer':
      return fc.oneof(fc.integer({ min: -1, max: 1_001 }), number)
    case 'boolean':
      return fc.boolean()
    case 'array':
      return fc.array(valueOf((schema['items'] ?? {}) as Schema), { maxLength: 4 })
    case 'object':
      return objectOf(schema)
    default:
      return anything
  }
}

function objectOf(schema: Schema): Made<unknown> {
  const fields = schema['properties'] as Readonly<Record<string, Schema>> | undefined
  if (fields === undefined) return fc.dictionary(text, valueOf((schema['additionalProperties'] ?? {}) as Schema), { maxKeys: 4 })
  const named = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, fieldOf(name, field)]))
  return fc.record(named, { requiredKeys: [...((schema['required'] ?? []) as string[])] })
}

function nested(levels: number): unknown {
  return levels === 0 ? 1 : { a: nested(levels - 1) }
}
