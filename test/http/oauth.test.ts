import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { resourceServer } from '../../src/http/oauth.js'
import { NOW } from '../mcp/support.js'
import { modernRequest, type Served, served } from './support.js'

const AUDIENCE = 'https://credits.example.com/mcp'

type Claims = Record<string, unknown>

/** An authorization server on loopback, which gives tokens for whatever it is told. */
async function issuer({ metadata = {}, keys }: { readonly metadata?: Record<string, unknown>; readonly keys?: object } = {}) {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const pages: Record<string, unknown> = {
      '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/keys`, ...metadata },
      '/keys': keys ?? { keys: [{ ...jwk, kid: 'k1', alg: 'ES256', use: 'sig' }] },
    }
    const page = pages[request.url ?? '']
    response.writeHead(page === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(page ?? {}))
  })
  const jwk = await exportJWK(publicKey)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = () => new Promise<void>((resolve) => (server.close(() => resolve()), server.closeAllConnections()))
  onTestFinished(stop)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const token = (claims: Claims = {}, key = privateKey) => {
    return new SignJWT({ iss: url, aud: AUDIENCE, sub: 'user-7', exp: NOW / 1_000 + 60, ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(key)
  }
  return { url, token, asked, stop }
}

async function withIssuer(options?: Parameters<typeof issuer>[0]) {
  const authority = await issuer(options)
  const clock = { now: () => NOW }
  const resource = resourceServer({ issuer: authority.url, audience: AUDIENCE }, clock)
  const server = await served({ resourceServer: resource, identity: { verify: resource.verify } })
  await server.ledger.credits.createKey({ id: 'seven', issuer: authority.url, subject: 'user-7', scopes: ['credits:read', 'credits:spend'] })
  return { authority, server, resource }
}

async function calling({ fetch: send }: Served, token: string, name = 'charge_credits', args: Record<string, unknown> = { operation: 'translate' }) {
  const { headers, body } = modernRequest('tools/call', { name, arguments: args })
  const response = await send('/mcp', { method: 'POST', body, headers: { ...headers, authorization: `Bearer ${token}` } })
  return { status: response.status, challenge: response.headers.get('www-authenticate'), body: (await response.json()) as Record<string, Record<string, unknown>> }
}

describe('tokens of an authorization server', () => {
  it('are let in for the key that was made for their subject, whose spending it is', async () => {
    const { authority, server } = await withIssuer()
    const { status, body } = await calling(server, await authority.token())
    expect([status, body['result']?.['structuredContent']]).toMatchObject([200, { charged: 7 }])
    const { rows } = await server.ledger.credits.usage({ groupBy: 'key' })
    expect(rows).toMatchObject([{ key: 'seven', credits: 7 }])
    expect(authority.asked).toEqual(['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration', '/keys'])
    await calling(server, await authority.token())
    expect(authority.asked).toHaveLength(3)
  })

  it('keys of ours go on beside them', async () => {
    const { server } = await withIssuer()
    expect((await server.call('charge_credits', { operation: 'translate' })).body.result?.['structuredContent']).toMatchObject({ charged: 7 })
  })

  it.each<[string, Claims]>([
    ['that have expired', { exp: NOW / 1_000 - 31 }],
    ['of another issuer', { iss: 'https://other.example.com' }],
    ['for another audience', { aud: 'https://other.example.com/mcp' }],
    ['of a subject that nobody made a key for', { sub: 'user-8' }],
    ['of a subject that no key could be made for', { sub: 'x'.repeat(1_000) }],
    ['of a subject that is no name', { sub: 7 }],
    ['of nobody', { sub: '' }],
    ['for several others', { aud: ['https://a.example.com', 'https://b.example.com'] }],
    ['that never expire', { exp: undefined }],
    ['that hold only later', { nbf: NOW / 1_000 + 60 }],
  ])('%s are refused, and told where to get one', async (_what, claims) => {
    const { authority, server } = await withIssuer()
    const { status, challenge, body } = await calling(server, await authority.token(claims))
    expect([status, body['error']]).toMatchObject([401, { code: 'unauthenticated' }])
    expect(challenge).toBe('Bearer resource_metadata="https://credits.example.com/.well-known/oauth-protected-resource/mcp", error="invalid_token"')
  })

  it('that are signed by somebody else, by nobody or with a shared word are refused', async () => {
    const { authority, server } = await withIssuer()
    const other = await generateKeyPair('ES256')
    const claims = { iss: authority.url, aud: AUDIENCE, sub: 'user-7', exp: NOW / 1_000 + 60 }
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const tokens = [
      await authority.token({}, other.privateKey),
      `${part({ alg: 'none' })}.${part(claims)}.`,
      await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(new TextEncoder().encode('a word that is long enough to sign with')),
      `${part({ alg: 'ES256', kid: 'k1' })}.${part(claims)}.AAAA`,
      'a.b.c',
    ]
    for (const token of tokens) expect((await calling(server, token)).status).toBe(401)
  })

  it('narrow what the key may do, and never widen it', async () => {
    const { authority, server } = await withIssuer()
    const reading = await authority.token({ scope: 'openid credits:read' })
    expect((await calling(server, reading, 'get_credit_balance', {})).body['result']).not.toHaveProperty('isError')
    const refused = await calling(server, reading)
    expect(refused.body['result']).toMatchObject({ isError: true, _meta: { 'io.github.mcp-credits/refusal': { error: { code: 'forbidden', details: { scopes: ['credits:read'] } } } } })
    const wide = await authority.token({ scp: ['admin', 'operator', 'credits:spend'] })
    expect((await calling(server, wide)).body['result']).not.toHaveProperty('isError')
    expect((await server.fetch('/metrics', { headers: { authorization: `Bearer ${wide}` } })).status).toBe(403)
  })

  it('are refused at once when the key of their subject is revoked', async () => {
    const { authority, server } = await withIssuer()
    const token = await authority.token()
    expect((await calling(server, token)).status).toBe(200)
    await server.ledger.credits.revokeKey({ id: 'seven' })
    expect((await calling(server, token)).status).toBe(401)
  })

  it('cannot be checked while nobody can be asked, which says nothing of them', async () => {
    const { authority, server } = await withIssuer()
    const token = await authority.token()
    await authority.stop()
    const { status, body } = await calling(server, token)
    expect([status, body['error']]).toMatchObject([503, { code: 'authorization_unavailable', retryable: true }])
  })

  it('nor while what should be the keys is none', async () => {
    const { authority, server } = await withIssuer({ keys: { message: 'We are down for maintenance' } })
    expect((await calling(server, await authority.token())).status).toBe(503)
  })

  it('may be for others as well', async () => {
    const { authority, server } = await withIssuer()
    expect((await calling(server, await authority.token({ aud: ['https://other.example.com', AUDIENCE] }))).status).toBe(200)
  })

  it('are not checked by a description that is of another issuer', async () => {
    const { authority, server } = await withIssuer({ metadata: { issuer: 'https://other.example.com' } })
    expect((await calling(server, await authority.token())).status).toBe(503)
  })
})

describe('this server as a resource', () => {
  it('describes itself to everybody, and names its description to whoever has no token', async () => {
    const { authority, server } = await withIssuer()
    for (const path of ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp']) {
      const response = await fetch(`${server.server.address}${path}`)
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, '*'])
      expect(await response.json()).toMatchObject({ resource: AUDIENCE, authorization_servers: [authority.url], bearer_methods_supported: ['header'] })
    }
    const response = await fetch(server.url, { method: 'POST' })
    expect(response.headers.get('www-authenticate')).toBe('Bearer resource_metadata="https://credits.example.com/.well-known/oauth-protected-resource/mcp"')
  })

  it('is none without an authorization server: a host would begin what cannot succeed', async () => {
    const { server, url } = await served()
    expect((await fetch(`${server.address}/.well-known/oauth-protected-resource`)).status).toBe(404)
    expect((await fetch(url, { method: 'POST' })).headers.get('www-authenticate')).toBe('Bearer')
  })

  it.each([
    { issuer: 'http://login.example.com', audience: AUDIENCE },
    { issuer: 'login.example.com', audience: AUDIENCE },
    { issuer: 'https://login.example.com', audience: 'credits' },
  ])('%j is refused at the start', (options) => {
    expect(() => resourceServer(options, { now: () => NOW })).toThrow(/^--oauth-(?:issuer|audience): expected an https:\/\/ address/)
  })
})
