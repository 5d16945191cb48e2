import { afterEach, describe, expect, it } from 'vitest'
import { Client } from '@modelcontextprotocol/client'
import { httpUpstream } from '../../src/proxy/http-upstream.js'
import type { GatewayServer } from '../../src/proxy/gateway/gateway-ports.js'
import type { JsonObject } from '../../src/proxy/ports.js'
import { close, ENVELOPE, everything, type Fronted, greet, HELLO, modern, namesIn, startGateway, textOf } from './gateway-harness.js'
import { type Handle, listen, type Listening, modernHttp, oldHttp } from './http-servers.js'
import { oldClient } from './sdk-clients.js'
import { proxiedTransport } from './sdk-transport.js'
import { startProxy, turns } from './harness.js'

let fronted: Fronted
const listening: Listening[] = []

afterEach(async () => {
  await close(fronted)
  await Promise.all(listening.splice(0).map(server => server.close()))
})

const up = async (handle: Handle, port?: number): Promise<Listening> => {
  const server = await listen(handle, port)
  listening.push(server)
  return server
}

const SECRET = 'Bearer of-the-person-who-configured-it'
const limits = { closeGraceMs: 300, terminateGraceMs: 300 }
const at = (name: string, { url }: { readonly url: string }, headers = { authorization: SECRET }): GatewayServer =>
  ({ name, open: httpUpstream({ url, headers, jitterMs: () => 1, limits }) })

const call = (id: number | string, name: string, args: JsonObject = {}, more: JsonObject = {}) => fronted.request(id, 'tools/call', { name, arguments: args, ...more })

describe('servers over HTTP', () => {
  it('of both SDKs stand beside one that is started, for a v1 client, elicitation and progress included', async () => {
    const [one, two] = [await up(modernHttp()), await up(oldHttp())]
    fronted = startGateway([at('one', one), at('two', two), everything()])
    const client = await oldClient(proxiedTransport(fronted))
    const names = (await client.listTools()).tools.map(tool => tool.name)
    expect(names.slice(0, 6)).toEqual(['double', 'place', 'endless', 'shout', 'confirm', 'steps'])
    expect(names).toContain('get-sum')
    expect((await client.callTool({ name: 'double', arguments: { n: 4 } })).structuredContent).toEqual({ twice: 8 })
    expect(textOf(await client.callTool({ name: 'shout', arguments: { text: 'hey' } }) as never)).toBe('HEY')
    expect(textOf(await client.callTool({ name: 'confirm', arguments: {} }) as never)).toBe('accept')
    expect(textOf(await client.callTool({ name: 'echo', arguments: { message: 'hi' } }) as never)).toBe('Echo: hi')
    const progress: number[] = []
    await client.callTool({ name: 'steps', arguments: {} }, undefined, { onprogress: told => progress.push(told.progress) })
    expect(progress.length).toBeLessThanOrEqual(1)
    expect((await client.readResource({ uri: 'page://1' })).contents[0]).toMatchObject({ text: 'a page' })
    expect(fronted.outcomes.every(outcome => outcome.endsWith('charged result'))).toBe(true)
    await client.close()
    expect(two.requests.at(-1)?.method).toBe('DELETE')
  })

  it('all modern ones are spoken to in the modern era, with its headers, an argument\'s own among them', async () => {
    const one = await up(modernHttp())
    fronted = startGateway([at('one', one), modern()])
    const client = new Client({ name: 'new', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    await client.connect(proxiedTransport(fronted) as never)
    expect(client.getProtocolEra()).toBe('modern')
    expect((await client.callTool({ name: 'double', arguments: { n: 4 } })).structuredContent).toEqual({ twice: 8 })
    expect(textOf(await client.callTool({ name: 'place', arguments: { region: 'Überlingen' } }) as never)).toBe('Überlingen')
    const called = one.requests.filter(({ headers }) => headers['mcp-method'] === 'tools/call').at(-1)
    expect(called?.headers).toMatchObject({ 'mcp-protocol-version': '2026-07-28', 'mcp-name': 'place', 'mcp-param-region': '=?base64?w5xiZXJsaW5nZW4=?=' })
    await client.close()
  })

  it('get the headers that were configured for them, and nothing else that could be a credential', async () => {
    const one = await up(oldHttp())
    fronted = startGateway([at('one', one)])
    await greet(fronted)
    await call(1, 'shout', { text: 'a' })
    const told = new Set(one.requests.map(({ headers }) => headers.authorization))
    expect([...told]).toEqual([SECRET])
    expect(one.requests.some(({ headers }) => headers.cookie !== undefined)).toBe(false)
  })

  it('T33: a call that the client cancels is broken off at its server, and charged by policy', async () => {
    const seen = { cancelled: 0 }
    const one = await up(modernHttp(seen))
    fronted = startGateway([at('one', one)])
    await fronted.request('probe', 'server/discover', { _meta: ENVELOPE })
    fronted.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'endless', arguments: {}, _meta: ENVELOPE } })
    for (let id = 0; !one.requests.some(({ body }) => body.includes('endless')); id += 1) await call(`meanwhile ${id}`, 'double', { n: 1 }, { _meta: ENVELOPE })
    fronted.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    for (let id = 0; seen.cancelled === 0; id += 1) await call(`still ${id}`, 'double', { n: 1 }, { _meta: ENVELOPE })
    expect(fronted.outcomes).toContain('endless charged ended: cancelled')
    expect(one.requests.some(({ body }) => body.includes('notifications/cancelled'))).toBe(false)
  })
})

describe('an address that does not serve', () => {
  const failing = (status: number): Handle => (_, response) => void response.writeHead(status, { 'x-secret': 'inner' }).end('stack trace with inner secrets')

  it('fails the request alone, in words without the server\'s own, its headers or ours', async () => {
    const one = await up(modernHttp())
    fronted = startGateway([at('one', one), modern()])
    await greet(fronted)
    await call(1, 'double', { n: 1 })
    one.become(failing(500))
    const { error } = await call(2, 'double', { n: 1 })
    expect(error).toEqual({ code: -32603, message: 'The upstream server answered with HTTP status 500' })
    one.become(failing(401))
    expect((await call(3, 'double', { n: 1 })).error).toEqual({ code: -32603, message: 'The upstream server answered with HTTP status 401; it wants other credentials in its configured "headers"' })
    expect(textOf((await call(4, 'echo', { text: 'hi' })).result)).toBe('hi')
    expect(fronted.outcomes.slice(1)).toEqual(['double released error', 'double released error', 'echo charged result'])
    expect(fronted.state.reserved).toBe(0)
  })

  it('is told to people without what may be secret in it, keeps nobody from the others, and joins once it is there', async () => {
    const taken = await up(failing(401))
    fronted = startGateway([at('away', { url: `${taken.url}?token=hidden` }), modern()])
    await greet(fronted)
    expect(namesIn((await fronted.request(1, 'tools/list')).result, 'tools')).toEqual(['echo', 'sum', 'progress', 'deploy', 'get_credit_balance'])
    expect(await fronted.reports.find(line => line.startsWith('away: '))).toBe(
      `away: cannot connect to ${taken.url}: it answered with HTTP status 401; it wants other credentials in its configured "headers"; it is started again in 0.5 s`
    )
    taken.become(oldHttp())
    fronted.timers.advance(500)
    await fronted.lines.find(line => line.includes('tools/list_changed'))
    expect(textOf((await call(2, 'shout', { text: 'back' })).result)).toBe('BACK')
    expect(fronted.reports.all.join()).not.toContain('hidden')
  })

  it('nobody at all is told as what it is', async () => {
    const gone = await up(failing(500))
    await gone.close()
    listening.splice(0)
    fronted = startGateway([at('gone', gone), modern()])
    await greet(fronted)
    expect(await fronted.reports.find(line => line.startsWith('gone: '))).toContain(`cannot connect to ${gone.url}: it cannot be reached (ECONNREFUSED)`)
  })

  it('another origin that it points to is not followed: it would hear our credentials', async () => {
    const other = await up(oldHttp())
    const one = await up((_, response) => void response.writeHead(307, { location: other.url }).end())
    fronted = startGateway([at('one', one), modern()])
    await greet(fronted)
    expect(await fronted.reports.find(line => line.startsWith('one: '))).toContain('answered with HTTP status 307; it has moved to another address')
    expect(other.requests).toEqual([])
  })

  it('a session that the server has forgotten is opened anew', async () => {
    const one = await up(oldHttp())
    fronted = startGateway([at('one', one), modern()])
    await greet(fronted)
    expect(textOf((await call(1, 'shout', { text: 'a' })).result)).toBe('A')
    one.become(oldHttp())
    expect((await call(2, 'shout', { text: 'b' })).error).toMatchObject({ message: 'The upstream server no longer knows the session; it is opened anew' })
    await fronted.reports.find(line => line.startsWith('one: ended'))
    fronted.timers.advance(500)
    for (let id = 3; ; id += 1) {
      const { result } = await call(id, 'shout', { text: 'c' })
      await turns(1)
      if (result?.['isError'] === true) continue
      expect(textOf(result)).toBe('C')
      break
    }
    expect(fronted.state.reserved).toBe(0)
  })

  it('a message that is too long fails its request', async () => {
    const one = await up(modernHttp())
    const server = { name: 'one', open: httpUpstream({ url: one.url, jitterMs: () => 1, limits: { ...limits, upstreamLineBytesMax: 2_000 } }) }
    fronted = startGateway([server, modern()])
    await greet(fronted)
    expect((await call(1, 'place', { region: 'x'.repeat(3_000) })).error).toMatchObject({ code: -32603 })
    expect(textOf((await call(2, 'place', { region: 'y' })).result)).toBe('y')
    expect(fronted.state.reserved).toBe(0)
  })
})

describe('an HTTP server alone behind the relay, without a gateway', () => {
  it('is metered as one that is started', async () => {
    const one = await up(oldHttp())
    fronted = { ...startProxy([], { upstream: at('one', one).open }), timers: fronted.timers, reports: fronted.reports }
    await fronted.request('hello', 'initialize', HELLO)
    fronted.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    expect(textOf((await call(1, 'shout', { text: 'a' })).result)).toBe('A')
    expect(fronted.outcomes).toEqual(['shout charged result'])
  })
})
