import { describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'
import { identifyNobody } from '../../src/http/identity.js'
import { narrowedScopes } from '../../src/keys/narrow.js'
import { modernRequest, newKey, served, type Served } from './support.js'

const CALL = modernRequest('tools/call', { name: 'get_credit_balance', arguments: {} })

function post(path: string, headers: Record<string, string> = {}): [string, RequestInit & { headers: Record<string, string> }] {
  return [path, { method: 'POST', body: CALL.body, headers: { ...CALL.headers, ...headers } }]
}

/** A server with something below `/v1` as well. */
function servedWithRest(): Promise<Served> {
  return served({ rest: (_, caller) => Promise.resolve(Response.json({ account: caller.account })) })
}

describe('who asks', () => {
  it.each(['/mcp', '/v1/balance', '/metrics'])('%s is closed without a key, on loopback too', async (path) => {
    const { fetch: send } = await servedWithRest()
    for (const authorization of ['', 'Bearer', 'Bearer ', 'Basic YTpi', 'Bearer a b', 'Bearer nobody', 'bearer mc_unknown']) {
      const response = await (path === '/mcp' ? send(...post(path, { authorization })) : send(path, { headers: { authorization } }))
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      expect(await response.json()).toMatchObject({ status: 401, error: { code: 'unauthenticated', retryable: false } })
    }
  })

  it('a key in the address is none', async () => {
    const { server, key } = await servedWithRest()
    for (const name of ['key', 'api_key', 'access_token']) expect((await fetch(`${server.address}/v1/balance?${name}=${key}`)).status).toBe(401)
  })

  it('health and the description are open', async () => {
    const { server } = await served({ openApi: () => ({ openapi: '3.1.0' }) })
    expect(await (await fetch(`${server.address}/healthz`)).json()).toEqual({ status: 'ok' })
    expect(await (await fetch(`${server.address}/v1/openapi.json`)).json()).toEqual({ openapi: '3.1.0' })
  })

  it('a key that was revoked or has expired is refused at the next request, in the very answer of one that never was', async () => {
    const { ledger, fetch: send } = await served()
    const revoked = await newKey(ledger, { id: 'revoked' })
    const expired = await newKey(ledger, { id: 'expired', expiresAt: ledger.clock.at + 60_000 })
    const status = async (secret: string) => (await send(...post('/mcp', { authorization: `Bearer ${secret}` }))).status
    expect([await status(revoked), await status(expired)]).toEqual([200, 200])
    await ledger.credits.revokeKey({ id: 'revoked' })
    ledger.clock.at += 60_000
    const answers = await Promise.all(
      [revoked, expired, 'mc_neverwas'].map(async (secret) => {
        const response = await send(...post('/mcp', { authorization: `Bearer ${secret}` }))
        const headers = [...response.headers].filter(([name]) => !['date', 'x-request-id'].includes(name))
        return JSON.stringify({ status: response.status, headers, body: await response.text() })
      }),
    )
    expect(new Set(answers).size).toBe(1)
  })

  it('a refused key waits as long for its answer whatever was found out about it', async () => {
    const { ledger, fetch: send } = await served()
    const revoked = await newKey(ledger, { id: 'revoked' })
    await ledger.credits.revokeKey({ id: 'revoked' })
    const timed = async (secret: string) => {
      const started = process.hrtime.bigint()
      await send(...post('/mcp', { authorization: `Bearer ${secret}` }))
      return Number(process.hrtime.bigint() - started) / 1e6
    }
    // The work takes a millisecond or two; both answers come when the time that is set for them is over.
    for (const secret of [revoked, 'mc_neverwas', revoked, 'mc_neverwas']) expect(await timed(secret)).toBeGreaterThan(24)
  })

  it('T46: keys stand in no line of the log, and in no report', async () => {
    const { ledger, key, log, reports, fetch: send } = await served()
    const revoked = await newKey(ledger, { id: 'revoked' })
    await ledger.credits.revokeKey({ id: 'revoked' })
    for (const secret of [key, revoked, 'mc_neverwas']) await send(...post('/mcp', { authorization: `Bearer ${secret}` }))
    const written = JSON.stringify([log, reports])
    expect(log).toHaveLength(3)
    for (const secret of [key, revoked, 'mc_neverwas']) expect(written).not.toContain(secret)
  })

  it('only callers of the account that the server is for are let in, where it is for one', async () => {
    const { ledger, fetch: send } = await served({ identity: { account: 'acme' } })
    await ledger.credits.as({ account: null }).createAccount({ id: 'acme' })
    const { key } = await ledger.credits.createKey({ account: 'acme' })
    expect((await send(...post('/mcp', { authorization: `Bearer ${key ?? ''}` }))).status).toBe(200)
    const foreign = await send(...post('/mcp'))
    expect([foreign.status, ((await foreign.json()) as { error: { code: string } }).error.code]).toEqual([401, 'unauthenticated'])
  })

  it('while the ledger is away a key counts for what it was, and what is free goes on; an unknown one has to wait', async () => {
    let own: Credits | undefined
    const { ledger, call, fetch: send } = await served({ open: async ({ file, clock }) => (own ??= await openCredits({ database: file, clock })) })
    expect((await call('list_operations')).body.result).not.toHaveProperty('isError')
    // A ledger that is closed answers nothing any more, as one that cannot be reached.
    await own?.close()
    expect((await call('list_operations')).body.result).not.toHaveProperty('isError')
    expect((await call('get_credit_balance')).body.result).toMatchObject({ isError: true, _meta: { 'io.github.mcp-credits/refusal': { error: { code: 'ledger_unavailable' } } } })
    const refused = await send(...post('/mcp', { authorization: `Bearer ${await newKey(ledger, { id: 'new' })}` }))
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ error: { code: 'ledger_unavailable', retryable: true } })
  })

  it('without keys everybody is one caller, who may see and spend and manage nothing', async () => {
    const { ledger, ask, server } = await served({ identify: identifyNobody(async () => ledgerOf(), 'default'), areFiguresOpen: true })
    function ledgerOf() {
      return ledger.credits.as({ holder: 'agent' })
    }
    const { body } = await ask('tools/call', { name: 'charge_credits', arguments: { operation: 'translate' } }, { authorization: '' })
    expect(body.result?.['structuredContent']).toMatchObject({ charged: 7 })
    expect((await fetch(`${server.address}/metrics`)).status).toBe(200)
  })
})

describe('a key narrowed by a token', () => {
  it.each([
    [['credits:read', 'credits:spend'], ['credits:read'], ['credits:read']],
    [['credits:read'], ['credits:read', 'credits:spend', 'admin'], ['credits:read']],
    [['admin'], ['credits:spend'], ['credits:spend']],
    [['operator'], ['admin'], ['admin']],
    [['content:*'], ['credits:spend'], ['content:*']],
    [['content:*'], ['credits:read'], ['credits:read']],
    [['credits:spend'], ['content:*'], []],
    [['credits:spend'], ['openid', 'profile'], []],
    [['admin'], ['operator'], ['admin']],
  ])('%j by %j may %j', (key, token, may) => {
    expect(narrowedScopes(key, token)).toEqual(may)
  })
})
