import { describe, expect, it } from 'vitest'
import { openCredits } from '../../src/credits.js'
import { restHandler } from '../../src/http/rest.js'
import { routes } from '../../src/http/routes.js'
import { callTool, tools } from '../../tools/index.js'
import { callerOf, NOW, problemIn, restLedger } from './rest-support.js'

const JSON_TYPE = { 'content-type': 'application/json' }
const AGENT = ['credits:read', 'credits:spend']

describe('tools over REST', () => {
  it('every tool is a route, and the reading ones answer what they answer over MCP', async () => {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', AGENT)
    expect(routes.filter(({ group }) => group === 'tools').map(({ path }) => path)).toEqual(tools.map(({ name }) => `/v1/tools/${name}`))
    const inputs: Record<string, object> = { estimate_cost: { operation: 'blog.post' }, explain_charge: { idempotency_key: 'none' } }
    for (const tool of tools.filter(({ toolset }) => toolset === 'read')) {
      const input = inputs[tool.name] ?? {}
      const over = await callTool(tool, () => Promise.resolve(caller.credits.as({ holder: 'agent' })), input)
      const answer = await rest.send(caller, 'POST', `/v1/tools/${tool.name}`, input)
      expect(answer, tool.name).toMatchObject({ status: 200, body: over })
      expect(answer.headers.get('content-type'), tool.name).toBe('application/json')
      expect(answer.headers.get('cache-control'), tool.name).toBe('no-store')
    }
    expect(rest.reports).toEqual([])
  })

  it('the reads are the same by GET, their parameters read as what their fields are', async () => {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', AGENT)
    await rest.send(caller, 'POST', '/v1/tools/charge_credits', { operation: 'blog.post', labels: { customer_id: 'c:1', other: 'x' } })
    await rest.send(caller, 'POST', '/v1/tools/charge_credits', { operation: 'blog.post', labels: { customer_id: 'c2' } })
    const pairs: readonly (readonly [string, string, object])[] = [
      ['/v1/balance', 'get_credit_balance', {}],
      ['/v1/budgets', 'get_budget_status', {}],
      ['/v1/usage', 'get_mcp_usage', {}],
      ['/v1/usage?group_by=label:customer_id&since=2026-01-01T00:00:00Z', 'get_mcp_usage', { group_by: 'label:customer_id', since: '2026-01-01T00:00:00Z' }],
      ['/v1/usage?label=customer_id:c:1', 'get_mcp_usage', { label: { name: 'customer_id', value: 'c:1' } }],
      ['/v1/operations?category=video', 'list_operations', { category: 'video' }],
      ['/v1/transactions?limit=1&type=charge', 'list_transactions', { limit: 1, type: 'charge' }],
    ]
    for (const [path, tool, input] of pairs) {
      const byBody = await rest.send(caller, 'POST', `/v1/tools/${tool}`, input)
      expect(byBody.status, path).toBe(200)
      expect(await rest.send(caller, 'GET', path), path).toMatchObject({ status: 200, body: byBody.body })
    }
    const labelled = await rest.send(caller, 'GET', '/v1/usage?label=customer_id:c:1')
    expect(labelled.body).toMatchObject({ total_calls: 1, total_credits: 60 })
    expect((await rest.send(caller, 'HEAD', '/v1/balance')).status).toBe(200)
  })

  it.each([
    ['/v1/transactions?limit=x', 'limit'],
    ['/v1/transactions?limit=1.5', 'limit'],
    ['/v1/transactions?limit=0x10', 'limit'],
    ['/v1/transactions?limit=1e999', 'limit'],
    ['/v1/transactions?limit=', 'limit'],
    ['/v1/transactions?limit=1&limit=2', 'limit'],
    ['/v1/transactions?type=none', 'type'],
    ['/v1/transactions?label=nothing', 'label'],
    ['/v1/transactions?label=:c1', 'label'],
    ['/v1/transactions?account=other', 'account'],
    ['/v1/transactions?__proto__=1', '__proto__'],
    ['/v1/usage?timeZone=UTC', 'timeZone'],
    ['/v1/usage?time_zone=Nowhere', 'time_zone'],
    ['/v1/usage?since=yesterday', 'since'],
    ['/v1/balance?limit=1', 'limit'],
  ])('%s is refused by the name of the parameter', async (path, name) => {
    const rest = await restLedger()
    const answer = await rest.send(await rest.keyed('acme', ['credits:read']), 'GET', path)
    expect(problemIn(answer)).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(problemIn(answer).message).toContain(name)
  })

  it('what a key may not do is refused before its body is read: 403, in the words of every door', async () => {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', ['credits:read'])
    const answer = await rest.sendRaw(caller, '/v1/tools/charge_credits', { method: 'POST', body: '{' })
    expect(problemIn(answer)).toMatchObject({ status: 403, code: 'forbidden', details: { scope: 'credits:spend', scopes: ['credits:read'] } })
    const narrow = await rest.keyed('acme', ['video:*'])
    expect(problemIn(await rest.send(narrow, 'POST', '/v1/tools/charge_credits', { operation: 'blog.post' }))).toMatchObject({ status: 403, code: 'forbidden' })
    expect((await rest.send(narrow, 'POST', '/v1/tools/charge_credits', { operation: 'video.clip', variant: 'budget' })).status).toBe(200)
  })

  it('a key that was revoked after it was let in is refused in the write itself: 401, with a challenge', async () => {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', AGENT, { id: 'gone' })
    await rest.credits.revokeKey({ account: 'acme', id: 'gone' })
    const answer = await rest.send(caller, 'POST', '/v1/tools/charge_credits', { operation: 'blog.post' })
    expect(problemIn(answer)).toMatchObject({ status: 401, code: 'unauthenticated' })
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  })

  it('a door learns which route it was and how a call ended, by names of ours alone', async () => {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', AGENT)
    await rest.send(caller, 'GET', '/v1/balance')
    await rest.send(caller, 'POST', '/v1/tools/charge_credits', { operation: 'blog.post', quantity: 5 })
    await rest.send(caller, 'GET', '/v1/admin/accounts/acme')
    await rest.send(caller, 'GET', '/v1/made-up')
    expect(rest.told).toEqual(['/v1/balance', 'get_credit_balance ok', '/v1/tools/charge_credits', 'charge_credits out_of_credits', '/v1/admin/accounts/{account}'])
  })
})

describe('idempotency keys over REST', () => {
  const PATH = '/v1/tools/charge_credits'

  it('T08: the header is the key of the write, quoted or bare; a replay says so and charges nothing', async () => {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', AGENT)
    const first = await rest.send(caller, 'POST', PATH, { operation: 'blog.post' }, { 'idempotency-key': '"job \\"1\\""' })
    expect(first).toMatchObject({ status: 200, body: { charged: 60, balance: 190, replayed: false } })
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    for (const headers of [{ 'idempotency-key': '"job \\"1\\""' }, {}]) {
      const body = { operation: 'blog.post', ...('idempotency-key' in headers ? {} : { idempotency_key: 'job "1"' }) }
      const again = await rest.send(caller, 'POST', PATH, body, headers)
      expect(again).toMatchObject({ status: 200, body: { ...first.body, replayed: true } })
      expect(again.headers.get('idempotency-replayed')).toBe('true')
    }
    const bare = await rest.send(caller, 'POST', PATH, { operation: 'blog.post', idempotency_key: 'job-2' }, { 'Idempotency-Key': 'job-2' })
    expect(bare.body).toMatchObject({ charged: 60, balance: 130 })
    const other = await rest.send(caller, 'POST', PATH, { operation: 'video.clip', variant: 'budget' }, { 'idempotency-key': 'job-2' })
    expect(problemIn(other)).toMatchObject({ status: 409, code: 'idempotency_conflict' })
  })

  it.each([
    ['another key than the body', 'k1', { idempotency_key: 'k2' }],
    ['no text', ' ', {}],
    ['an empty text', '""', {}],
    ['a quote that does not end', '"k', {}],
    ['something after the quote', '"k"; a=1', {}],
    ['more than 255 characters', 'k'.repeat(256), {}],
    ['letters that a header may lose', 'k\u00e4se', {}],
  ])('a header with %s is refused and nothing is charged', async (_what, key, more) => {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', AGENT)
    const answer = await rest.send(caller, 'POST', PATH, { operation: 'blog.post', ...more }, { 'idempotency-key': key })
    expect(problemIn(answer)).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(await rest.credits.balance({ account: 'acme' })).toMatchObject({ balance: 250 })
  })

  it('a read takes no key: the header changes nothing, above all not which call is asked about', async () => {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', AGENT)
    await rest.send(caller, 'POST', PATH, { operation: 'blog.post', idempotency_key: 'asked' })
    const answer = await rest.send(caller, 'POST', '/v1/tools/explain_charge', { idempotency_key: 'asked' }, { 'idempotency-key': 'other' })
    expect(answer.body).toMatchObject({ outcome: 'charged', charged: 60 })
    expect((await rest.send(caller, 'GET', '/v1/balance', undefined, { 'idempotency-key': 'other' })).status).toBe(200)
  })

  it('an estimate takes the key only where it is a quote, which is written', async () => {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', AGENT)
    const estimate = (body: object) => rest.send(caller, 'POST', '/v1/tools/estimate_cost', { operation: 'blog.post', ...body }, { 'idempotency-key': 'quoted' })
    expect(await estimate({})).toMatchObject({ status: 200, body: { maximum: 60 } })
    const quoted = await estimate({ quote: true })
    expect(quoted).toMatchObject({ status: 200, body: { maximum: 60 } })
    expect((await estimate({ quote: true })).body['quote_id']).toBe(quoted.body['quote_id'])
    expect(problemIn(await estimate({ quote: true, quantity: 2 }))).toMatchObject({ status: 409, code: 'idempotency_conflict' })
  })

  it('on a route without a body the key has its header and nothing else', async () => {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', ['admin'])
    await rest.send(caller, 'PUT', '/v1/admin/budgets/daily', { limit: 10, window: 'day' })
    expect(problemIn(await rest.send(caller, 'DELETE', '/v1/admin/budgets/daily?idempotency_key=k'))).toMatchObject({ status: 400, code: 'invalid_request' })
    const removed = await rest.send(caller, 'DELETE', '/v1/admin/budgets/daily', undefined, { 'idempotency-key': 'k' })
    expect(removed).toMatchObject({ status: 200, body: { replayed: false } })
    expect((await rest.send(caller, 'DELETE', '/v1/admin/budgets/daily', undefined, { 'idempotency-key': 'k' })).body).toEqual({ ...removed.body, replayed: true })
  })
})

describe('what is no request of ours', () => {
  it.each([
    ['GET', '/v1', 404, null],
    ['GET', '/v1/', 404, null],
    ['GET', '/v1/balances', 404, null],
    ['GET', '/v1/balance/', 404, null],
    ['POST', '/v1/tools/no_such_tool', 404, null],
    ['GET', '/v1/tools/charge_credits', 405, 'POST'],
    ['POST', '/v1/balance', 405, 'GET, HEAD'],
    ['PATCH', '/v1/admin/budgets/b', 405, 'PUT, DELETE'],
    ['DELETE', '/v1/admin/accounts', 405, 'GET, HEAD, POST'],
    ['OPTIONS', '/v1/admin/keys', 405, 'GET, HEAD, POST'],
    ['POST', '/v1/openapi.json', 405, 'GET, HEAD'],
  ])('%s %s is %i', async (method, path, status, allow) => {
    const rest = await restLedger()
    const answer = await rest.send(await rest.keyed('acme', ['admin']), method, path)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('allow')).toBe(allow)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(problemIn(answer)).toMatchObject({ status, code: 'invalid_request', type: 'urn:mcp-credits:error:invalid_request', error: { code: 'invalid_request', retryable: false } })
  })

  const operation = '"operation":"blog.post"'
  it.each([
    ['text', 'text/plain', `{${operation}}`, 415],
    ['a form', 'application/x-www-form-urlencoded', 'operation=blog.post', 415],
    ['JSON in another encoding', 'application/json; charset=utf-16', `{${operation}}`, 415],
    ['what says that it is JSONP', 'application/jsonp', `{${operation}}`, 415],
    ['broken JSON', 'application/json', `{${operation}`, 400],
    ['bytes that are no UTF-8', 'application/json', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400],
    ['a list', 'application/json', '[]', 400],
    ['a number', 'application/json', '1', 400],
    ['null', 'application/json', 'null', 400],
    ['a member that stands twice', 'application/json', `{${operation},"operation":"website.generate"}`, 400],
    ['a member that stands twice, written differently', 'application/json', `{${operation},"\\u006fperation":"website.generate"}`, 400],
    ['a member that stands twice inside', 'application/json', `{${operation},"args":{"a":1,"a":2}}`, 400],
    ['an integer that no double holds', 'application/json', `{${operation},"args":{"seed":12345678901234567890}}`, 400],
    ['a number beyond all doubles', 'application/json', `{${operation},"quantity":1e309}`, 400],
    ['600 levels', 'application/json', `{${operation},"args":{"a":${'['.repeat(600)}${']'.repeat(600)}}}`, 400],
    ['a hundred levels', 'application/json', `{${operation},"args":{"a":${'['.repeat(100)}${']'.repeat(100)}}}`, 400],
    ['a name that no copy keeps', 'application/json', `{${operation},"__proto__":{"quantity":0}}`, 400],
    ['a name that no copy keeps inside', 'application/json', `{${operation},"args":{"__proto__":1}}`, 400],
    ['the name that a field has in the library', 'application/json', `{${operation},"idempotencyKey":"k"}`, 400],
    ['an account', 'application/json', `{${operation},"account":"other"}`, 400],
  ] as const)('a body of %s is refused, and nothing is charged', async (_what, type, body, status) => {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', AGENT)
    const answer = await rest.sendRaw(caller, '/v1/tools/charge_credits', { method: 'POST', headers: { 'content-type': type }, body })
    expect(problemIn(answer)).toMatchObject({ status, code: 'invalid_request' })
    expect(problemIn(answer).message.length).toBeLessThan(1_000)
    expect(await rest.credits.balance({ account: 'acme' })).toMatchObject({ balance: 250 })
    expect(rest.reports).toEqual([])
  })

  it.each(['application/json', 'Application/JSON; Charset="UTF-8"', 'application/json;charset=utf-8;x=1', 'application/vnd.product+json'])('%s is JSON', async (type) => {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', AGENT)
    const answer = await rest.sendRaw(caller, '/v1/tools/estimate_cost', { method: 'POST', headers: { 'content-type': type }, body: `{${operation}}` })
    expect(answer).toMatchObject({ status: 200, body: { maximum: 60 } })
  })

  it('no body is an empty input, whatever its type', async () => {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', AGENT)
    expect((await rest.sendRaw(caller, '/v1/tools/get_credit_balance', { method: 'POST' })).status).toBe(200)
    expect(problemIn(await rest.sendRaw(caller, '/v1/tools/charge_credits', { method: 'POST' }))).toMatchObject({ status: 400, code: 'invalid_request' })
  })

  it('input where nobody looks for it is refused, not passed over', async () => {
    const rest = await restLedger()
    const caller = await rest.keyed('acme', ['admin'])
    const inQuery = await rest.send(caller, 'POST', '/v1/tools/estimate_cost?quantity=2', { operation: 'blog.post' })
    expect(problemIn(inQuery)).toMatchObject({ status: 400, details: { field: 'quantity' } })
    const inBody = await rest.sendRaw(caller, '/v1/admin/budgets/daily', { method: 'DELETE', headers: JSON_TYPE, body: '{"account":"other"}' })
    expect(problemIn(inBody)).toMatchObject({ status: 400, code: 'invalid_request' })
    const twice = await rest.send(caller, 'PUT', '/v1/admin/budgets/daily', { id: 'other', limit: 5 })
    expect(problemIn(twice)).toMatchObject({ status: 400, details: { field: 'id' } })
    expect((await rest.credits.budgets({ account: 'acme' })).budgets).toEqual([])
  })

  it('what goes wrong inside is 500 without a word of what it was; the operator is told', async () => {
    let isBroken = false
    const clock = {
      now: () => {
        if (isBroken) throw new Error('the clock at /etc/secret-place stood still')
        return NOW
      },
    }
    const credits = await openCredits({ database: ':memory:', catalog: 'neural-draft', clock })
    await credits.createAccount({ id: 'acme' })
    const { key } = await credits.createKey({ account: 'acme' })
    const caller = await callerOf(credits, key ?? '')
    const reports: string[] = []
    const handler = restHandler({ version: '1', report: (line) => reports.push(line) })
    const tell = { route: () => undefined, call: () => undefined }
    isBroken = true
    const response = await handler(new Request('http://127.0.0.1/v1/balance?limit', { method: 'GET' }), caller, tell)
    expect(response.status, 'a bad input is refused before anything is asked').toBe(400)
    const failed = await handler(new Request('http://127.0.0.1/v1/balance'), caller, tell)
    const text = await failed.text()
    expect(failed.status).toBe(500)
    expect(JSON.parse(text)).toMatchObject({ status: 500, code: 'internal_error', retryable: false, error: { code: 'internal_error' } })
    expect(text).not.toMatch(/secret-place|clock|Error:|\.ts/)
    expect(reports).toHaveLength(1)
    expect(reports[0]).toMatch(/^GET \/v1\/balance failed: Error: the clock at \/etc\/secret-place/)
    isBroken = false
    await credits.close()
  })
})
