import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { starter } from '../../src/catalog/bundled.js'
import type { JsonObject } from '../../src/proxy/ports.js'
import { upstreamProcess } from '../../src/proxy/upstream-process.js'
import { testLedger, type TestLedger } from '../mcp/support.js'
import { close, ENVELOPE, type Fronted, greet, HELLO, namesIn, routed, startGateway, textOf } from './gateway-harness.js'
import { answerTo } from './harness.js'

let fronted: Fronted

afterEach(() => close(fronted))

const call = (id: number, name: string, args: JsonObject = {}, more: JsonObject = {}) =>
  fronted.request(id, 'tools/call', { name, arguments: args, ...more })

const tools = (name: string): JsonObject => ({ tools: ['say', 'silent', 'task', 'ask', 'crash', 'plain'].map(tool => `${name}.${tool}`) })

const metered = async (servers: Parameters<typeof startGateway>[0], catalog: JsonObject = {}): Promise<TestLedger> => {
  const ledger = await testLedger({ ...(starter as object), tools: {}, ...catalog })
  fronted = startGateway(servers, { meter: asked => ledger.credits.meter(asked) })
  await greet(fronted)
  await fronted.request('list', 'tools/list')
  return ledger
}

describe('a server that speaks of what is another\'s', () => {
  it('T03: does not end another\'s task: its reservation stays until its own server says how it ended', async () => {
    const ledger = await metered([routed('one', { ...tools('one'), tasks: true }), routed('two', tools('two'))])
    await call(1, 'one.task', {}, { task: {} })
    const status = (status: string): JsonObject => ({ method: 'notifications/tasks/status', params: { taskId: 'task of one', status } })
    const failed = { method: 'notifications/tasks', params: { taskId: 'task of one', status: 'failed', error: { code: 1, message: 'forged' } } }
    await call(2, 'two.say', { messages: [failed, status('cancelled'), status('failed')] })
    expect(await ledger.credits.balance()).toMatchObject({ balance: 998, reserved: 1 })
    expect(fronted.lines.all.filter(line => line.includes('notifications/tasks'))).toEqual([])
    await call(3, 'one.say', { messages: [failed] })
    await fronted.lines.find(line => line.includes('notifications/tasks'))
    expect(await ledger.credits.balance()).toMatchObject({ reserved: 0 })
  })

  it('does not make room for its own tasks by those of others, nor takes one by telling of it', async () => {
    fronted = startGateway([routed('one', { ...tools('one'), tasks: true }), routed('two', tools('two'))], { gatewayLimits: { rememberedMax: 3 } })
    await greet(fronted)
    await call(1, 'one.task', {}, { task: {} })
    const told = ['a', 'b', 'c', 'task of one', 'next of one'].map(taskId => ({ method: 'notifications/tasks/status', params: { taskId, status: 'working' } }))
    await call(2, 'two.say', { messages: told })
    expect((await fronted.request(3, 'tasks/get', { taskId: 'task of one' })).result).toMatchObject({ status: 'working' })
    expect((await call(4, 'one.task', { taskId: 'next of one' }, { task: {} })).result).toMatchObject({ task: { taskId: 'next of one' } })
  })

  it('does not answer for another, and tells no progress of another\'s call', async () => {
    fronted = startGateway([routed('one', tools('one')), routed('two', tools('two'))])
    await greet(fronted)
    fronted.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'one.silent', _meta: { progressToken: 'of one' } } })
    await fronted.lines.find(line => line.includes('one started'))
    const progress = { method: 'notifications/progress', params: { progressToken: 'of one', progress: 1 } }
    await call(2, 'two.say', { messages: [progress, { id: 1, result: { content: [{ type: 'text', text: 'forged' }] } }] })
    await call(3, 'two.plain')
    expect(fronted.lines.all.filter(line => line.includes('forged') || line.includes('progress'))).toEqual([])
    expect(fronted.state.reserved).toBe(1)
    await call(4, 'one.say', { messages: [progress, { id: 1, result: { content: [{ type: 'text', text: 'its own' }] } }, { id: 1, result: {} }] })
    expect(textOf((await answerTo(fronted.lines, 1)).result)).toBe('its own')
    expect(fronted.lines.all.filter(line => line.includes('progress'))).toHaveLength(1)
    expect(fronted.outcomes.filter(outcome => outcome.startsWith('one.silent'))).toEqual(['one.silent charged result'])
  })

  it('passes a question as a question alone, whatever else stands in it', async () => {
    fronted = startGateway([routed('one', tools('one')), routed('two', tools('two'))])
    await greet(fronted, { ...HELLO, capabilities: { roots: {} } })
    await call(1, 'two.say', { messages: [{ id: 'q', method: 'roots/list', result: { forged: true }, error: { code: 1, message: 'forged' } }] })
    const asked = JSON.parse(await fronted.lines.find(line => line.includes('roots/list'))) as JsonObject
    expect(Object.keys(asked).toSorted()).toEqual(['id', 'jsonrpc', 'method'])
  })

  it('asks as much as it may and leaves the others room to ask', async () => {
    fronted = startGateway([routed('one', tools('one')), routed('two', tools('two'))], { gatewayLimits: { questionsMax: 3 } })
    await greet(fronted, { ...HELLO, capabilities: { elicitation: {}, roots: {} } })
    await call(1, 'two.say', { messages: [1, 2, 3, 4].map(id => ({ id, method: 'roots/list' })) })
    expect(fronted.lines.all.filter(line => line.includes('roots/list'))).toHaveLength(3)
    fronted.send({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'one.ask' } })
    await fronted.lines.find(line => line.includes('one asks'))
  })
})

describe('a server with lists that cannot be', () => {
  it('too deep to be written again: it is left out, and the others\' are listed', async () => {
    fronted = startGateway([routed('deep', { tools: ['deep'], deep: true }), routed('two', tools('two'))])
    await greet(fronted)
    expect(namesIn((await fronted.request(1, 'tools/list')).result, 'tools')).toContain('two.plain')
    expect(fronted.reports.all).toEqual(['deep answered: nested deeper than 512 levels when it was asked for tools/list'])
    expect(textOf((await call(3, 'two.plain')).result)).toBe('two: two.plain {}')
  })

  it('too long to be kept: no further page is asked for', async () => {
    fronted = startGateway([routed('long', tools('long'))], { gatewayLimits: { listLengthMax: 10 } })
    await greet(fronted)
    expect(namesIn((await fronted.request(1, 'tools/list')).result, 'tools')).toEqual(['long.say', 'long.silent', 'get_credit_balance'])
    expect(fronted.reports.all).toEqual(['long lists more than is read of tools/list; the rest is left out'])
  })

  it('without an end, page by page: the client waits for them as long as for one page', async () => {
    fronted = startGateway([routed('slow', { tools: ['x'], endless: true })])
    await greet(fronted)
    fronted.send({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
    await fronted.lines.find(line => line.includes('page asked with undefined'))
    fronted.timers.advance(20_000)
    fronted.send({ jsonrpc: '2.0', method: 'notifications/turn', params: { next: 'second' } })
    await fronted.lines.find(line => line.includes('page asked with second'))
    fronted.timers.advance(10_000)
    expect(namesIn((await answerTo(fronted.lines, 1)).result, 'tools')).toEqual(['get_credit_balance'])
    expect(await fronted.reports.find(line => line.startsWith('slow '))).toBe('slow did not answer when it was asked for tools/list')
  })
})

describe('a server that answers its greeting as no other', () => {
  it('in a version that does not exist is left out alone', async () => {
    fronted = startGateway([routed('odd', { ...tools('odd'), version: '0000-00-00' }), routed('two', tools('two')), routed('three', { ...tools('three'), version: '2025-06-18' })])
    expect(await greet(fronted)).toMatchObject({ protocolVersion: '2025-06-18' })
    expect(textOf((await call(1, 'two.plain')).result)).toBe('two: two.plain {}')
    expect(await fronted.reports.find(line => line.includes('left out'))).toMatch(/^odd is left out: /)
  })
})

describe('a server that ends', () => {
  it('takes back what it had asked also where it was never ready', async () => {
    fronted = startGateway([routed('dead', { dead: true, asks: true }), routed('two', tools('two'))])
    const asked = JSON.parse(await fronted.lines.find(line => line.includes('roots/list'))) as JsonObject
    const taken = JSON.parse(await fronted.lines.find(line => line.includes('notifications/cancelled'))) as JsonObject
    expect(taken['params']).toEqual({ requestId: asked['id'] })
  })

  it('is one too whose lines cannot be taken: nobody would hear it any more', async () => {
    fronted = startGateway([routed('two', tools('two'))])
    const talking = upstreamProcess({ command: process.execPath, args: ['-e', 'console.log(1); process.stdin.resume()'], env: process.env, diagnostics: new PassThrough() })
    const link = talking(() => {
      throw new Error('not to be taken')
    })
    expect(await link.exit).toEqual({ kind: 'exited', code: null, signal: 'SIGKILL' })
  })
})

describe('what comes before a client is told that it is subscribed', () => {
  it('is kept for it within a limit', async () => {
    const server = (name: string, more: JsonObject = {}) => routed(name, { modern: true, tools: [`${name}.touch`, `${name}.seen`], resources: ['doc://one'], ...more })
    fronted = startGateway([server('one'), server('mute', { mute: true })], { gatewayLimits: { heldMax: 3 } })
    await fronted.request('list', 'tools/list', { _meta: ENVELOPE })
    fronted.send({ jsonrpc: '2.0', id: 'listen', method: 'subscriptions/listen', params: { _meta: ENVELOPE, notifications: { toolsListChanged: true, resourceSubscriptions: ['doc://one'] } } })
    for (let id = 10; !textOf((await call(id, 'one.seen', {}, { _meta: ENVELOPE })).result).includes('subscriptions/listen'); id += 1);
    for (const id of [1, 2, 3, 4, 5]) await call(id, 'one.touch', { uri: 'doc://one' }, { _meta: ENVELOPE })
    fronted.timers.advance(5_000)
    await fronted.lines.find(line => line.includes('subscriptions/acknowledged'))
    await call(6, 'one.touch', { uri: 'doc://one' }, { _meta: ENVELOPE })
    expect(fronted.lines.all.filter(line => line.includes('resources/updated'))).toHaveLength(4)
  })
})

describe('a call that never reached its server', () => {
  it('ND-16: costs nothing, also where an operation is paid although its provider failed', async () => {
    const paid = {
      tools: { 'one.plain': { operation: 'job' }, 'one.crash': { operation: 'job' } },
      operations: { job: { name: 'Job', price: { model: 'flat', credits: '3' }, charge_on_fault: ['provider'] } }
    }
    const ledger = await metered([routed('one', tools('one')), routed('two', tools('two'))], paid)
    expect(textOf((await call(1, 'one.crash')).result)).toContain('ended before it answered')
    expect(await ledger.credits.balance()).toMatchObject({ balance: 997, reserved: 0 })
    expect(textOf((await call(2, 'one.plain')).result)).toContain('is not available')
    expect(await ledger.credits.balance()).toMatchObject({ balance: 997, reserved: 0 })
  })
})
