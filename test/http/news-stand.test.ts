import { describe, expect, it } from 'vitest'
import { CreditError } from '../../src/errors.js'
import type { HttpCaller } from '../../src/mcp/http-caller.js'
import { type Listener, NewsStand } from '../../src/mcp/news-stand.js'
import { handTicker, testLedger, type TestLedger } from '../mcp/support.js'

/** A caller who counts how often its credential is looked at again, which comes before each reading. */
function counted({ credits }: TestLedger, credential: string) {
  const looks = { count: 0, refusal: null as CreditError | null }
  const caller: HttpCaller = {
    credits,
    id: credential,
    account: 'default',
    scopes: ['credits:read'],
    credential,
    again: () => {
      looks.count += 1
      return looks.refusal === null ? Promise.resolve(caller) : Promise.reject(looks.refusal)
    },
  }
  return { caller, looks }
}

function listenerOf(caller: HttpCaller, uris: readonly string[] = ['credits://balance']) {
  const heard: string[] = []
  const listener: Listener = { caller, uris, changed: (uri) => void heard.push(uri), over: () => void heard.push('over') }
  return { listener, heard }
}

describe('a news stand', () => {
  it('WC-07: reads once for a thousand who listen with the same credential, and only after something has changed', async () => {
    const ledger = await testLedger()
    // The account is made by the first call.
    await ledger.credits.balance()
    const ticker = handTicker()
    const stand = new NewsStand(ticker)
    const { caller, looks } = counted(ledger, 'a')
    const listeners = Array.from({ length: 1_000 }, () => listenerOf(caller))
    await Promise.all(listeners.map(({ listener }) => stand.join(listener)))
    expect([looks.count, ticker.running.size, stand.countOf(caller)]).toEqual([1, 1, 1_000])
    await ticks(ticker, 3)
    expect(looks.count).toBe(1)
    await ledger.credits.charge({ operation: 'translate' })
    ticker.tick()
    await expect.poll(() => listeners.filter(({ heard }) => heard.length === 1).length).toBe(1_000)
    expect(looks.count).toBe(2)
    for (const { listener } of listeners) stand.leave(listener)
    expect([ticker.running.size, stand.countOf(caller)]).toEqual([0, 0])
  })

  it('whoever joins later makes nobody else miss what had changed before', async () => {
    const ledger = await testLedger()
    const ticker = handTicker()
    const stand = new NewsStand(ticker)
    const { caller } = counted(ledger, 'a')
    const [early, late] = [listenerOf(caller), listenerOf(caller)]
    await stand.join(early.listener)
    await ledger.credits.charge({ operation: 'translate' })
    await stand.join(late.listener)
    ticker.tick()
    await expect.poll(() => early.heard).toEqual(['credits://balance'])
    stand.leave(early.listener)
    stand.leave(late.listener)
  })

  it('tells the listeners of a credential that holds no more, and them alone; one that cannot be looked at keeps nobody else waiting', async () => {
    const ledger = await testLedger()
    const ticker = handTicker()
    const stand = new NewsStand(ticker)
    const [ended, unreachable, fine] = [counted(ledger, 'ended'), counted(ledger, 'unreachable'), counted(ledger, 'fine')]
    const heard = [ended, unreachable, fine].map(({ caller }) => listenerOf(caller))
    await Promise.all(heard.map(({ listener }) => stand.join(listener)))
    ended.looks.refusal = new CreditError('unauthenticated', 'revoked')
    unreachable.looks.refusal = new CreditError('ledger_unavailable', 'away')
    await ledger.credits.charge({ operation: 'translate' })
    ticker.tick()
    await expect.poll(() => heard.map((each) => each.heard[0])).toEqual(['over', undefined, 'credits://balance'])
    unreachable.looks.refusal = null
    await expect.poll(() => (ticker.tick(), heard[1]?.heard)).toEqual(['credits://balance'])
    for (const { listener } of heard) stand.leave(listener)
  })

  it('hears nothing of what is none of our resources', async () => {
    const ticker = handTicker()
    const stand = new NewsStand(ticker)
    const { caller, looks } = counted(await testLedger(), 'a')
    const { listener } = listenerOf(caller, ['file:///etc/passwd', 'credits://nothing'])
    await stand.join(listener)
    expect([looks.count, ticker.running.size]).toEqual([0, 0])
    stand.leave(listener)
  })
})

/** Ticks, and lets each look come to its end. */
async function ticks(ticker: ReturnType<typeof handTicker>, times: number): Promise<void> {
  for (let tick = 0; tick < times; tick += 1) {
    ticker.tick()
    await new Promise((resolve) => setImmediate(resolve))
  }
}
