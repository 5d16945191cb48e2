import { beforeEach, describe, expect, it } from 'vitest'
import { starter } from '../../src/catalog/bundled.js'
import type { Credits } from '../../src/credits.js'
import { ownServer } from '../../src/mcp/own-server.js'
import { bodyOf, testLedger, type TestLedger, type ToolResult } from '../mcp/support.js'
import { RECEIPT } from './counting-meter.js'
import { MODERN, type Message, SCRIPTED } from './harness.js'
import { answerOf, call, eventsOf, httpClient, openSession, post, postModern, type Served, startDoor } from './http-harness.js'

/** `starter`, in which a call costs one credit, with nothing given to new accounts. */
const { default_plan: _, ...CATALOG } = starter as unknown as { readonly default_plan: string }

let ledger: TestLedger

beforeEach(async () => {
  ledger = await testLedger(CATALOG)
})

/** Each caller is an account of that name, made with ten credits. */
async function start(args: readonly string[], callers: readonly string[], options: Partial<Parameters<typeof startDoor>[1]> = {}): Promise<Served> {
  const operator = ledger.credits.as({ holder: 'operator' })
  for (const id of callers) {
    await operator.createAccount({ id })
    await operator.grant({ account: id, credits: 10, source: 'adjustment' })
  }
  return startDoor(args, {
    partsFor: caller => ({
      meter: asked => creditsOf(caller().id).meter(asked),
      own: ownServer({ credits: async () => creditsOf(caller().id), toolsets: ['read', 'spend'] })
    }),
    ...options
  })
}

function creditsOf(account: string): Credits {
  return ledger.credits.as({ account, holder: 'agent' })
}

/** What an account has spent, with nothing left reserved and a ledger that adds up. */
async function spent(account: string): Promise<number> {
  await ledger.credits.sweep()
  const { reserved, lifetimeUsed } = await creditsOf(account).balance()
  expect(reserved).toBe(0)
  expect(await ledger.credits.verify({ account })).toMatchObject({ ok: true, problems: [] })
  return lifetimeUsed
}

function silently(served: Served, session: string, id: number): Promise<AsyncGenerator<{ readonly message: Message | undefined }>> {
  return post(served, { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'silent' } }, { session }).then(async response => {
    const events = eventsOf(response)
    while ((await events.next()).value?.message?.['method'] !== 'notifications/message');
    return events
  })
}

describe('each caller pays from its own account', () => {
  it('in sessions and in requests that stand for themselves, on one upstream and on several', async () => {
    const served = await start(MODERN, ['ada', 'bob'])
    for (const [caller, mode] of [['ada', 'legacy'], ['ada', 'auto'], ['bob', 'auto']] as const) {
      const client = await httpClient(served, mode, caller)
      const { _meta } = await client.callTool({ name: 'echo', arguments: { text: 'hi' } })
      expect(_meta?.[RECEIPT]).toMatchObject({ charged: 1 })
    }
    expect([await spent('ada'), await spent('bob')]).toEqual([2, 1])
    const client = await httpClient(served, 'auto', 'bob')
    const { structuredContent } = await client.callTool({ name: 'get_credit_balance', arguments: {} })
    expect(structuredContent).toMatchObject({ account: 'bob', balance: 9 })
  })

  it('a refusal has the words that it has at every door', async () => {
    const served = await start(SCRIPTED, ['ada'])
    const session = await openSession(served)
    for (let id = 0; id < 10; id += 1) await call(served, session, id, 'raw_line')
    const legacy = (await call(served, session, 10, 'raw_line')).result as unknown as ToolResult
    const modern = (await answerOf(await postModern(served, 1, 'tools/call', { name: 'raw_line' }))).result as unknown as ToolResult
    const error = { code: 'out_of_credits', retryable: false, details: { required: 1, available: 0 } }
    expect(bodyOf(legacy).error).toMatchObject(error)
    expect(bodyOf(modern)).toEqual(bodyOf(legacy))
    expect(await spent('ada')).toBe(10)
  })
})

describe('however a call ends', () => {
  it('T01: of fifty calls at once on a balance of ten, ten are carried out and charged', async () => {
    const served = await start(SCRIPTED, ['ada'])
    const sessions = [await openSession(served), await openSession(served)]
    const answers = await Promise.all(Array.from({ length: 50 }, async (_, index) =>
      index % 3 === 0
        ? answerOf(await postModern(served, index, 'tools/call', { name: 'raw_line' }))
        : call(served, sessions[index % 2] ?? '', index, 'raw_line')))
    const [done, refused] = [answers.filter(({ result }) => result?.['isError'] !== true), answers.filter(({ result }) => result?.['isError'] === true)]
    expect([done.length, refused.length]).toEqual([10, 40])
    expect(new Set(refused.map(({ result }) => bodyOf(result as unknown as ToolResult).error.code))).toEqual(new Set(['out_of_credits']))
    expect(await spent('ada')).toBe(10)
  })

  it('T03: an upstream that is killed in mid-call leaves no reservation, of sessions and of single requests', async () => {
    const served = await start(SCRIPTED, ['ada'])
    const session = await openSession(served)
    const inSession = await silently(served, session, 1)
    const single = eventsOf(await postModern(served, 1, 'tools/call', { name: 'silent' }))
    await single.next()
    expect((await creditsOf('ada').balance()).reserved).toBe(2)
    for (const { kill } of served.opened) kill()
    for (const events of [inSession, single]) {
      expect((await events.next()).value?.message).toMatchObject({ id: 1, error: { message: 'The upstream server ended before it answered' } })
    }
    expect(await spent('ada')).toBe(0)
  })

  it('T03: the end of the server in mid-call leaves no reservation: what is answered in time is charged, the rest released', async () => {
    const served = await start(SCRIPTED, ['ada', 'bob'], { limits: { answerGraceMs: 500 } })
    const session = await openSession(served)
    const asked = eventsOf(await post(served, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ask_client' } }, { session }))
    while ((await asked.next()).value?.message?.['method'] !== 'elicitation/create');
    const unanswered = eventsOf(await postModern(served, 1, 'tools/call', { name: 'silent' }, { caller: 'bob' }))
    await unanswered.next()
    const closed = served.close()
    await post(served, { jsonrpc: '2.0', id: 7, result: { action: 'accept' } }, { session })
    expect((await asked.next()).value?.message).toMatchObject({ id: 1, result: { _meta: { [RECEIPT]: { charged: 1 } } } })
    expect((await unanswered.next()).value?.message).toMatchObject({ error: { message: 'The server was told to end before the call was done' } })
    await closed
    expect([await spent('ada'), await spent('bob')]).toEqual([1, 0])
  })

  it('T33: a client that closes its request after the start has paid for it', async () => {
    const served = await start(SCRIPTED, ['ada'])
    const controller = new AbortController()
    const events = eventsOf(await postModern(served, 1, 'tools/call', { name: 'silent' }, { signal: controller.signal }))
    await events.next()
    controller.abort()
    await expect(events.next()).rejects.toThrow()
    await served.close()
    expect(await spent('ada')).toBe(1)
  })
})

describe('the Idempotency-Key header', () => {
  const keyed = { headers: { 'idempotency-key': '"job-1"' } }

  it('T34: is the key of the call: the same again is charged once, in both eras', async () => {
    const served = await start(SCRIPTED, ['ada'])
    const session = await openSession(served)
    const first = await call(served, session, 1, 'raw_line', {}, keyed)
    const again = await call(served, session, 2, 'raw_line', {}, keyed)
    const modern = await answerOf(await postModern(served, 3, 'tools/call', { name: 'raw_line' }, keyed))
    const replayed = [first, again, modern].map(({ result }) => (result?.['_meta'] as Record<string, { replayed: boolean }>)[RECEIPT]?.replayed)
    expect(replayed).toEqual([false, true, true])
    expect(await spent('ada')).toBe(1)
  })

  it('is refused where it disagrees with the key in the body, where it is none, and for a batch', async () => {
    const served = await start(SCRIPTED, ['ada'])
    const session = await openSession(served)
    const raw = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'raw_line', _meta: { 'io.github.mcp-credits/idempotency_key': 'other' } } }
    const disagreeing = await post(served, raw, { session, ...keyed })
    expect([disagreeing.status, ((await disagreeing.json()) as Message).error]).toMatchObject([400, { code: -32600, data: { error: { code: 'invalid_request' } } }])
    expect((await post(served, raw, { session, headers: { 'idempotency-key': '"open' } })).status).toBe(400)
    expect((await post(served, [raw], { session, ...keyed })).status).toBe(400)
    expect(await spent('ada')).toBe(0)
  })
})
