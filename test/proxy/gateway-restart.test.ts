import { afterEach, describe, expect, it } from 'vitest'
import { starter } from '../../src/catalog/bundled.js'
import { upstreamProcess } from '../../src/proxy/upstream-process.js'
import { RESTART_MAX_MS, restartDelayMs } from '../../src/proxy/gateway/restart-delay.js'
import type { JsonObject } from '../../src/proxy/ports.js'
import { testLedger, type TestLedger } from '../mcp/support.js'
import { close, ENVELOPE, everything, type Fronted, greet, HELLO, namesIn, routed, startGateway, textOf } from './gateway-harness.js'
import { answerTo, turns } from './harness.js'

let fronted: Fronted

afterEach(() => close(fronted))

const call = (id: number, name: string, args: JsonObject = {}) => fronted.request(id, 'tools/call', { name, arguments: args })
const TOOLS = ['crash', 'silent', 'ask', 'ask_and_crash', 'task', 'plain', 'seen']
const tools = (name: string): JsonObject => ({ tools: TOOLS.map(tool => `${name}.${tool}`) })

describe('a server that ends takes only itself down', () => {
  let ledger: TestLedger

  const start = async (params: JsonObject = HELLO): Promise<void> => {
    ledger = await testLedger({ ...(starter as object), tools: {} })
    fronted = startGateway([routed('one', { ...tools('one'), resources: ['doc://one'], logging: true }), routed('two', tools('two')), everything('three')], {
      meter: asked => ledger.credits.meter(asked)
    })
    await greet(fronted, params)
    await fronted.request('list', 'tools/list')
  }

  it('T03: what it was at is answered by an error and released; the others go on; it is back after its pause', async () => {
    await start()
    fronted.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'one.silent' } })
    fronted.send({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'two.silent' } })
    await fronted.lines.find(line => line.includes('one started'))
    await fronted.lines.find(line => line.includes('two started'))
    expect(await ledger.credits.balance()).toMatchObject({ reserved: 2 })

    const crashed = await call(3, 'one.crash')
    const lost = await answerTo(fronted.lines, 1)
    for (const { result } of [crashed, lost]) {
      expect(result).toMatchObject({ isError: true })
      expect(textOf(result)).toBe('The server "one" ended before it answered. It is started again in about 1 s.')
    }
    expect(await ledger.credits.balance()).toMatchObject({ balance: 999, reserved: 1 })
    expect(textOf((await call(4, 'two.plain')).result)).toBe('two: two.plain {}')
    expect(textOf((await call(5, 'echo', { message: 'still there' })).result)).toBe('Echo: still there')
    expect(textOf((await call(6, 'one.plain')).result)).toBe('The server "one" is not available. It is started again in about 1 s.')
    expect(namesIn((await fronted.request(7, 'tools/list')).result, 'tools')).toContain('one.plain')
    expect((await fronted.request(8, 'resources/read', { uri: 'doc://one' })).error).toMatchObject({ code: -32603 })
    expect(await fronted.reports.find(line => line.startsWith('one: ended'))).toBe('one: ended (exit code 3); it is started again in 0.5 s')

    fronted.timers.advance(500)
    await back()
    expect(textOf((await call(100, 'one.plain')).result)).toBe('one: one.plain {}')
    // Two plain calls and an echo; the silent one of the other server still holds its credit.
    expect(await ledger.credits.balance()).toMatchObject({ reserved: 1 })
    expect(await ledger.credits.verify()).toMatchObject({ ok: true })
  })

  it('is told again what the client has told it: the end of the handshake, the log level, what it watches', async () => {
    await start()
    await fronted.request(1, 'logging/setLevel', { level: 'debug' })
    await fronted.request(2, 'resources/subscribe', { uri: 'doc://one' })
    await call(3, 'one.crash')
    fronted.timers.advance(500)
    await back()
    const { result } = await call(101, 'one.seen')
    const methods = (JSON.parse(textOf(result)) as readonly string[]).map(line => (JSON.parse(line) as JsonObject)['method'])
    expect(methods[0]).toBe('initialize')
    expect(methods).toEqual(expect.arrayContaining(['notifications/initialized', 'logging/setLevel', 'resources/subscribe', 'tools/list']))
  })

  it('a question that it had asked the client is taken back', async () => {
    await start({ ...HELLO, capabilities: { elicitation: {} } })
    const answer = await call(1, 'one.ask_and_crash')
    expect(answer.result).toMatchObject({ isError: true })
    const asked = JSON.parse(await fronted.lines.find(line => line.includes('one asks'))) as JsonObject
    const taken = JSON.parse(await fronted.lines.find(line => line.includes('notifications/cancelled'))) as JsonObject
    expect(taken['params']).toEqual({ requestId: asked['id'] })
  })

  it('a task that it was at has failed, and its reservation is released', async () => {
    await start()
    await fronted.request(1, 'tools/call', { name: 'one.task', task: {} })
    expect(await ledger.credits.balance()).toMatchObject({ reserved: 1 })
    await call(2, 'one.crash')
    const told = JSON.parse(await fronted.lines.find(line => line.includes('tasks/status'))) as JsonObject
    expect(told['params']).toMatchObject({ taskId: 'task of one', status: 'failed' })
    expect(await ledger.credits.balance()).toMatchObject({ balance: 1_000, reserved: 0 })
  })

  /** Waits until the first server answers again. */
  async function back(): Promise<void> {
    for (let id = 50; ; id += 1) {
      const { result } = await call(id, 'one.plain')
      await turns(1)
      if (result?.['isError'] !== true) return
    }
  }
})

describe('a server that does not start', () => {
  it('keeps the others from nothing, is told of on stderr and in the instructions, and joins once it is there', async () => {
    let isThere = false
    const [good] = [routed('late', { tools: ['late.tool'], version: '2025-11-25' })]
    fronted = startGateway([
      routed('one', { tools: ['one.tool'] }),
      { name: 'late', open: onLine => (isThere ? good.open(onLine) : upstreamProcess({ command: '/nowhere/at/all', args: [], env: {}, diagnostics: process.stderr })(onLine)) }
    ])
    const hello = await greet(fronted)
    expect(hello['instructions']).toContain('## late\n\nThis server is not available yet')
    expect(hello).toMatchObject({ capabilities: { tools: { listChanged: true }, prompts: { listChanged: true } } })
    expect(namesIn((await fronted.request(1, 'tools/list')).result, 'tools')).toEqual(['one.tool', 'get_credit_balance'])
    expect((await call(2, 'late.tool')).error).toMatchObject({ message: 'Invalid params: no server has a tool "late.tool"; not available yet: late' })
    expect(await fronted.reports.find(line => line.startsWith('late: '))).toBe('late: cannot start /nowhere/at/all: spawn /nowhere/at/all ENOENT; it is started again in 0.5 s')

    isThere = true
    fronted.timers.advance(500)
    await fronted.lines.find(line => line.includes('tools/list_changed'))
    expect(namesIn((await fronted.request(3, 'tools/list')).result, 'tools')).toEqual(['one.tool', 'late.tool', 'get_credit_balance'])
    expect(textOf((await call(4, 'late.tool')).result)).toBe('late: late.tool {}')
  })

  it('is tried ever more rarely, and told of ever more rarely', async () => {
    fronted = startGateway([routed('one', { tools: ['one.tool'] }), routed('dead', { dead: true })])
    await fronted.reports.find(line => line.startsWith('dead: '))
    fronted.timers.advance(500)
    await fronted.reports.find(line => line.endsWith('started again in 1.0 s'))
    await greet(fronted)
    expect(textOf((await call(1, 'one.tool')).result)).toBe('one: one.tool {}')
    expect(fronted.reports.all).toEqual(['dead: ended (exit code 1); it is started again in 0.5 s', 'dead: ended (exit code 1); it is started again in 1.0 s'])
  })

  it('one that speaks another era than the client is left out for good when it comes late', async () => {
    let isThere = false
    const late = routed('late', { modern: true, legacy: false, tools: ['late.tool'] })
    fronted = startGateway([
      routed('one', { tools: ['one.tool'] }),
      { name: 'late', open: onLine => (isThere ? late.open(onLine) : upstreamProcess({ command: '/nowhere/at/all', args: [], env: {}, diagnostics: process.stderr })(onLine)) }
    ])
    await greet(fronted)
    isThere = true
    fronted.timers.advance(500)
    expect(await fronted.reports.find(line => line.startsWith('late is left out'))).toContain('it does not speak as the others do')
    expect(textOf((await call(1, 'one.tool')).result)).toBe('one: one.tool {}')
  })

  it('one that hangs at its greeting is started anew, and the client does not wait for it', async () => {
    fronted = startGateway([routed('one', { tools: ['one.tool'], announces: true }), { name: 'mute', open: upstreamProcess({ command: process.execPath, args: ['-e', 'process.stdin.resume()'], env: process.env, diagnostics: process.stderr }) }])
    fronted.send({ jsonrpc: '2.0', id: 'hello', method: 'initialize', params: HELLO })
    await fronted.lines.find(line => line.includes('one has answered'))
    fronted.timers.advance(20_000)
    expect((await answerTo(fronted.lines, 'hello')).result).toMatchObject({ protocolVersion: '2025-11-25' })
    fronted.timers.advance(100_000)
    expect(await fronted.reports.find(line => line.includes('did not answer'))).toBe('mute did not answer when it was greeted; it is started anew')
    expect(textOf((await call(2, 'one.tool')).result)).toBe('one: one.tool {}')
  })
})

describe('a server that does not read', () => {
  it('holds up nobody: what it has no room for is answered at once and released', async () => {
    fronted = startGateway([routed('one', { tools: ['one.deaf', 'one.plain'] }), routed('two', { tools: ['two.plain'] })], { gatewayLimits: { queuedBytesMax: 300_000 } })
    await greet(fronted)
    expect(textOf((await call(1, 'one.deaf')).result)).toBe('I read no more')
    const large = 'x'.repeat(400_000)
    for (const id of [2, 3]) fronted.send({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'one.plain', arguments: { large } } })
    expect(textOf((await answerTo(fronted.lines, 3)).result)).toBe('The server "one" does not read what it is sent.')
    expect(textOf((await call(4, 'two.plain')).result)).toBe('two: two.plain {}')
    expect(fronted.state.reserved).toBe(1)
  })
})

describe('in the modern era', () => {
  it('a server that is back listens again for who listened, and a changed list is told to who asked for that', async () => {
    let generation = 0
    const server = (grown: boolean) => routed('one', { modern: true, tools: ['one.crash', 'one.touch', 'one.seen', ...(grown ? ['one.grown'] : [])], resources: ['doc://one'] })
    fronted = startGateway([{ name: 'one', open: onLine => server((generation += 1) > 1).open(onLine) }, routed('two', { modern: true, tools: ['two.tool'] })])
    fronted.send({ jsonrpc: '2.0', id: 'listen', method: 'subscriptions/listen', params: { _meta: ENVELOPE, notifications: { toolsListChanged: true, resourceSubscriptions: ['doc://one'] } } })
    await fronted.lines.find(line => line.includes('subscriptions/acknowledged'))
    await fronted.request(1, 'tools/list', { _meta: ENVELOPE })
    expect((await fronted.request(2, 'tools/call', { name: 'one.crash', _meta: ENVELOPE })).result).toMatchObject({ isError: true, resultType: 'complete' })
    fronted.timers.advance(500)
    const changed = JSON.parse(await fronted.lines.find(line => line.includes('tools/list_changed'))) as JsonObject
    expect(changed['params']).toEqual({ _meta: { 'io.modelcontextprotocol/subscriptionId': 'listen' } })
    const { result } = await fronted.request(3, 'tools/list', { _meta: ENVELOPE })
    expect(namesIn(result, 'tools')).toContain('one.grown')
    await fronted.request(4, 'tools/call', { name: 'one.touch', arguments: { uri: 'doc://one' }, _meta: ENVELOPE })
    expect(await fronted.lines.find(line => line.includes('resources/updated'))).toContain('"io.modelcontextprotocol/subscriptionId":"listen"')
  })
})

describe('the pause before a restart', () => {
  it('doubles up to a minute and is never less than half of it', () => {
    const longest = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000].map(failures => restartDelayMs(failures, max => max))
    expect(longest).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, RESTART_MAX_MS, RESTART_MAX_MS, RESTART_MAX_MS])
    const shortest = [1, 2, 8].map(failures => restartDelayMs(failures, () => 1))
    expect(shortest).toEqual([251, 501, 30_001])
  })
})

describe('a task that nobody has told of', () => {
  it('is none, also while a server is away', async () => {
    fronted = startGateway([routed('one', { ...tools('one'), tasks: true }), routed('two', tools('two'))])
    await greet(fronted)
    await fronted.request(1, 'tools/call', { name: 'one.crash' })
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
      expect((await fronted.request(method, method, { taskId: 'unknown' })).error).toEqual({ code: -32602, message: 'Invalid params: there is no such task in this session' })
    }
    await fronted.request(2, 'tools/call', { name: 'two.crash' })
    expect((await fronted.request(3, 'tasks/get', { taskId: 'unknown' })).error).toEqual({ code: -32602, message: 'Invalid params: there is no such task in this session' })
  })

  it('is still of its server while that is away', async () => {
    fronted = startGateway([routed('one', { ...tools('one'), tasks: true }), routed('two', tools('two'))])
    await greet(fronted)
    await fronted.request(1, 'tools/call', { name: 'one.task', task: {} })
    await fronted.request(2, 'tools/call', { name: 'one.crash' })
    expect((await fronted.request(3, 'tasks/get', { taskId: 'task of one' })).error?.message).toContain('The server "one" is not available')
  })
})
