import { describe, expect, it, vi } from 'vitest'
import { countingMeter, RECEIPT } from './counting-meter.js'
import { HEADERS, MODERN, type Message, SCRIPTED } from './harness.js'
import { answerOf, eventsOf, headersOf, messagesOf, MODERN_VERSION, post, postModern, type PostOptions, type Served, startDoor } from './http-harness.js'
import type { JsonObject } from '../../src/proxy/ports.js'

function callTool(served: Served, id: string | number, name: string, params: JsonObject = {}, options: PostOptions = {}): Promise<Response> {
  return postModern(served, id, 'tools/call', { name, ...params }, options)
}

async function seen(served: Served, caller = 'ada'): Promise<readonly string[]> {
  return (await answerOf(await postModern(served, 'seen', 'test/seen', {}, { caller }))).result?.['seen'] as string[]
}

/** A call that the upstream does not answer, once the upstream has it. */
async function startSilent(served: Served, id: number, signal: AbortSignal): Promise<AsyncGenerator<{ readonly message: Message | undefined }>> {
  const events = eventsOf(await callTool(served, id, 'silent', {}, { signal }))
  expect((await events.next()).value?.message).toMatchObject({ method: 'notifications/message' })
  return events
}

/** Resolves when the upstream tells of a cancellation, which it does by a log line on the newest request. */
async function cancellationIn(events: AsyncGenerator<{ readonly message: Message | undefined }>): Promise<unknown> {
  for await (const { message } of events) {
    const data = (message?.['params'] as JsonObject | undefined)?.['data']
    if (typeof data === 'string' && data.startsWith('cancelled')) return data
  }
  return undefined
}

describe('requests of one caller', () => {
  it('share an upstream, and clients that use the same ids and progress tokens get their own answers', async () => {
    const counting = countingMeter()
    const served = await startDoor(MODERN, { partsFor: () => counting })
    const asked = (id: string | number, text: string): Promise<Response> => callTool(served, id, 'echo', { arguments: { text } })
    const answers = await Promise.all([asked(1, 'a'), asked(1, 'b'), asked('1', 'c')].map(async response => answerOf(await response)))
    expect(answers.map(({ id, result }) => [id, (result?.['content'] as { text: string }[])[0]?.text])).toEqual([[1, 'a'], [1, 'b'], ['1', 'c']])
    const stepping = async (progressToken: string | number): Promise<Message[]> =>
      messagesOf(await callTool(served, 2, 'progress', { arguments: {}, _meta: { progressToken } }))
    for (const [token, messages] of await Promise.all([7, 7, 'seven'].map(async token => [token, await stepping(token)] as const))) {
      const told = messages.filter(message => message['method'] === 'notifications/progress')
      expect(told.map(({ params }) => (params as JsonObject)['progress'])).toEqual([1, 2, 3])
      expect(new Set(told.map(({ params }) => (params as JsonObject)['progressToken']))).toEqual(new Set([token]))
    }
    expect(served.opened).toHaveLength(1)
    expect(counting.state).toEqual({ balance: 994, reserved: 0 })
  })

  it('another caller has another upstream, and hears nothing of the first', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter() })
    await answerOf(await callTool(served, 1, 'raw_line', { arguments: { secret: 'of Ada' } }))
    expect(await seen(served, 'bob')).toHaveLength(1)
    expect(served.opened).toHaveLength(2)
  })

  it('what passes keeps its bytes but for the id and the progress token', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter() })
    const meta = `{"io.modelcontextprotocol/protocolVersion":"${MODERN_VERSION}","io.modelcontextprotocol/clientCapabilities":{},"progressToken":"mine"}`
    const body = `{ "jsonrpc":"2.0",\n "id":"x", "method":"test/seen", "params":{ "n":12345678901234567890, "_meta":${meta} } }`
    const response = await post(served, body, { headers: { 'mcp-protocol-version': MODERN_VERSION, 'mcp-method': 'test/seen' } })
    const answer = await answerOf(response)
    expect(answer.id).toBe('x')
    expect(answer.result?.['seen']).toEqual([body.replace('"x"', '1').replace('"mine"', '1').replace('\n', ' ')])
  })

  it('the rounds of a call reach the process that began it', async () => {
    const counting = countingMeter()
    const served = await startDoor(MODERN, { partsFor: () => counting })
    const first = await answerOf(await callTool(served, 1, 'deploy', { arguments: { environment: 'test' } }))
    expect(first.result).toMatchObject({ resultType: 'input_required' })
    const inputResponses = { confirm: { action: 'accept', content: { confirm: true } } }
    const second = await answerOf(await callTool(served, 2, 'deploy', { arguments: { environment: 'test' }, inputResponses }))
    expect(second.result).toMatchObject({ content: [{ text: 'deployed to test' }], _meta: { [RECEIPT]: { charged: 1 } } })
    expect(counting.outcomes).toEqual(['deploy released input_required', 'deploy charged result'])
    expect(served.opened).toHaveLength(1)
  })

  it('an answer before which nothing is said is JSON, with the status of what the transport has to say of it', async () => {
    const served = await startDoor(MODERN, { partsFor: () => countingMeter() })
    const status = async (response: Promise<Response>): Promise<[number, string | null]> => [(await response).status, (await response).headers.get('content-type')]
    const json = 'application/json'
    expect(await status(callTool(served, 1, 'echo', { arguments: { text: 'a' } }))).toEqual([200, json])
    expect(await status(postModern(served, 1, 'no/such-method'))).toEqual([404, json])
    expect(await status(postModern(served, 1, 'resources/read', { uri: 'note://none' }))).toEqual([200, json])
    expect(await status(postModern(served, 1, 'tools/list', { _meta: { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' } }, { headers: { 'mcp-protocol-version': '2099-01-01' } }))).toEqual([400, json])
  })

  it('an answer that keeps its client waiting becomes a stream', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter(), limits: { keepAliveMs: 10 } })
    const response = await postModern(served, 1, 'test/silent')
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    await response.body?.cancel()
  })

  it('a call keeps its client in touch also while we learn from the upstream which headers it has to have', async () => {
    const served = await startDoor(['-e', 'process.stdin.resume()'], { partsFor: () => countingMeter(), limits: { keepAliveMs: 10 } })
    const response = await callTool(served, 1, 'any')
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    await response.body?.cancel()
  })

  it('T33: a call whose client goes before that is known is not begun', async () => {
    const counting = countingMeter()
    const served = await startDoor(SCRIPTED, { partsFor: () => counting, script: { pages: [['a']], listSilent: true } })
    const controller = new AbortController()
    const left = callTool(served, 1, 'raw_line', {}, { signal: controller.signal }).catch((error: Error) => error.name)
    await vi.waitFor(async () => expect(await seen(served)).toHaveLength(2))
    controller.abort()
    expect(await left).toBe('AbortError')
    await vi.waitFor(() => expect(served.requests[0]?.signal.aborted).toBe(true))
    await answerOf(await postModern(served, 3, 'test/set', { listSilent: false }))
    expect((await seen(served)).map(line => (JSON.parse(line) as Message)['method'])).not.toContain('tools/call')
    expect(counting.names).toEqual([])
  })

  it('a question of the upstream, which nobody of this era waits for, is answered for the client', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter() })
    const { result } = await answerOf(await callTool(served, 1, 'ask_client'))
    expect((result?.['content'] as { text: string }[])[0]?.text).toContain('-32601')
  })

  it('to listen and to end are not there', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter() })
    for (const method of ['GET', 'DELETE']) {
      const response = await fetch(served.url, { method, headers: { ...headersOf('ada'), 'mcp-protocol-version': MODERN_VERSION } })
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
    }
  })
})

describe('headers that disagree with the body', () => {
  const fault = async (response: Promise<Response>): Promise<unknown> => [(await response).status, ((await (await response).json()) as Message).error?.['code']]

  it('are refused before anything is metered', async () => {
    const counting = countingMeter()
    const served = await startDoor(SCRIPTED, { partsFor: () => counting })
    const withHeaders = (headers: Record<string, string>): Promise<unknown> => fault(callTool(served, 1, 'raw_line', {}, { headers }))
    expect(await withHeaders({ 'mcp-name': 'free_tool' })).toEqual([400, -32020])
    expect(await withHeaders({ 'mcp-name': '=?base64?cmF3X2xpbm?=' })).toEqual([400, -32020])
    expect(await withHeaders({ 'mcp-method': 'tools/list' })).toEqual([400, -32020])
    expect(await withHeaders({ 'mcp-protocol-version': '2025-11-25' })).toEqual([400, -32020])
    const bare = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'raw_line', _meta: { 'io.modelcontextprotocol/protocolVersion': MODERN_VERSION, 'io.modelcontextprotocol/clientCapabilities': {} } } }
    expect(await fault(post(served, bare))).toEqual([400, -32020])
    expect(await fault(post(served, bare, { headers: { 'mcp-protocol-version': MODERN_VERSION } }))).toEqual([400, -32020])
    expect(await fault(post(served, bare, { headers: { 'mcp-protocol-version': MODERN_VERSION, 'mcp-method': 'tools/call' } }))).toEqual([400, -32020])
    expect(counting.names).toEqual([])
    const encoded = await callTool(served, 1, 'raw_line', {}, { headers: { 'mcp-name': '=?base64?cmF3X2xpbmU=?=' } })
    expect((await answerOf(encoded)).result?.['_meta']).toEqual({ [RECEIPT]: { charged: 1 } })
  })

  it('an argument that the tool wants in a header is compared with it', async () => {
    const counting = countingMeter()
    const served = await startDoor(HEADERS, { partsFor: () => counting })
    const routed = (headers: Record<string, string>, args: JsonObject = { region: 'eu', tries: 3 }): Promise<Response> => callTool(served, 1, 'routed', { arguments: args }, { headers })
    for (const headers of [{}, { 'mcp-param-region': 'us', 'mcp-param-tries': '3' }, { 'mcp-param-region': 'eu', 'mcp-param-tries': '4' }, { 'mcp-param-region': '=?base64?!?=', 'mcp-param-tries': '3' }]) {
      expect(await fault(routed(headers))).toEqual([400, -32020])
    }
    expect(counting.names).toEqual([])
    expect((await answerOf(await routed({ 'mcp-param-region': 'eu', 'mcp-param-tries': '3.0' }))).result).toBeDefined()
    expect((await answerOf(await routed({ 'mcp-param-region': '=?base64?ZXU=?=', 'mcp-param-tries': '3' }))).result).toBeDefined()
    expect((await answerOf(await routed({}, {}))).result).toBeDefined()
    expect(counting.outcomes).toEqual(['routed charged result', 'routed charged result', 'routed charged result'])
  })
})

describe('a client that goes', () => {
  it('T33: after its call was started cancels it, and it is charged', async () => {
    const counting = countingMeter()
    const served = await startDoor(SCRIPTED, { partsFor: () => counting })
    const [leaving, staying] = [new AbortController(), new AbortController()]
    await startSilent(served, 1, leaving.signal)
    const events = await startSilent(served, 2, staying.signal)
    leaving.abort()
    expect(await cancellationIn(events)).toBe('cancelled 1')
    staying.abort()
    await served.close()
    expect(counting.outcomes).toEqual(['silent charged ended: cancelled', 'silent charged ended: cancelled'])
  })

  it('T33: before its call was started has it released, and the upstream never hears of it', async () => {
    const controller = new AbortController()
    let admit = (): void => undefined
    const admitted = new Promise<void>(resolve => (admit = resolve))
    let asked = (): void => undefined
    const isAsked = new Promise<void>(resolve => (asked = resolve))
    const counting = countingMeter({ admit: () => (asked(), admitted) })
    let aborted = (): void => undefined
    const isAborted = new Promise<void>(resolve => (aborted = resolve))
    const served = await startDoor(SCRIPTED, {
      partsFor: () => ({ ...counting, meter: call => (call.signal.addEventListener('abort', () => aborted()), counting.meter(call)) })
    })
    const left = callTool(served, 1, 'raw_line', {}, { signal: controller.signal }).catch((error: Error) => error.name)
    await isAsked
    controller.abort()
    expect(await left).toBe('AbortError')
    await isAborted
    admit()
    expect((await seen(served)).map(line => (JSON.parse(line) as Message)['method'])).toEqual(['tools/list', 'test/seen'])
    expect(counting.outcomes).toEqual(['raw_line released ended: cancelled'])
  })

  it('a cancellation by its id is nobody\'s: it could be any client\'s request', async () => {
    const counting = countingMeter()
    const served = await startDoor(SCRIPTED, { partsFor: () => counting })
    const events = await startSilent(served, 1, new AbortController().signal)
    const _meta = { 'io.modelcontextprotocol/protocolVersion': MODERN_VERSION, 'io.modelcontextprotocol/clientCapabilities': {} }
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, _meta } }
    expect((await post(served, cancelled, { headers: { 'mcp-protocol-version': MODERN_VERSION } })).status).toBe(202)
    await answerOf(await callTool(served, 1, 'wake'))
    expect((await events.next()).value?.message).toMatchObject({ id: 1, result: {} })
    expect(counting.outcomes).toEqual(['silent charged result', 'wake charged result'])
  })
})

describe('news', () => {
  it('go to whoever has asked for them, under the name that it asked by', async () => {
    const served = await startDoor(HEADERS, { partsFor: () => countingMeter() })
    const listen = async (id: string | number): Promise<AsyncGenerator<{ readonly message: Message | undefined }>> =>
      eventsOf(await postModern(served, id, 'subscriptions/listen', { notifications: { toolsListChanged: true } }))
    const subscribed = await Promise.all([listen(1), listen('one')])
    const told = async (method: string): Promise<unknown[]> =>
      Promise.all(subscribed.map(async events => {
        const { params, ...message } = (await events.next()).value?.message ?? {}
        expect(message).toMatchObject({ method })
        return ((params as JsonObject)['_meta'] as JsonObject)['io.modelcontextprotocol/subscriptionId']
      }))
    expect(await told('notifications/subscriptions/acknowledged')).toEqual([1, 'one'])
    await answerOf(await callTool(served, 1, 'grow', { arguments: {} }))
    expect(await told('notifications/tools/list_changed')).toEqual([1, 'one'])
    await served.close()
  })
})

describe('the upstream of a caller', () => {
  it('T03: that crashes has its calls answered and released, and the next request opens another', async () => {
    const counting = countingMeter()
    const served = await startDoor(SCRIPTED, { partsFor: () => counting })
    const events = await startSilent(served, 1, new AbortController().signal)
    const ended = { code: -32603, message: 'The upstream server ended before it answered' }
    expect((await answerOf(await callTool(served, 2, 'crash'))).error).toEqual(ended)
    expect((await events.next()).value?.message).toMatchObject({ id: 1, error: ended })
    expect(counting.outcomes).toEqual(['silent released error', 'crash released error'])
    expect((await answerOf(await callTool(served, 3, 'raw_line'))).result).toBeDefined()
    expect(served.opened).toHaveLength(2)
    expect(counting.state).toEqual({ balance: 999, reserved: 0 })
  })

  it('ends after its time without a request, and not while one waits', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter(), limits: { callerIdleMs: 1_000_000, keepAliveMs: 10_000_000 } })
      await seen(served)
      const controller = new AbortController()
      const waiting = postModern(served, 1, 'test/silent', {}, { signal: controller.signal }).catch(() => undefined)
      expect((await seen(served)).at(-2)).toContain('test/silent')
      vi.advanceTimersByTime(1_000_000)
      await seen(served)
      expect(served.opened).toHaveLength(1)
      controller.abort()
      await waiting
      await vi.waitFor(async () => expect((await seen(served)).some(line => line.includes('notifications/cancelled'))).toBe(true))
      vi.advanceTimersByTime(1_000_000)
      await served.opened[0]?.exit
      await seen(served)
      expect(served.opened).toHaveLength(2)
    } finally {
      vi.useRealTimers()
    }
  })

  it('is not opened by a notification: there is nobody yet whom it could concern', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter() })
    const _meta = { 'io.modelcontextprotocol/protocolVersion': MODERN_VERSION, 'io.modelcontextprotocol/clientCapabilities': {} }
    const told = (): Promise<Response> => post(served, { jsonrpc: '2.0', method: 'notifications/x', params: { _meta } }, { headers: { 'mcp-protocol-version': MODERN_VERSION } })
    expect((await told()).status).toBe(202)
    await seen(served)
    await served.close()
    expect((await told()).status).toBe(202)
    expect(served.opened).toHaveLength(1)
  })

  it('T03: told to end in mid-call, the call is answered, and what waits for news is over', async () => {
    const counting = countingMeter()
    const served = await startDoor(SCRIPTED, { partsFor: () => counting, limits: { answerGraceMs: 20 } })
    const events = await startSilent(served, 1, new AbortController().signal)
    const waiting = postModern(served, 2, 'test/silent')
    await seen(served)
    await served.close()
    expect((await events.next()).value?.message).toMatchObject({ error: { message: 'The server was told to end before the call was done' } })
    expect((await waiting).status).toBe(503)
    expect(counting.outcomes).toEqual(['silent released ended: stopped'])
  })
})
