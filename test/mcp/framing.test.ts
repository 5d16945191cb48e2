import { expect, it } from 'vitest'
import { SCRIPTED, startProxy } from '../proxy/harness.js'
import { RawClient, serve, testLedger, type ToolResult } from './support.js'

type Message = Record<string, unknown>

const PING = (id: number | string): Message => ({ jsonrpc: '2.0', id, method: 'ping' })
const charge = (id: number, key: string): Message => ({
  jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'charge_credits', arguments: { operation: 'translate', idempotency_key: key } },
})
const call = (params: string): string => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`

it('T36: what is refused as a message is refused in the words of the proxy, and charges nothing', async () => {
  const { raw, ledger } = await opened('2025-11-25')
  const proxied = startProxy(SCRIPTED)
  const lines = [
    '{"jsonrpc":',
    '"hello"',
    '{"id":1,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1}',
    '{"jsonrpc":"2.0","id":1.5,"method":"ping"}',
    '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}',
    call('{"name":"charge_credits","name":"get_credit_balance","arguments":{"operation":"translate"}}'),
    call('{"name":"charge_credits","Arguments":{},"arguments":{"operation":"translate"}}'),
    call('{"name":"charge_credits","arguments":{"operation":"translate","quantity":1,"quantity":2}}'),
    call(`{"name":"charge_credits","arguments":${'['.repeat(600)}${']'.repeat(600)}}`),
  ]
  for (const line of lines) {
    const plain = await raw.ask(line, (message) => 'error' in message)
    const before = proxied.lines.all.length
    proxied.sendText(line)
    await proxied.lines.find(() => proxied.lines.all.length > before)
    expect(plain, line.slice(0, 100)).toEqual(JSON.parse(proxied.lines.all[before] ?? ''))
  }
  proxied.stop()
  await proxied.exit
  expect((await ledger.credits.transactions({ type: 'charge' })).transactions).toEqual([])
})

it('an id that is still open is refused as the proxy does, and its first request is answered', async () => {
  const ledger = await testLedger()
  let open: () => void = () => undefined
  const opening = new Promise<void>((resolve) => (open = resolve))
  const raw = await greeted(new RawClient(serve(async () => opening.then(() => ledger.credits))), '2025-11-25')
  raw.send(JSON.stringify(charge(1, 'a')))
  const refused = await raw.ask(JSON.stringify(charge(1, 'b')), ({ id }) => id === 1)
  expect(refused['error']).toEqual({ code: -32600, message: 'Invalid request: a request with this id is still open' })
  open()
  const answered = await raw.next(({ result }) => (result as ToolResult | undefined)?.structuredContent !== undefined)
  expect(answered).toMatchObject({ id: 1, result: { structuredContent: { charged: 7 } } })
})

it.each(['2024-11-05', '2025-03-26'])('in %s a batch is answered as one, and each of its calls is a call of its own', async (version) => {
  const { raw, ledger } = await opened(version)
  const before = raw.lines.length
  raw.send(JSON.stringify([charge(1, 'a'), { jsonrpc: '2.0', method: 'notifications/x' }, 5, charge(2, 'b'), charge(3, 'a'), charge(1, 'c')]))
  const answers = JSON.parse(await raw.line((text) => text.startsWith('['))) as Message[]
  expect(answers.map(({ id }) => id)).toHaveLength(5)
  const charged = answers.flatMap(({ id, result }) => (result === undefined ? [] : [[id, (result as ToolResult).structuredContent?.['replayed']]]))
  expect(charged.sort()).toEqual([[1, false], [2, false], [3, true]])
  expect(answers.filter(({ error }) => error !== undefined).map(({ id }) => id).sort()).toEqual([1, null])
  expect(raw.lines).toHaveLength(before + 1)
  expect((await ledger.credits.transactions({ type: 'charge' })).transactions).toHaveLength(2)
})

it('a cancelled member of a batch gets no answer and holds up none', async () => {
  const ledger = await testLedger()
  let open: () => void = () => undefined
  const opening = new Promise<void>((resolve) => (open = resolve))
  const raw = await greeted(new RawClient(serve(async () => opening.then(() => ledger.credits))), '2025-03-26')
  raw.send(JSON.stringify([charge(1, 'a'), PING(2)]))
  await raw.ask(JSON.stringify(PING('between')), ({ id }) => id === 'between')
  raw.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }))
  expect(JSON.parse(await raw.line((text) => text.startsWith('[')))).toEqual([{ jsonrpc: '2.0', id: 2, result: {} }])
  open()
  const after = await raw.ask(JSON.stringify(charge(3, 'b')), ({ id }) => id === 3)
  expect(after).toMatchObject({ result: { structuredContent: { charged: 7 } } })
  expect(raw.lines.some((text) => text.includes('"id":1,'))).toBe(false)
})

it('where the version has no batches one is refused whole, before the version is agreed upon as well', async () => {
  const ledger = await testLedger()
  const raw = new RawClient(serve(async () => ledger.credits))
  const refusal = { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'Invalid request: this version of the protocol has no batches; send one message a line' } }
  expect(await raw.ask(JSON.stringify([charge(1, 'a')]), () => true)).toEqual(refusal)
  await greeted(raw, '2025-06-18')
  expect(await raw.ask(JSON.stringify([charge(1, 'a')]), ({ error }) => error !== undefined)).toEqual(refusal)
  expect((await ledger.credits.transactions({ type: 'charge' })).transactions).toEqual([])
})

async function opened(version: string): Promise<{ raw: RawClient; ledger: Awaited<ReturnType<typeof testLedger>> }> {
  const ledger = await testLedger()
  return { raw: await greeted(new RawClient(serve(async () => ledger.credits)), version), ledger }
}

async function greeted(raw: RawClient, version: string): Promise<RawClient> {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  const answer = await raw.ask(JSON.stringify({ jsonrpc: '2.0', id: 'open', method: 'initialize', params }), ({ id }) => id === 'open')
  expect(answer).toMatchObject({ result: { protocolVersion: version } })
  raw.send('{"jsonrpc":"2.0","method":"notifications/initialized"}')
  return raw
}
