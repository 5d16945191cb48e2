import { afterEach, describe, expect, it } from 'vitest'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { Client } from '@modelcontextprotocol/client'
import { starter } from '../../src/catalog/bundled.js'
import { ownServer } from '../../src/mcp/own-server.js'
import type { JsonObject } from '../../src/proxy/ports.js'
import { testLedger, type TestLedger } from '../mcp/support.js'
import { close, ENVELOPE, everything, type Fronted, greet, HELLO, modern, routed, startGateway, textOf } from './gateway-harness.js'
import { answerTo, turns } from './harness.js'
import { proxiedTransport } from './sdk-transport.js'

let fronted: Fronted

afterEach(() => close(fronted))

const TOOLS = ['ask', 'seen', 'silent', 'withdraw', 'task', 'touch', 'lines']
const tools = (name: string): JsonObject => ({ tools: TOOLS.map(tool => `${name}.${tool}`) })

const ask = (id: number, name: string, args: JsonObject = {}): void =>
  fronted.send({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } })

const question = async (server: string): Promise<JsonObject> =>
  JSON.parse(await fronted.lines.find(line => line.includes(`${server} asks`))) as JsonObject

const heard = async (id: number, server: string): Promise<readonly JsonObject[]> => {
  const { result } = await fronted.request(id, 'tools/call', { name: `${server}.seen` })
  return (JSON.parse(textOf(result)) as readonly string[]).map(line => JSON.parse(line) as JsonObject)
}

describe('questions of the servers to the client', () => {
  it('two servers that use the same id ask and hear their own answers', async () => {
    fronted = startGateway([routed('one', tools('one')), routed('two', tools('two'))])
    await greet(fronted, { ...HELLO, capabilities: { elicitation: {} } })
    ask(1, 'one.ask')
    ask(2, 'two.ask')
    const [one, two] = [await question('one'), await question('two')]
    expect(one['id']).not.toBe(two['id'])
    fronted.send({ jsonrpc: '2.0', id: two['id'], result: { action: 'decline' } })
    fronted.send({ jsonrpc: '2.0', id: one['id'], result: { action: 'accept', content: { a: 1 } } })
    expect(textOf((await answerTo(fronted.lines, 1)).result)).toBe('one heard {"action":"accept","content":{"a":1}}')
    expect(textOf((await answerTo(fronted.lines, 2)).result)).toBe('two heard {"action":"decline"}')
    expect(fronted.state).toEqual({ balance: 998, reserved: 0 })
  })

  it('progress that the client reports on a question goes to whoever asked it, under its own token', async () => {
    fronted = startGateway([routed('one', tools('one')), routed('two', tools('two'))])
    await greet(fronted)
    ask(1, 'one.ask', { token: 'same' })
    ask(2, 'two.ask', { token: 'same' })
    const { params } = await question('two')
    await question('one')
    const { progressToken } = (params as { readonly _meta: JsonObject })._meta
    fronted.send({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } })
    const progress = (lines: readonly JsonObject[]): readonly unknown[] => lines.filter(({ method }) => method === 'notifications/progress').map(line => line['params'])
    expect(progress(await heard(3, 'two'))).toEqual([{ progressToken: 'same', progress: 1 }])
    expect(progress(await heard(4, 'one'))).toEqual([])
  })

  it('a question that its server takes back is taken back at the client', async () => {
    fronted = startGateway([routed('one', tools('one')), routed('two', tools('two'))])
    await greet(fronted)
    ask(1, 'one.ask')
    ask(2, 'two.ask')
    const two = await question('two')
    await question('one')
    ask(3, 'two.withdraw')
    const taken = await fronted.lines.find(line => line.includes('notifications/cancelled'))
    expect(JSON.parse(taken)).toMatchObject({ params: { requestId: two['id'] } })
  })

  it('real servers and a v1 client: elicitation goes through, and the call is charged once it is answered', async () => {
    fronted = startGateway([everything('one'), everything('two'), modern()])
    const transport = proxiedTransport(fronted)
    const client = new OldClient({ name: 'old', version: '1' }, { capabilities: { elicitation: {} } })
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ada', check: true } }))
    await client.connect(transport as never)
    await client.listTools()
    await fronted.lines.find(line => line.includes('tools/list_changed'))
    const called = await client.callTool({ name: 'two_trigger-elicitation-request', arguments: {} })
    expect(JSON.stringify(called)).toContain('Ada')
    expect(fronted.outcomes).toEqual(['two_trigger-elicitation-request charged result'])
    await client.close()
  })

  it('real servers and a modern v2 client: a call of several rounds goes to the same server in each', async () => {
    fronted = startGateway([modern('one'), modern('two')])
    const client = new Client({ name: 'new', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } }, capabilities: { elicitation: { form: {} } } })
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { confirm: true } }))
    await client.connect(proxiedTransport(fronted) as never)
    const called = await client.callTool({ name: 'two_deploy', arguments: { environment: 'production' } })
    expect(textOf(called as never)).toBe('deployed to production')
    expect(fronted.outcomes).toEqual(['two_deploy released input_required', 'two_deploy charged result'])
    await client.close()
  })
})

describe('what ends and what is noise', () => {
  it('a cancelled call is cancelled at its own server alone', async () => {
    fronted = startGateway([routed('one', tools('one')), routed('two', tools('two'))])
    await greet(fronted)
    ask(1, 'two.silent')
    await fronted.lines.find(line => line.includes('two started'))
    fronted.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    const cancelled = (lines: readonly JsonObject[]): readonly unknown[] => lines.filter(({ method }) => method === 'notifications/cancelled').map(line => line['params'])
    expect(cancelled(await heard(2, 'two'))).toEqual([{ requestId: 1 }])
    expect(cancelled(await heard(3, 'one'))).toEqual([])
    expect(fronted.outcomes[0]).toBe('two.silent charged ended: cancelled')
  })

  it('what a server writes beside the protocol is dropped, and said once to people', async () => {
    fronted = startGateway([routed('one', tools('one')), routed('two', tools('two'))])
    await greet(fronted)
    for (const id of [1, 2]) expect(textOf((await fronted.request(id, 'tools/call', { name: 'one.lines' })).result)).toBe('between noise')
    await heard(3, 'one')
    expect(fronted.lines.all.filter(line => line.includes('this is no message'))).toEqual([])
    expect(fronted.reports.all).toEqual(['one writes what is no message of the protocol; it is dropped'])
  })
})

describe('tasks', () => {
  it('are asked for where they were made, listed together, and never taken for another server\'s', async () => {
    fronted = startGateway([routed('one', { ...tools('one'), tasks: true }), routed('two', { ...tools('two'), tasks: true })])
    await greet(fronted)
    await fronted.request(1, 'tools/call', { name: 'two.task', task: {} })
    expect((await fronted.request(2, 'tasks/get', { taskId: 'task of two' })).result).toMatchObject({ status: 'working' })
    const asked = (await heard(3, 'one')).filter(({ method }) => method === 'tasks/get')
    expect(asked).toEqual([])
    expect((await fronted.request(4, 'tasks/get', { taskId: 'another of two' })).result).toMatchObject({ status: 'working' })
    expect((await fronted.request(5, 'tasks/get', { taskId: 'unknown' })).error).toMatchObject({ code: -32602 })
    expect((await fronted.request(6, 'tasks/list')).result).toEqual({ tasks: [{ taskId: 'listed by one', status: 'working' }, { taskId: 'listed by two', status: 'working' }] })
    const taken = await fronted.request(7, 'tools/call', { name: 'one.task', arguments: { taskId: 'task of two' }, task: {} })
    expect(taken.error).toMatchObject({ code: -32603, message: 'one gave its task an id that is already in use' })
    expect(fronted.outcomes).toContain('one.task released error')
  })
})

describe('subscriptions of the modern era', () => {
  const listen = async (notifications: JsonObject): Promise<JsonObject> => {
    fronted.send({ jsonrpc: '2.0', id: 'listen', method: 'subscriptions/listen', params: { _meta: ENVELOPE, notifications } })
    return JSON.parse(await fronted.lines.find(line => line.includes('subscriptions/acknowledged'))) as JsonObject
  }
  const modernCall = (id: number, name: string, args: JsonObject = {}) => fronted.request(id, 'tools/call', { name, arguments: args, _meta: ENVELOPE })

  it('are spread over the servers that have to do with them, and told under the client\'s own id until it cancels', async () => {
    const server = (name: string) => routed(name, { modern: true, ...tools(name), resources: [`doc://${name}`] })
    fronted = startGateway([server('one'), server('two')])
    const acknowledged = await listen({ toolsListChanged: true, resourceSubscriptions: ['doc://one', 'doc://two'] })
    expect(acknowledged['params']).toEqual({
      notifications: { toolsListChanged: true, resourceSubscriptions: ['doc://one', 'doc://two'] },
      _meta: { 'io.modelcontextprotocol/subscriptionId': 'listen' }
    })
    const lines = JSON.parse(textOf((await modernCall(1, 'one.seen')).result)) as readonly string[]
    const [asked] = lines.map(line => JSON.parse(line) as JsonObject).filter(({ method }) => method === 'subscriptions/listen')
    expect(asked?.['params']).toMatchObject({ notifications: { toolsListChanged: true, resourceSubscriptions: ['doc://one'] } })
    await modernCall(2, 'two.touch', { uri: 'doc://two' })
    const updated = await fronted.lines.find(line => line.includes('resources/updated'))
    expect(JSON.parse(updated)).toEqual({
      jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'doc://two', _meta: { 'io.modelcontextprotocol/subscriptionId': 'listen' } }
    })
    fronted.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'listen' } })
    const after = JSON.parse(textOf((await modernCall(3, 'one.seen')).result)) as readonly string[]
    expect(after.filter(line => line.includes('notifications/cancelled'))).toEqual([expect.stringContaining('mcp-credits-gateway:')])
    await modernCall(4, 'two.touch', { uri: 'doc://two' })
    expect(fronted.lines.all.filter(line => line.includes('resources/updated'))).toHaveLength(1)
  })

  it('what is no filter is refused', async () => {
    fronted = startGateway([routed('one', { modern: true, ...tools('one') })])
    const { error } = await fronted.request(1, 'subscriptions/listen', { _meta: ENVELOPE })
    expect(error).toMatchObject({ code: -32602 })
  })
})

describe('on a real ledger', () => {
  const CATALOG = { ...(starter as object), tools: {} }
  let ledger: TestLedger

  const start = async (): Promise<void> => {
    ledger = await testLedger(CATALOG)
    fronted = startGateway([routed('one', tools('one')), routed('two', tools('two')), routed('three', tools('three'))], {
      own: ownServer({ credits: async () => ledger.credits, toolsets: ['read'] }),
      meter: call => ledger.credits.meter(call)
    })
    await greet(fronted)
  }

  it('T35: calls that are made while another waits for its answer are each a row of their own', async () => {
    await start()
    ask(1, 'one.ask')
    const asked = await question('one')
    await fronted.request(2, 'tools/call', { name: 'two.lines' })
    await fronted.request(3, 'tools/call', { name: 'three.lines' })
    fronted.send({ jsonrpc: '2.0', id: asked['id'], result: { action: 'accept' } })
    await answerTo(fronted.lines, 1)
    const { transactions } = await ledger.credits.transactions({ type: 'settle' })
    expect(transactions.map(({ credits }) => credits)).toEqual([1, 1, 1])
    const { rows } = await ledger.credits.usage({ groupBy: 'tool' })
    expect(rows.map(({ key, calls }) => [key, calls]).toSorted()).toEqual([['one.ask', 1], ['three.lines', 1], ['two.lines', 1]])
  })

  it('T35: three servers with twenty parallel calls each are sixty rows, and nothing stays reserved', async () => {
    await start()
    await fronted.request('list', 'tools/list')
    const calls = Array.from({ length: 60 }, (_, index) => fronted.request(index, 'tools/call', { name: `${['one', 'two', 'three'][index % 3]}.lines` }))
    expect((await Promise.all(calls)).filter(({ result }) => textOf(result) === 'between noise')).toHaveLength(60)
    const { rows } = await ledger.credits.usage({ groupBy: 'tool' })
    expect(rows.map(({ key, calls: count }) => [key, count]).toSorted()).toEqual([['one.lines', 20], ['three.lines', 20], ['two.lines', 20]])
    expect(await ledger.credits.balance()).toMatchObject({ balance: 940, reserved: 0 })
    await turns(1)
    expect(await ledger.credits.verify()).toMatchObject({ ok: true })
  })
})
