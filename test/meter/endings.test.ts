import { McpServer as OldMcpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { Server as OldServer } from '@modelcontextprotocol/sdk/server/index.js'
import { CallToolRequestSchema, ElicitResultSchema, McpError } from '@modelcontextprotocol/sdk/types.js'
import { acceptedContent, inputRequired, McpServer, ProtocolError, Server } from '@modelcontextprotocol/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { meter, type MeterOptions } from '../../src/index.js'
import {
  type AnyClient, FAULT, KEY, type MeterLedger, modernClient, newClient, oldClient, openLedger, receiptOf, refusalOf, type Result, says, spent
} from './support.js'

const INFO = { name: 'studio', version: '1' }
const TOOLS = { capabilities: { tools: {} } }

/** A tool that is told of the end of its request. */
type Tool = (signal: AbortSignal) => object | Promise<object>
type Options = Pick<MeterOptions, 'price' | 'cost'>

interface Metered extends MeterLedger {
  readonly client: AnyClient
  call(args?: Record<string, unknown>, meta?: Record<string, unknown>, signal?: AbortSignal): Promise<Result>
}

const SERVERS: Readonly<Record<string, (options: object, tool: Tool, output: boolean) => Promise<AnyClient>>> = {
  'SDK 1, McpServer': (options, tool, output) => {
    const server = meter(new OldMcpServer(INFO), options as never)
    server.registerTool('draw', { inputSchema: { size: z.number().optional() }, ...(output ? { outputSchema: { size: z.number() } } : {}) }, ((_: unknown, { signal }: { signal: AbortSignal }) => tool(signal)) as never)
    return oldClient(server)
  },
  'SDK 1, Server': (options, tool, output) => {
    const server = meter(new OldServer(INFO, TOOLS), options as never)
    server.setRequestHandler(CallToolRequestSchema, (_, { signal }) => tool(signal) as never)
    withList(server as never, output)
    return oldClient(server)
  },
  'SDK 2, McpServer': (options, tool, output) => newClient(newServer(options, tool, output)),
  'SDK 2, Server': (options, tool, output) => newClient(lowServer(options, tool, output)),
  'SDK 2 in 2026-07-28, McpServer': (options, tool, output) => modernClient(() => newServer(options, tool, output)),
  'SDK 2 in 2026-07-28, Server': (options, tool, output) => modernClient(() => lowServer(options, tool, output)),
}

function newServer(options: object, tool: Tool, output: boolean): McpServer {
  const server = meter(new McpServer(INFO), options as never)
  const config = { inputSchema: z.object({ size: z.number().optional() }), ...(output ? { outputSchema: z.object({ size: z.number() }) } : {}) }
  server.registerTool('draw', config, ((_: unknown, { mcpReq }: { mcpReq: { signal: AbortSignal } }) => tool(mcpReq.signal)) as never)
  return server
}

function lowServer(options: object, tool: Tool, output: boolean): Server {
  const server = meter(new Server(INFO, TOOLS), options as never)
  server.setRequestHandler('tools/call', (_, { mcpReq }) => tool(mcpReq.signal) as never)
  withList(server, output)
  return server
}

/** A low-level server answers its list as it likes; here by the handler for whatever has none. */
function withList(server: Server, output: boolean): void {
  const schema = { type: 'object', properties: { size: { type: 'number' } } }
  server.fallbackRequestHandler = async () => ({ tools: [{ name: 'draw', inputSchema: schema, ...(output ? { outputSchema: schema } : {}) }] })
}

async function metered(kind: string, tool: Tool, { balance = 100, output = false, ...options }: Options & { balance?: number; output?: boolean } = {}): Promise<Metered> {
  const ledger = await openLedger(balance)
  const client = (await SERVERS[kind]?.({ credits: ledger.credits, account: 'acme', ...options }, tool, output)) as AnyClient
  const isOld = kind.startsWith('SDK 1')
  return {
    ...ledger,
    client,
    call: (args = {}, meta, signal) => {
      const params = { name: 'draw', arguments: args, ...(meta === undefined ? {} : { _meta: meta }) }
      return signal === undefined ? client.callTool(params) : client.callTool(params, ...(isOld ? [undefined] : []), { signal })
    },
  }
}

async function kinds({ credits }: MeterLedger): Promise<readonly string[]> {
  return (await credits.transactions()).transactions.map(({ type }) => type).reverse()
}

/** A tool that has started, and that ends when it is told to. */
function gate(): { readonly started: Promise<void>; readonly tool: Tool; open(result: object | Error): void; signal(): AbortSignal } {
  let begin!: () => void
  let open!: (result: object | Error) => void
  let seen!: AbortSignal
  const started = new Promise<void>((resolve) => (begin = resolve))
  const opened = new Promise<object | Error>((resolve) => (open = resolve))
  const tool = async (signal: AbortSignal) => {
    seen = signal
    begin()
    const result = await opened
    if (result instanceof Error) throw result
    return result
  }
  return { started, tool, open, signal: () => seen }
}

const aborted = (signal: AbortSignal): Promise<unknown> => (signal.aborted ? Promise.resolve() : new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true })))

/** Waits, without a clock, until what a cancelled call owes is written. */
async function ended(ledger: MeterLedger): Promise<void> {
  for (let turn = 0; turn < 1_000; turn += 1) {
    if ((await ledger.credits.balance()).reserved === 0) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('the reservation does not end')
}

describe.each(Object.keys(SERVERS))('however a call ends, %s', (kind) => {
  const isHigh = kind.endsWith('McpServer')

  it('T03: a success is charged once and leaves nothing reserved', async () => {
    const ledger = await metered(kind, () => says('drawn'))
    expect(receiptOf(await ledger.call())).toMatchObject({ charged: 5, balance: 95, replayed: false })
    expect(await kinds(ledger)).toEqual(['grant', 'reserve', 'settle'])
    expect(await spent(ledger)).toBe(5)
  })

  it('T03, ND-14: a failed result costs nothing, and reaches the client as it is', async () => {
    const ledger = await metered(kind, () => ({ ...says('it failed'), isError: true }))
    const result = await ledger.call()
    expect(result).toMatchObject({ content: [{ type: 'text', text: 'it failed' }], isError: true })
    expect(receiptOf(result)).toBeUndefined()
    expect(await spent(ledger)).toBe(0)
  })

  it('T03: a throw costs nothing, and the SDK makes of it what it always does', async () => {
    const ledger = await metered(kind, () => { throw new Error('it broke') })
    if (isHigh) expect(await ledger.call()).toMatchObject({ content: [{ text: 'it broke' }], isError: true })
    else await expect(ledger.call()).rejects.toMatchObject({ code: -32603, message: expect.stringContaining('it broke') })
    expect(await spent(ledger)).toBe(0)
  })

  it('T03: an error of the protocol passes with its code and data', async () => {
    const error = kind.startsWith('SDK 1') ? new McpError(-32001, 'busy', { why: 'asked' }) : new ProtocolError(-32001 as never, 'busy', { why: 'asked' })
    const ledger = await metered(kind, () => { throw error })
    if (isHigh) expect(await ledger.call()).toMatchObject({ isError: true })
    else await expect(ledger.call()).rejects.toMatchObject({ code: -32001, message: expect.stringContaining('busy'), data: { why: 'asked' } })
    expect(await spent(ledger)).toBe(0)
  })

  it('T03: a result that the SDK itself refuses is not charged', async () => {
    const ledger = await metered(kind, () => ({ content: [{ type: 'nonsense' }] }))
    await expect(ledger.call()).rejects.toMatchObject({ code: -32602 })
    expect(await spent(ledger)).toBe(0)
  })

  it("ND-16: a failure that its server calls the caller's fault is paid where the catalog says so", async () => {
    const ledger = await metered(kind, () => ({ ...says('bad words'), isError: true, _meta: { [FAULT]: 'caller' } }))
    const result = await ledger.call()
    expect(result.isError).toBe(true)
    expect(receiptOf(result)).toMatchObject({ charged: 5 })
    expect(await spent(ledger)).toBe(5)
  })

  it('T33: cancelled before the tool is started it is released, and the tool does not run', async () => {
    let runs = 0
    const ledger = await metered(kind, () => ((runs += 1), says('drawn')))
    const controller = new AbortController()
    const call = ledger.call({}, undefined, controller.signal)
    controller.abort()
    await expect(call).rejects.toThrow()
    await ended(ledger)
    expect(runs).toBe(0)
    expect(await spent(ledger)).toBe(0)
    expect(receiptOf(await ledger.call())).toMatchObject({ charged: 5, balance: 95 })
  })

  it('T33: cancelled while the tool runs it is settled by what the tool did', async () => {
    const { started, tool, open, signal } = gate()
    const ledger = await metered(kind, tool, { price: { draw: 'text.study' }, cost: () => 3 })
    const controller = new AbortController()
    const call = ledger.call({}, undefined, controller.signal)
    await started
    controller.abort()
    await expect(call).rejects.toThrow()
    await aborted(signal())
    expect(await ledger.credits.balance()).toMatchObject({ reserved: 10, balance: 90 })
    open(says('drawn'))
    await ended(ledger)
    expect(await spent(ledger)).toBe(3)
  })

  it.each([
    ['by a throw', new Error('aborted')],
    ['by a failed result', { ...says('aborted'), isError: true }],
  ])('T33: a tool that gives up %s when its client goes away is no free work: it costs what was reserved', async (_how, result) => {
    const { started, tool, open, signal } = gate()
    const ledger = await metered(kind, tool)
    const controller = new AbortController()
    const call = ledger.call({}, undefined, controller.signal)
    await started
    controller.abort()
    await expect(call).rejects.toThrow()
    await aborted(signal())
    open(result)
    await ended(ledger)
    expect(await spent(ledger)).toBe(5)
  })

  it('T33: unless the tool itself says that the fault was its own', async () => {
    const { started, tool, open, signal } = gate()
    const ledger = await metered(kind, tool)
    const controller = new AbortController()
    const call = ledger.call({}, undefined, controller.signal)
    await started
    controller.abort()
    await expect(call).rejects.toThrow()
    await aborted(signal())
    open({ ...says('down'), isError: true, _meta: { [FAULT]: 'provider' } })
    await ended(ledger)
    expect(await spent(ledger)).toBe(0)
  })

  it('T33: a client that closes its connection in the middle of a call is charged for it', async () => {
    const { started, tool, open, signal } = gate()
    const ledger = await metered(kind, tool)
    const call = ledger.call().catch(() => undefined)
    await started
    await ledger.client.close()
    await call
    await aborted(signal())
    open(says('drawn'))
    await ended(ledger)
    expect(await spent(ledger)).toBe(5)
  })

  it('out of credits it is refused with what is missing, and does not run', async () => {
    let runs = 0
    const ledger = await metered(kind, () => ((runs += 1), says('drawn')), { balance: 3 })
    const result = await ledger.call()
    expect(refusalOf(result)).toBe('out_of_credits')
    expect(JSON.parse(result.content[0]?.text ?? '')).toMatchObject({ error: { details: { required: 5, available: 3, shortfall: 2 } } })
    expect(runs).toBe(0)
  })

  it('T01: fifty calls at once on a balance of ten that cost one each are exactly ten', async () => {
    let runs = 0
    const ledger = await metered(kind, () => ((runs += 1), says('drawn')), { balance: 10, price: { draw: { operation: 'video.clip', quantity: 0.5 } } })
    const results = await Promise.all(Array.from({ length: 50 }, () => ledger.call()))
    expect(results.filter((result) => receiptOf(result)?.['charged'] === 1)).toHaveLength(10)
    expect(results.filter((result) => refusalOf(result) === 'out_of_credits')).toHaveLength(40)
    expect(runs).toBe(10)
    expect(await spent(ledger)).toBe(10)
    expect((await ledger.credits.balance()).balance).toBe(0)
  })

  it('T34, AX-12: sent again with its key it runs once and is paid once, and no client takes the answer for a broken one', async () => {
    let runs = 0
    const ledger = await metered(kind, () => ((runs += 1), { ...says('drawn'), structuredContent: { size: 2 } }), { output: true })
    await ledger.client.listTools()
    const first = await ledger.call({ size: 2 }, { [KEY]: 'k' })
    expect(receiptOf(first)).toMatchObject({ charged: 5, replayed: false })
    const again = await ledger.call({ size: 2 }, { [KEY]: 'k' })
    expect(again).toMatchObject({ isError: true })
    expect(receiptOf(again)).toMatchObject({ charged: 5, replayed: true, transaction: receiptOf(first)?.['transaction'] })
    expect(refusalOf(await ledger.call({ size: 3 }, { [KEY]: 'k' }))).toBe('idempotency_conflict')
    expect(runs).toBe(1)
    expect(await spent(ledger)).toBe(5)
  })

  it('T34: the receipt is a plain result where the tool is known to have no output schema', async () => {
    const ledger = await metered(kind, () => says('drawn'))
    await ledger.client.listTools()
    await ledger.call({}, { [KEY]: 'k' })
    const again = await ledger.call({}, { [KEY]: 'k' })
    expect(again).not.toHaveProperty('isError')
    expect(receiptOf(again)).toMatchObject({ replayed: true })
  })

  it('T08: a key whose call failed is free for another try', async () => {
    let runs = 0
    const ledger = await metered(kind, () => ((runs += 1) === 1 ? { ...says('no'), isError: true } : says('drawn')))
    expect((await ledger.call({}, { [KEY]: 'k' })).isError).toBe(true)
    expect(receiptOf(await ledger.call({}, { [KEY]: 'k' }))).toMatchObject({ charged: 5, replayed: false })
    expect(await spent(ledger)).toBe(5)
  })
})

describe('a call in several rounds', () => {
  const confirm = z.object({ confirm: z.boolean() })

  function asking(options: object): McpServer {
    const server = meter(new McpServer(INFO), options as never)
    server.registerTool('draw', { inputSchema: z.object({}) }, (_, { mcpReq }) => {
      if (acceptedContent(mcpReq.inputResponses, 'confirm', confirm)?.confirm === true) return says('drawn')
      return inputRequired({ inputRequests: { confirm: inputRequired.elicit({ message: 'Draw?', requestedSchema: confirm }) } })
    })
    return server
  }

  it('T35: of 2026-07-28 reserves each round and charges the last', async () => {
    const ledger = await openLedger()
    const client = await modernClient(() => asking({ credits: ledger.credits, account: 'acme' }))
    expect(receiptOf(await client.callTool({ name: 'draw', arguments: {} }))).toMatchObject({ charged: 5, balance: 95 })
    expect(await kinds(ledger)).toEqual(['grant', 'reserve', 'release', 'reserve', 'settle'])
    expect(await spent(ledger)).toBe(5)
  })

  it('T35: of the handshake, where the SDK asks for the rest itself, is one call and one charge', async () => {
    const ledger = await openLedger()
    const client = await newClient(asking({ credits: ledger.credits, account: 'acme' }))
    expect(receiptOf(await client.callTool({ name: 'draw', arguments: {} }))).toMatchObject({ charged: 5, balance: 95 })
    expect(await spent(ledger)).toBe(5)
  })

  it('T35: in which a tool of SDK 1 asks its client holds its reservation, and is charged at its end', async () => {
    const ledger = await openLedger()
    const server = meter(new OldMcpServer(INFO), { credits: ledger.credits, account: 'acme' })
    const during: unknown[] = []
    server.registerTool('draw', {}, async ({ sendRequest }) => {
      during.push((await ledger.credits.balance()).reserved)
      const asked = { message: 'Draw?', requestedSchema: { type: 'object' as const, properties: { confirm: { type: 'boolean' as const } } } }
      const { action } = await sendRequest({ method: 'elicitation/create', params: asked }, ElicitResultSchema)
      return says(action)
    })
    const client = await oldClient(server)
    const result = await client.callTool({ name: 'draw' })
    expect(result.content[0]?.text).toBe('accept')
    expect(receiptOf(result)).toMatchObject({ charged: 5 })
    expect(during).toEqual([5])
    expect(await spent(ledger)).toBe(5)
  })
})

describe('a tool that calls another metered server', () => {
  it('T35: is a row of its own, and so is what it calls; a failure above gives back only what is above', async () => {
    const ledger = await openLedger()
    const options = { credits: ledger.credits, account: 'acme' }
    const below = meter(new McpServer(INFO), options)
    below.registerTool('clip', {}, () => says('clipped'))
    const inner = await newClient(below)
    const above = meter(new OldMcpServer(INFO), options)
    above.registerTool('draw', { inputSchema: { fails: z.boolean() } }, async ({ fails }) => {
      const { content } = await inner.callTool({ name: 'clip' })
      if (fails) throw new Error('above')
      return { content: content as never }
    })
    const client = await oldClient(above)
    await client.callTool({ name: 'draw', arguments: { fails: false } })
    await client.callTool({ name: 'draw', arguments: { fails: true } })
    const { rows } = await ledger.credits.usage({ groupBy: 'tool' })
    expect(Object.fromEntries(rows.map(({ key, calls, credits }) => [key, [calls, credits]]))).toEqual({ draw: [1, 5], clip: [2, 4] })
    expect(await spent(ledger)).toBe(9)
  })
})
