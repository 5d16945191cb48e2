import { describe, expect, it } from 'vitest'
import { startCaller } from './callers.js'
import { DATABASES, expectWhole, sharedLedger } from './support.js'

const ACCOUNT = 'acme'
const BEGUN = Date.UTC(2026, 0, 31, 10)
/** After the boundaries of 28 February, 31 March and 30 April. */
const BACK = Date.UTC(2026, 4, 10)
const DATES = ['2026-01-31', '2026-02-28', '2026-03-31', '2026-04-30']

describe.each(DATABASES)('T23: nobody was there for three periods, on %s', (kind) => {
  async function abandoned() {
    const ledger = await sharedLedger(kind)
    ledger.clock.at = BEGUN
    const credits = await ledger.open()
    await credits.createAccount({ id: ACCOUNT, plan: 'monthly' })
    await credits.close()
    ledger.clock.at = BACK
    return ledger
  }

  const grants = { account: ACCOUNT, type: 'grant' } as const

  it('two processes that start at once grant exactly three times, whatever each of them does first', async () => {
    const ledger = await abandoned()
    const callers = await Promise.all([startCaller(ledger.database), startCaller(ledger.database)])
    const charge = { account: ACCOUNT, operation: 'work.unit' }
    const work = callers.flatMap((caller) => [
      caller.call('sweep', { at: BACK }),
      caller.call('charge', { input: charge, at: BACK }),
      caller.call('balance', { input: { account: ACCOUNT }, at: BACK }),
      caller.call('sweep', { at: BACK }),
    ])
    const answers = await Promise.all(work)
    expect([answers[1], answers[5]]).toEqual([expect.objectContaining({ charged: 1 }), expect.objectContaining({ charged: 1 })])

    const credits = await ledger.open()
    const { transactions } = await credits.transactions(grants)
    expect(transactions.map(({ at }) => at.slice(0, 10)).reverse()).toEqual(DATES)
    expect((await credits.balance({ account: ACCOUNT })).balance).toBe(4 * 100 - 2)
    await expectWhole(credits)
  })

  it('whoever only reads has the three grants too, and writes none', async () => {
    const ledger = await abandoned()
    const credits = await ledger.open()
    for (let read = 0; read < 3; read += 1) {
      expect(await credits.balance({ account: ACCOUNT })).toMatchObject({ balance: 400, plan: { renewsAt: '2026-05-31T10:00:00.000Z' } })
      expect(await credits.verify()).toMatchObject({ ok: true, transactions: 1 })
    }
    expect(await credits.sweep()).toBe(1)
    expect(await credits.sweep()).toBe(0)
    expect((await credits.transactions(grants)).transactions).toHaveLength(4)
    expect((await credits.balance({ account: ACCOUNT })).balance).toBe(400)
    await expectWhole(credits)
  })
})
