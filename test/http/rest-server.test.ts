import { describe, expect, it } from 'vitest'
import { openApiDocument } from '../../src/http/open-api.js'
import { restHandler } from '../../src/http/rest.js'
import { served } from './support.js'

async function restServed() {
  return served({ rest: restHandler({ version: '1.2.3', report: () => undefined }), openApi: () => openApiDocument({ version: '1.2.3' }) })
}

const JSON_BODY = { 'content-type': 'application/json' }

describe('the REST API behind the real server', () => {
  it('is there for who has a key, its description for everybody', async () => {
    const { fetch, server, ledger } = await restServed()
    const open = await globalThis.fetch(`${server.address}/v1/openapi.json`)
    expect([open.status, await open.json()]).toMatchObject([200, { openapi: '3.1.0', info: { version: '1.2.3' } }])
    const stranger = await globalThis.fetch(`${server.address}/v1/balance`)
    expect([stranger.status, stranger.headers.get('www-authenticate'), await stranger.json()]).toMatchObject([401, expect.stringMatching(/^Bearer/), { status: 401, error: { code: 'unauthenticated' } }])
    expect(await (await fetch('/v1/balance')).json()).toMatchObject({ account: 'default', balance: 250 })

    const charge = () => fetch('/v1/tools/charge_credits', { method: 'POST', headers: { ...JSON_BODY, 'idempotency-key': 'job-1' }, body: '{"operation":"blog.post"}' })
    expect(await (await charge()).json()).toMatchObject({ charged: 60, balance: 190, replayed: false })
    const again = await charge()
    expect([again.headers.get('idempotency-replayed'), await again.json()]).toMatchObject(['true', { replayed: true, balance: 190 }])
    expect(await ledger.credits.balance()).toMatchObject({ balance: 190 })

    const refused = await fetch('/v1/tools/charge_credits', { method: 'POST', headers: JSON_BODY, body: '{"operation":"blog.post","quantity":10}' })
    expect([refused.status, refused.headers.get('content-type'), refused.headers.get('retry-after')]).toEqual([402, 'application/problem+json', null])
    expect(await refused.json()).toMatchObject({ code: 'out_of_credits', error: { details: { required: 600, available: 190 } } })
    expect((await fetch('/v1/admin/keys')).status).toBe(403)
    expect((await fetch('/v1/nothing')).status).toBe(404)
  })

  it('an operator works with it, with and without bodies, and a key that is revoked is refused at its next request', async () => {
    const { ledger, fetch } = await restServed()
    const { key } = await ledger.credits.createKey({ id: 'admin', scopes: ['admin'] })
    const asAdmin = { authorization: `Bearer ${key ?? ''}` }
    const ask = async (method: string, path: string, body?: object) => {
      const response = await fetch(path, { method, headers: { ...asAdmin, ...(body === undefined ? {} : JSON_BODY) }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    }
    expect(await ask('PUT', '/v1/admin/budgets/a%2Fb', { limit: 5 })).toMatchObject({ status: 200, body: { id: 'a/b', limit: 5 } })
    expect(await ask('DELETE', '/v1/admin/budgets/a%2Fb')).toMatchObject({ status: 200 })
    expect(await ask('DELETE', '/v1/admin/budgets/a%2Fb')).toMatchObject({ status: 404, body: { code: 'unknown_budget' } })
    expect(await ask('POST', '/v1/admin/grants', { credits: 5 })).toMatchObject({ status: 200, body: { balance: 255 } })
    expect(await ask('GET', '/v1/admin/accounts')).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(await ask('POST', '/v1/admin/grants', { credits: 5, reason: 'x'.repeat(20_000_000) })).toMatchObject({ status: 413, body: { error: { code: 'invalid_request' } } })
    expect(await ask('DELETE', '/v1/admin/keys/admin')).toMatchObject({ status: 200 })
    expect(await ask('GET', '/v1/admin/keys')).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
  })
})
