import { describe, expect, it } from 'vitest'
import { bundledCatalogs } from '../../src/catalog/index.js'
import { openCredits } from '../../src/credits.js'
import { CreditError } from '../../src/errors.js'
import { CLIENT_KINDS, connect, ENVELOPE, INITIALIZE, RawClient, serve, type Served, testLedger, type TestLedger } from './support.js'

const URIS = ['credits://balance', 'credits://prices']

describe.each(CLIENT_KINDS)('with %s', (kind) => {
  it('balance and prices are listed, and read as the tools tell them', async () => {
    const { client } = await connect(kind, await testLedger())
    expect((await client.listResources()).resources.map(({ uri }) => uri)).toEqual(URIS)
    for (const [uri, tool] of [['credits://balance', 'get_credit_balance'], ['credits://prices', 'list_operations']] as const) {
      const { contents } = await client.readResource({ uri })
      expect(contents).toHaveLength(1)
      expect(contents[0]).toMatchObject({ uri, mimeType: 'application/json' })
      expect(JSON.parse(contents[0]?.text ?? '')).toEqual((await client.callTool({ name: tool })).structuredContent)
    }
  })

  it('usage of a period and one transaction are read by their address, and the templates say how', async () => {
    const ledger = await testLedger()
    const { client } = await connect(kind, ledger)
    const { transaction } = await ledger.credits.charge({ operation: 'blog.post' })
    const read = async (uri: string) => JSON.parse((await client.readResource({ uri })).contents[0]?.text ?? '') as Record<string, unknown>
    const { resourceTemplates } = await client.listResourceTemplates()
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(['credits://usage/{period}', 'credits://transactions/{id}'])
    const months = await Promise.all(['month', '2026-01', '2026-01-10', 'day', 'week'].map((period) => read(`credits://usage/${period}`)))
    expect(months.map(({ total_credits }) => total_credits)).toEqual([60, 60, 60, 60, 60])
    expect(await read('credits://usage/2026-01-09')).toMatchObject({ total_credits: 0, period: { since: '2026-01-09T00:00:00.000Z', until: '2026-01-10T00:00:00.000Z' } })
    expect(await read(`credits://transactions/${transaction}`)).toMatchObject({ transaction: { id: transaction }, outcome: 'charged' })
    await expect(client.readResource({ uri: 'credits://usage/2026-13' })).rejects.toMatchObject({ code: 400 })
    await expect(client.readResource({ uri: 'credits://transactions/tx_9_0000000000' })).rejects.toMatchObject({ code: 404 })
  })

  it('an unknown resource is not found', async () => {
    const { client } = await connect(kind, await testLedger())
    await expect(client.readResource({ uri: 'credits://nothing' })).rejects.toMatchObject({ code: -32602, data: { uri: 'credits://nothing' } })
  })

  it('a refusal is an error that carries its body', async () => {
    const { client } = await connect(kind, await testLedger(), {
      credits: () => Promise.reject(new CreditError('ledger_unavailable', 'The ledger cannot be reached')),
    })
    await expect(client.readResource({ uri: 'credits://balance' })).rejects.toMatchObject({
      code: 503,
      data: { error: { code: 'ledger_unavailable', retryable: true } },
    })
  })
})

describe('WC-07: a subscriber is notified', () => {
  it('in the old era, of what another process did, once a change, and never after it has unsubscribed', async () => {
    const { ledger, served, raw } = await legacy()
    await raw.ask(request('sub', 'resources/subscribe', { uri: 'credits://balance' }), ({ id }) => id === 'sub')
    await elsewhere(ledger, (other) => other.grant({ account: 'default', credits: 5 }))
    served.ticker.tick()
    expect(await raw.next(isUpdate)).toMatchObject({ params: { uri: 'credits://balance' } })
    await quiet(served, raw)
    expect(raw.messages.filter(isUpdate)).toHaveLength(1)
    await raw.ask(request('unsub', 'resources/unsubscribe', { uri: 'credits://balance' }), ({ id }) => id === 'unsub')
    expect(served.ticker.running.size).toBe(0)
  })

  it('in the modern era, of its own subscription, until it cancels that', async () => {
    const { ledger, served, raw } = await modern()
    await listen(raw, 'listen', ['credits://balance'])
    await ledger.credits.charge({ operation: 'translate' })
    served.ticker.tick()
    expect(await raw.next(isUpdate)).toMatchObject({
      params: { uri: 'credits://balance', _meta: { 'io.modelcontextprotocol/subscriptionId': 'listen' } },
    })
    raw.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'listen', _meta: ENVELOPE } }))
    await quiet(served, raw)
    expect(served.ticker.running.size).toBe(0)
  })

  it('of prices when the catalog changes, and of the balance only when it reads differently', async () => {
    const { ledger, served, raw } = await modern('starter')
    await listen(raw, 'listen', URIS)
    await ledger.credits.createAccount({ id: 'other' })
    await quiet(served, raw)
    expect(raw.messages.filter(isUpdate)).toEqual([])
    const draw = { name: 'Draw', category: 'other', price: { model: 'flat', credits: '3' } }
    await ledger.credits.applyCatalog({ ...(bundledCatalogs.starter as object), operations: { draw } })
    served.ticker.tick()
    await raw.next(isUpdate)
    await quiet(served, raw)
    expect(raw.messages.filter(isUpdate)).toMatchObject([{ params: { uri: 'credits://prices' } }])
  })

  it('while nobody listens nothing asks the ledger, and a subscription to lists opens none', async () => {
    let opened = 0
    const served = serve(() => {
      opened += 1
      return Promise.reject(new CreditError('ledger_unavailable', 'away'))
    })
    const raw = new RawClient(served)
    await raw.ask(modernRequest('listen', 'subscriptions/listen', { notifications: { toolsListChanged: true } }), isAcknowledged)
    expect([served.ticker.running.size, opened]).toEqual([0, 0])
  })

  it('a ledger that is away for a while costs no subscription', async () => {
    const ledger = await testLedger()
    let isAway = true
    const served = serve(async () => {
      if (isAway) throw new CreditError('ledger_unavailable', 'away')
      return ledger.credits
    })
    const raw = new RawClient(served)
    await raw.ask(INITIALIZE, ({ id }) => id === 'open')
    await raw.ask(request('sub', 'resources/subscribe', { uri: 'credits://balance' }), ({ id }) => id === 'sub')
    await quiet(served, raw)
    isAway = false
    served.ticker.tick()
    expect(await raw.next(isUpdate)).toMatchObject({ params: { uri: 'credits://balance' } })
  })

  it('the watch ends with the connection', async () => {
    const { served, raw } = await legacy()
    await raw.ask(request('sub', 'resources/subscribe', { uri: 'credits://balance' }), ({ id }) => id === 'sub')
    expect(served.ticker.running.size).toBe(1)
    served.input.end()
    await served.connection.closed
    expect(served.ticker.running.size).toBe(0)
  })

  it('what is no resource cannot be subscribed to', async () => {
    const { served, raw } = await legacy()
    const refused = await raw.ask(request('sub', 'resources/subscribe', { uri: 'credits://nothing' }), ({ id }) => id === 'sub')
    expect(refused['error']).toMatchObject({ code: -32602 })
    expect(served.ticker.running.size).toBe(0)
  })
})

interface Opened {
  readonly ledger: TestLedger
  readonly served: Served
  readonly raw: RawClient
}

async function legacy(): Promise<Opened> {
  const opened = await modern()
  await opened.raw.ask(INITIALIZE, ({ id }) => id === 'open')
  return opened
}

async function modern(catalog?: string): Promise<Opened> {
  const ledger = await testLedger(catalog)
  const served = serve(async () => ledger.credits)
  return { ledger, served, raw: new RawClient(served) }
}

function request(id: string, method: string, params: Record<string, unknown>): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params })
}

function modernRequest(id: string, method: string, params: Record<string, unknown>): string {
  return request(id, method, { ...params, _meta: ENVELOPE })
}

async function listen(raw: RawClient, id: string, resourceSubscriptions: readonly string[]): Promise<void> {
  await raw.ask(modernRequest(id, 'subscriptions/listen', { notifications: { resourceSubscriptions } }), isAcknowledged)
}

/** Looks, and waits until an answer has passed that was asked after the look. */
async function quiet({ ticker, input }: Served, raw: RawClient): Promise<void> {
  ticker.tick()
  const isModern = raw.messages.some(isAcknowledged)
  for (const round of [1, 2]) {
    const id = `quiet-${raw.messages.length}-${round}`
    await raw.ask((isModern ? modernRequest : request)(id, 'resources/read', { uri: 'credits://prices' }), (message) => message['id'] === id)
  }
  expect(input.readableEnded).toBe(false)
}

/** Does something to the same file through a store of its own, as another process would. */
async function elsewhere(ledger: TestLedger, work: (other: Awaited<ReturnType<typeof openCredits>>) => Promise<unknown>): Promise<void> {
  const other = await openCredits({ database: ledger.file, clock: ledger.clock })
  await work(other)
  await other.close()
}

function isUpdate(message: Record<string, unknown>): boolean {
  return message['method'] === 'notifications/resources/updated'
}

function isAcknowledged(message: Record<string, unknown>): boolean {
  return message['method'] === 'notifications/subscriptions/acknowledged'
}
