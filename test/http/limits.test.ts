import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { McpDoor } from '../../src/http/ports.js'
import { filesBelow, textOf } from '../support/files.js'
import { modernRequest, newKey, served, signal } from './support.js'

/** Long enough that no test outlives it. */
const AN_HOUR_MS = 3_600_000

describe('bodies', () => {
  it.each(['/mcp', '/v1/anything'])('one that is too long is refused at %s before it is read, with 413', async (path) => {
    const { fetch: send } = await served({ limits: { bodyBytesMax: 1_000 }, rest: () => Promise.resolve(new Response('read')) })
    const response = await send(path, { method: 'POST', body: 'x'.repeat(1_001), headers: { 'content-type': 'application/json' } })
    expect([response.status, response.headers.get('content-type')]).toEqual([413, 'application/problem+json'])
    expect(await response.json()).toMatchObject({ status: 413, error: { code: 'invalid_request', details: { limit: 1_000 }, retryable: false } })
  })

  it('one of untold length is counted as it comes', async () => {
    const { fetch: send, ledger } = await served({ limits: { bodyBytesMax: 1_000 } })
    const { headers, body } = modernRequest('tools/call', { name: 'charge_credits', arguments: { operation: 'translate' } })
    const streamed = (text: string) => ({ method: 'POST', headers, body: new Blob([text]).stream(), duplex: 'half' }) as RequestInit & { headers: Record<string, string> }
    expect((await send('/mcp', streamed(' '.repeat(1_001 - body.length) + body))).status).toBe(413)
    const { balance } = await ledger.credits.balance()
    const fitting = await send('/mcp', streamed(' '.repeat(1_000 - body.length) + body))
    expect([fitting.status, ((await fitting.json()) as { result: { structuredContent: object } }).result.structuredContent]).toMatchObject([200, { balance: balance - 7 }])
  })

  it('whoever does not finish its headers is cut off', async () => {
    const { server } = await served({ limits: { headersMs: 1, requestMs: 1, checkMs: 5 } })
    const socket = connect(server.port, '127.0.0.1')
    socket.write('POST /mcp HTTP/1.1\r\nhost: localhost\r\n')
    const answer = await new Promise<string>((resolve, reject) => {
      let text = ''
      socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      socket.on('error', reject)
      socket.on('close', () => resolve(text))
    })
    expect(answer).toContain('408')
  })
})

describe('answers', () => {
  it('whoever takes nothing of an answer is cut off, and no more of it is made', async () => {
    let chunks = 0
    const endless = () => new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(++chunks)) })
    const door: McpDoor = { fetch: () => Promise.resolve(new Response(endless())), close: () => Promise.resolve() }
    const { server, key, log } = await served({ door, limits: { unreadMs: 20 } })
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => undefined).pause()
    socket.write(`POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\ncontent-length: 0\r\n\r\n`)
    await expect.poll(() => log).toMatchObject([{ route: '/mcp', cut: true }])
    socket.destroy()
  })

  it('whoever waits for one is not, however long it takes', async () => {
    const { given, give } = signal()
    const door: McpDoor = { fetch: () => given.then(() => new Response('late')), close: () => given }
    const { fetch: send } = await served({ door, limits: { unreadMs: 1 } })
    const late = send('/mcp', { method: 'POST' })
    // Each takes longer than whoever takes nothing of an answer has.
    for (let i = 0; i < 20; i++) await send('/healthz')
    give()
    expect(await (await late).text()).toBe('late')
  })
})

describe('ND-18: how often', () => {
  it('a request too many is 429 with Retry-After, retryable, and about no money', async () => {
    const { fetch: send, ledger, log } = await served({ limits: { rateMax: 2, rateWindowMs: AN_HOUR_MS } })
    const { headers, body } = modernRequest('tools/call', { name: 'charge_credits', arguments: { operation: 'translate' } })
    const post = () => send('/mcp', { method: 'POST', headers, body })
    expect([(await post()).status, (await post()).status]).toEqual([200, 200])
    const { balance } = await ledger.credits.balance()
    const refused = await post()
    expect([refused.status, refused.headers.get('content-type')]).toEqual([429, 'application/problem+json'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_000)
    expect(await refused.json()).toMatchObject({ status: 429, error: { code: 'rate_limited', retryable: true, affordable: null, top_up_url: null } })
    expect((await ledger.credits.balance()).balance).toBe(balance)
    await expect.poll(() => log.at(-1)).toMatchObject({ status: 429, account: 'default', route: '/mcp' })
  })

  it('nothing but a request too many carries Retry-After, and so no 503 of any door', () => {
    const giving = filesBelow('src').filter((path) => path.endsWith('.ts') && textOf(path).includes("'retry-after':"))
    expect(giving).toEqual(['src/http/limits.ts'])
  })

  it('each key has a rate of its own', async () => {
    const { fetch: send, ledger } = await served({ limits: { rateMax: 1, rateWindowMs: AN_HOUR_MS } })
    const { headers, body } = modernRequest('tools/list', {})
    const post = async (key?: string) => (await send('/mcp', { method: 'POST', body, headers: { ...headers, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) } })).status
    const other = await newKey(ledger)
    expect([await post(), await post(), await post(other), await post(other)]).toEqual([200, 429, 200, 429])
  })

  it('out of credits is 402 at any rate, and never 429', async () => {
    const { call } = await served({ limits: { rateMax: 10, rateWindowMs: AN_HOUR_MS } })
    for (let i = 0; i < 10; i++) {
      const { status, body } = await call('charge_credits', { operation: 'translate', quantity: 1_000 })
      expect([status, body.result]).toMatchObject([200, { isError: true, _meta: { 'io.github.mcp-credits/refusal': { error: { code: 'out_of_credits', retryable: false } } } }])
    }
  })

  it('strangers are counted by where they come from, and use up nothing of those who have a key', async () => {
    const { server, fetch: send } = await served({ limits: { rateMax: 3, rateWindowMs: AN_HOUR_MS } })
    const stranger = async () => (await fetch(`${server.address}/mcp`, { method: 'POST' })).status
    expect([await stranger(), await stranger(), await stranger(), await stranger()]).toEqual([401, 401, 401, 429])
    const { headers, body } = modernRequest('tools/list', {})
    expect((await send('/mcp', { method: 'POST', headers, body })).status).toBe(200)
  })
})
