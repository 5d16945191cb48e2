import { McpServer as OldMcpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpServer, Server } from '@modelcontextprotocol/server'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { type Arguments, type CallResult, type Cost, CreditError, meter, type MeterOptions } from '../../src/index.js'
import {
  type AnyClient, CATALOG, modernClient, newClient, oldClient, openLedger, PRICE, receiptOf, refusalOf, type Result, says, spent
} from './support.js'

const INFO = { name: 'studio', version: '1' }
const clip = { seconds: z.number().default(3), style: z.string().optional() }

type Options = Pick<MeterOptions, 'price' | 'cost' | 'report' | 'account' | 'withoutNotes'>
type Tools = Readonly<Record<string, () => object>>

/** A server of each SDK with the tool `clip` and others that answer what they are given. */
const SERVERS = {
  'SDK 1': async (options: object, tools: Tools): Promise<AnyClient> => {
    const server = meter(new OldMcpServer(INFO), options as never)
    for (const [name, run] of Object.entries(tools)) server.registerTool(name, { inputSchema: clip }, () => run() as never)
    return oldClient(server)
  },
  'SDK 2': async (options: object, tools: Tools): Promise<AnyClient> => newClient(newServer(options, tools)),
  'SDK 2 in 2026-07-28': async (options: object, tools: Tools): Promise<AnyClient> => modernClient(() => newServer(options, tools)),
}

function newServer(options: object, tools: Tools): McpServer {
  const server = meter(new McpServer(INFO), options as never)
  for (const [name, run] of Object.entries(tools)) server.registerTool(name, { inputSchema: z.object(clip) }, () => run() as never)
  return server
}

const plain: Tools = Object.fromEntries(['draw', 'clip', 'make', 'look', 'help'].map((name) => [name, () => says(name)]))

async function priced(sdk: keyof typeof SERVERS, options: Options, tools: Tools = plain, balance = 100) {
  const ledger = await openLedger(balance)
  const client = await SERVERS[sdk]({ credits: ledger.credits, account: 'acme', ...options }, tools)
  return { ...ledger, client, call: (name: string, args: Record<string, unknown> = {}, meta?: Record<string, unknown>): Promise<Result> => client.callTool({ name, arguments: args, ...(meta === undefined ? {} : { _meta: meta }) }) }
}

const charged = (result: Result): unknown => receiptOf(result)?.['charged']

describe.each(Object.keys(SERVERS) as (keyof typeof SERVERS)[])('prices, %s', (sdk) => {
  it("AX-14: left out, they are the catalog's: by tool, by arguments, free, and refused where there is none", async () => {
    const { call, credits } = await priced(sdk, {})
    expect(charged(await call('draw'))).toBe(5)
    expect(charged(await call('clip', { seconds: 4 }))).toBe(8)
    expect(receiptOf(await call('look'))).toBeUndefined()
    for (const unpriced of ['make', 'toString']) expect(refusalOf(await call(unpriced))).toBe('price_unknown')
    expect(await spent({ credits })).toBe(13)
  })

  it('are told by a map: an operation, a row with what the arguments say, free, and null for the catalog', async () => {
    const price = {
      make: { operation: 'video.clip', variant: (args: Arguments) => args['style'], quantity: (args: Arguments) => args['seconds'] },
      clip: 'image.draw',
      draw: null,
      help: 'free',
    } as const
    const { call, client, credits } = await priced(sdk, { price })
    expect(charged(await call('clip', { seconds: 4 }))).toBe(5)
    expect(charged(await call('draw'))).toBe(5)
    expect(receiptOf(await call('help'))).toBeUndefined()
    expect(charged(await call('make', { seconds: 2, style: 'fine' }))).toBe(8)
    const { tools } = await client.listTools()
    const words = Object.fromEntries(tools.map(({ name, description }) => [name, description]))
    expect(words).toMatchObject({
      clip: 'Price: 5 credits ($0.05).',
      make: 'Price: plain: 2 credits a second ($0.02); fine: 4 credits a second ($0.04).',
      help: 'Price: free.',
      look: 'Price: free.',
    })
    expect(tools.find(({ name }) => name === 'make')?._meta?.[PRICE]).toMatchObject({ credits: { minimum: 2, maximum: 4 }, unit: 'second' })
    expect(await spent({ credits })).toBe(18)
  })

  it('a function of the arguments reads them as the tool does: what a client leaves out is the default, and not one', async () => {
    const { call, credits } = await priced(sdk, { price: (args) => ({ operation: 'video.clip', quantity: args['seconds'] }) })
    expect(charged(await call('make'))).toBe(6)
    expect(await spent({ credits })).toBe(6)
  })

  it('a quantity that stands there for every call is listed at the price that is charged for it', async () => {
    const { call, client } = await priced(sdk, { price: { make: { operation: 'video.clip', quantity: 10 / 3 } } })
    const price = (await client.listTools()).tools.find(({ name }) => name === 'make')?._meta?.['io.github.mcp-credits/price']
    expect(price).toMatchObject({ credits: { maximum: charged(await call('make')) } })
  })

  it('a quantity that somebody computed is rounded up to a millionth, as prices are: something is never nothing', async () => {
    const { call, credits } = await priced(sdk, { price: { make: { operation: 'video.clip', quantity: ({ seconds }: Arguments) => seconds / 3 } } })
    expect(charged(await call('make', { seconds: 10 }))).toBe(6.666668)
    expect(charged(await call('make', { seconds: 3e-9 }))).toBe(0.000002)
    expect(charged(await call('make', { seconds: 0 }))).toBe(0)
    expect(refusalOf(await call('make', { seconds: -3e-9 }))).toBe('invalid_amount')
    expect(await spent({ credits })).toBe(6.66667)
  })

  it('are told by a function of the arguments and the tool, which no list can know before', async () => {
    const { call, client, credits } = await priced(sdk, {
      price: async (args, { tool }) => (tool === 'look' ? 'free' : tool === 'draw' ? null : tool === 'clip' ? 'image.draw' : { operation: 'video.clip', variant: 'fine', quantity: args['seconds'] }),
    })
    expect(charged(await call('make', { seconds: 2 }))).toBe(8)
    expect(charged(await call('draw'))).toBe(5)
    expect(charged(await call('clip'))).toBe(5)
    expect(receiptOf(await call('look'))).toBeUndefined()
    const { tools } = await client.listTools()
    expect(tools[0]?.description).toMatch(/^Price: set for each call by its arguments/)
    expect(tools[0]?._meta?.[PRICE]).toBeUndefined()
    expect(await spent({ credits })).toBe(18)
  })

  it.each([
    ['throws', () => { throw new Error('secret address') }, 'price_unknown'],
    ['answers nothing', () => undefined, 'price_unknown'],
    ['answers a number', () => 5, 'price_unknown'],
    ['answers a quantity that is a text', () => ({ operation: 'video.clip', quantity: '5' }), 'price_unknown'],
    ['names no operation', () => ({ quantity: 1 }), 'price_unknown'],
    ['names an operation that there is none of', () => 'image.dream', 'unknown_operation'],
    ['asks for less than nothing', () => ({ operation: 'video.clip', quantity: -1 }), 'invalid_amount'],
    ['asks for no number', () => ({ operation: 'video.clip', quantity: Number.NaN }), 'invalid_amount'],
    ['refuses by itself', () => { throw new CreditError('plan_required', 'For the pro plan only') }, 'plan_required'],
  ])('AX-14: a function that %s has the call refused, nothing runs, and the client learns nothing of why', async (_what, price, code) => {
    let runs = 0
    const reports: string[] = []
    const { call, credits } = await priced(sdk, { price: price as never, report: (line) => reports.push(line) }, { make: () => ((runs += 1), says('made')) })
    const result = await call('make')
    expect(refusalOf(result)).toBe(code)
    expect(JSON.stringify(result)).not.toContain('secret')
    expect(reports.filter((line) => line.includes('secret'))).toHaveLength(_what === 'throws' ? 1 : 0)
    expect(runs).toBe(0)
    expect((await credits.transactions()).transactions).toHaveLength(1)
  })

  it('a call priced by its server is recorded with its tool, counts in the budget of that tool and in the usage by tool', async () => {
    const { call, credits } = await priced(sdk, { price: { make: 'image.draw' } })
    await credits.setBudget({ id: 'making', window: 'day', limit: 5, scope: { tool: 'make' } })
    expect(charged(await call('make'))).toBe(5)
    expect(refusalOf(await call('make'))).toBe('budget_exceeded')
    expect(charged(await call('draw'))).toBe(5)
    expect((await credits.usage({ groupBy: 'tool' })).rows).toMatchObject([{ key: 'draw', credits: 5 }, { key: 'make', credits: 5 }].sort((one, other) => one.key.localeCompare(other.key)))
    expect((await credits.usage({ groupBy: 'operation' })).rows).toMatchObject([{ key: 'image.draw', calls: 2, credits: 10 }])
  })

  it('an operation of no price leaves no row, with no credit left too (WC-05)', async () => {
    const { call, credits } = await priced(sdk, { price: { make: 'help.read' } }, plain, 1)
    expect(receiptOf(await call('make'))).toBeUndefined()
    expect((await credits.transactions()).transactions).toHaveLength(1)
  })
})

describe.each(Object.keys(SERVERS) as (keyof typeof SERVERS)[])('costs, %s', (sdk) => {
  const study = { study: () => ({ ...says('studied'), structuredContent: { tokens: 2_000 } }) }

  it.each<[string, (result: CallResult) => Cost, number]>([
    ['credits', ({ structuredContent }) => structuredContent.tokens / 500, 4],
    ['credits with the noise of a computer’s fractions', () => 1.1 + 2.2, 3.3],
    ['actual credits', () => ({ actual: 7 }), 7],
    ['less than the minimum', () => 0.25, 1],
    ['null, for what was reserved', () => null, 10],
  ])('%s are charged, and the rest of what was reserved is given back', async (_what, cost, expected) => {
    const { call, credits } = await priced(sdk, { price: { study: 'text.study' }, cost: (_args, result) => cost(result) }, study)
    expect(charged(await call('study'))).toBe(expected)
    expect(await spent({ credits })).toBe(expected)
  })

  it('a quantity and a usage are priced by the catalog', async () => {
    const { call, credits } = await priced(
      sdk,
      { price: { clip: { operation: 'video.clip', quantity: 10 }, chat: 'text.chat' }, cost: async (_args, _result, { tool }) => (tool === 'clip' ? { quantity: 3 } : { usage: { tokens: 2_000 } }) },
      { clip: () => says('clip'), chat: () => says('chat') },
    )
    expect(charged(await call('clip'))).toBe(6)
    expect(charged(await call('chat'))).toBe(2)
    expect(await spent({ credits })).toBe(8)
  })

  it('a quantity and a usage that somebody computed are rounded up to a millionth', async () => {
    const { call } = await priced(
      sdk,
      { price: { clip: { operation: 'video.clip', quantity: 10 }, chat: 'text.chat' }, cost: (_args, _result, { tool }) => (tool === 'clip' ? { quantity: 10 / 3 } : { usage: { tokens: 1_000 / 3 } }) },
      { clip: () => says('clip'), chat: () => says('chat') },
    )
    expect(charged(await call('clip'))).toBe(6.666668)
    expect(charged(await call('chat'))).toBe(0.333334)
  })

  it.each([
    ['0.1 + 0.2', 0.1 + 0.2, 0.3],
    ['a third', 1 / 3, 0.333334],
    ['a thousandth of a millionth', 1e-9, 0.000001],
    ['nothing', -0, 0],
  ])('a cost that somebody computed is rounded up to a millionth: %s', async (_name, told, expected) => {
    const { call, credits } = await priced(sdk, { price: { chat: 'text.chat' }, cost: () => told }, { chat: () => says('chat') })
    expect(charged(await call('chat'))).toBe(expected)
    expect(await spent({ credits })).toBe(expected)
  })

  it('what is told of a call that its arguments made cost nothing is charged like of any other', async () => {
    const reports: string[] = []
    const { call, credits } = await priced(
      sdk,
      { price: { make: { operation: 'video.clip', quantity: ({ seconds }: Arguments) => seconds } }, cost: () => 40, report: (line) => reports.push(line) },
      { make: () => says('made') },
    )
    expect(charged(await call('make', { seconds: 0 }))).toBe(40)
    expect([await spent({ credits }), reports]).toEqual([40, []])
    await credits.setAccountState({ state: 'suspended' })
    expect(refusalOf(await call('make', { seconds: 0 }))).toBe('account_suspended')
  })

  it('the function is given the arguments as the tool gets them', async () => {
    const { call } = await priced(sdk, { price: { study: 'text.study' }, cost: ({ seconds }) => seconds * 2 }, study)
    expect(charged(await call('study'))).toBe(6)
  })

  it.each([
    ['throws', () => { throw new Error('secret address') }, /secret address/],
    ['answers nothing', () => undefined, /expected a number of credits/],
    ['answers less than nothing', () => -1, /zero or more credits/],
    ['answers no number', () => Number.NaN, /number of credits/],
    ['answers a text', () => '5', /expected a number of credits/],
    ['answers two things', () => ({ actual: 1, quantity: 1 }), /expected a number of credits/],
    ['answers a usage that has no price', () => ({ usage: { tokens: 5 } }), /no price/],
  ])('a function that %s has charged what was reserved, keeps the result, and is reported', async (_what, cost, reason) => {
    const reports: string[] = []
    const { call, credits } = await priced(sdk, { price: { study: 'text.study' }, cost: cost as never, report: (line) => reports.push(line) }, study)
    const result = await call('study')
    expect(result.structuredContent).toEqual({ tokens: 2_000 })
    expect(charged(result)).toBe(10)
    expect(reports).toEqual([expect.stringMatching(reason)])
    expect(JSON.stringify(result)).not.toContain('secret')
    expect(await spent({ credits })).toBe(10)
  })

  it('a report that throws costs no call its settlement', async () => {
    const { call, credits } = await priced(sdk, { price: { study: 'text.study' }, cost: () => -1, report: () => { throw new Error('no disk') } }, study)
    expect(charged(await call('study'))).toBe(10)
    expect(await spent({ credits })).toBe(10)
  })

  it('are asked of a success only', async () => {
    let asked = 0
    const { call, credits } = await priced(sdk, { price: { study: 'text.study' }, cost: () => ((asked += 1), 3) }, { study: () => ({ ...says('no'), isError: true }) })
    expect((await call('study')).isError).toBe(true)
    expect([asked, await spent({ credits })]).toEqual([0, 0])
  })
})

describe.each(Object.keys(SERVERS) as (keyof typeof SERVERS)[])('who pays, %s', (sdk) => {
  it('is told by a function of the call, with member and run for the budgets that count them', async () => {
    const ledger = await openLedger()
    await ledger.credits.as({ account: null }).createAccount({ id: 'other', plan: 'none' })
    await ledger.credits.as({ account: 'other' }).grant({ credits: 50 })
    await ledger.credits.putMember({ id: 'ada', role: 'member' })
    await ledger.credits.setBudget({ id: 'run', window: 'run', limit: 5 })
    const seen: unknown[] = []
    const account = (context: { tool: string; arguments: { style?: string }; authInfo: unknown }) => {
      seen.push([context.tool, context.authInfo])
      return context.arguments.style === 'other' ? 'other' : { account: 'acme', member: 'ada', run: 'r1' }
    }
    const client = await SERVERS[sdk]({ credits: ledger.credits, account }, plain)
    const call = (style?: string) => client.callTool({ name: 'draw', arguments: style === undefined ? {} : { style } })
    expect(receiptOf(await call('other'))).toMatchObject({ charged: 5, balance: 45 })
    expect(receiptOf(await call())).toMatchObject({ charged: 5, balance: 95 })
    expect(refusalOf(await call())).toBe('budget_exceeded')
    expect((await ledger.credits.usage({ groupBy: 'member' })).rows).toMatchObject([{ key: 'ada', credits: 5 }])
    expect(seen[0]).toEqual(['draw', undefined])
  })

  it.each([
    ['answers null', () => null],
    ['answers nothing', () => undefined],
    ['answers no text', () => ({ account: 5 })],
    ['throws', () => { throw new Error('secret address') }],
  ])('is nobody where the function %s: the call is refused and does not run', async (_what, account) => {
    let runs = 0
    const { call } = await priced(sdk, { account: account as never }, { draw: () => ((runs += 1), says('drawn')) })
    const result = await call('draw')
    expect([refusalOf(result), runs]).toEqual(['unauthenticated', 0])
    expect(JSON.stringify(result)).not.toContain('secret')
  })

  it('is refused where there is no such account', async () => {
    const { call } = await priced(sdk, { account: 'nobody' })
    expect(refusalOf(await call('draw'))).toBe('unknown_account')
  })

  it('is the holder of a key, within its scopes, and nobody once it is revoked', async () => {
    const ledger = await openLedger()
    const { id, key } = await ledger.credits.createKey({ scopes: ['credits:read', 'video:*'] })
    const account = async () => ledger.credits.authenticate(key ?? '')
    const client = await SERVERS[sdk]({ credits: ledger.credits, account }, plain)
    expect(receiptOf(await client.callTool({ name: 'clip', arguments: {} }))).toMatchObject({ charged: 2 })
    expect(refusalOf(await client.callTool({ name: 'draw', arguments: {} }))).toBe('forbidden')
    expect((await ledger.credits.usage({ groupBy: 'key' })).rows).toMatchObject([{ key: id, credits: 2 }])
    await ledger.credits.revokeKey({ id })
    expect(refusalOf(await client.callTool({ name: 'clip', arguments: {} }))).toBe('unauthenticated')
  })
})

describe('what a model is told once credits run low', () => {
  it('AX-09: is a short text, unless that is left out', async () => {
    const loud = await priced('SDK 2', {}, plain, 6)
    await loud.credits.setBudget({ id: 'day', window: 'day', limit: 6 })
    expect((await loud.call('draw')).content.map(({ text }) => text)).toEqual(['draw', expect.stringMatching(/^Credits: 1 left/)])
    const quiet = await priced('SDK 2', { withoutNotes: true }, plain, 6)
    await quiet.credits.setBudget({ id: 'day', window: 'day', limit: 6 })
    expect((await quiet.call('draw')).content.map(({ text }) => text)).toEqual(['draw'])
  })
})

describe('a list of tools', () => {
  it('ND-13: may be kept no longer than until the next price change, however long its server allows', async () => {
    const { credits, clock } = await openLedger()
    const listed = async () => {
      const client = await modernClient(() => {
        const server = meter(new McpServer(INFO, { cacheHints: { 'tools/list': { ttlMs: 3_600_000, cacheScope: 'public' } } }), { credits, account: 'acme' })
        server.registerTool('draw', {}, () => says('drawn'))
        return server
      })
      return (await client.request({ method: 'tools/list' })) as { ttlMs?: number; cacheScope?: string }
    }
    expect(await listed()).toMatchObject({ ttlMs: 3_600_000, cacheScope: 'public' })
    await credits.as({ account: null }).applyCatalog({ ...CATALOG, price_increase_notice_days: 1 })
    const dearer = { ...CATALOG, price_increase_notice_days: 1, operations: { ...CATALOG.operations, 'image.draw': { ...CATALOG.operations['image.draw'], price: { model: 'flat', credits: '6' } } } }
    await credits.as({ account: null }).applyCatalog(dearer)
    clock.at += 86_400_000 - 60_000
    expect(await listed()).toMatchObject({ ttlMs: 60_000, cacheScope: 'public' })
  })
})

describe('the types', () => {
  it("give the functions the context of the server's own SDK, and what both have under one name", () => {
    type New = Parameters<Extract<Parameters<typeof meter<McpServer>>[1]['account'], (context: never) => unknown>>[0]
    type Old = Parameters<Extract<Parameters<typeof meter<OldMcpServer>>[1]['account'], (context: never) => unknown>>[0]
    type Low = Parameters<Extract<Parameters<typeof meter<Server>>[1]['account'], (context: never) => unknown>>[0]
    expectTypeOf<New['mcpReq']['signal']>().toEqualTypeOf<AbortSignal>()
    expectTypeOf<Low['mcpReq']['signal']>().toEqualTypeOf<AbortSignal>()
    expectTypeOf<Old['requestId']>().toEqualTypeOf<string | number>()
    expectTypeOf<New['tool'] | Old['tool']>().toEqualTypeOf<string>()
    expectTypeOf<NonNullable<New['authInfo']>['clientId']>().toEqualTypeOf<string>()
    expectTypeOf<ReturnType<typeof meter<OldMcpServer>>>().toEqualTypeOf<OldMcpServer>()
  })
})
