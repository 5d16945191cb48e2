import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { CreditError } from '../../src/errors.js'
import type { RestHandler, Telling } from '../../src/http/ports.js'
import { restHandler } from '../../src/http/rest.js'
import { EventReader, modernRequest, newKey, served, signal } from './support.js'

describe('figures', () => {
  it('are for those who manage, and count requests, calls and what is open', async () => {
    const { fetch: send, call, ledger } = await served({ rest: () => Promise.resolve(new Response('{}')) })
    await call('charge_credits', { operation: 'translate' })
    await call('charge_credits', { operation: 'translate', quantity: 1_000 })
    await call('no_such_tool_of_ours')
    await send('/v1/somebody/else')
    await send('/nowhere/secret-word')
    const { headers, body } = modernRequest('subscriptions/listen', { notifications: { resourceSubscriptions: ['credits://balance'] } })
    const news = new EventReader(await send('/mcp', { method: 'POST', body, headers }))
    expect((await send('/metrics')).status).toBe(403)
    const admin = { authorization: `Bearer ${await newKey(ledger, { scopes: ['admin'] })}` }
    const response = await send('/metrics', { headers: admin })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')])
    const lines = (await response.text()).split('\n')
    expect(lines).toEqual(
      expect.arrayContaining([
        'mcp_credits_http_requests_total{route="/mcp",status="200"} 3',
        'mcp_credits_http_requests_total{route="/v1",status="200"} 1',
        'mcp_credits_http_requests_total{route="other",status="404"} 1',
        'mcp_credits_http_requests_total{route="/metrics",status="403"} 1',
        'mcp_credits_http_requests_open{route="/mcp subscriptions/listen"} 1',
        'mcp_credits_http_request_duration_seconds_count{route="/mcp"} 3',
        'mcp_credits_calls_total{outcome="ok"} 1',
        'mcp_credits_calls_total{outcome="out_of_credits"} 1',
        'mcp_credits_rate_limited_total 0',
        expect.stringMatching(/^mcp_credits_http_connections [1-9]/),
      ]),
    )
    // No label is anything that a client made up, or that tells of an account.
    for (const word of ['no_such_tool', 'somebody', 'secret-word', 'default', 'key_']) expect(lines.join('\n')).not.toContain(word)
    await news.cancel()
  })
})

describe('the log', () => {
  it('T46: has a line for each request with who, what and how long, and nothing of what was in it', async () => {
    const { call, log, ledger, fetch: send, reports } = await served()
    const planted = 'planted-secret-4711'
    await call('charge_credits', { operation: 'translate', labels: { customer: planted }, args: { text: planted } }, { 'idempotency-key': planted })
    await call('explain_charge', { idempotency_key: planted })
    await call(planted)
    await send(`/mcp?token=${planted}`, { method: 'POST', body: planted, headers: { 'content-type': 'application/json', 'x-request-id': planted, cookie: planted } })
    await send(`/${planted}`, { method: 'REPORT', headers: { 'user-agent': planted } })
    await expect.poll(() => log.length).toBe(5)
    const [first] = log
    const key = (await ledger.credits.keys())[0]?.id
    expect(first).toEqual({
      time: '2026-01-10T12:00:00.000Z',
      request: 'request-1',
      method: 'POST',
      route: '/mcp',
      status: 200,
      ms: 0,
      key,
      account: 'default',
      calls: [{ tool: 'charge_credits', outcome: 'ok' }],
    })
    expect(log.map(({ route, status, method }) => [route, status, method])).toEqual([
      ['/mcp', 200, 'POST'],
      ['/mcp', 200, 'POST'],
      ['/mcp', 200, 'POST'],
      ['/mcp', 400, 'POST'],
      ['other', 404, 'other'],
    ])
    expect(JSON.stringify([log, reports])).not.toContain(planted)
  })

  it('tells the code of a refusal, and the request by the id that its answer carries', async () => {
    const { call, log } = await served()
    const { headers } = await call('charge_credits', { operation: 'translate', quantity: 1_000 })
    await expect.poll(() => log).toMatchObject([{ request: headers.get('x-request-id'), calls: [{ tool: 'charge_credits', outcome: 'out_of_credits' }] }])
  })

  it('has a line for a call that goes on after its request has ended', async () => {
    let tell: Telling | undefined
    const rest: RestHandler = async (_asked, _caller, told) => {
      tell = told
      return new Response('{}')
    }
    const { fetch: send, ledger, log } = await served({ rest })
    await send('/v1/balance')
    await expect.poll(() => log).toMatchObject([{ request: 'request-1', route: '/v1', status: 200 }])
    tell?.call('draw', 'out_of_credits')
    const key = (await ledger.credits.keys())[0]?.id
    expect(log.slice(1)).toEqual([{ time: '2026-01-10T12:00:00.000Z', request: 'request-1', key, account: 'default', calls: [{ tool: 'draw', outcome: 'out_of_credits' }] }])
  })

  it('tells of whoever goes before an answer was begun, and of no fault of ours', async () => {
    const handed = signal()
    const handler = restHandler({ version: '1', report: (line) => void reports.push(line) })
    const rest: RestHandler = (asked, caller, tell) => {
      handed.give()
      return handler(asked, caller, tell)
    }
    const { server, key, log, reports } = await served({ rest })
    const leaving = request(`${server.address}/v1/tools/charge_credits`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': 100 } })
    leaving.on('error', () => undefined).write('{"operation":')
    await handed.given
    leaving.destroy()
    await expect.poll(() => log).toMatchObject([{ route: '/v1/tools/charge_credits', status: 499, cut: true }, { calls: [{ tool: 'charge_credits', outcome: 'error' }] }])
    expect(reports).toEqual([])
  })

  it('tells of a stream of news when it ends, and that the client had gone', async () => {
    const { fetch: send, log } = await served()
    const { headers, body } = modernRequest('subscriptions/listen', { notifications: { resourceSubscriptions: ['credits://balance'] } })
    const news = new EventReader(await send('/mcp', { method: 'POST', body, headers }))
    await news.next()
    expect(log).toEqual([])
    await news.cancel()
    await expect.poll(() => log).toMatchObject([{ route: '/mcp subscriptions/listen', status: 200, cut: true }])
  })
})

describe('health', () => {
  it('is 503 with the refusal while the ledger does not answer, and fine again after', async () => {
    let isAway = true
    const { server } = await served({ isWell: () => (isAway ? Promise.reject(new CreditError('ledger_unavailable', 'The ledger cannot be reached')) : Promise.resolve()) })
    const sick = await fetch(`${server.address}/healthz`)
    expect([sick.status, await sick.json()]).toMatchObject([503, { status: 503, error: { code: 'ledger_unavailable', retryable: true } }])
    isAway = false
    expect((await fetch(`${server.address}/healthz`)).status).toBe(200)
  })

  it('answers whoever only asks whether it is there', async () => {
    const { server } = await served()
    const response = await fetch(`${server.address}/healthz`, { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })
})
