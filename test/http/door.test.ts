import { describe, expect, it } from 'vitest'
import { openCredits } from '../../src/credits.js'
import { creditsHttpDoor } from '../../src/mcp/http-door.js'
import { handTicker } from '../mcp/support.js'
import { EventReader, modernRequest, newKey, served, type Served } from './support.js'

const TRANSLATE = { name: 'charge_credits', arguments: { operation: 'translate' } }
const UPDATED = 'notifications/resources/updated'

function legacyRequest(body: unknown, headers: Record<string, string> = {}): RequestInit & { headers: Record<string, string> } {
  return {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-03-26', ...headers },
  }
}

async function messagesOf(response: Response): Promise<Record<string, unknown>[]> {
  const reader = new EventReader(response)
  const messages: Record<string, unknown>[] = []
  for (let message = await reader.next(); message !== null; message = await reader.next()) messages.push(message)
  return messages
}

describe('what is read', () => {
  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a member twice', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_operations","name":"charge_credits"}}'],
    ['a miswritten member', '{"jsonrpc":"2.0","id":1,"Method":"tools/list"}'],
    ['an empty batch', '[]'],
    ['a batch that is too long', JSON.stringify(Array.from({ length: 101 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' })))],
  ])('%s is a bad request', async (_what, body) => {
    const { fetch: send, reports } = await served()
    const response = await send('/mcp', legacyRequest(body))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', error: { code: expect.any(Number) as number } })
    expect(reports).toEqual([])
  })

  it('a batch of the versions that have them is answered member by member', async () => {
    const { fetch: send, ledger } = await served()
    const { balance } = await ledger.credits.balance()
    const call = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: TRANSLATE })
    const response = await send('/mcp', legacyRequest([call(1), call(2), { jsonrpc: '2.0', method: 'notifications/initialized' }]))
    expect((await messagesOf(response)).map(({ id }) => id).sort()).toEqual([1, 2])
    expect((await ledger.credits.balance()).balance).toBe(balance - 14)
  })

  it('what is no message, or asks for a session, is answered with the status that the protocol has for it', async () => {
    const { fetch: send } = await served()
    expect((await send('/mcp', { ...legacyRequest('x=1'), headers: { 'content-type': 'application/x-www-form-urlencoded' } })).status).toBe(415)
    expect((await send('/mcp', { headers: { accept: 'text/event-stream' } })).status).toBe(405)
    expect((await send('/mcp', { method: 'DELETE' })).status).toBe(405)
    const elsewhere = await send('/elsewhere')
    expect([elsewhere.status, await elsewhere.json()]).toMatchObject([404, { error: { code: 'invalid_request' } }])
  })

  it('a fault inside is told to the operator, and to the client only that there was one', async () => {
    const { call, reports, ledger } = await served({
      identify: () => Promise.resolve({ credits: undefined as never, id: 'k', account: 'default', scopes: ['admin'], credential: 'c', again: () => Promise.reject(new Error('none')) }),
    })
    expect(ledger).toBeDefined()
    const { status, body } = await call('get_credit_balance')
    expect([status, body.error]).toEqual([200, { code: -32603, message: 'Internal error' }])
    expect(reports).toEqual([expect.stringContaining('get_credit_balance failed: TypeError')])
  })
})

describe('the header Idempotency-Key', () => {
  it('names a call of ours that spends: it is charged once', async () => {
    const { call, ledger } = await served()
    const first = await call(TRANSLATE.name, TRANSLATE.arguments, { 'idempotency-key': 'job-1' })
    const again = await call(TRANSLATE.name, { ...TRANSLATE.arguments, idempotency_key: 'job-1' })
    const quoted = await call(TRANSLATE.name, TRANSLATE.arguments, { 'Idempotency-Key': '"job-1"' })
    expect([first, again, quoted].map(({ body }) => (body.result?.['structuredContent'] as { replayed: boolean }).replayed)).toEqual([false, true, true])
    expect((await ledger.credits.transactions({ type: 'charge' })).transactions).toHaveLength(1)
  })

  it('is nothing to a call that only reads', async () => {
    const { call } = await served()
    expect((await call('get_credit_balance', {}, { 'idempotency-key': 'job-1' })).body.result).not.toHaveProperty('isError')
  })

  it('leaves a call as it is whose input only asks: there a key is what is asked about', async () => {
    const { call, ledger } = await served()
    const { transaction } = await ledger.credits.charge({ operation: 'translate', idempotencyKey: 'job-0' })
    const header = { 'idempotency-key': 'job-1' }
    const answers = [
      await call('explain_charge', { transaction }, header),
      await call('explain_charge', { idempotency_key: 'job-0' }, header),
      await call('estimate_cost', { operation: 'translate' }, header),
    ]
    for (const { status, body } of answers) expect([status, body.result]).toMatchObject([200, { structuredContent: {} }])
    expect(answers.map(({ body }) => (body.result?.['structuredContent'] as { outcome?: string }).outcome)).toEqual(['charged', 'charged', undefined])
  })

  it('names a quote, which is written: the same one is given again', async () => {
    const { call } = await served()
    const quoted = async (key: string) => {
      const { body } = await call('estimate_cost', { operation: 'translate', quote: true }, { 'idempotency-key': key })
      return (body.result?.['structuredContent'] as { quote_id: string }).quote_id
    }
    const first = await quoted('job-1')
    expect([await quoted('job-1') === first, await quoted('job-2') === first]).toEqual([true, false])
  })

  it('is refused beside another key of the call, for a batch of calls, and where it is none', async () => {
    const { call, fetch: send, ledger } = await served()
    const batch = [{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: TRANSLATE }]
    const answers = [
      await call(TRANSLATE.name, { ...TRANSLATE.arguments, idempotency_key: 'job-2' }, { 'idempotency-key': 'job-1' }),
      await call(TRANSLATE.name, TRANSLATE.arguments, { 'idempotency-key': '"job' }),
    ]
    for (const { status, body } of answers) expect([status, body.error]).toMatchObject([400, { code: -32600, data: { error: { code: 'invalid_request' } } }])
    const batched = await send('/mcp', legacyRequest(batch, { 'idempotency-key': 'job-1' }))
    expect([batched.status, await batched.json()]).toMatchObject([400, { error: { data: { error: { code: 'invalid_request' } } } }])
    expect((await ledger.credits.transactions({ type: 'charge' })).transactions).toEqual([])
  })
})

describe('WC-07: news over HTTP', () => {
  async function listen({ fetch: send }: Served, uris: readonly string[], key?: string): Promise<EventReader> {
    const { headers, body } = modernRequest('subscriptions/listen', { notifications: { resourceSubscriptions: uris } })
    const response = await send('/mcp', { method: 'POST', body, headers: { ...headers, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) } })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    const reader = new EventReader(response)
    expect(await reader.next()).toMatchObject({ method: 'notifications/subscriptions/acknowledged' })
    return reader
  }

  it('a subscriber is told of what another process did to its account, and reads it', async () => {
    const server = await served()
    const reader = await listen(server, ['credits://balance', 'credits://prices'])
    const other = await openCredits({ database: server.ledger.file, clock: server.ledger.clock })
    await other.charge({ account: 'default', operation: 'translate' })
    await other.close()
    server.ticker.tick()
    expect(await reader.next()).toMatchObject({ method: UPDATED, params: { uri: 'credits://balance' } })
    const { body } = await server.ask('resources/read', { uri: 'credits://balance' })
    expect(JSON.parse((body.result?.['contents'] as [{ text: string }])[0].text)).toMatchObject({ balance: 243 })
    await reader.cancel()
  })

  it('hears of its own account alone, and all are watched by one timer that ends with the last of them', async () => {
    const server = await served()
    const operator = server.ledger.credits.as({ account: null })
    await operator.createAccount({ id: 'acme' })
    const { key } = await operator.createKey({ account: 'acme' })
    const mine = await listen(server, ['credits://balance'])
    const theirs = await listen(server, ['credits://balance'], key ?? '')
    expect(server.ticker.running.size).toBe(1)
    await operator.charge({ account: 'acme', operation: 'translate' })
    server.ticker.tick()
    expect(await theirs.next()).toMatchObject({ method: UPDATED })
    await operator.charge({ account: 'default', operation: 'translate' })
    server.ticker.tick()
    // The first that it hears is of its own charge: of the other account's there was nothing.
    expect(await mine.next()).toMatchObject({ method: UPDATED })
    await Promise.all([mine.cancel(), theirs.cancel()])
    await expect.poll(() => server.ticker.running.size).toBe(0)
  })

  it('ends with the key, in the moment in which it is revoked', async () => {
    const server = await served()
    const reader = await listen(server, ['credits://balance'], await newKey(server.ledger, { id: 'leaver' }))
    const stays = await listen(server, ['credits://balance'])
    await server.ledger.credits.revokeKey({ id: 'leaver' })
    server.ticker.tick()
    expect(await reader.next()).toMatchObject({ result: { resultType: 'complete' } })
    expect(await reader.next()).toBeNull()
    await server.ledger.credits.charge({ operation: 'translate' })
    await expect.poll(() => (server.ticker.tick(), server.ticker.running.size)).toBe(1)
    expect(await stays.next()).toMatchObject({ method: UPDATED })
    await stays.cancel()
  })

  it('ends with a key that expires, though nothing is written', async () => {
    const server = await served()
    const reader = await listen(server, ['credits://balance'], await newKey(server.ledger, { expiresAt: server.ledger.clock.at + 60_000 }))
    server.ledger.clock.at += 60_000
    await expect.poll(() => (server.ticker.tick(), server.ticker.running.size), { interval: 1 }).toBe(0)
    expect(await reader.next()).toMatchObject({ result: { resultType: 'complete' } })
  })

  it('is limited for each credential, and in what one subscription names', async () => {
    const ticker = handTicker()
    const door = creditsHttpDoor({ toolsets: ['read'], version: '1', report: () => undefined, ticker, limits: { callerSubscriptionsMax: 1 } })
    const server = await served({ door })
    const reader = await listen(server, ['credits://balance'])
    const { body } = await server.ask('subscriptions/listen', { notifications: { resourceSubscriptions: ['credits://balance'] } })
    expect(body.error).toMatchObject({ code: -32603, message: 'Subscription limit reached' })
    await reader.cancel()
    const many = Array.from({ length: 33 }, (_, i) => `credits://transactions/tx_${i}`)
    const refused = await server.ask('subscriptions/listen', { notifications: { resourceSubscriptions: many } })
    expect([refused.status, refused.body.error]).toMatchObject([400, { code: -32602 }])
  })

  it('there is none of what is none of ours: the stream ends at once, and outlives no key', async () => {
    const server = await served()
    const reader = await listen(server, ['credits://nothing', 'file:///etc/hosts'])
    expect(await reader.next()).toMatchObject({ result: { resultType: 'complete' } })
    expect(await reader.next()).toBeNull()
  })

  it('the old era has none, and is not told of any', async () => {
    const { fetch: send } = await served()
    const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } } }
    const [initialized] = await messagesOf(await send('/mcp', legacyRequest(initialize)))
    expect(initialized).toMatchObject({ result: { capabilities: { resources: {} } } })
    expect((initialized?.['result'] as { capabilities: { resources: object } }).capabilities.resources).not.toHaveProperty('subscribe')
    const [refused] = await messagesOf(await send('/mcp', legacyRequest({ jsonrpc: '2.0', id: 2, method: 'resources/subscribe', params: { uri: 'credits://balance' } })))
    expect(refused).toMatchObject({ error: { code: -32601 } })
  })
})
