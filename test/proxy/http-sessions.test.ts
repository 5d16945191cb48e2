import { describe, expect, it, vi } from 'vitest'
import { HTTP_LIMITS } from '../../src/http/limits.js'
import { DEFAULT_DOOR_LIMITS } from '../../src/proxy/http/limits.js'
import { countingMeter, RECEIPT } from './counting-meter.js'
import { type Message, SCRIPTED } from './harness.js'
import {
  answerOf, call, eventsOf, headersOf, initialize, LEGACY_VERSION, messagesOf, openSession, post, postModern, type ReadEvent, type Served, startDoor
} from './http-harness.js'

const NOT_FOUND = { jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } }

function get(served: Served, session: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(served.url, {
    headers: { ...headersOf('ada'), accept: 'text/event-stream', 'mcp-session-id': session, 'mcp-protocol-version': LEGACY_VERSION, ...headers }
  })
}

function remove(served: Served, session: string, caller = 'ada'): Promise<Response> {
  return fetch(served.url, { method: 'DELETE', headers: { ...headersOf(caller), 'mcp-session-id': session } })
}

function ask(served: Served, session: string, id: number, method: string, params: object = {}): Promise<Response> {
  return post(served, { jsonrpc: '2.0', id, method, params }, { session })
}

async function nextOf(events: AsyncGenerator<ReadEvent>): Promise<ReadEvent> {
  const { value } = await events.next()
  return value as ReadEvent
}

/** The messages of a stream until one passes. */
async function messageOf(events: AsyncGenerator<ReadEvent>, test: (message: Message) => boolean): Promise<Message> {
  for (;;) {
    const { message } = await nextOf(events)
    if (message !== undefined && test(message)) return message
  }
}

const isMethod = (method: string) => (message: Message) => message['method'] === method

describe('a session', () => {
  it('is answered as its upstream answers, with an upstream of its own', async () => {
    const counting = countingMeter()
    const served = await startDoor(SCRIPTED, { partsFor: () => counting })
    const opened = await post(served, initialize())
    expect(opened.status).toBe(200)
    expect(((await opened.json()) as Message).result).toMatchObject({ serverInfo: { name: 'scripted' }, instructions: 'Ours after.' })
    const one = opened.headers.get('mcp-session-id') ?? ''
    const other = await openSession(served)
    expect(one).not.toBe(other)
    const [first, second] = await Promise.all([call(served, one, 1, 'raw_line'), call(served, other, 1, 'raw_line')])
    expect(first.result?.['_meta']).toEqual({ [RECEIPT]: { charged: 1 } })
    expect(second.result?.['_meta']).toEqual({ [RECEIPT]: { charged: 1 } })
    const seen = (await answerOf(await ask(served, one, 2, 'test/seen'))).result?.['seen'] as string[]
    // The other session's messages never came here, and what passes keeps its bytes.
    expect(seen.map(line => (JSON.parse(line) as Message)['method'])).toEqual(['initialize', 'tools/call', 'test/seen'])
    expect(counting.state).toEqual({ balance: 998, reserved: 0 })
  })

  it('what is not rewritten reaches the upstream byte for byte, on one line', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter() })
    const session = await openSession(served)
    await answerOf(await post(served, '{\n  "jsonrpc":"2.0","id":3,\r\n"method":"test/seen","params":{"n":12345678901234567890}}', { session }))
    const seen = (await answerOf(await ask(served, session, 4, 'test/seen'))).result?.['seen'] as string[]
    expect(seen[2]).toBe('{   "jsonrpc":"2.0","id":3, "method":"test/seen","params":{"n":12345678901234567890}}')
  })

  it('of another key is not there: posted to, listened to or ended, it is answered as one that never was', async () => {
    const counting = countingMeter()
    const served = await startDoor(SCRIPTED, { partsFor: () => counting })
    const session = await openSession(served, 'ada')
    const raw = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'raw_line' } }
    const asked = async (of: string, caller: string): Promise<unknown[]> =>
      Promise.all([
        post(served, raw, { session: of, caller }),
        post(served, { jsonrpc: '2.0', id: 7, result: {} }, { session: of, caller }),
        get(served, of, headersOf(caller)),
        remove(served, of, caller)
      ].map(async response => [(await response).status, await (await response).json()]))
    const foreign = await asked(session, 'bob')
    expect(foreign).toEqual([0, 1, 2, 3].map(() => [404, NOT_FOUND]))
    expect(await asked('never-was', 'bob')).toEqual(foreign)
    expect((await call(served, session, 2, 'raw_line')).result).toBeDefined()
    expect(counting.outcomes).toEqual(['raw_line charged result'])
  })

  it('is required but for the opening, and is opened once', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter() })
    const without = await post(served, { jsonrpc: '2.0', id: 1, method: 'tools/list' })
    expect([without.status, ((await without.json()) as Message).error]).toMatchObject([400, { message: expect.stringContaining('Mcp-Session-Id') }])
    const session = await openSession(served)
    expect((await post(served, initialize(), { session })).status).toBe(400)
    const unreadable = await post(served, { jsonrpc: '2.0', id: 1, method: 'initialize', params: 5 })
    expect(unreadable.status).toBe(400)
    expect(served.opened).toHaveLength(1)
  })

  it('ends with DELETE, and its upstream with it', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter() })
    const session = await openSession(served)
    const listening = await get(served, session)
    expect((await remove(served, session)).status).toBe(200)
    expect(await messagesOf(listening)).toEqual([])
    await served.opened[0]?.exit
    expect((await ask(served, session, 1, 'ping')).status).toBe(404)
  })

  it('T33: that is ended in mid-call has its call charged as one that its client left', async () => {
    const counting = countingMeter()
    const served = await startDoor(SCRIPTED, { partsFor: () => counting, limits: { answerGraceMs: 20 } })
    const session = await openSession(served)
    const events = eventsOf(await ask(served, session, 1, 'tools/call', { name: 'silent' }))
    await messageOf(events, isMethod('notifications/message'))
    await remove(served, session)
    await served.close()
    expect(counting.outcomes).toEqual(['silent charged ended: client_closed'])
  })

  it('refuses what is wrong with a request by the status that the transport has for it', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter() })
    const session = await openSession(served)
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
    const status = async (headers: Readonly<Record<string, string>>, body: unknown = ping): Promise<number> => (await post(served, body, { session, headers })).status
    expect(await status({ 'content-type': 'text/plain' })).toBe(415)
    expect(await status({ accept: 'application/json' })).toBe(406)
    expect(await status({ 'mcp-protocol-version': '2099-01-01' })).toBe(400)
    expect(await status({}, '{"jsonrpc":')).toBe(400)
    expect(await status({}, '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}')).toBe(400)
    expect((await get(served, session, { accept: 'text/html' })).status).toBe(406)
    expect((await fetch(served.url, { method: 'PUT', headers: headersOf('ada') })).status).toBe(405)
    expect(served.reports).toEqual([])
  })

  it('refuses a body that is longer than may be', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter(), limits: { clientLineBytesMax: 200 } })
    const response = await post(served, { jsonrpc: '2.0', id: 1, method: 'ping', params: { filler: 'x'.repeat(300) } })
    expect([response.status, ((await response.json()) as Message).error]).toMatchObject([413, { message: expect.stringContaining('200 bytes') }])
  })

  it('T01: answers a batch as one array, each call metered by itself', async () => {
    const counting = countingMeter({ balance: 1 })
    const served = await startDoor(SCRIPTED, { partsFor: () => counting })
    const session = await openSession(served)
    const batch = [1, 2].map(id => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'raw_line' } }))
    const answers = await messagesOf(await post(served, [...batch, { jsonrpc: '2.0', method: 'notifications/x' }], { session }))
    expect(answers.map(({ id }) => id).sort()).toEqual([1, 2])
    expect(answers.filter(({ result }) => result?.['isError'] === true)).toHaveLength(1)
    expect(counting.state).toEqual({ balance: 0, reserved: 0 })
    expect((await post(served, [{ jsonrpc: '2.0', method: 'notifications/x' }], { session })).status).toBe(202)
  })
})

describe('what the upstream says unasked', () => {
  it('goes with the call that is under way, a question and the way back of its answer too', async () => {
    const counting = countingMeter()
    const served = await startDoor(SCRIPTED, { partsFor: () => counting })
    const session = await openSession(served)
    const events = eventsOf(await ask(served, session, 1, 'tools/call', { name: 'ask_client' }))
    expect(await messageOf(events, isMethod('elicitation/create'))).toMatchObject({ id: 7 })
    const answered = await post(served, { jsonrpc: '2.0', id: 7, result: { action: 'accept' } }, { session })
    expect(answered.status).toBe(202)
    expect(await messageOf(events, ({ id }) => id === 1)).toMatchObject({ result: { _meta: { [RECEIPT]: { charged: 1 } } } })
    expect((await events.next()).done).toBe(true)
  })

  it('is kept while nobody listens, and goes to whoever listens then', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter(), script: { pages: [['a']] } })
    const session = await openSession(served)
    await answerOf(await post(served, [{ jsonrpc: '2.0', id: 1, method: 'test/change', params: { pages: [['b']] } }], { session }))
    const events = eventsOf(await get(served, session))
    expect((await nextOf(events)).message).toMatchObject({ method: 'notifications/tools/list_changed' })
    // With somebody listening, what has nothing to do with a request goes there.
    const answers = await messagesOf(await ask(served, session, 2, 'test/change', { pages: [['c']] }))
    expect(answers).toEqual([{ jsonrpc: '2.0', id: 2, result: {} }])
    expect((await nextOf(events)).message).toMatchObject({ method: 'notifications/tools/list_changed' })
  })

  it('ends with the session once whoever listens may do so no longer', async () => {
    let may = true
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter(), limits: { keepAliveMs: 5 }, mayListen: async () => may })
    const session = await openSession(served)
    const listening = await get(served, session)
    may = false
    expect(await messagesOf(listening)).toEqual([])
    expect((await ask(served, session, 1, 'ping')).status).toBe(404)
  })

  it('a session has so many streams by GET and no more', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter(), limits: { standaloneStreamsMax: 1 } })
    const session = await openSession(served)
    expect((await get(served, session)).status).toBe(200)
    expect((await get(served, session)).status).toBe(409)
  })
})

describe('a connection that breaks', () => {
  async function started(served: Served, session: string, id: number): Promise<{ lastEventId: string; abort: () => void }> {
    const controller = new AbortController()
    const body = { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'silent' } }
    const events = eventsOf(await post(served, body, { session, signal: controller.signal }))
    const priming = await nextOf(events)
    expect(priming.message).toBeUndefined()
    expect((await nextOf(events)).message).toMatchObject({ method: 'notifications/message' })
    return { lastEventId: priming.id ?? '', abort: () => controller.abort() }
  }

  it('T33: is no cancellation: what was answered meanwhile is read on from the last event that was seen', async () => {
    const counting = countingMeter()
    const served = await startDoor(SCRIPTED, { partsFor: () => counting })
    const session = await openSession(served)
    const { lastEventId, abort } = await started(served, session, 1)
    abort()
    expect((await call(served, session, 2, 'wake')).result).toBeDefined()
    expect(counting.outcomes).toEqual(['silent charged result', 'wake charged result'])
    const messages = await messagesOf(await get(served, session, { 'last-event-id': lastEventId }))
    expect(messages).toMatchObject([{ method: 'notifications/message' }, { id: 1, result: { _meta: { [RECEIPT]: { charged: 1 } } } }])
    // It can be read again: a client may have seen none of it.
    expect(await messagesOf(await get(served, session, { 'last-event-id': lastEventId }))).toEqual(messages)
  })

  it('may be followed by another before the answer is there', async () => {
    const counting = countingMeter()
    const served = await startDoor(SCRIPTED, { partsFor: () => counting })
    const session = await openSession(served)
    const { lastEventId, abort } = await started(served, session, 1)
    abort()
    const resumed = await get(served, session, { 'last-event-id': lastEventId })
    await call(served, session, 2, 'wake')
    expect(await messagesOf(resumed)).toMatchObject([{ method: 'notifications/message' }, { id: 1, result: {} }])
  })

  it('an event that never was, or that nothing follows, is a bad request', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter() })
    const session = await openSession(served)
    const answered = eventsOf(await ask(served, session, 1, 'test/silent'))
    const priming = await nextOf(answered)
    for (const id of ['1-99', 'x', '999999999999999-1']) expect((await get(served, session, { 'last-event-id': id })).status).toBe(400)
    expect(priming.id).toMatch(/^\d+-\d+$/)
  })
})

describe('an upstream that is gone', () => {
  it('T03: one that crashes ends its session alone: its call is answered and released, and the client opens anew', async () => {
    const counting = countingMeter()
    const served = await startDoor(SCRIPTED, { partsFor: () => counting })
    const [one, other] = [await openSession(served), await openSession(served)]
    const events = eventsOf(await ask(served, one, 1, 'tools/call', { name: 'silent' }))
    await messageOf(events, isMethod('notifications/message'))
    const [silent, crashed] = await Promise.all([messageOf(events, ({ id }) => id === 1), call(served, one, 2, 'crash')])
    const ended = { code: -32603, message: 'The upstream server ended before it answered' }
    expect([silent.error, crashed.error]).toEqual([ended, ended])
    expect(counting.outcomes).toEqual(['silent released error', 'crash released error'])
    expect(await (await ask(served, one, 3, 'ping')).json()).toEqual(NOT_FOUND)
    expect((await call(served, other, 4, 'raw_line')).result).toBeDefined()
    expect(served.reports).toEqual(['the upstream server ended (exit code 3)'])
    expect((await call(served, await openSession(served), 5, 'raw_line')).result).toBeDefined()
    expect(counting.state).toEqual({ balance: 998, reserved: 0 })
  })

  it('one that cannot be started is said so, and begins no session', async () => {
    const served = await startDoor([], { partsFor: () => countingMeter(), command: '/nowhere/no-such-program' })
    const opened = await post(served, initialize())
    expect(opened.headers.has('mcp-session-id')).toBe(false)
    expect(((await opened.json()) as Message).error).toEqual({ code: -32603, message: 'The upstream server could not be started or reached' })
    expect(served.reports).toEqual([expect.stringContaining('cannot start /nowhere/no-such-program')])
  })
})

describe('how many upstreams are open', () => {
  it('room is made by ending what is idle, of whoever has the most; with all in use the next is refused', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter(), limits: { upstreamsMax: 3, upstreamsPerCallerMax: 3 } })
    const bob = await openSession(served, 'bob')
    const ada = [await openSession(served), await openSession(served)]
    // Ada's first session is the longest unused one of hers, and she has more than Bob.
    const cat = await openSession(served, 'cat')
    expect((await ask(served, ada[0] ?? '', 1, 'test/seen')).status).toBe(404)
    for (const [caller, session] of [['bob', bob], ['ada', ada[1] ?? ''], ['cat', cat]] as const) {
      await post(served, { jsonrpc: '2.0', id: 1, method: 'test/silent' }, { session, caller })
    }
    const refused = await post(served, initialize(), { caller: 'bob' })
    expect([refused.status, refused.headers.get('retry-after'), ((await refused.json()) as Message).error]).toMatchObject([
      503, null, { message: 'Too many connections to the upstream server are open (3). End a session that you no longer need, or try again later' }
    ])
    expect(served.opened).toHaveLength(4)
  })

  it('what is ending counts too, so that nobody starts processes without end by opening and ending sessions', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter(), script: { answerAfterEndMs: 500 }, limits: { upstreamsMax: 4, upstreamsPerCallerMax: 1 } })
    const session = await openSession(served)
    const events = eventsOf(await ask(served, session, 1, 'tools/call', { name: 'silent' }))
    await messageOf(events, isMethod('notifications/message'))
    await remove(served, session)
    expect((await post(served, initialize())).status).toBe(503)
    expect(served.opened).toHaveLength(1)
    expect((await post(served, initialize(), { caller: 'bob' })).status).toBe(200)
    await served.opened[0]?.exit
    await vi.waitFor(async () => expect((await post(served, initialize())).status).toBe(200))
  })

  it('a caller who is at the limit of one is told that limit', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter(), limits: { upstreamsMax: 4, upstreamsPerCallerMax: 1 } })
    await ask(served, await openSession(served), 1, 'test/silent')
    expect(((await (await post(served, initialize())).json()) as Message).error?.['message']).toContain('are open (1)')
  })

  it('one caller who opens and never closes drives out nobody', async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter(), limits: { upstreamsMax: 10, upstreamsPerCallerMax: 2 } })
    const bob = await openSession(served, 'bob')
    const ada = [await openSession(served), await openSession(served), await openSession(served)]
    expect((await post(served, { jsonrpc: '2.0', id: 1, method: 'test/seen' }, { session: bob, caller: 'bob' })).status).toBe(200)
    const statuses = await Promise.all(ada.map(async session => (await ask(served, session, 1, 'test/seen')).status))
    expect(statuses).toEqual([404, 200, 200])
  })

  it('a session that nobody uses and nobody listens to ends after its time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const served = await startDoor(SCRIPTED, { partsFor: () => countingMeter(), limits: { sessionIdleMs: 1_000_000 } })
      const [idle, busy, heard] = [await openSession(served), await openSession(served), await openSession(served)]
      await ask(served, busy, 1, 'test/silent')
      await get(served, heard)
      vi.advanceTimersByTime(999_999)
      expect(await answerOf(await ask(served, idle, 1, 'test/seen'))).toMatchObject({ id: 1 })
      vi.advanceTimersByTime(1_000_000)
      const statuses = await Promise.all([idle, busy, heard].map(async session => (await ask(served, session, 2, 'test/seen')).status))
      expect(statuses).toEqual([404, 200, 200])
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('work that nobody waits for', () => {
  it('T03: holds its upstream no longer than a reservation lives, and is charged as left', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const counting = countingMeter()
      const served = await startDoor(SCRIPTED, { partsFor: () => counting, limits: { sessionIdleMs: 1_000_000, unattendedMs: 2_000_000, answerGraceMs: 0 } })
      const [left, watched] = [await openSession(served), await openSession(served)]
      const controller = new AbortController()
      const broken = eventsOf(await post(served, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'silent' } }, { session: left, signal: controller.signal }))
      await messageOf(broken, isMethod('notifications/message'))
      await messageOf(eventsOf(await ask(served, watched, 1, 'tools/call', { name: 'silent' })), isMethod('notifications/message'))
      controller.abort()
      await expect(broken.next()).rejects.toThrow()
      await vi.waitFor(() => expect(served.requests[4]?.signal.aborted).toBe(true))
      for (let passed = 0; passed < 3; passed += 1) vi.advanceTimersByTime(1_000_000)
      vi.useRealTimers()
      expect((await ask(served, left, 2, 'test/seen')).status).toBe(404)
      expect((await ask(served, watched, 2, 'test/seen')).status).toBe(200)
      await served.opened[0]?.exit
      await vi.waitFor(() => expect(counting.outcomes).toEqual(['silent charged ended: client_closed']))
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('the end of the server', () => {
  it('T03: leaves calls less time than the server in front has, so that they are settled before the ledger closes', () => {
    const { answerGraceMs, terminateGraceMs } = DEFAULT_DOOR_LIMITS
    expect(answerGraceMs + terminateGraceMs).toBeLessThan(HTTP_LIMITS.graceMs)
  })

  it('a session that is not open yet is told that it will not be', async () => {
    const served = await startDoor(['-e', 'process.stdin.resume()'], { partsFor: () => countingMeter(), limits: { answerGraceMs: 20 } })
    const opening = post(served, initialize())
    await vi.waitFor(() => expect(served.opened).toHaveLength(1))
    await served.close()
    expect([(await opening).status, ((await (await opening).json()) as Message).error]).toMatchObject([503, { message: 'The server is ending' }])
  })

  it('T03: told to end in mid-call, it answers and charges what is under way, takes nothing new, and ends the upstreams', async () => {
    const counting = countingMeter()
    const served = await startDoor(SCRIPTED, { partsFor: () => counting })
    const session = await openSession(served)
    const events = eventsOf(await ask(served, session, 1, 'tools/call', { name: 'ask_client' }))
    await messageOf(events, isMethod('elicitation/create'))
    const listening = await get(served, session)
    const closed = served.close()
    expect((await ask(served, session, 2, 'ping')).status).toBe(503)
    expect((await post(served, initialize())).status).toBe(503)
    expect((await postModern(served, 1, 'tools/list')).status).toBe(503)
    // The call waits for its client, who answers by another request.
    expect((await post(served, { jsonrpc: '2.0', id: 7, result: { action: 'accept' } }, { session })).status).toBe(202)
    expect(await messageOf(events, ({ id }) => id === 1)).toMatchObject({ result: { _meta: { [RECEIPT]: { charged: 1 } } } })
    await closed
    expect(await messagesOf(listening)).toEqual([])
    await served.opened[0]?.exit
    expect(counting.outcomes).toEqual(['ask_client charged result'])
  })

  it('T03: told so once more, it ends at once what is still under way, and waits until that is settled', async () => {
    const counting = countingMeter({ commit: async () => new Promise(resolve => setImmediate(resolve)) })
    const served = await startDoor(SCRIPTED, { partsFor: () => counting })
    const session = await openSession(served)
    const events = eventsOf(await ask(served, session, 1, 'tools/call', { name: 'silent' }))
    await messageOf(events, isMethod('notifications/message'))
    void served.close()
    await served.hurry()
    expect(counting.outcomes).toEqual(['silent released ended: stopped'])
    expect((await messageOf(events, ({ id }) => id === 1)).error).toMatchObject({ message: 'The server was told to end before the call was done' })
  })

  it('T03: a call that is not done when its time is over ends as stopped, and is told so', async () => {
    const counting = countingMeter()
    const served = await startDoor(SCRIPTED, { partsFor: () => counting, limits: { answerGraceMs: 20 } })
    const session = await openSession(served)
    const events = eventsOf(await ask(served, session, 1, 'tools/call', { name: 'silent' }))
    await messageOf(events, isMethod('notifications/message'))
    await served.close()
    expect((await messageOf(events, ({ id }) => id === 1)).error).toMatchObject({ message: 'The server was told to end before the call was done' })
    expect(counting.outcomes).toEqual(['silent released ended: stopped'])
  })
})
