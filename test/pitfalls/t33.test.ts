import Database from 'better-sqlite3'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { starter } from '../../src/catalog/bundled.js'
import type { Meter } from '../../src/proxy/ports.js'
import { testLedger, type TestLedger } from '../mcp/support.js'
import { close, greet, node, startGateway } from '../proxy/gateway-harness.js'
import { SCRIPTED } from '../proxy/harness.js'
import { answerOf, eventsOf, headersOf, openSession, post, postModern, startDoor } from '../proxy/http-harness.js'

let ledger: TestLedger
/** Resolves once the meter was asked, and once the signal of that call has been aborted. */
let asked: Promise<void>
let aborted: Promise<void>
let meter: Meter

beforeEach(async () => {
  ledger = await testLedger({ ...(starter as object), tools: {} })
  let [ask, abort] = [(): void => undefined, (): void => undefined]
  asked = new Promise((resolve) => (ask = resolve))
  aborted = new Promise((resolve) => (abort = resolve))
  meter = (call) => {
    ask()
    call.signal.addEventListener('abort', () => abort(), { once: true })
    return ledger.credits.meter(call)
  }
})

/** A client that calls a tool, and gives its call up. */
interface Calling {
  /** Begins the call of a tool that answers only when it is woken. */
  begin(): Promise<void>
  /** Resolves once the tool has said that it runs. */
  started(): Promise<unknown>
  giveUp(): Promise<unknown>
  /** Goes, with everything that is under way. */
  leave(): Promise<unknown>
  /** Calls a tool that answers. */
  callAnother(): Promise<unknown>
  /** Lets everything that is under way come to its end. */
  end(): Promise<unknown>
}

const DOORS: Readonly<Record<string, () => Promise<Calling>>> = {
  'over HTTP, in a session': async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => ({ meter }) })
    const session = await openSession(served)
    let called: Promise<Response>
    const send = (message: object) => post(served, { jsonrpc: '2.0', ...message }, { session })
    return {
      begin: async () => {
        called = send({ id: 1, method: 'tools/call', params: { name: 'silent' } })
      },
      started: async () => {
        const events = eventsOf(await called)
        while ((await events.next()).value?.message?.['method'] !== 'notifications/message');
      },
      giveUp: () => send({ method: 'notifications/cancelled', params: { requestId: 1 } }),
      leave: () => fetch(served.url, { method: 'DELETE', headers: { ...headersOf('ada'), 'mcp-session-id': session } }),
      callAnother: async () => answerOf(await send({ id: 2, method: 'tools/call', params: { name: 'raw_line' } })),
      end: () => served.close(),
    }
  },
  'over HTTP, of 2026-07-28': async () => {
    const served = await startDoor(SCRIPTED, { partsFor: () => ({ meter }) })
    const leaving = new AbortController()
    let called: Promise<Response>
    return {
      begin: async () => {
        called = postModern(served, 1, 'tools/call', { name: 'silent' }, { signal: leaving.signal })
        called.catch(() => undefined)
      },
      started: async () => eventsOf(await called).next(),
      giveUp: async () => leaving.abort(),
      leave: async () => leaving.abort(),
      callAnother: async () => answerOf(await postModern(served, 2, 'tools/call', { name: 'raw_line' })),
      end: () => served.close(),
    }
  },
  'through the gateway': async () => {
    const fronted = startGateway([{ name: 'one', open: node(SCRIPTED, { pages: [['silent', 'raw_line']] }) }], { meter })
    onTestFinished(() => close(fronted))
    await greet(fronted)
    await fronted.request('list', 'tools/list')
    return {
      begin: async () => fronted.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'silent' } }),
      started: () => fronted.lines.find((line) => line.includes('notifications/message')),
      giveUp: async () => fronted.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }),
      leave: () => close(fronted),
      callAnother: () => fronted.request(2, 'tools/call', { name: 'raw_line' }),
      end: () => close(fronted),
    }
  },
}

async function rows(): Promise<readonly unknown[]> {
  const { transactions } = await ledger.credits.transactions()
  return transactions.filter(({ tool }) => tool === 'silent').map(({ type, credits }) => [type, credits]).toReversed()
}

async function expectNothingReserved(): Promise<void> {
  await ledger.credits.sweep()
  expect((await ledger.credits.balance()).reserved).toBe(0)
  expect(await ledger.credits.verify()).toMatchObject({ ok: true, problems: [] })
}

describe.each(Object.entries(DOORS))('T33: a client that gives its call up %s', (_name, open) => {
  it('T33: before the tool was started has its reservation released, and both stand in the journal', async () => {
    const calling = await open()
    // Another program's write keeps the reservation waiting, and the client goes meanwhile.
    const other = new Database(ledger.file)
    other.exec('begin immediate')
    await calling.begin()
    await asked
    await calling.giveUp()
    await aborted
    other.exec('commit')
    other.close()
    await calling.callAnother()
    await calling.end()
    expect(await rows()).toEqual([['reserve', 1], ['release', 1]])
    await expectNothingReserved()
  })

  it.each(['giveUp', 'leave'] as const)('T33: after the tool was started has paid for it, and both stand in the journal (%s)', async (go) => {
    const calling = await open()
    await calling.begin()
    await asked
    await calling.started()
    await calling[go]()
    await aborted
    await calling.end()
    expect(await rows()).toEqual([['reserve', 1], ['settle', 1]])
    await expectNothingReserved()
  })
})
