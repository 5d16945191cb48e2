import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { guardsFor } from '../../src/http/guards.js'
import { modernRequest, served } from './support.js'

/** The status of a request with headers that `fetch` would not send. */
function statusOf(url: string, headers: Record<string, string>, method = 'GET'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.on('error', reject)
    sent.end()
  })
}

describe('names of this server and pages that call it', () => {
  it.each(['localhost', 'localhost:8321', '127.0.0.1:1', '[::1]:8321', 'LOCALHOST', 'credits.example.com', 'credits.example.com:443'])('%s is asked by name', (host) => {
    expect(guardsFor({ host: '127.0.0.1', allowedHosts: ['credits.example.com:8443'] }).host(host)).toBeNull()
  })

  it.each([null, '', 'evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '2130706433.evil.example', 'evil.example:8321', 'user@localhost.evil', '0.0.0.0'])(
    '%s is not',
    (host) => {
      expect(guardsFor({ host: '0.0.0.0', allowedHosts: ['credits.example.com'] }).host(host)).toMatchObject({ code: 'forbidden' })
    },
  )

  it.each([null, 'http://localhost:6274', 'https://127.0.0.1', 'http://[::1]:1', 'http://credits.example.com', 'https://app.example.com', 'HTTPS://APP.example.com'])('pages of %s may call', (origin) => {
    expect(guardsFor({ host: '127.0.0.1', allowedHosts: ['credits.example.com'], allowedOrigins: ['https://app.example.com'] }).origin(origin)).toBeNull()
  })

  it.each(['', 'null', 'http://evil.example', 'https://localhost.evil.example', 'file://', 'https://app.example.com:8443', 'http://app.example.com', 'ftp://localhost', 'chrome-extension://localhost'])(
    'pages of %j may not',
    (origin) => {
      expect(guardsFor({ host: '127.0.0.1', allowedOrigins: ['https://app.example.com/'] }).origin(origin)).toMatchObject({ code: 'forbidden' })
    },
  )

  it.each([
    { allowedHosts: ['https://credits.example.com'] },
    { allowedHosts: ['a b'] },
    { allowedHosts: [''] },
    { allowedOrigins: ['app.example.com'] },
    { allowedOrigins: ['https://app.example.com/page'] },
    { allowedOrigins: ['*'] },
    { allowedOrigins: ['null'] },
  ])('%j is refused', (wrong) => {
    expect(() => guardsFor({ host: '127.0.0.1', ...wrong })).toThrow(/^--allowed-(?:host|origin): expected/)
  })
})

describe('a server on loopback', () => {
  it('serves nobody who asks it by a foreign name or from a foreign page, whatever the key', async () => {
    const { url, key } = await served()
    const authorization = `Bearer ${key}`
    const { headers } = modernRequest('tools/list', {})
    expect(await statusOf(url, { ...headers, authorization, host: 'evil.example' }, 'POST')).toBe(403)
    expect(await statusOf(url, { ...headers, authorization, origin: 'https://evil.example' }, 'POST')).toBe(403)
    expect(await statusOf(url, { ...headers, authorization, host: 'not a host' }, 'POST')).toBe(400)
  })

  it('says so in the one body of refusals, and repeats nothing of what it was sent', async () => {
    const { fetch: send } = await served()
    const response = await send('/mcp', { headers: { origin: 'https://evil.example' } })
    const text = await response.text()
    expect([response.status, response.headers.get('content-type')]).toEqual([403, 'application/problem+json'])
    expect(JSON.parse(text)).toMatchObject({ status: 403, error: { code: 'forbidden', advice: [expect.stringContaining('--allowed-origin')] } })
    expect(text).not.toContain('evil')
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('tells whoever watches over it how it is, by whatever name it is asked', async () => {
    const { server } = await served()
    expect(await statusOf(`${server.address}/healthz`, { host: '10.0.0.7:8321' })).toBe(200)
  })

  it('shares its answers with pages of the origins that were named, and with no others', async () => {
    const { fetch: send } = await served({ allowedOrigins: ['https://app.example.com'] })
    const asked = { origin: 'https://app.example.com', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type,mcp-protocol-version,mcp-param-region,x-mcp-param-no' }
    const preflight = await send('/mcp', { method: 'OPTIONS', headers: { ...asked, authorization: '' } })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
    const allowed = preflight.headers.get('access-control-allow-headers')?.split(',')
    expect(allowed).toEqual(expect.arrayContaining(['authorization', 'mcp-protocol-version', 'mcp-param-region']))
    expect(allowed).not.toContain('x-mcp-param-no')
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull()
    const { headers, body } = modernRequest('tools/list', {})
    const answer = await send('/mcp', { method: 'POST', body, headers: { ...headers, origin: 'https://app.example.com' } })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, 'https://app.example.com'])
    const local = await send('/mcp', { method: 'POST', body, headers: { ...headers, origin: 'http://localhost:3000' } })
    expect([local.status, local.headers.get('access-control-allow-origin')]).toEqual([200, null])
  })
})
