import { McpServer as OldMcpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { Server as OldServer } from '@modelcontextprotocol/sdk/server/index.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { McpServer, Server } from '@modelcontextprotocol/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Credits, CreditError, meter, type MeterableServer } from '../../src/index.js'
import { filesBelow, textOf } from '../support/files.js'
import { type AnyClient, type Listed, modernClient, newClient, oldClient, openLedger, PRICE, receiptOf, refusalOf, says, spent } from './support.js'

const INFO = { name: 'studio', version: '1' }
const TOOLS = { capabilities: { tools: {} } }
const LISTED = [{ name: 'draw', inputSchema: { type: 'object' as const } }, { name: 'secret', inputSchema: { type: 'object' as const } }]

/** Makes a server with the tools `draw` and `secret`, metered on its way, and counts what has run. */
type Build = (metered: <S extends MeterableServer>(server: S) => S, ran: string[]) => McpServer | Server | OldMcpServer | OldServer

const draw = (ran: string[], name = 'draw') => () => (ran.push(name), says(`${name} done`))

const OLD: Readonly<Record<string, Build>> = {
  'McpServer, registerTool after meter': (metered, ran) => {
    const server = metered(new OldMcpServer(INFO))
    for (const name of ['draw', 'secret']) server.registerTool(name, {}, draw(ran, name))
    return server
  },
  'McpServer, registerTool before meter': (metered, ran) => {
    const server = new OldMcpServer(INFO)
    for (const name of ['draw', 'secret']) server.registerTool(name, {}, draw(ran, name))
    return metered(server)
  },
  'McpServer, capabilities in the constructor': (metered, ran) => {
    const server = metered(new OldMcpServer(INFO, TOOLS))
    for (const name of ['draw', 'secret']) server.registerTool(name, { inputSchema: { size: z.string().optional() } }, draw(ran, name))
    return server
  },
  'McpServer, tool()': (metered, ran) => {
    const server = metered(new OldMcpServer(INFO))
    for (const name of ['draw', 'secret']) server.tool(name, 'Does it.', { size: z.string().optional() }, draw(ran, name))
    return server
  },
  'McpServer, update of the callback': (metered, ran) => {
    const server = new OldMcpServer(INFO)
    const tools = ['draw', 'secret'].map((name) => ({ name, tool: server.registerTool(name, {}, () => says('old')) }))
    metered(server)
    for (const { name, tool } of tools) tool.update({ callback: draw(ran, name) })
    return server
  },
  'McpServer, metered by its low-level server': (metered, ran) => {
    const server = new OldMcpServer(INFO)
    metered(server.server)
    for (const name of ['draw', 'secret']) server.registerTool(name, {}, draw(ran, name))
    return server
  },
  'Server, handlers after meter': (metered, ran) => withOldHandlers(metered(new OldServer(INFO, TOOLS)), ran),
  'Server, handlers before meter': (metered, ran) => metered(withOldHandlers(new OldServer(INFO, TOOLS), ran)),
  'Server, a fallback handler for everything': (metered, ran) => withFallback(metered(new OldServer(INFO, TOOLS)), ran),
}

const NEW: Readonly<Record<string, Build>> = {
  'McpServer, registerTool after meter': (metered, ran) => {
    const server = metered(new McpServer(INFO))
    for (const name of ['draw', 'secret']) server.registerTool(name, {}, draw(ran, name))
    return server
  },
  'McpServer, registerTool before meter': (metered, ran) => {
    const server = new McpServer(INFO)
    for (const name of ['draw', 'secret']) server.registerTool(name, { inputSchema: z.object({ size: z.string().optional() }) }, draw(ran, name))
    return metered(server)
  },
  'McpServer, capabilities in the constructor': (metered, ran) => {
    const server = metered(new McpServer(INFO, TOOLS))
    for (const name of ['draw', 'secret']) server.registerTool(name, {}, draw(ran, name))
    return server
  },
  'McpServer, update of the callback': (metered, ran) => {
    const server = new McpServer(INFO)
    const tools = ['draw', 'secret'].map((name) => ({ name, tool: server.registerTool(name, {}, () => says('old')) }))
    metered(server)
    for (const { name, tool } of tools) tool.update({ callback: draw(ran, name) })
    return server
  },
  'Server, handlers after meter': (metered, ran) => withNewHandlers(metered(new Server(INFO, TOOLS)), ran),
  'Server, handlers before meter': (metered, ran) => metered(withNewHandlers(new Server(INFO, TOOLS), ran)),
  'Server, a handler with schemas of its own': (metered, ran) => {
    const server = metered(new Server(INFO, TOOLS))
    server.setRequestHandler('tools/list', () => ({ tools: LISTED }))
    server.setRequestHandler('tools/call', { params: z.looseObject({ name: z.string() }) }, ({ name }) => draw(ran, name)())
    return server
  },
  'Server, a fallback handler for everything': (metered, ran) => withFallback(metered(new Server(INFO, TOOLS)), ran),
}

function withOldHandlers(server: OldServer, ran: string[]): OldServer {
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: LISTED }))
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => draw(ran, params.name)())
  return server
}

function withNewHandlers(server: Server, ran: string[]): Server {
  server.setRequestHandler('tools/list', () => ({ tools: LISTED }))
  server.setRequestHandler('tools/call', ({ params }) => draw(ran, params.name)())
  return server
}

function withFallback<S extends Server | OldServer>(server: S, ran: string[]): S {
  const handler: (request: { method: string; params?: { name?: unknown } | undefined }) => Promise<object> = async ({ method, params }) =>
    method === 'tools/list' ? { tools: LISTED } : draw(ran, String(params?.name))()
  server.fallbackRequestHandler = handler as never
  return server
}

const CASES: readonly (readonly [string, (credits: Credits, ran: string[]) => Promise<AnyClient>])[] = [
  ...Object.entries(OLD).map(([style, build]) => [`SDK 1: ${style}`, (credits: Credits, ran: string[]) => oldClient(build(metering(credits), ran))] as const),
  ...Object.entries(NEW).map(([style, build]) => [`SDK 2: ${style}`, (credits: Credits, ran: string[]) => newClient(build(metering(credits), ran))] as const),
  ...Object.entries(NEW).map(([style, build]) => [`SDK 2 in 2026-07-28: ${style}`, (credits: Credits, ran: string[]) => modernClient(() => build(metering(credits), ran))] as const),
]

function metering(credits: Credits): <S extends MeterableServer>(server: S) => S {
  return (server) => meter(server as never, { credits, account: 'acme' })
}

describe.each(CASES)('%s', (_style, connect) => {
  it('AX-14, AX-17: a priced tool runs and is charged with a receipt, an unpriced one is refused and does not run, and both prices are listed', async () => {
    const { credits } = await openLedger()
    const ran: string[] = []
    const client = await connect(credits, ran)
    const { tools } = await client.listTools()
    const drawn = tools.find(({ name }) => name === 'draw') as Listed
    expect(drawn.description).toMatch(/Price: 5 credits \(\$0\.05\)\.$/)
    expect(drawn._meta?.[PRICE]).toMatchObject({ credits: { minimum: 5, maximum: 5 }, price_version: 1 })
    expect(tools.find(({ name }) => name === 'secret')?.description).toMatch(/none is set, so calls are refused\.$/)

    const result = await client.callTool({ name: 'draw', arguments: {} })
    expect(result.content[0]?.text).toBe('draw done')
    const { transactions } = await credits.transactions({ type: 'settle' })
    expect(receiptOf(result)).toMatchObject({ transaction: transactions[0]?.id, charged: 5, balance: 95, replayed: false })
    expect(refusalOf(await client.callTool({ name: 'secret', arguments: {} }))).toBe('price_unknown')
    expect(ran).toEqual(['draw'])
    expect(await spent({ credits })).toBe(5)
  })
})

describe('what meter takes', () => {
  it('is one server once: a second time is refused, by its low-level server too', async () => {
    const { credits } = await openLedger()
    const server = new McpServer(INFO)
    expect(meter(server, { credits, account: 'acme' })).toBe(server)
    for (const again of [server, server.server]) expect(() => meter(again, { credits, account: 'acme' })).toThrow(/metered already/)
  })

  it.each([
    ['no server', {}, /server: expected an McpServer or a Server/],
    ['a client', { request: () => undefined }, /server: expected/],
    ['nothing', null, /server: expected/],
  ])('is no %s', async (_what, server, message) => {
    const { credits } = await openLedger()
    expect(() => meter(server as never, { credits, account: 'acme' })).toThrow(message)
  })

  it.each<[object, RegExp]>([
    [{ acount: 'acme' }, /unknown field "acount"/],
    [{ account: '' }, /account: expected the id of an account or a function/],
    [{ account: 7 }, /account: expected/],
    [{ price: 'image.draw' }, /price: expected prices by tool, or a function/],
    [{ price: { draw: { operation: 'image.draw', quantty: 2 } } }, /price\.draw: unknown field "quantty"/],
    [{ price: { draw: {} } }, /price\.draw\.operation/],
    [{ price: { draw: { operation: 'image.draw', quantity: '2' } } }, /price\.draw\.quantity: expected a number from 0 to 1000000000000, none between 0 and a millionth, or a function/],
    ...[1e-7, -1, Number.NaN, Infinity].map((quantity): [object, RegExp] => [{ price: { draw: { operation: 'image.draw', quantity } } }, /price\.draw\.quantity: expected a number/]),
    [{ price: { draw: 5 } }, /price\.draw: expected an object/],
    [{ cost: 5 }, /cost: expected a function/],
    [{ credits: {} }, /credits: expected what openCredits\(\) answers/],
  ])('is no option %j, and the server is then not metered', async (options, message) => {
    const { credits } = await openLedger()
    const server = new McpServer(INFO)
    expect(() => meter(server, { credits, ...options } as never)).toThrow(message)
    expect(() => meter(server, { credits, ...options } as never)).toThrow(CreditError)
    meter(server, { credits, account: 'acme' })
  })
})

describe('the SDKs', () => {
  it('are not imported by any file here: a server on one does not need the other', () => {
    const files = filesBelow('src/meter').filter((path) => path.endsWith('.ts'))
    expect(files.length).toBeGreaterThan(5)
    expect(files.filter((path) => /(?:from|import\()\s*'@modelcontextprotocol\//.test(textOf(path)))).toEqual([])
  })
})

describe('what a server says of itself', () => {
  it('is the same metered as not: no handler and no capability comes to be', async () => {
    const { credits } = await openLedger()
    const bare = await newClient(new McpServer(INFO))
    const metered = await newClient(meter(new McpServer(INFO), { credits, account: 'acme' }))
    expect(metered.getServerCapabilities()).toEqual(bare.getServerCapabilities())
    await expect(metered.request({ method: 'tools/call', params: { name: 'draw' } })).rejects.toMatchObject({ code: -32601 })
    const old = await oldClient(meter(new OldMcpServer(INFO), { credits, account: 'acme' }))
    expect(old.getServerCapabilities()).toEqual({})
    await expect(old.callTool({ name: 'draw' })).rejects.toMatchObject({ code: -32601 })
    expect(() => meter(new Server(INFO), { credits, account: 'acme' }).assertCanSetRequestHandler('tools/call')).not.toThrow()
  })

  it('tools registered once it is connected are metered, and told of', async () => {
    const { credits } = await openLedger()
    const server = meter(new McpServer(INFO, { capabilities: { tools: { listChanged: true } } }), { credits, account: 'acme' })
    const client = await newClient(server)
    const changed = new Promise<void>((resolve) => client.setNotificationHandler('notifications/tools/list_changed', () => resolve()))
    server.registerTool('draw', {}, () => says('drawn'))
    await changed
    expect(receiptOf(await client.callTool({ name: 'draw' }))).toMatchObject({ charged: 5 })
  })

  it('another tool that wraps its handlers too makes no second call of one', async () => {
    const { credits } = await openLedger()
    const server = meter(new OldMcpServer(INFO), { credits, account: 'acme' })
    server.registerTool('draw', {}, () => says('drawn'))
    const handlers = (server.server as unknown as { _requestHandlers: Map<string, (...args: unknown[]) => unknown> })._requestHandlers
    const ours = handlers.get('tools/call') as (...args: unknown[]) => unknown
    let seen = 0
    handlers.set('tools/call', (...args) => ((seen += 1), ours(...args)))
    const client = await oldClient(server)
    expect(receiptOf(await client.callTool({ name: 'draw' }))).toMatchObject({ charged: 5, balance: 95 })
    expect(seen).toBe(1)
    expect(await spent({ credits })).toBe(5)
  })

  it.each([
    ['no name', { arguments: {} }],
    ['arguments that are a list', { name: 'draw', arguments: [1] }],
    ['arguments that are null', { name: 'draw', arguments: null }],
  ])('a call with %s is an error of the protocol, and whatever handler there is does not run', async (_what, params) => {
    const { credits } = await openLedger()
    const ran: string[] = []
    const client = await oldClient(withFallback(meter(new OldServer(INFO, TOOLS), { credits, account: 'acme' }), ran))
    await expect(client.request({ method: 'tools/call', params } as never, z.any() as never)).rejects.toMatchObject({ code: -32602 })
    expect(ran).toEqual([])
  })
})
