import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Credits, openCredits } from '../../src/index.js'
import { MINUTE_MS } from '../../src/time/instant.js'
import { testLedger, type TestLedger } from '../mcp/support.js'
import { close, greet, node, startGateway } from '../proxy/gateway-harness.js'
import { type Message, SCRIPTED } from '../proxy/harness.js'
import { answerOf, call, eventsOf, openSession, post, postModern, startDoor } from '../proxy/http-harness.js'
import { LIMITS, outcome } from './support.js'

const CATALOG = { ...LIMITS, tools: {}, default_tool_price: '1' }
const SIGN_EVERY_MS = 20_000
const HOURS_20_MS = 20 * 60 * MINUTE_MS

let ledger: TestLedger
/** Another process's view of the same file, which sweeps as soon as anything may be swept. */
let sweeper: Credits

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  ledger = await testLedger(CATALOG)
  await ledger.credits.grant({ credits: 100 })
  sweeper = await openCredits({ database: ledger.file, clock: ledger.clock })
})
afterEach(async () => {
  vi.useRealTimers()
  await sweeper.close()
})

/** The clock and the timers go on together, and after each step another process sweeps. */
async function pass(total: number, step = SIGN_EVERY_MS): Promise<void> {
  for (let passed = 0; passed < total; passed += step) {
    ledger.clock.at += step
    vi.advanceTimersByTime(step)
    // A write of the same store is behind the signs of life in the queue: once it is through, they are.
    await ledger.credits.setAlert({ id: 'passing', credits: 1 })
    await sweeper.sweep()
  }
}

interface Running {
  /** Lets the tool come to its end, and resolves with the answer to its call. */
  finish(): Promise<Message>
}

/** A call that runs until it is woken, by the door that meters it. */
const DOORS: Readonly<Record<string, () => Promise<Running>>> = {
  'the relay over HTTP, in a session': async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => ({ meter: (asked) => ledger.credits.meter(asked) }) })
    const session = await openSession(served)
    const events = eventsOf(await post(served, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'silent' } }, { session }))
    while ((await events.next()).value?.message?.['method'] !== 'notifications/message');
    return { finish: async () => (await call(served, session, 2, 'wake'), (await events.next()).value?.message as Message) }
  },
  'the relay over HTTP, of 2026-07-28': async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => ({ meter: (asked) => ledger.credits.meter(asked) }) })
    const events = eventsOf(await postModern(served, 1, 'tools/call', { name: 'silent' }))
    await events.next()
    return { finish: async () => (await answerOf(await postModern(served, 2, 'tools/call', { name: 'wake' })), (await events.next()).value?.message as Message) }
  },
  'the gateway': async () => {
    const tools = { pages: [['silent', 'wake']] }
    const fronted = startGateway([{ name: 'one', open: node(SCRIPTED, tools) }], { meter: (asked) => ledger.credits.meter(asked) })
    onTestFinished(() => close(fronted))
    await greet(fronted)
    await fronted.request('list', 'tools/list')
    const answer = fronted.request(1, 'tools/call', { name: 'silent' })
    await fronted.lines.find((line) => line.includes('notifications/message'))
    return { finish: async () => (await fronted.request(2, 'tools/call', { name: 'wake' }), answer) }
  },
}

describe.each(Object.entries(DOORS))('T07: a call through %s', (_name, start) => {
  it('T07, AX-18: keeps its reservation for as long as it runs, against everybody who sweeps, and is charged in time', async () => {
    const running = await start()
    expect(await sweeper.balance({ account: 'default' })).toMatchObject({ balance: 99, reserved: 1 })
    await pass(30 * MINUTE_MS)
    expect(await sweeper.balance({ account: 'default' })).toMatchObject({ balance: 99, reserved: 1 })
    expect((await running.finish()).result).toMatchObject({ content: [{ text: 'woken' }] })
    const { transactions } = await sweeper.transactions({ account: 'default', limit: 100 })
    const ended = transactions.filter(({ type }) => ['settle', 'release'].includes(type))
    // The call itself and the one that woke it.
    expect(ended.map(({ type, credits }) => [type, credits])).toEqual([['settle', 1], ['settle', 1]])
    expect(await sweeper.verify()).toMatchObject({ ok: true, problems: [] })
  })
})

describe('T07: a reservation that is made for a job', () => {
  it('T07: may be as long as the longest job, and no sweep within that time ends it', async () => {
    const held = await ledger.credits.reserve({ operation: 'work.job', ttlSeconds: 86_400 })
    ledger.clock.at += HOURS_20_MS
    await sweeper.sweep()
    expect(await sweeper.balance({ account: 'default' })).toMatchObject({ reserved: 10 })
    expect(await ledger.credits.settle({ reservation: String(held.reservation), actual: 3 })).toMatchObject({ charged: 3, released: 7 })
    expect(await outcome(ledger.credits.reserve({ operation: 'work.job', ttlSeconds: 86_401 }))).toBe('invalid_request')
  })
})
