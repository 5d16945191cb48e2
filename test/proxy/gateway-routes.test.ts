import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/proxy/ports.js'
import { close, ENVELOPE, type Fronted, greet, HELLO, namesIn, routed, startGateway, textOf } from './gateway-harness.js'
import type { Message } from './harness.js'

let fronted: Fronted

afterEach(() => close(fronted))

let calls = 0

const call = async (name: string, args: JsonObject = {}): Promise<string> => {
  const answer = await fronted.request(`call ${(calls += 1)}`, 'tools/call', { name, arguments: args })
  return answer.error === undefined ? textOf(answer.result) : `error ${String(answer.error['code'])}: ${String(answer.error['message'])}`
}

/** What a server was sent, by method. */
const heard = async (server: string, method: string): Promise<readonly JsonObject[]> => {
  const lines = JSON.parse(await call(`${server}.seen`)) as readonly string[]
  return lines.map(line => JSON.parse(line) as JsonObject).filter(message => message['method'] === method)
}

describe('what several servers offer', () => {
  beforeEach(async () => {
    fronted = startGateway([
      routed('one', {
        tools: ['search', 'only', 'one.seen', 'two.search'], prompts: ['hello', 'first'], instructions: 'How to use one.',
        resources: ['doc://one', 'doc://both'], logging: true, capabilities: { experimental: { a: {} }, tools: { x: true } }
      }),
      routed('two words', { tools: ['search', 'two_words_search', 'two.seen'], prompts: ['hello'], templates: ['item://{id}/detail'], resources: ['doc://both'], hidden: ['hidden://two'] }),
      routed('three', { tools: ['third', 'three.seen'], instructions: 'How to use three.', extra: true })
    ])
    await greet(fronted)
  })

  it('stands in one list, paged through, in the order of the servers and of their own lists', async () => {
    const { result } = await fronted.request(1, 'tools/list')
    expect(namesIn(result, 'tools')).toEqual([
      'one_search', 'only', 'one.seen', 'two.search', 'two_words_two_words_search', 'two_words_search', 'two.seen', 'third', 'three.seen', 'get_credit_balance'
    ])
    expect(result).not.toHaveProperty('nextCursor')
    expect((result?.['tools'] as readonly JsonObject[])[0]).toMatchObject({ name: 'one_search', description: 'search of one', _meta: { of: 'one' } })
    expect((await fronted.request(2, 'tools/list', { cursor: '2' })).error).toMatchObject({ code: -32602 })
  })

  it('a name that one server has stays; one that several have takes its server before it, and nobody is called for another', async () => {
    expect(await call('only', { a: 1 })).toBe('one: only {"a":1}')
    expect(await call('one_search', { q: 'x' })).toBe('one: search {"q":"x"}')
    expect(await call('two_words_search')).toBe('two words: two_words_search {}')
    expect(await call('two_words_two_words_search')).toBe('two words: search {}')
    expect(await call('search')).toBe('error -32602: Invalid params: several servers have a tool "search"; use one_search or two_words_two_words_search')
    expect(await call('nonsense')).toBe('error -32602: Invalid params: no server has a tool "nonsense"')
    expect(fronted.names.slice(0, 2)).toEqual(['only', 'one_search'])
  })

  it('prompts are shown, got and completed by the same rule', async () => {
    const { result } = await fronted.request(1, 'prompts/list')
    expect(namesIn(result, 'prompts')).toEqual(['one_hello', 'first', 'two_words_hello'])
    const got = await fronted.request(2, 'prompts/get', { name: 'two_words_hello' })
    expect(got.result).toMatchObject({ messages: [{ content: { text: 'two words: hello' } }] })
    const completed = await fronted.request(3, 'completion/complete', { ref: { type: 'ref/prompt', name: 'one_hello' }, argument: { name: 'a', value: '' } })
    expect(completed.result).toEqual({ completion: { values: ['one: hello'] } })
    const template = await fronted.request(4, 'completion/complete', { ref: { type: 'ref/resource', uri: 'item://{id}/detail' }, argument: { name: 'id', value: '' } })
    expect(template.result).toEqual({ completion: { values: ['two words: item://{id}/detail'] } })
  })

  it('resources are read from who lists them, from who has a template for them, and otherwise from who knows them', async () => {
    expect(namesIn((await fronted.request(1, 'resources/list')).result, 'resources', 'uri')).toEqual(['doc://one', 'doc://both', 'credits://balance'])
    expect(namesIn((await fronted.request(2, 'resources/templates/list')).result, 'resourceTemplates', 'uriTemplate')).toEqual(['item://{id}/detail', 'credits://usage/{period}'])
    const read = async (uri: string): Promise<unknown> => {
      const { result, error } = await fronted.request(uri, 'resources/read', { uri })
      return error?.['code'] ?? (result?.['contents'] as readonly JsonObject[])[0]?.['text']
    }
    expect(await read('doc://one')).toBe('one')
    expect(await read('doc://both')).toBe('one')
    expect(await read('item://7/detail')).toBe('two words')
    expect(await read('hidden://two')).toBe('two words')
    expect(await read('credits://balance')).toBe('12')
    expect(await heard('three', 'resources/read')).toEqual([])
  })

  it('a resource that is watched tells of its changes, whoever has it', async () => {
    await fronted.request(1, 'resources/subscribe', { uri: 'item://7/detail' })
    expect(await heard('one', 'resources/subscribe')).toEqual([])
    expect(await heard('two', 'resources/subscribe')).toHaveLength(1)
    await fronted.request(2, 'resources/unsubscribe', { uri: 'item://7/detail' })
    expect(await heard('two', 'resources/unsubscribe')).toHaveLength(1)
  })

  it('a log level goes to whoever logs, and a method that is not known here to whoever knows it', async () => {
    expect((await fronted.request(1, 'logging/setLevel', { level: 'debug' })).result).toEqual({})
    expect(await heard('one', 'logging/setLevel')).toHaveLength(1)
    expect(await heard('three', 'logging/setLevel')).toEqual([])
    expect((await fronted.request(2, 'vendor/extra')).result).toEqual({ by: 'three' })
    expect((await fronted.request(3, 'vendor/nobody')).error).toEqual({ code: -32601, message: 'Method not found by three' })
    expect((await fronted.request(4, 'ping')).result).toEqual({})
  })
})

describe('what they say of themselves', () => {
  it('is said as one: what any can do, each one\'s instructions under its name, and who we are', async () => {
    fronted = startGateway([
      routed('one', { tools: ['a'], instructions: 'How to use one.', capabilities: { experimental: { a: { b: 1 } } } }),
      routed('two', { prompts: ['p'], logging: true, instructions: 'How to use two.', capabilities: { experimental: { a: { c: 2 } } } }),
      routed('three', { tools: ['b'] })
    ])
    expect(await greet(fronted)).toMatchObject({
      protocolVersion: '2025-11-25',
      serverInfo: { name: 'mcp-credits', version: '0.0.0' },
      capabilities: { tools: { listChanged: true }, prompts: { listChanged: true }, completions: {}, logging: {}, experimental: { a: { b: 1, c: 2 } } },
      instructions: '## one\n\nHow to use one.\n\n## two\n\nHow to use two.\n\nOurs after.'
    })
  })

  it('one server alone speaks for itself', async () => {
    fronted = startGateway([routed('alone', { tools: ['a'], instructions: 'Mine.' })])
    expect(await greet(fronted)).toMatchObject({ serverInfo: { name: 'alone' }, instructions: 'Mine.\n\nOurs after.' })
    expect(await call('a')).toBe('alone: a {}')
  })
})

describe('the era and the version', () => {
  const modernRequest = (id: string, method: string, params: JsonObject = {}): Promise<Message> => fronted.request(id, method, { _meta: ENVELOPE, ...params })

  it('is the newest that all of them speak: a probe by a modern client is answered where all are modern', async () => {
    fronted = startGateway([routed('one', { modern: true, tools: ['a'], ttlMs: 9_000 }), routed('two', { modern: true, tools: ['b'], ttlMs: 5_000, cacheScope: 'private' })])
    const { result } = await modernRequest('probe', 'server/discover')
    expect(result).toMatchObject({ supportedVersions: ['2026-07-28'], capabilities: { tools: { listChanged: true } }, ttlMs: 5_000, cacheScope: 'private', resultType: 'complete' })
    const list = await modernRequest('list', 'tools/list')
    expect(namesIn(list.result, 'tools')).toEqual(['a', 'b', 'get_credit_balance'])
    expect(list.result).toMatchObject({ resultType: 'complete', ttlMs: 5_000, cacheScope: 'private' })
    expect(await modernRequest('call', 'tools/call', { name: 'b' })).toMatchObject({ result: { resultType: 'complete', content: [{ text: 'two: b {}' }] } })
    expect((await fronted.request('hello', 'initialize', HELLO)).error).toMatchObject({ code: -32022, data: { supported: ['2026-07-28'] } })
  })

  it('a modern client that meets an old server among them is told what an old server tells, and shakes hands', async () => {
    fronted = startGateway([routed('new', { modern: true, tools: ['a'] }), routed('old', { tools: ['b'] })])
    expect((await modernRequest('probe', 'server/discover')).error).toMatchObject({ code: -32601 })
    await greet(fronted)
    expect(await call('a')).toBe('new: a {}')
    expect((await modernRequest('late', 'tools/list')).error).toMatchObject({ code: -32022, data: { supported: ['2025-11-25'] } })
  })

  it('a modern request without a probe opens the modern era too, or names who does not speak it', async () => {
    fronted = startGateway([routed('new', { modern: true, tools: ['a'] }), routed('old', { tools: ['b'] })])
    const { error } = await modernRequest('list', 'tools/list')
    expect(error).toMatchObject({ code: -32022, message: 'Unsupported protocol version: old (it answered: Method not found) does not speak 2026-07-28, which new would have to be spoken to in; serve them behind another address' })
    expect(await greet(fronted)).toMatchObject({ protocolVersion: '2025-11-25' })
  })

  it('servers that only speak one era each are an error that names them', async () => {
    fronted = startGateway([routed('new', { modern: true, legacy: false, tools: ['a'] }), routed('old', { tools: ['b'] })])
    expect((await modernRequest('probe', 'server/discover')).error).toMatchObject({ code: -32601 })
    const error = await greet(fronted)
    expect(error).toMatchObject({ code: -32022, data: { supported: ['2026-07-28'] } })
    expect(error['message']).toContain('new (it answered: Unsupported protocol version) does not speak the versions up to 2025-11-25')
    expect(error['message']).toContain('old would have to be spoken to in')
    expect(await fronted.reports.find(line => line.includes('serve them behind another address'))).toContain('new')
  })

  it('among old versions the oldest answer counts for all: who agreed on a newer one is greeted anew', async () => {
    fronted = startGateway([routed('newer', { tools: ['a', 'newer.seen'] }), routed('older', { version: '2025-06-18', tools: ['b'] })])
    expect(await greet(fronted)).toMatchObject({ protocolVersion: '2025-06-18' })
    const greetings = await heard('newer', 'initialize')
    expect(greetings.map(({ params }) => (params as JsonObject)['protocolVersion'])).toEqual(['2025-06-18'])
    expect(await heard('newer', 'notifications/initialized')).toHaveLength(1)
  })

  it('an old client that shakes no hands is served all the same', async () => {
    fronted = startGateway([routed('one', { tools: ['a'] }), routed('two', { tools: ['b'] })])
    expect(namesIn((await fronted.request(1, 'tools/list')).result, 'tools')).toEqual(['a', 'b', 'get_credit_balance'])
  })
})
