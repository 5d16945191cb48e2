import { Client as ModernClient } from '@modelcontextprotocol/client'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { starter } from '../../src/catalog/bundled.js'
import { type Credits, openCredits } from '../../src/credits.js'
import { ownServer } from '../../src/mcp/own-server.js'
import type { JsonObject } from '../../src/proxy/ports.js'
import { bodyOf, handTicker, testLedger, type TestLedger, type ToolResult } from '../mcp/support.js'
import { createTestDatabase } from '../support/postgres.js'
import { RECEIPT } from './counting-meter.js'
import { EVERYTHING, MODERN, type Message, type Proxied, SCRIPTED, startProxy } from './harness.js'
import { isToolsChanged, oldClient } from './sdk-clients.js'
import { proxiedTransport } from './sdk-transport.js'

const KEY = 'io.github.mcp-credits/idempotency_key'

/** `starter`, in which a call costs one credit, with one free tool. */
const CATALOG = { ...(starter as object), tools: { fail: { free: true } } }

let ledger: TestLedger

beforeEach(async () => {
  ledger = await testLedger(CATALOG)
})

function start(args: readonly string[], options: Parameters<typeof startProxy>[1] = {}): Proxied {
  const own = ownServer({ credits: async () => ledger.credits, toolsets: ['read', 'spend'] })
  const proxied = startProxy(args, { own, meter: (call) => ledger.credits.meter(call), ...options })
  onTestFinished(async () => {
    proxied.stop()
    await proxied.exit
  })
  return proxied
}

const call = (proxied: Proxied, id: number, name: string, more: JsonObject = {}): Promise<Message> =>
  proxied.request(id, 'tools/call', { name, ...more })

/** Starts a call that the upstream does not answer, and waits until the upstream has it. */
async function startSilent(proxied: Proxied, id: number): Promise<void> {
  proxied.send({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'silent' } })
  await proxied.lines.find((line) => line.includes('started'))
}

/** What was spent, with nothing left reserved and a ledger that adds up. */
async function spent(): Promise<number> {
  await ledger.credits.sweep()
  const { reserved, balance } = await ledger.credits.balance()
  expect(reserved).toBe(0)
  expect(await ledger.credits.verify()).toMatchObject({ ok: true, problems: [] })
  return 1_000 - balance
}

describe('however a metered call ends, it is charged or released once and the ledger adds up', () => {
  it('T03: a success is charged, and its receipt is that of the ledger', async () => {
    const proxied = start(SCRIPTED)
    const { result } = await call(proxied, 1, 'raw_line')
    const { transactions } = await ledger.credits.transactions({ type: 'settle' })
    expect(result?.['_meta']).toMatchObject({ [RECEIPT]: { transaction: transactions[0]?.id, charged: 1, balance: 999, replayed: false } })
    expect(await spent()).toBe(1)
  })

  it('T03: a tool error is released and reaches the client as it is', async () => {
    const proxied = start(SCRIPTED)
    expect((await call(proxied, 1, 'tool_error')).result).toEqual({ content: [{ type: 'text', text: 'it failed' }], isError: true })
    expect(await spent()).toBe(0)
  })

  it('T03: a JSON-RPC error is released and reaches the client as it is', async () => {
    const proxied = start(SCRIPTED, { meter: (asked) => ledger.credits.meter({ ...asked, tool: 'priced' }) })
    expect((await call(proxied, 1, 'fail')).error).toEqual({ code: -32000, message: 'it failed', data: { why: 'asked' } })
    expect((await ledger.credits.transactions({ type: 'release' })).transactions).toHaveLength(1)
    expect(await spent()).toBe(0)
  })

  it('T33: a call cancelled before its start is released, and the upstream never hears of it', async () => {
    const proxied = start(SCRIPTED)
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }
    proxied.sendText(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'raw_line' } })}\n${JSON.stringify(cancelled)}`)
    expect((await proxied.request(2, 'test/seen')).result?.['seen']).toHaveLength(1)
    expect((await call(proxied, 3, 'raw_line')).result).toBeDefined()
    expect((await ledger.credits.transactions({ type: 'release' })).transactions).toHaveLength(1)
    expect(await spent()).toBe(1)
  })

  it('T33: a call cancelled after its start is charged', async () => {
    const proxied = start(SCRIPTED)
    await startSilent(proxied, 1)
    proxied.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    await proxied.lines.find((line) => line.includes('cancelled 1'))
    proxied.input.end()
    await proxied.exit
    expect(await spent()).toBe(1)
  })

  it('T33: a client that ends its stream in the middle of a call is charged for it', async () => {
    const proxied = start(SCRIPTED)
    await startSilent(proxied, 1)
    proxied.input.end()
    expect(await proxied.exit).toEqual({ code: 0, reason: 'client_closed' })
    expect(await spent()).toBe(1)
  })

  it('T03: a call that is unfinished when the proxy has to end is given back before it ends', async () => {
    const proxied = start(SCRIPTED, { limits: { answerGraceMs: 20 } })
    await startSilent(proxied, 1)
    proxied.stop()
    expect(await proxied.exit).toEqual({ code: 0, reason: 'stopped' })
    expect(await spent()).toBe(0)
  })

  it('T03: an upstream that crashes in the middle of a call has it released', async () => {
    const proxied = start(SCRIPTED)
    expect((await call(proxied, 1, 'crash')).error).toMatchObject({ code: -32603 })
    expect(await proxied.exit).toEqual({ code: 3, reason: 'upstream_ended' })
    expect(await spent()).toBe(0)
  })

  it('T35: of a call in several rounds each round is reserved, and only the last is charged', async () => {
    const proxied = start(MODERN)
    const client = new ModernClient({ name: 'new', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } }, capabilities: { elicitation: { form: {} } } })
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { confirm: true } }))
    await client.connect(proxiedTransport(proxied) as never)
    const result = await client.callTool({ name: 'deploy', arguments: { environment: 'test' } })
    expect(result._meta).toMatchObject({ [RECEIPT]: { charged: 1, balance: 999 } })
    await client.close()
    const { transactions } = await ledger.credits.transactions()
    expect(transactions.map(({ type }) => type).reverse()).toEqual(['grant', 'reserve', 'release', 'reserve', 'settle'])
    expect(await spent()).toBe(1)
  })

  it('T03: a task keeps its reservation until its outcome is read, and is charged then', async () => {
    const proxied = start(SCRIPTED)
    await call(proxied, 1, 'old_task')
    expect(await ledger.credits.balance()).toMatchObject({ reserved: 1, lifetimeUsed: 0 })
    const { result } = await proxied.request(2, 'tasks/result', { taskId: 'task-1' })
    expect(result?.['_meta']).toMatchObject({ [RECEIPT]: { charged: 1, balance: 999 } })
    expect(await spent()).toBe(1)
  })

  it('T33: a tasks/result that was broken on purpose frees no task of its price', async () => {
    const proxied = start(SCRIPTED, { script: { status: 'working' } })
    await call(proxied, 1, 'old_task')
    expect((await proxied.request(2, 'tasks/result', { taskId: 'task-1', _meta: 5 })).error).toMatchObject({ code: -32602 })
    expect((await ledger.credits.balance()).reserved).toBe(1)
    const { result } = await proxied.request(3, 'tasks/result', { taskId: 'task-1' })
    expect(result?.['_meta']).toMatchObject({ [RECEIPT]: { charged: 1 } })
    expect(await spent()).toBe(1)
  })

  it('T03: a task that is open when the client leaves is charged before the proxy ends', async () => {
    const proxied = start(SCRIPTED)
    await call(proxied, 1, 'old_task')
    proxied.input.end()
    await proxied.exit
    expect(await spent()).toBe(1)
  })
})

describe('the same idempotency key', () => {
  it('T34: a v1 client that repeats a call of a tool with an output schema gets the receipt again, and pays once', async () => {
    const proxied = start(EVERYTHING)
    const transport = proxiedTransport(proxied)
    const client = await oldClient(transport)
    await transport.lines.find(isToolsChanged)
    const { tools } = await client.listTools()
    expect(tools.find(({ name }) => name === 'get-structured-content')?.outputSchema).toBeDefined()
    const twice = { name: 'get-structured-content', arguments: { location: 'New York' }, _meta: { [KEY]: 'k' } }
    const first = (await client.callTool(twice)) as ToolResult
    expect(first).toMatchObject({ structuredContent: expect.any(Object), _meta: { [RECEIPT]: { charged: 1, replayed: false } } })
    const second = (await client.callTool(twice)) as ToolResult
    const receipt = (first._meta as Record<string, JsonObject>)[RECEIPT]
    expect(second).toMatchObject({ isError: true, _meta: { [RECEIPT]: { ...receipt, replayed: true } } })
    expect(second.content[0]?.text).toContain('charged before with the same idempotency key')
    expect(second).not.toHaveProperty('structuredContent')
    await client.close()
    expect(await spent()).toBe(1)
  })

  it('T34: a tool without an output schema, or one that nobody has listed, answers the receipt as a plain result', async () => {
    const proxied = start(SCRIPTED, { script: { pages: [['raw_line']] } })
    const twice = { _meta: { [KEY]: 'k' } }
    await call(proxied, 1, 'raw_line', twice)
    const unlisted = await call(proxied, 2, 'raw_line', twice)
    await proxied.request(3, 'tools/list')
    const listed = await call(proxied, 4, 'raw_line', twice)
    for (const { result } of [unlisted, listed]) {
      expect(result).toMatchObject({ _meta: { [RECEIPT]: { replayed: true, charged: 1 } } })
      expect(result).not.toHaveProperty('isError')
    }
    expect(await spent()).toBe(1)
  })

  it('T08: another call under the key is a conflict, and a failed call leaves the key free', async () => {
    const proxied = start(SCRIPTED)
    const keyed = { _meta: { [KEY]: 'k' } }
    expect((await call(proxied, 1, 'tool_error', keyed)).result).toMatchObject({ isError: true })
    expect((await call(proxied, 2, 'raw_line', keyed)).result?.['_meta']).toMatchObject({ [RECEIPT]: { replayed: false } })
    const conflict = await call(proxied, 3, 'raw_line', { ...keyed, arguments: { other: 1 } })
    expect(bodyOf(conflict.result as unknown as ToolResult).error.code).toBe('idempotency_conflict')
    expect(await spent()).toBe(1)
  })
})

describe('the reservation of the meter and the agent', () => {
  it('AX-16: an agent cannot end or extend it, by an answer like that to an unknown id, and does not see its id anywhere', async () => {
    const proxied = start(SCRIPTED)
    proxied.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ask_client', _meta: { [KEY]: 'k' } } })
    await proxied.lines.find((line) => line.includes('elicitation/create'))
    const [reserve] = (await ledger.credits.transactions({ type: 'reserve' })).transactions
    const reservation = reserve?.reservation ?? ''
    expect(reservation).toMatch(/^rs_/)
    const unknown = reservation.replace(/.{4}$/, (end) => (end === '0000' ? '1111' : '0000'))

    let id = 100
    const ask = async (name: string, args: JsonObject): Promise<ToolResult> => {
      const { result } = await call(proxied, (id += 1), name, { arguments: args })
      return result as unknown as ToolResult
    }
    for (const [name, more] of [['settle_reservation', { actual: 0 }], ['release_reservation', {}], ['extend_reservation', { ttl_seconds: 60 }]] as const) {
      const refused = bodyOf(await ask(name, { reservation, ...more }))
      const missed = bodyOf(await ask(name, { reservation: unknown, ...more }))
      expect(refused.error.code, name).toBe('unknown_reservation')
      expect(JSON.parse(JSON.stringify(refused).replaceAll(reservation, unknown)), name).toEqual(missed)
    }
    // A transaction's id differs from that of the reservation that it made by its prefix only.
    const secret = reservation.replace(/^rs_/, '')
    const look = async (): Promise<string> => {
      const seen = [
        await ask('get_credit_balance', {}),
        await ask('get_budget_status', {}),
        await ask('get_mcp_usage', {}),
        await ask('list_transactions', {}),
        await ask('explain_charge', { idempotency_key: 'k' }),
        await proxied.request((id += 1), 'resources/read', { uri: 'credits://balance' }),
      ]
      return JSON.stringify(seen)
    }
    const during = await look()
    expect(during).toContain('"in_progress"')
    expect(during).not.toContain(secret)

    proxied.send({ jsonrpc: '2.0', id: 7, result: { action: 'accept' } })
    const settled = JSON.parse(await proxied.lines.find((line) => line.includes(RECEIPT))) as Message
    const { transaction } = (settled.result?.['_meta'] as Record<string, { transaction: string }>)[RECEIPT] ?? {}
    const after = [await look(), await ask('explain_charge', { transaction })]
    expect(JSON.stringify(after)).toContain('"charged"')
    expect(JSON.stringify(after)).not.toContain(secret)
    expect(await spent()).toBe(1)
  })
})

describe('a call that outlives the first minute of its reservation', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** The clock and the timers go on together; the sweep waits in the same queue behind what the timers have set off. */
  async function pass(seconds: number, everySeconds: number): Promise<void> {
    for (let passed = 0; passed < seconds; passed += everySeconds) {
      ledger.clock.at += everySeconds * 1_000
      vi.advanceTimersByTime(everySeconds * 1_000)
      await ledger.credits.sweep()
    }
  }

  it('AX-18: stays reserved by its heartbeat, and is charged in time', async () => {
    const proxied = start(SCRIPTED)
    proxied.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ask_client' } })
    await proxied.lines.find((line) => line.includes('elicitation/create'))
    await pass(600, 20)
    expect(await ledger.credits.balance()).toMatchObject({ reserved: 1, balance: 999 })
    proxied.send({ jsonrpc: '2.0', id: 7, result: { action: 'accept' } })
    await proxied.lines.find((line) => line.includes(RECEIPT))
    const { transactions } = await ledger.credits.transactions()
    expect(transactions.map(({ type }) => type).reverse()).toEqual(['grant', 'reserve', 'settle'])
    expect(await spent()).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('AX-18: T05: without a sign of life it is given back after a minute, and an answer that comes all the same is charged once', async () => {
    const proxied = start(SCRIPTED)
    proxied.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ask_client' } })
    await proxied.lines.find((line) => line.includes('elicitation/create'))
    ledger.clock.at += 60_000
    await ledger.credits.sweep()
    expect(await ledger.credits.balance()).toMatchObject({ reserved: 0, balance: 1_000 })
    proxied.send({ jsonrpc: '2.0', id: 7, result: { action: 'accept' } })
    const answer = JSON.parse(await proxied.lines.find((line) => line.includes(RECEIPT))) as Message
    expect(answer.result?.['_meta']).toMatchObject({ [RECEIPT]: { charged: 1, balance: 999 } })
    expect(await spent()).toBe(1)
  })
})

describe('subscriptions to our resources', () => {
  const uri = 'credits://balance'
  const isUpdate = (line: string): boolean => line.includes('notifications/resources/updated')

  function startWatched(): { proxied: Proxied; ticker: ReturnType<typeof handTicker> } {
    const ticker = handTicker()
    const own = ownServer({ credits: async () => ledger.credits, toolsets: ['read'], ticker })
    return { proxied: start(SCRIPTED, { own }), ticker }
  }

  it('WC-07: a subscriber is notified of a metered call once, and not after it has unsubscribed', async () => {
    const { proxied, ticker } = startWatched()
    const opened = await proxied.request('open', 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } })
    expect(opened.result?.['capabilities']).toMatchObject({ resources: { subscribe: true } })
    expect((await proxied.request(1, 'resources/subscribe', { uri })).result).toEqual({})
    expect((await proxied.request(2, 'resources/subscribe', { uri })).result).toEqual({})
    expect(ticker.running.size).toBe(1)
    await call(proxied, 3, 'raw_line')
    ticker.tick()
    expect(JSON.parse(await proxied.lines.find(isUpdate))).toEqual({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } })
    ticker.tick()
    expect((await proxied.request(4, 'resources/unsubscribe', { uri })).result).toEqual({})
    expect(ticker.running.size).toBe(0)
    expect(proxied.lines.all.filter(isUpdate)).toHaveLength(1)
    const { result } = await proxied.request(5, 'test/seen')
    expect((result?.['seen'] as string[]).filter((line) => line.includes('subscribe'))).toEqual([])
  })

  it('what is no resource of ours is refused, that of the upstream is passed on, and the watch ends with the client', async () => {
    const { proxied, ticker } = startWatched()
    expect((await proxied.request(1, 'resources/subscribe', { uri: 'credits://nothing' })).error).toMatchObject({ data: { uri: 'credits://nothing' } })
    proxied.send({ jsonrpc: '2.0', id: 2, method: 'resources/subscribe', params: { uri: 'file:///a' } })
    expect((await proxied.request(3, 'test/seen')).result?.['seen']).toContainEqual(expect.stringContaining('file:///a'))
    await proxied.request(4, 'resources/subscribe', { uri })
    expect(ticker.running.size).toBe(1)
    proxied.stop()
    await proxied.exit
    expect(ticker.running.size).toBe(0)
  })
})

describe('while the ledger is away', () => {
  async function onPostgres(): Promise<{ proxied: Proxied; drop: () => Promise<void> }> {
    const database = await createTestDatabase()
    const credits: Credits = await openCredits({ database: database.url, catalog: CATALOG, clock: ledger.clock, defaultAccount: { id: 'default' } })
    onTestFinished(async () => {
      await credits.close()
      await database.drop().catch(() => undefined)
    })
    const here = credits.as({ account: 'default' })
    return { proxied: start(SCRIPTED, { meter: (asked) => here.meter(asked) }), drop: () => database.drop() }
  }

  it('T19: a paid call is refused before it starts, a free one runs', async () => {
    const { proxied, drop } = await onPostgres()
    expect((await call(proxied, 1, 'raw_line')).result?.['_meta']).toMatchObject({ [RECEIPT]: { charged: 1 } })
    await drop()
    for (const id of [2, 3]) {
      const { result } = await call(proxied, id, 'raw_line')
      expect(result).toMatchObject({ isError: true })
      expect(bodyOf(result as unknown as ToolResult).error).toMatchObject({ code: 'ledger_unavailable', retryable: true })
    }
    expect((await call(proxied, 4, 'fail')).error).toMatchObject({ message: 'it failed' })
    const { result } = await proxied.request(5, 'test/seen')
    expect((result?.['seen'] as string[]).map((line) => (JSON.parse(line) as Message).id)).toEqual([1, 4, 5])
  })

  it('T18: a call whose charge cannot be written is not answered as done', async () => {
    const { proxied, drop } = await onPostgres()
    const answer = call(proxied, 1, 'ask_client')
    await proxied.lines.find((line) => line.includes('elicitation/create'))
    await drop()
    proxied.send({ jsonrpc: '2.0', id: 7, result: { action: 'accept' } })
    const { result } = await answer
    expect(bodyOf(result as unknown as ToolResult).error).toMatchObject({ code: 'ledger_unavailable' })
    expect(result).not.toHaveProperty(['_meta', RECEIPT])
  })
})
