import { afterEach, describe, expect, it } from 'vitest'
import { countingMeter, RECEIPT } from './counting-meter.js'
import { answerTo, OUR_PRICE, ownServer, type Proxied, SCRIPTED, startProxy, turns } from './harness.js'

const open: Proxied[] = []

function start(...args: Parameters<typeof startProxy>): Proxied {
  const proxied = startProxy(...args)
  open.push(proxied)
  return proxied
}

afterEach(async () => {
  for (const proxied of open.splice(0)) {
    proxied.stop()
    await proxied.exit
    expect(proxied.state.reserved).toBe(0)
  }
})

const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }

describe('what passes as it came', () => {
  it('a message that is not touched reaches the upstream byte for byte, and so does its answer', async () => {
    const proxied = start(SCRIPTED)
    const line = '{ "id":1.0,  "method":"test/seen" ,"jsonrpc":"2.0", "params":{"n":12345678901234567890,"s":"\\u0041"}}'
    proxied.sendText(line)
    expect(await answerTo(proxied.lines, 1)).toEqual({ jsonrpc: '2.0', id: 1, result: { seen: [line] } })
  })

  it('lines of the upstream that are no protocol pass, too', async () => {
    const proxied = start(SCRIPTED)
    await proxied.request(1, 'test/noise')
    expect(proxied.lines.all).toEqual(['not json at all', '{"jsonrpc":"2.0","id":1,"result":{}}'])
  })

  it('a batch of the upstream arrives member by member', async () => {
    const proxied = start(SCRIPTED)
    expect(await proxied.request(1, 'test/batch')).toEqual({ jsonrpc: '2.0', id: 1, result: { batched: true } })
    expect(proxied.lines.all[0]).toBe('{"jsonrpc":"2.0","method":"notifications/x"}')
  })

  it('a request of the upstream and its answer pass during a metered call', async () => {
    const proxied = start(SCRIPTED)
    const answer = proxied.request('call', 'tools/call', { name: 'ask_client' })
    await proxied.lines.find(line => line.includes('elicitation/create'))
    const response = '{"jsonrpc":"2.0", "id":7,"result":{"action":"accept","content":{}}}'
    proxied.sendText(response)
    expect((await answer).result).toEqual({ content: [{ type: 'text', text: response }], _meta: { [RECEIPT]: { charged: 1 } } })
  })

  it('string and number ids are two requests, and each answer carries the id of its own', async () => {
    const proxied = start(SCRIPTED)
    const both = await Promise.all([
      proxied.request('1', 'tools/call', { name: 'raw_line', arguments: { a: 'text id' } }),
      proxied.request(1, 'tools/call', { name: 'raw_line', arguments: { a: 'number id' } })
    ])
    expect(both.map(answer => JSON.stringify(answer.result))).toEqual([expect.stringContaining('text id'), expect.stringContaining('number id')])
  })
})

describe('tools/call', () => {
  it('a call goes upstream as it was inspected and comes back with its receipt', async () => {
    const proxied = start(SCRIPTED)
    proxied.sendText('{"jsonrpc":"2.0","extra":1,"id":"a","method":"tools/call","params":{"name":"raw_line","arguments":{"a":1,"A":2},"_meta":{"progressToken":9}}}')
    const forwarded = '{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"raw_line","arguments":{"a":1,"A":2},"_meta":{"progressToken":9}}}'
    expect(await answerTo(proxied.lines, 'a')).toEqual({
      jsonrpc: '2.0',
      id: 'a',
      result: { content: [{ type: 'text', text: forwarded }], _meta: { [RECEIPT]: { charged: 1 } } }
    })
  })

  it('AX-14: the meter sees the name as it was sent and refuses an unpriced tool before the upstream hears of it', async () => {
    const proxied = start(SCRIPTED, { counting: countingMeter({ prices: {} }) })
    const answer = await proxied.request(1, 'tools/call', { name: 'Raw_Line ' })
    expect(answer.result).toEqual({ content: [{ type: 'text', text: 'price_unknown' }], isError: true })
    expect(proxied.names).toEqual(['Raw_Line '])
    expect((await proxied.request(2, 'test/seen')).result?.['seen']).toHaveLength(1)
  })

  it('a refusal in the modern era is a complete result', async () => {
    const proxied = start(SCRIPTED, { counting: countingMeter({ balance: 0 }) })
    const answer = await proxied.request(1, 'tools/call', { name: 'raw_line', _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } })
    expect(answer.result).toMatchObject({ resultType: 'complete', isError: true })
  })

  it('T03: a tool error and a JSON-RPC error reach the client unchanged and release the reservation', async () => {
    const proxied = start(SCRIPTED)
    expect((await proxied.request(1, 'tools/call', { name: 'fail' })).error).toEqual({ code: -32000, message: 'it failed', data: { why: 'asked' } })
    expect((await proxied.request(2, 'tools/call', { name: 'tool_error' })).result).toEqual({ content: [{ type: 'text', text: 'it failed' }], isError: true })
    expect(proxied.outcomes).toEqual(['fail released error', 'tool_error released result'])
    expect(proxied.state).toEqual({ balance: 1_000, reserved: 0 })
  })

  it('a result that asks for input is told from a final one and released', async () => {
    const proxied = start(SCRIPTED)
    expect((await proxied.request(1, 'tools/call', { name: 'input' })).result).toEqual({ resultType: 'input_required', inputRequests: {}, requestState: 's' })
    expect(proxied.outcomes).toEqual(['input released input_required'])
  })

  it('a meter that fails is an internal error without its text, and the proxy lives on', async () => {
    const failing = { ...countingMeter(), meter: () => Promise.reject(new Error('secret path')) }
    const proxied = start(SCRIPTED, { counting: failing })
    const answer = await proxied.request(1, 'tools/call', { name: 'raw_line' })
    expect(answer.error).toMatchObject({ code: -32603 })
    expect(JSON.stringify(answer)).not.toContain('secret')
    expect(await proxied.diagnostics.find(line => line.includes('secret path'))).toContain('raw_line')
    expect((await proxied.request(2, 'test/seen')).result).toBeDefined()
  })

  it('a tools/call without an id is dropped: nobody would pay for it', async () => {
    const proxied = start(SCRIPTED)
    proxied.send({ jsonrpc: '2.0', method: 'tools/call', params: { name: 'raw_line' } })
    expect((await proxied.request(1, 'test/seen')).result?.['seen']).toHaveLength(1)
    expect(proxied.names).toEqual([])
  })
})

describe('what is refused', () => {
  const call = (params: string): string => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`
  it.each([
    ['malformed JSON', '{"jsonrpc":', null, -32700],
    ['a message that is no object', '"hello"', null, -32600],
    ['an empty batch', '[]', null, -32600],
    ['a duplicate name', call('{"name":"raw_line","name":"silent"}'), 1, -32600],
    ['a duplicate written with escapes', call('{"name":"raw_line","n\\u0061me":"silent"}'), 1, -32600],
    ['a name that differs in case only', call('{"name":"raw_line","Name":"silent"}'), 1, -32600],
    ['a duplicate deep in the arguments', call('{"name":"raw_line","arguments":{"a":[{"b":1,"b":2}]}}'), 1, -32600],
    ['a second method', '{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping","params":{"name":"raw_line"}}', 1, -32600],
    ['a second method in another case', '{"jsonrpc":"2.0","id":1,"Method":"tools/call","method":"ping","params":{"name":"raw_line"}}', 1, -32600],
    ['a response that is a call in another case', '{"jsonrpc":"2.0","id":9,"error":null,"Method":"tools/call","Params":{"name":"raw_line"}}', 9, -32600],
    ['a notification that is a request in another case', '{"jsonrpc":"2.0","Id":9,"method":"ping"}', null, -32600],
    ['arguments in another case', call('{"name":"raw_line","Arguments":{"a":1}}'), 1, -32600],
    ['a method in another case', '{"jsonrpc":"2.0","id":1,"method":"Tools/Call","params":{"name":"raw_line"}}', 1, -32600],
    ['a number that no double holds', call('{"name":"raw_line","arguments":{"n":12345678901234567890}}'), 1, -32600],
    ['an infinite number', call('{"name":"raw_line","arguments":{"n":1e309}}'), 1, -32600],
    ['nesting without end', call(`{"name":"raw_line","arguments":${'['.repeat(5_000)}${']'.repeat(5_000)}}`), 1, -32600],
    ['a big id', '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}', null, -32600],
    ['a fractional id', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', null, -32600],
    ['a null id', '{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"raw_line"}}', null, -32600],
    ['no method', '{"jsonrpc":"2.0","id":1}', 1, -32600],
    ['a method that is no text', '{"jsonrpc":"2.0","id":1,"method":["tools/call"]}', 1, -32600],
    ['another protocol', '{"id":1,"method":"ping"}', 1, -32600],
    ['no name', call('{"arguments":{}}'), 1, -32602],
    ['arguments that are a list', call('{"name":"raw_line","arguments":[]}'), 1, -32602],
    ['params that are a list', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["raw_line"]}', 1, -32602]
  ])('%s is refused, metered as nothing and not forwarded', async (_, line, id, code) => {
    const proxied = start(SCRIPTED)
    proxied.sendText(line)
    expect((await answerTo(proxied.lines, id)).error).toMatchObject({ code })
    expect((await proxied.request('after', 'test/seen')).result?.['seen']).toHaveLength(1)
    expect(proxied.names).toEqual([])
  })

  it('a line over the limit is refused and the next one is served', async () => {
    const proxied = start(SCRIPTED, { limits: { clientLineBytesMax: 1_000 } })
    proxied.sendText(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${'x'.repeat(5_000)}"}}`)
    expect((await answerTo(proxied.lines, null)).error).toMatchObject({ code: -32600, message: expect.stringContaining('1000 bytes') })
    expect((await proxied.request(2, 'test/seen')).result?.['seen']).toHaveLength(1)
  })

  it('an argument of 10 MB passes', async () => {
    const proxied = start(SCRIPTED)
    const answer = await proxied.request(1, 'tools/call', { name: 'raw_line', arguments: { file: 'x'.repeat(10_000_000) } })
    expect(JSON.stringify(answer.result).length).toBeGreaterThan(10_000_000)
  })

  it('an id that is still open is refused, and its first request stays open', async () => {
    const proxied = start(SCRIPTED)
    const first = proxied.request(1, 'tools/call', { name: 'ask_client' })
    await proxied.lines.find(line => line.includes('elicitation/create'))
    proxied.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'raw_line' } })
    expect((await first).error).toMatchObject({ code: -32600 })
    proxied.send({ jsonrpc: '2.0', id: 7, result: {} })
    await proxied.lines.find(line => line.includes(RECEIPT))
    expect(proxied.outcomes).toEqual(['ask_client charged result'])
  })

  it('more open requests than the limit are refused', async () => {
    const proxied = start(SCRIPTED, { limits: { requestsInFlightMax: 1 } })
    proxied.send({ jsonrpc: '2.0', id: 1, method: 'test/silent' })
    expect((await proxied.request(2, 'test/seen')).error).toMatchObject({ code: -32603 })
  })
})

describe('batches', () => {
  it('T36: a batch is metered member by member, and its answers come back as one array', async () => {
    const proxied = start(SCRIPTED, { counting: countingMeter({ balance: 1 }) })
    proxied.send([
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'raw_line' } },
      { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'raw_line' } },
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', id: 3, method: 'test/seen' },
      5
    ])
    const answers = JSON.parse(await proxied.lines.find(line => line.startsWith('['))) as { id: number | null }[]
    expect(new Map(answers.map(answer => [answer.id, answer]))).toEqual(
      new Map<number | null, unknown>([
        [1, expect.objectContaining({ result: expect.objectContaining({ _meta: { [RECEIPT]: { charged: 1 } } }) })],
        [2, expect.objectContaining({ result: expect.objectContaining({ isError: true }) })],
        [3, expect.objectContaining({ result: { seen: expect.any(Array) } })],
        [null, expect.objectContaining({ error: expect.objectContaining({ code: -32600 }) })]
      ])
    )
    expect(proxied.lines.all).toHaveLength(1)
    expect(proxied.state).toEqual({ balance: 0, reserved: 0 })
  })

  it('a batch of notifications is answered by nothing', async () => {
    const proxied = start(SCRIPTED)
    proxied.send([{ jsonrpc: '2.0', method: 'notifications/a' }, { jsonrpc: '2.0', method: 'notifications/b' }])
    expect((await proxied.request(1, 'test/seen')).result?.['seen']).toHaveLength(3)
    expect(proxied.lines.all).toHaveLength(1)
  })

  it('a batch with a duplicate member anywhere is refused whole', async () => {
    const proxied = start(SCRIPTED)
    proxied.sendText('[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"a","name":"b"}}]')
    const answers = JSON.parse(await proxied.lines.find(line => line.startsWith('['))) as { error: { code: number } }[]
    expect(answers.map(answer => answer.error.code)).toEqual([-32600, -32600])
  })
})

describe('cancellation', () => {
  it('T33: a call cancelled after its start is charged, heard by the upstream, and gets no answer', async () => {
    const proxied = start(SCRIPTED, { script: { lateAnswer: true } })
    proxied.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'silent' } })
    await proxied.lines.find(line => line.includes('started'))
    proxied.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    await proxied.lines.find(line => line.includes('cancelled 1'))
    expect(proxied.outcomes).toEqual(['silent charged ended: cancelled'])
    expect(proxied.lines.all.filter(line => line.includes('"id"'))).toEqual([])
  })

  it('T33: a call cancelled before its start is released, and the upstream hears of neither', async () => {
    let admit = (): void => undefined
    const reserving = new Promise<void>(resolve => { admit = resolve })
    const proxied = start(SCRIPTED, { counting: countingMeter({ admit: () => reserving }) })
    proxied.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'silent' } })
    proxied.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    await proxied.request(2, 'test/seen')
    admit()
    expect((await proxied.request(3, 'test/seen')).result?.['seen']).toHaveLength(2)
    expect(proxied.outcomes).toEqual(['silent released ended: cancelled'])
  })

  it('a cancellation that comes during the settlement comes too late: the work is done and its answer owed', async () => {
    let commit = (): void => undefined
    const settling = new Promise<void>(resolve => { commit = resolve })
    const proxied = start(SCRIPTED, { counting: countingMeter({ commit: () => settling }) })
    proxied.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'raw_line' } })
    await proxied.request(2, 'test/seen')
    proxied.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    await proxied.request(3, 'test/seen')
    commit()
    expect((await answerTo(proxied.lines, 1)).result).toHaveProperty('_meta')
  })

  it('an own call that was cancelled gets no answer', async () => {
    let finish = (): void => undefined
    const own = { ...ownServer(), call: () => new Promise<{}>(resolve => { finish = () => resolve({}) }) }
    const proxied = start(SCRIPTED, { own, script: { pages: [[]] } })
    proxied.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'get_credit_balance' } })
    proxied.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    await proxied.request(2, 'test/seen')
    finish()
    await proxied.request(3, 'test/seen')
    expect(proxied.lines.all.some(line => line.includes('"id":1'))).toBe(false)
  })
})

describe('tasks', () => {
  const call = (name: string): Parameters<Proxied['request']> => [1, 'tools/call', { name }]

  it('a task keeps its reservation until tasks/result, whose answer carries the receipt', async () => {
    const proxied = start(SCRIPTED)
    expect((await proxied.request(...call('old_task'))).result).toMatchObject({ task: { taskId: 'task-1', status: 'working' } })
    expect(proxied.state).toEqual({ balance: 1_000, reserved: 1 })
    const answer = await proxied.request(2, 'tasks/result', { taskId: 'task-1' })
    expect(answer.result).toEqual({ content: [{ type: 'text', text: 'done' }], _meta: { [RECEIPT]: { charged: 1 } } })
    expect(proxied.state).toEqual({ balance: 999, reserved: 0 })
  })

  it('a terminal tasks/get settles by the result that we ask for ourselves, and that answer is swallowed', async () => {
    const proxied = start(SCRIPTED)
    await proxied.request(...call('old_task'))
    expect((await proxied.request(2, 'tasks/get', { taskId: 'task-1' })).result).toMatchObject({ status: 'completed' })
    expect(proxied.outcomes).toEqual(['old_task charged result'])
    expect(proxied.lines.all).toHaveLength(2)
    expect((await proxied.request(3, 'test/seen')).result?.['seen']).toContainEqual(expect.stringMatching(/"id":"mcp-credits:.*"tasks\/result"/))
  })

  it('a working tasks/get passes and settles nothing', async () => {
    const proxied = start(SCRIPTED, { script: { status: 'working' } })
    await proxied.request(...call('old_task'))
    expect((await proxied.request(2, 'tasks/get', { taskId: 'task-1' })).result).toMatchObject({ status: 'working' })
    expect(proxied.state.reserved).toBe(1)
  })

  it('a modern task settles by the result inside tasks/get, which carries the receipt', async () => {
    const proxied = start(SCRIPTED, { script: { inline: true } })
    await proxied.request(...call('new_task'))
    const answer = await proxied.request(2, 'tasks/get', { taskId: 'task-1' })
    expect(answer.result).toMatchObject({ status: 'completed', result: { _meta: { [RECEIPT]: { charged: 1 } } } })
  })

  it('T33: tasks/cancel ends the call as cancelled after its start', async () => {
    const proxied = start(SCRIPTED)
    await proxied.request(...call('old_task'))
    await proxied.request(2, 'tasks/cancel', { taskId: 'task-1' })
    expect(proxied.outcomes).toEqual(['old_task charged ended: cancelled'])
  })

  it('T33: a task that tasks/get shows as cancelled ends as cancelled', async () => {
    const proxied = start(SCRIPTED, { script: { status: 'cancelled' } })
    await proxied.request(...call('old_task'))
    await proxied.request(2, 'tasks/get', { taskId: 'task-1' })
    expect(proxied.outcomes).toEqual(['old_task charged ended: cancelled'])
  })

  it('T03: a task that is open when the client closes is ended before the exit', async () => {
    const proxied = start(SCRIPTED)
    await proxied.request(...call('old_task'))
    proxied.input.end()
    expect(await proxied.exit).toEqual({ code: 0, reason: 'client_closed' })
    expect(proxied.outcomes).toEqual(['old_task charged ended: client_closed'])
  })

  const taskId = 'task-1'
  const NOT_FINISHED = { code: -32000, message: 'not finished yet' }
  const NOT_KNOWN = { code: -32602, message: 'Task not found' }

  it.each([
    ['a tasks/result with broken params', { _meta: 5 }, {}, -32602],
    ['a tasks/result that came too early', {}, { resultError: NOT_FINISHED }, -32000]
  ])('T33: the error to %s ends nothing: the task is charged when its result is read', async (_, params, script, code) => {
    const proxied = start(SCRIPTED, { script: { status: 'working', ...script } })
    await proxied.request(...call('old_task'))
    expect((await proxied.request(2, 'tasks/result', { taskId, ...params })).error).toMatchObject({ code })
    expect(proxied.state).toEqual({ balance: 1_000, reserved: 1 })
    await proxied.request(3, 'test/set', { status: 'completed', resultError: null })
    expect((await proxied.request(4, 'tasks/result', { taskId })).result).toHaveProperty(['_meta', RECEIPT], { charged: 1 })
    expect(proxied.outcomes).toEqual(['old_task charged result'])
  })

  it('T33: a task that is completed is charged by the result that we read ourselves, whatever the client\'s own request was answered', async () => {
    const proxied = start(SCRIPTED)
    await proxied.request(...call('old_task'))
    expect((await proxied.request(2, 'tasks/result', { taskId, _meta: 5 })).error).toMatchObject({ code: -32602 })
    expect(proxied.outcomes).toEqual(['old_task charged result'])
  })

  it('T03: a task that failed is released, and its error reaches the client unchanged', async () => {
    const error = { code: -32001, message: 'it failed', data: { why: 'asked' } }
    const proxied = start(SCRIPTED, { script: { status: 'failed', resultError: error } })
    await proxied.request(...call('old_task'))
    expect((await proxied.request(2, 'tasks/result', { taskId })).error).toEqual(error)
    expect(proxied.outcomes).toEqual(['old_task released error'])
  })

  it.each(['tasks/result', 'tasks/get'])('T33: a task that the upstream no longer knows when %s asks for it is charged: its life is the client\'s to choose', async method => {
    const proxied = start(SCRIPTED, { script: { resultError: NOT_KNOWN, getError: NOT_KNOWN } })
    await proxied.request(...call('old_task'))
    expect((await proxied.request(2, method, { taskId })).error).toEqual(NOT_KNOWN)
    expect(proxied.outcomes).toEqual(['old_task charged ended: cancelled'])
  })

  it('T33: a task that is completed is charged also when its result cannot be read', async () => {
    const proxied = start(SCRIPTED, { script: { resultError: NOT_KNOWN } })
    await proxied.request(...call('old_task'))
    expect((await proxied.request(2, 'tasks/get', { taskId })).result).toMatchObject({ status: 'completed' })
    expect(proxied.outcomes).toEqual(['old_task charged ended: cancelled'])
  })

  it('T33: a task whose state cannot be asked for stays open and is charged when the client closes', async () => {
    const proxied = start(SCRIPTED, { script: { resultError: NOT_FINISHED, getError: { code: -32601, message: 'Method not found' } } })
    await proxied.request(...call('old_task'))
    expect((await proxied.request(2, 'tasks/result', { taskId })).error).toEqual(NOT_FINISHED)
    expect(proxied.outcomes).toEqual([])
    proxied.input.end()
    await proxied.exit
    expect(proxied.outcomes).toEqual(['old_task charged ended: client_closed'])
  })

  it('T33: an upstream that never tells a task\'s state keeps no client from its answer, and the task stays open', async () => {
    const proxied = start(SCRIPTED, { script: { resultError: NOT_FINISHED, getSilent: true }, limits: { taskStateGraceMs: 1 } })
    await proxied.request(...call('old_task'))
    expect((await proxied.request(2, 'tasks/result', { taskId })).error).toEqual(NOT_FINISHED)
    expect(proxied.state.reserved).toBe(1)
  })

  it('T33: a client that asks for a completed task\'s state and closes at once is charged', async () => {
    const proxied = start(SCRIPTED)
    await proxied.request(...call('old_task'))
    proxied.input.end(JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tasks/get', params: { taskId } }))
    await proxied.exit
    expect(proxied.outcomes).toEqual(['old_task charged ended: client_closed'])
  })

  it('our own question about a modern task carries the envelope of its call, and nothing else of it', async () => {
    const proxied = start(SCRIPTED, { script: { status: 'working' } })
    const envelope = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} }
    const _meta = { ...envelope, progressToken: 1, 'io.modelcontextprotocol/related-task': { taskId: 'other' } }
    await proxied.request(1, 'tools/call', { name: 'new_task', _meta })
    await proxied.request(2, 'tasks/result', { taskId, _meta: 5 })
    const { result } = await proxied.request(3, 'test/seen')
    const asked = (result?.['seen'] as string[]).map(line => JSON.parse(line) as { method: string; params: unknown })
    expect(asked.filter(({ method }) => method === 'tasks/get').map(({ params }) => params)).toEqual([{ taskId, _meta: envelope }])
  })
})

describe('more open tasks than the limit', () => {
  const limits = { tasksOpenMax: 1 }
  const TASKS = { 'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } } }
  const FULL = { code: -32603, message: expect.stringContaining('Too many tasks are open (1)') }
  const asked = (id: string): Parameters<Proxied['request']>[2] => ({ name: 'old_task', arguments: { taskId: id }, task: {} })

  it('a call that asks for one more is refused before it is reserved or forwarded, and other calls pass', async () => {
    const proxied = start(SCRIPTED, { limits })
    const both = await Promise.all([proxied.request(1, 'tools/call', asked('a')), proxied.request(2, 'tools/call', asked('b'))])
    expect(both.map(({ error }) => error)).toEqual([undefined, FULL])
    expect((await proxied.request(3, 'tools/call', { name: 'new_task', _meta: TASKS })).error).toEqual(FULL)
    expect((await proxied.request(4, 'tools/call', { name: 'raw_line' })).result).toHaveProperty(['_meta', RECEIPT])
    expect(proxied.names).toEqual(['old_task', 'raw_line'])
    expect((await proxied.request(5, 'test/seen')).result?.['seen']).toHaveLength(3)
  })

  it.each([
    ['its result is read', 'tasks/result', {}],
    ['it is cancelled', 'tasks/cancel', {}],
    ['the upstream no longer knows it', 'tasks/get', { getError: { code: -32602, message: 'Task not found' } }]
  ])('the place of a task is free again once %s', async (_, method, script) => {
    const proxied = start(SCRIPTED, { limits, script })
    await proxied.request(1, 'tools/call', asked('a'))
    await proxied.request(2, method, { taskId: 'a' })
    expect((await proxied.request(3, 'tools/call', asked('b'))).result).toMatchObject({ task: { taskId: 'b' } })
  })

  it.each(['raw_line', 'fail', 'input'])('a call that asked for a task and ended without one (%s) keeps no place', async name => {
    const proxied = start(SCRIPTED, { limits })
    await proxied.request(1, 'tools/call', { name, task: {} })
    expect((await proxied.request(2, 'tools/call', asked('b'))).result).toHaveProperty('task')
  })

  it('a task that nobody asked for and that finds no place is charged at once', async () => {
    const proxied = start(SCRIPTED, { limits })
    await proxied.request(1, 'tools/call', asked('a'))
    const answer = await proxied.request(2, 'tools/call', { name: 'new_task', arguments: { taskId: 'b' } })
    expect(answer.result).toMatchObject({ taskId: 'b', _meta: { [RECEIPT]: { charged: 1 } } })
    expect(proxied.outcomes).toEqual(['new_task charged result'])
  })
})

describe('what is offered', () => {
  it('initialize gains our capabilities and instructions and keeps the rest', async () => {
    const proxied = start(SCRIPTED, { script: { instructions: 'Theirs.', capabilities: { prompts: {}, experimental: { a: {} } } } })
    expect((await proxied.request(1, 'initialize', initialize)).result).toEqual({
      protocolVersion: '2025-11-25',
      capabilities: { prompts: {}, experimental: { a: {} }, tools: {}, resources: {} },
      serverInfo: { name: 'scripted', version: '1' },
      instructions: 'Theirs.\n\nOurs after.'
    })
  })

  it('upstream tools show prices, ours stand on the last page only', async () => {
    const proxied = start(SCRIPTED, { script: { pages: [['a'], ['b']] } })
    const first = await proxied.request(1, 'tools/list')
    expect(first.result).toMatchObject({ tools: [{ name: 'a', _meta: { [OUR_PRICE]: { credits: 1 } } }], nextCursor: '1' })
    const last = await proxied.request(2, 'tools/list', { cursor: '1' })
    expect((last.result?.['tools'] as { name: string }[]).map(tool => tool.name)).toEqual(['b', 'get_credit_balance'])
    expect(last.result).not.toHaveProperty('cacheScope')
  })

  it('a list waits for the first prices, and what else is asked does not', async () => {
    let learn = (): void => undefined
    const learned = new Promise<void>(resolve => { learn = resolve })
    let price = 0
    const prices = { decorate: (tool: { name: string }) => ({ ...tool, price }), ready: () => learned }
    const proxied = start(SCRIPTED, { script: { pages: [['a']] }, prices })
    const list = proxied.request(1, 'tools/list')
    expect((await proxied.request(2, 'tools/call', { name: 'raw_line' })).result).toBeDefined()
    expect(proxied.lines.all).toHaveLength(1)
    price = 7
    learn()
    expect((await list).result?.['tools']).toContainEqual(expect.objectContaining({ name: 'a', price: 7 }))
  })

  it('an upstream without tools lists ours alone, in the era of the request', async () => {
    const proxied = start(SCRIPTED)
    const ours = [{ name: 'get_credit_balance', description: 'ours', inputSchema: { type: 'object' } }]
    expect((await proxied.request(1, 'tools/list')).result).toEqual({ tools: ours })
    const modern = await proxied.request(2, 'tools/list', { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } })
    expect(modern.result).toEqual({ resultType: 'complete', tools: ours, cacheScope: 'private', ttlMs: 60_000 })
  })

  it('on a name clash the upstream keeps its name, also on a page that the client has not read, and ours takes the prefix', async () => {
    // The call of the upstream's own tool stays unanswered: this upstream lists it and has none.
    const proxied = start(SCRIPTED, { script: { pages: [['a'], ['get_credit_balance', 'credits_get_credit_balance'], ['b']] }, limits: { answerGraceMs: 20 } })
    const last = await proxied.request(1, 'tools/list', { cursor: '2' })
    expect((last.result?.['tools'] as { name: string }[]).map(tool => tool.name)).toEqual(['b', 'credits_credits_get_credit_balance'])
    const ours = await proxied.request(2, 'tools/call', { name: 'credits_credits_get_credit_balance', arguments: { x: 1 } })
    expect(JSON.stringify(ours.result)).toContain('{\\"ours\\":\\"get_credit_balance\\",\\"args\\":{\\"x\\":1},\\"era\\":\\"legacy\\"}')
    proxied.send({ jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'get_credit_balance' } })
    await proxied.request(4, 'test/seen')
    expect(proxied.names).toEqual(['get_credit_balance'])
  })

  it('a change of the upstream\'s tools is noticed, and our tool gives way to a new one of its name', async () => {
    const proxied = start(SCRIPTED, { script: { pages: [['raw_line']] } })
    await proxied.request(1, 'tools/list')
    await proxied.request(2, 'test/change', { pages: [['get_credit_balance']] })
    const list = await proxied.request(3, 'tools/call', { name: 'credits_get_credit_balance' })
    expect(JSON.stringify(list.result)).toContain('ours')
    expect(proxied.names).toEqual([])
  })

  it('our tools are answered by us and not metered, before any list was read', async () => {
    const proxied = start(SCRIPTED, { counting: countingMeter({ prices: {} }), script: { pages: [['a']] } })
    expect((await proxied.request(1, 'tools/call', { name: 'get_credit_balance' })).result).toHaveProperty('content')
    expect(proxied.names).toEqual([])
  })

  it('our resources are listed after the upstream\'s and read by us', async () => {
    const proxied = start(SCRIPTED)
    proxied.send({ jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'credits://balance' } })
    expect((await answerTo(proxied.lines, 1)).result).toEqual({ contents: [{ uri: 'credits://balance', text: '12' }] })
    expect((await proxied.request(2, 'resources/read', { uri: 'credits://nothing' })).error).toMatchObject({ code: -32602 })
    expect((await proxied.request(3, 'test/seen')).result?.['seen']).toHaveLength(1)
  })
})

describe('the end', () => {
  it('T03: an upstream that crashes ends every open request with an error and the proxy with its code', async () => {
    const proxied = start(SCRIPTED)
    const untouched = proxied.request('u', 'test/silent')
    const crashed = proxied.request('c', 'tools/call', { name: 'crash' })
    expect((await untouched).error).toEqual({ code: -32603, message: 'The upstream server ended before it answered' })
    expect((await crashed).error).toMatchObject({ code: -32603 })
    expect(await proxied.exit).toEqual({ code: 3, reason: 'upstream_ended' })
    expect(proxied.outcomes).toEqual(['crash released error'])
  })

  it('a command that cannot be started ends the proxy with an error that names it', async () => {
    const proxied = start([], { command: '/nonexistent/upstream' })
    expect(await proxied.exit).toEqual({ code: 1, reason: 'upstream_not_started' })
    expect(await proxied.diagnostics.find(line => line.includes('/nonexistent/upstream'))).toContain('ENOENT')
  })

  it('calls that were sent before the input ended are forwarded, answered and charged', async () => {
    const proxied = start(SCRIPTED, { script: { answerAfterEndMs: 100 }, limits: { closeGraceMs: 1 } })
    proxied.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'raw_line' } })
    proxied.input.end(JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'silent' } }))
    expect(await proxied.exit).toEqual({ code: 0, reason: 'client_closed' })
    expect(proxied.state).toEqual({ balance: 998, reserved: 0 })
    expect((await answerTo(proxied.lines, 2)).result).toMatchObject({ content: [{ text: 'at the end' }] })
  })

  it('a call whose reservation outlasts the client\'s input is still forwarded and answered', async () => {
    let admit = (): void => undefined
    const reserving = new Promise<void>(resolve => { admit = resolve })
    const proxied = start(SCRIPTED, { counting: countingMeter({ admit: () => reserving }) })
    await proxied.request(1, 'test/seen')
    proxied.send({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'raw_line' } })
    proxied.input.end()
    await new Promise(resolve => proxied.input.once('close', resolve))
    await turns(10)
    admit()
    await proxied.exit
    expect(proxied.outcomes).toEqual(['raw_line charged result'])
  })

  it('a call without an answer when the client closes is ended by that', async () => {
    const proxied = start(SCRIPTED)
    proxied.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'silent' } })
    await proxied.lines.find(line => line.includes('started'))
    proxied.input.end()
    await proxied.exit
    expect(proxied.outcomes).toEqual(['silent charged ended: client_closed'])
  })

  it('an upstream that ignores the end of its input and SIGTERM is killed', async () => {
    const proxied = start(SCRIPTED, { script: { stubborn: true }, limits: { closeGraceMs: 20, terminateGraceMs: 20 } })
    await proxied.request(1, 'test/seen')
    proxied.input.end()
    expect(await proxied.exit).toEqual({ code: 0, reason: 'client_closed' })
  })

  it('an upstream that ends by itself with nothing open is a normal end', async () => {
    const proxied = start(['-e', ''])
    expect(await proxied.exit).toEqual({ code: 0, reason: 'upstream_ended' })
  })

  it('a line of the upstream that is too long to be read ends it, and the call that it answered', async () => {
    const proxied = start(SCRIPTED, { limits: { upstreamLineBytesMax: 10_000 } })
    expect((await proxied.request(1, 'test/long', { size: 20_000 })).error).toMatchObject({ code: -32603 })
    expect(await proxied.exit).toMatchObject({ code: 1, reason: 'upstream_ended' })
  })

  it('a client that does not read loses nothing', async () => {
    const proxied = start(SCRIPTED)
    await proxied.request('first', 'test/seen')
    proxied.output.pause()
    for (let id = 0; id < 200; id += 1) proxied.send({ jsonrpc: '2.0', id, method: 'test/long', params: { size: 20_000 } })
    await turns(1)
    proxied.output.resume()
    await answerTo(proxied.lines, 199)
    expect(proxied.lines.all).toHaveLength(201)
  })
})
