import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { type ErrorCode, ERRORS } from '../../src/errors.js'
import { jsonSchemaOf } from '../../src/http/json-schemas.js'
import { DAY_MS } from '../../src/time/instant.js'
import { pathParameters, type Route } from '../../src/http/route.js'
import { routes } from '../../src/http/routes.js'
import { type Answered, problemIn, restLedger, type RestLedger } from './rest-support.js'

const admin = routes.filter(({ group }) => group === 'admin')
const ajv = new Ajv2020({ strict: false, validateFormats: false })

/** The route that a request goes to. */
function routeOf(method: string, path: string): Route {
  const bare = path.split('?')[0] ?? ''
  const matching = routes.filter((route) => route.method === method.toLowerCase() && new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(bare))
  return matching[0] ?? expect.fail(`there is a route ${method} ${bare}`)
}

/** The schema of an answer, closed: a field that it does not name is found. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const parts = Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, closed(part)]))
  const isNamed = 'properties' in parts && Object.keys(parts['properties'] as object).length > 0
  return isNamed && JSON.stringify(parts['additionalProperties']) === '{}' ? { ...parts, additionalProperties: false } : parts
}

function expectDescribed(route: Route, { body, status }: Answered): void {
  expect(status, `${route.path} ${JSON.stringify(body)}`).toBe(200)
  const validate = ajv.compile(closed(jsonSchemaOf(route.answer.schema, 'output')) as object)
  expect(validate(body) ? null : `${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`, route.path).toBeNull()
}

const CATALOG = {
  id: 'product',
  name: 'Product',
  unit: { name: 'credit', plural: 'credits', credit_usd: '0.01' },
  price_increase_notice_days: 30,
  operations: { 'blog.post': { name: 'Blog post', price: { model: 'flat', credits: '60' } } },
  tools: { writePost: { operation: 'blog.post' } },
  default_tool_price: null,
}

/** Everything that the operator's routes do, one request after another, each answered as it is described. */
async function playAll(rest: RestLedger, visited: Set<string>): Promise<void> {
  const operator = rest.local('acme')
  const ask = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const answer = await rest.send(operator, method, path, body)
    const route = routeOf(method, path)
    expectDescribed(route, answer)
    visited.add(`${route.method} ${route.path}`)
    return answer.body
  }

  expect(await ask('POST', '/v1/admin/accounts', { id: 'child', parent: 'acme', time_zone: 'Europe/Berlin' })).toMatchObject({ id: 'child', time_zone: 'Europe/Berlin' })
  await ask('POST', '/v1/admin/accounts', { id: 'trial', test: true, plan: 'hobby' })
  expect((await ask('GET', '/v1/admin/accounts'))['accounts']).toHaveLength(4)
  await ask('GET', '/v1/admin/accounts/child')
  await ask('PUT', '/v1/admin/accounts/child/state', { state: 'suspended', reason: 'unpaid' })
  expect(await ask('GET', '/v1/admin/accounts/child')).toMatchObject({ state: 'suspended' })
  await ask('PUT', '/v1/admin/accounts/child/time-zone', { time_zone: 'UTC' })
  expect(await ask('POST', '/v1/admin/accounts/trial/clock/advance', { by: '40d' })).toMatchObject({ id: 'trial', now: '2026-02-19T12:00:00.000Z' })

  expect(await ask('PUT', '/v1/admin/members/ada', { name: 'Ada', role: 'admin' })).toEqual({ id: 'ada', name: 'Ada', role: 'admin' })
  expect((await ask('GET', '/v1/admin/members'))['members']).toHaveLength(1)
  const made = await ask('POST', '/v1/admin/keys', { id: 'preview', scopes: ['content:*'], environment: 'preview', member: 'ada' })
  expect(made['key']).toMatch(/^mc_/)
  const listed = await ask('GET', '/v1/admin/keys')
  expect(listed['keys']).toMatchObject([{ id: 'preview', state: 'active' }])
  expect(JSON.stringify(listed)).not.toContain(made['key'])
  await ask('DELETE', '/v1/admin/keys/preview')
  await ask('DELETE', '/v1/admin/members/ada')

  expect(await ask('POST', '/v1/admin/grants', { credits: 500, source: 'promotion', expires_at: '2027-01-01T00:00:00Z' })).toMatchObject({ granted: 500, balance: 750 })
  await ask('POST', '/v1/admin/adjustments', { credits: -50, reason: 'too many' })
  const charged = await rest.send(operator, 'POST', '/v1/tools/charge_credits', { operation: 'blog.post' })
  expect(await ask('POST', '/v1/admin/refunds', { transaction: charged.body['transaction'], credits: 10 })).toMatchObject({ refunded: 10 })

  await ask('GET', '/v1/admin/plans')
  await ask('PUT', '/v1/admin/subscription', { plan: 'hobby' })
  expect(await ask('GET', '/v1/admin/balance')).toMatchObject({ plan: { id: 'hobby' } })
  await ask('DELETE', '/v1/admin/subscription')
  await ask('GET', '/v1/admin/packs')
  const bought = await ask('POST', '/v1/admin/purchases', { pack: 'usd-20', pending: true, reference: 'invoice-1' })
  await ask('POST', `/v1/admin/purchases/${String(bought['purchase'])}/settle`)
  await ask('POST', `/v1/admin/purchases/${String(bought['purchase'])}/refund`, { reason: 'by mistake', force: true })
  const dropped = await ask('POST', '/v1/admin/purchases', { pack: 'usd-100', pending: true })
  await ask('POST', `/v1/admin/purchases/${String(dropped['purchase'])}/cancel`, {})
  expect((await ask('GET', '/v1/admin/purchases'))['purchases']).toHaveLength(2)
  await ask('PUT', '/v1/admin/self-service', { enabled: true })
  await ask('PUT', '/v1/admin/items/custom-domain', { quantity: 2 })
  expect((await ask('GET', '/v1/admin/items'))['items']).toMatchObject([{ id: 'custom-domain', quantity: 2 }])

  expect(await ask('PUT', '/v1/admin/budgets/searching', { limit: 10, window: 'day', scope: { operation: 'blog.post' } })).toMatchObject({ limit: 10 })
  const refused = await rest.send(operator, 'POST', '/v1/tools/charge_credits', { operation: 'blog.post' })
  expect(problemIn(refused)).toMatchObject({ status: 402, code: 'budget_exceeded' })
  expect(await ask('POST', '/v1/admin/budgets/searching/raise', { credits: 50 })).toMatchObject({ limit: 60 })
  expect((await ask('GET', '/v1/admin/budgets'))['budgets']).toMatchObject([{ id: 'searching', limit: 60 }])
  expect((await rest.send(operator, 'POST', '/v1/tools/charge_credits', { operation: 'blog.post' })).status).toBe(200)
  expect((await ask('GET', '/v1/admin/messages?limit=3'))['messages']).not.toEqual([])
  await ask('DELETE', '/v1/admin/budgets/searching')
  expect(await ask('PUT', '/v1/admin/alerts/half', { percent: 50 })).toMatchObject({ percent: 50, credits: null })
  expect((await ask('GET', '/v1/admin/alerts'))['alerts']).toHaveLength(1)
  await ask('DELETE', '/v1/admin/alerts/half')

  expect(await ask('PUT', '/v1/admin/guards/approval', { account: 'other', above: 50, wait: '2h' })).toMatchObject({ above: 50, wait_seconds: 7_200 })
  const costly = () => rest.send(rest.local('other'), 'POST', '/v1/tools/charge_credits', { operation: 'blog.post' })
  expect(problemIn(await costly())).toMatchObject({ status: 402, code: 'approval_required' })
  const [waiting] = (await ask('GET', '/v1/admin/approvals?account=other'))['approvals'] as readonly { readonly id: string }[]
  expect(await ask('POST', `/v1/admin/approvals/${waiting?.id ?? ''}/approve`, { account: 'other' })).toMatchObject({ status: 'approved', operation: 'blog.post' })
  expect(await costly()).toMatchObject({ status: 200, body: { charged: 60 } })
  const wanted = await rest.send(rest.local('other'), 'POST', '/v1/tools/request_credits', { credits: 100, reason: 'more posts', kind: 'top_up' })
  expect(await ask('POST', `/v1/admin/approvals/${String(wanted.body['request'])}/deny`, { account: 'other' })).toMatchObject({ status: 'denied' })
  expect((await ask('GET', '/v1/admin/approvals?account=other&all=true'))['approvals']).toHaveLength(2)
  expect((await ask('GET', '/v1/admin/approvals?account=other&all=false'))['approvals']).toEqual([])
  await ask('DELETE', '/v1/admin/guards/approval?account=other')
  expect(await ask('PUT', '/v1/admin/guards/runaway', { account: 'other', identical: 5, within: '60s' })).toMatchObject({ identical: { calls: 5, within_seconds: 60 } })
  await ask('POST', '/v1/admin/guards/runaway/reset', { account: 'other' })
  expect((await ask('GET', '/v1/admin/guards?account=other'))['guards']).toMatchObject([{ id: 'runaway' }])

  rest.clock.at += 1_000
  const shown = await ask('GET', '/v1/admin/catalog')
  expect(shown).toMatchObject({ version: 1, document: { id: 'neural-draft' } })
  expect(await ask('POST', '/v1/admin/catalog/diff', { catalog: 'neural-draft' })).toEqual({ version: 1, differences: [] })
  expect((await ask('POST', '/v1/admin/catalog/what-if', { catalog: CATALOG, accounts: ['acme'] }))['rows']).not.toEqual([])
  expect(await ask('PUT', '/v1/admin/catalog', { catalog: shown['document'] })).toMatchObject({ applied: false })
  expect(await ask('PUT', '/v1/admin/catalog', { catalog: { ...CATALOG, operations: { 'blog.post': { name: 'Blog post', price: { model: 'flat', credits: '6' } } } } })).toMatchObject({ applied: true })
  expect(await ask('POST', '/v1/admin/catalog/prices', { target: 'blog.post', credits: 4 })).toMatchObject({ applied: true })

  expect(await ask('GET', '/v1/admin/usage?group_by=operation')).toMatchObject({ total_credits: 110 })
  expect((await ask('GET', '/v1/admin/transactions?type=charge&limit=5'))['transactions']).toHaveLength(2)
  expect(await ask('GET', `/v1/admin/explanation?transaction=${String(charged.body['transaction'])}`)).toMatchObject({ outcome: 'charged', refunded: 10 })
  expect((await ask('GET', '/v1/admin/statement?month=2026-01&time_zone=Europe/Berlin'))['children']).toMatchObject([{ account: 'child' }])
  expect(await ask('GET', '/v1/admin/verification')).toMatchObject({ ok: true, accounts: 4 })
  expect(await ask('GET', '/v1/admin/verification?account=acme')).toMatchObject({ ok: true, accounts: 1, head: expect.stringMatching(/^[0-9a-f]{64}$/) })

  rest.clock.at += 31 * DAY_MS
  expect(await ask('GET', '/v1/admin/catalog')).toMatchObject({ document: { tools: { writePost: { operation: 'blog.post' } } } })
  expect((await ask('GET', '/v1/admin/catalog/tool-prices?search=post'))['tool_prices']).toMatchObject([{ tool: 'writePost', price: '4 credits ($0.04)' }])
}

describe('the routes of the operator', () => {
  it('each does what it says, and its answer has the fields of its description and no other', async () => {
    const rest = await restLedger()
    const visited = new Set<string>()
    await playAll(rest, visited)
    expect(admin.map(({ method, path }) => `${method} ${path}`).filter((route) => !visited.has(route))).toEqual([])
    expect(rest.reports).toEqual([])
  })

  it('AX-16: each takes the scope admin, and says so before anything of the request is read', async () => {
    const rest = await restLedger()
    const agent = await rest.keyed('acme', ['credits:read', 'credits:spend', 'content:*'])
    for (const { method, path } of admin) {
      const there = path.replaceAll(/\{\w+\}/g, 'made-up')
      const init = method === 'get' || method === 'delete' ? {} : { body: '{' }
      const answer = await rest.sendRaw(agent, `${there}?made=up`, { method: method.toUpperCase(), ...init })
      expect(problemIn(answer), path).toMatchObject({ status: 403, code: 'forbidden', details: { scope: 'admin' } })
    }
  })

  it('a key with the scope admin acts for its own account alone, one with the scope operator for all', async () => {
    const rest = await restLedger()
    const owner = await rest.keyed('acme', ['admin'])
    const operator = await rest.keyed('acme', ['operator'])
    const forAll = [
      ['GET', '/v1/admin/accounts', undefined],
      ['POST', '/v1/admin/accounts', { id: 'third' }],
      ['GET', '/v1/admin/verification', undefined],
      ['PUT', '/v1/admin/catalog', { catalog: CATALOG }],
      ['POST', '/v1/admin/catalog/what-if', { catalog: CATALOG }],
    ] as const
    for (const [method, path, body] of forAll) {
      expect(problemIn(await rest.send(owner, method, path, body)), path).toMatchObject({ status: 403, code: 'forbidden' })
      expect((await rest.send(operator, method, path, body)).status, path).toBe(200)
    }
    expect((await rest.send(owner, 'POST', '/v1/admin/grants', { credits: 5 })).body).toMatchObject({ balance: 255 })
    expect((await rest.send(owner, 'POST', '/v1/admin/grants', { credits: 5, account: 'acme' })).body).toMatchObject({ balance: 260 })
    expect((await rest.send(operator, 'POST', '/v1/admin/grants', { credits: 5, account: 'other' })).body).toMatchObject({ balance: 255 })
    expect((await rest.send(operator, 'GET', '/v1/admin/balance?account=other')).body).toMatchObject({ account: 'other', balance: 255 })
    expect((await rest.send(operator, 'GET', '/v1/balance')).body, 'as an agent it is of its own').toMatchObject({ account: 'acme', balance: 260 })
  })

  it('an id may have any characters', async () => {
    const rest = await restLedger()
    const operator = rest.local('acme')
    for (const id of ['a/b', 'a%2Fb', 'ü ü', 'a?b#c', '+', '%', '100%25', '\u{1f4b3}', ':id', '{id}', 'a..b', '*']) {
      const path = `/v1/admin/budgets/${encodeURIComponent(id)}`
      expect((await rest.send(operator, 'PUT', path, { limit: 1 })).body, id).toMatchObject({ id })
      expect((await rest.send(operator, 'DELETE', path)).status, id).toBe(200)
    }
  })

  it('a catalog that is not valid is 422: the fault is not ours; one on the disk of the server is nobody\'s to name', async () => {
    const rest = await restLedger()
    const operator = rest.local('acme')
    for (const [method, path] of [['PUT', '/v1/admin/catalog'], ['POST', '/v1/admin/catalog/diff'], ['POST', '/v1/admin/catalog/what-if']] as const) {
      expect(problemIn(await rest.send(operator, method, path, { catalog: { id: 'x' } })), path).toMatchObject({ status: 422, code: 'catalog_invalid' })
      const file = problemIn(await rest.send(operator, method, path, { catalog: '/etc/passwd' }))
      expect(file, path).toMatchObject({ status: 400, code: 'invalid_request' })
      expect(file.message, path).not.toMatch(/read|file/)
      expect(problemIn(await rest.send(operator, method, path, {})), path).toMatchObject({ status: 400 })
    }
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`field-${n}`.padEnd(40, '.'), 1]))
    const long = await rest.send(operator, 'PUT', '/v1/admin/catalog', { catalog: { ...many, ['x'.repeat(100_000)]: 1 } })
    expect(problemIn(long)).toMatchObject({ status: 422, code: 'catalog_invalid' })
    expect(long.text.length).toBeLessThan(100_000)
    expect((await rest.send(operator, 'POST', '/v1/admin/catalog/diff', { catalog: 'starter' })).status).toBe(200)
  })

  it('a refusal names fields as they are on the wire, and an unknown one is refused whatever it is called', async () => {
    const rest = await restLedger()
    const operator = rest.local('acme')
    const said = async (method: string, path: string, body?: unknown) => problemIn(await rest.send(operator, method, path, body))
    expect((await said('POST', '/v1/admin/grants', { credits: 1, expires_at: 'soon' })).message).toMatch(/^expires_at is /)
    expect((await said('POST', '/v1/admin/grants', { credits: 1, expiresAt: '2027-01-01T00:00:00Z' })).message).toContain('"expiresAt"')
    expect((await said('POST', '/v1/admin/grants', { credits: -1 }))).toMatchObject({ status: 400, code: 'invalid_amount', details: { field: 'credits' } })
    expect((await said('PUT', '/v1/admin/accounts/acme/time-zone', { time_zone: 'Nowhere' })).message).toMatch(/^time_zone is /)
    expect((await said('GET', '/v1/admin/explanation')).error.details['problems']).toEqual([{ path: 'input', expected: 'give either transaction or idempotency_key' }])
    expect((await said('GET', '/v1/admin/statement?month=2026-13')).message).toMatch(/^month: expected a month/)
    expect((await said('PUT', '/v1/admin/budgets/b', { limit: 1, scope: { tools: 'x' } })).message).toContain('"tools"')
    expect((await said('PUT', `/v1/admin/budgets/${'b'.repeat(256)}`, { limit: 1 })).message).toMatch(/^id: expected at most 255/)
  })
})

describe('what is not there', () => {
  /** A request that names one thing; the account asks for what it does not have, or another has. */
  type Asked = readonly [code: ErrorCode, method: string, path: (id: string) => string, body?: (id: string) => object]

  it('an unknown id and one of another account are answered alike on every route: status, code and form', async () => {
    const rest = await restLedger()
    const owner = await rest.keyed('acme', ['admin'])
    const other = rest.local('other')
    const id = (name: string, answer: Answered): string => String(answer.body[name])
    await rest.send(other, 'POST', '/v1/admin/grants', { credits: 500 })
    const theirs = {
      transaction: id('transaction', await rest.send(other, 'POST', '/v1/tools/charge_credits', { operation: 'blog.post', idempotency_key: 'theirs' })),
      reservation: id('reservation', await rest.send(other, 'POST', '/v1/tools/reserve_credits', { operation: 'blog.post' })),
      purchase: id('purchase', await rest.send(other, 'POST', '/v1/admin/purchases', { pack: 'usd-20', pending: true })),
      budget: id('id', await rest.send(other, 'PUT', '/v1/admin/budgets/theirs', { limit: 5_000 })),
      alert: id('id', await rest.send(other, 'PUT', '/v1/admin/alerts/theirs', { percent: 50 })),
      key: id('id', await rest.send(other, 'POST', '/v1/admin/keys', { id: 'theirs' })),
      member: id('id', await rest.send(other, 'PUT', '/v1/admin/members/theirs', {})),
      cursor: id('next_cursor', await rest.send(other, 'GET', '/v1/transactions?limit=1')),
      approval: id('request', await rest.send(other, 'POST', '/v1/tools/request_credits', { credits: 5, reason: 'more', kind: 'top_up' })),
      quote: id('quote_id', await rest.send(other, 'POST', '/v1/tools/estimate_cost', { operation: 'blog.post', quote: true })),
      account: 'other',
      idempotency_key: 'theirs',
    }
    const unknown: typeof theirs = {
      ...Object.fromEntries(Object.keys(theirs).map((name) => [name, 'no-such'])),
      transaction: theirs.transaction.replace(/.{4}$/, '0000'),
      reservation: theirs.reservation.replace(/.{4}$/, '0000'),
      purchase: theirs.purchase.replace(/.{4}$/, '0000'),
      cursor: theirs.cursor.replace(/.{4}$/, '0000'),
    } as typeof theirs

    const withBody = (field: string, more: object = {}) => (value: string) => ({ [field]: value, ...more })
    const cases: Readonly<Record<keyof typeof theirs, readonly Asked[]>> = {
      transaction: [
        ['unknown_transaction', 'POST', () => '/v1/tools/explain_charge', withBody('transaction')],
        ['unknown_transaction', 'GET', (value) => `/v1/admin/explanation?transaction=${value}`],
        ['unknown_transaction', 'POST', () => '/v1/admin/refunds', withBody('transaction')],
      ],
      reservation: [
        ['unknown_reservation', 'POST', () => '/v1/tools/settle_reservation', withBody('reservation')],
        ['unknown_reservation', 'POST', () => '/v1/tools/release_reservation', withBody('reservation')],
        ['unknown_reservation', 'POST', () => '/v1/tools/extend_reservation', withBody('reservation', { ttl_seconds: 60 })],
      ],
      purchase: [
        ['unknown_purchase', 'POST', (value) => `/v1/admin/purchases/${value}/settle`],
        ['unknown_purchase', 'POST', (value) => `/v1/admin/purchases/${value}/cancel`],
        ['unknown_purchase', 'POST', (value) => `/v1/admin/purchases/${value}/refund`],
      ],
      budget: [
        ['unknown_budget', 'DELETE', (value) => `/v1/admin/budgets/${value}`],
        ['unknown_budget', 'POST', (value) => `/v1/admin/budgets/${value}/raise`, () => ({ credits: 1 })],
        ['unknown_budget', 'POST', () => '/v1/admin/purchases', withBody('budget', { pack: 'usd-20' })],
      ],
      approval: [
        ['unknown_approval', 'POST', (value) => `/v1/admin/approvals/${value}/approve`],
        ['unknown_approval', 'POST', (value) => `/v1/admin/approvals/${value}/deny`],
      ],
      quote: [
        ['unknown_quote', 'POST', () => '/v1/tools/charge_credits', withBody('quote_id')],
        ['unknown_quote', 'POST', () => '/v1/tools/reserve_credits', withBody('quote_id')],
      ],
      alert: [['unknown_alert', 'DELETE', (value) => `/v1/admin/alerts/${value}`]],
      key: [['unknown_key', 'DELETE', (value) => `/v1/admin/keys/${value}`]],
      member: [
        ['unknown_member', 'DELETE', (value) => `/v1/admin/members/${value}`],
        ['unknown_member', 'POST', () => '/v1/admin/keys', withBody('member')],
      ],
      cursor: [
        ['invalid_request', 'GET', (value) => `/v1/transactions?cursor=${value}`],
        ['invalid_request', 'GET', (value) => `/v1/admin/transactions?cursor=${value}`],
        ['invalid_request', 'POST', () => '/v1/tools/list_transactions', withBody('cursor')],
      ],
      idempotency_key: [],
      account: admin
        .filter(({ input, operation }) => 'account' in input.shape && operation !== 'create_account')
        .map((route) => ['unknown_account', route.method.toUpperCase(), (value) => pathFor(route, value), route.method === 'get' || route.method === 'delete' ? undefined : (value) => bodyFor(route, value)] as Asked),
    }

    let count = 0
    for (const [what, asked] of Object.entries(cases) as [keyof typeof theirs, readonly Asked[]][]) {
      for (const [code, method, path, body] of asked) {
        const [foreign, none] = [theirs[what], unknown[what]]
        const toForeign = await rest.send(owner, method, path(foreign), body?.(foreign))
        const toNone = await rest.send(owner, method, path(none), body?.(none))
        const asking = `${method} ${path(foreign)}`
        expect(problemIn(toForeign), asking).toMatchObject({ status: ERRORS[code].status, code })
        expect(toForeign.text.replaceAll(foreign, 'ID'), asking).toBe(toNone.text.replaceAll(none, 'ID'))
        expect([...toForeign.headers], asking).toEqual([...toNone.headers])
        count += 1
      }
    }
    expect(count).toBeGreaterThan(40)
    const asked = await rest.send(owner, 'POST', '/v1/tools/explain_charge', { idempotency_key: 'theirs' })
    expect(asked.body).toMatchObject({ outcome: 'not_charged', transaction: null })
    expect(await rest.credits.verify({ account: 'other' })).toMatchObject({ ok: true })
  })
})

/** A request of a route for another account: its example with that account in its place. */
function pathFor({ path, example, method, input }: Route, account: string): string {
  const filled = pathParameters(path).reduce((text, name) => text.replace(`{${name}}`, name === 'account' ? account : String(example[name])), path)
  if (pathParameters(path).includes('account') || method === 'post' || method === 'put') return filled
  const besides = Object.entries(example).filter(([name]) => name in input.shape && !pathParameters(path).includes(name))
  const query = { ...Object.fromEntries(besides.map(([name, value]) => [name, String(value)])), account }
  return `${filled}?${new URLSearchParams(query).toString()}`
}

function bodyFor({ path, example }: Route, account: string): object {
  const inPath = pathParameters(path)
  const fields = Object.fromEntries(Object.entries(example).filter(([name]) => !inPath.includes(name)))
  return inPath.includes('account') ? fields : { ...fields, account }
}
