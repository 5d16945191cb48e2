import { afterEach, describe, expect, it } from 'vitest'
import type { Credits } from '../../src/index.js'
import { jsonHere, runHere } from '../cli/in-process.js'
import { Home } from '../cli/process.js'
import { DATABASES, expectWhole, LIMITS, outcome, sharedLedger } from './support.js'

const ACCOUNT = 'acme'
const MOST = 2_000_000_000
/** A micro-credit less, and as much more, as people and programs write them. */
const ALMOST = 1_999_999_999.999999
const BEYOND = 2_000_000_000.000001

const LARGE = [MOST, ALMOST] as const
/** All that a charge can cost, so that an actual figure may be anything up to the largest amount. */
const CATALOG = {
  ...LIMITS,
  operations: { ...LIMITS.operations, 'work.job': { name: 'Job', price: { model: 'range', minimum: '0', maximum: String(MOST) } } },
}

const homes: Home[] = []
afterEach(() => homes.splice(0).forEach((home) => home.remove()))

describe.each(DATABASES)('T28: the largest amount and the one before it, on %s', (kind) => {
  async function account(): Promise<{ readonly credits: Credits; readonly again: () => Promise<Credits>; readonly database: string }> {
    const ledger = await sharedLedger(kind, CATALOG)
    const credits = (await ledger.open()).as({ account: ACCOUNT })
    await credits.createAccount({ id: ACCOUNT, plan: 'none', debtLimit: MOST })
    return { credits, again: async () => (await ledger.open()).as({ account: ACCOUNT }), database: ledger.database }
  }

  it.each(LARGE)('%d comes back as it was given from everything that takes an amount', async (amount) => {
    const { credits, again } = await account()
    expect(await credits.grant({ credits: amount })).toMatchObject({ granted: amount, balance: amount })
    expect(await credits.setBudget({ id: 'b', window: 'total', limit: amount })).toMatchObject({ limit: amount })
    expect((await credits.budgets()).budgets).toMatchObject([{ limit: amount, remaining: amount }])
    expect(await credits.setAlert({ id: 'a', credits: amount })).toMatchObject({ credits: amount })
    expect(await credits.estimate({ operation: 'work.unit', quantity: amount })).toMatchObject({ minimum: amount, maximum: amount, affordable: true, balanceAfter: 0 })
    const { transaction } = await credits.charge({ operation: 'work.unit', quantity: amount })
    const other = await again()
    expect(await other.balance()).toMatchObject({ balance: 0, lifetimeUsed: amount })
    expect((await other.budgets()).budgets).toMatchObject([{ limit: amount, used: amount, remaining: 0, percentUsed: 100 }])
    expect(await other.explain({ transaction: transaction as string })).toMatchObject({ charged: amount })
    expect(await other.usage({ since: 0, groupBy: 'operation' })).toMatchObject({ totalCredits: amount, rows: [{ credits: amount, share: 1 }] })
    expect(await other.refund({ transaction: transaction as string, credits: amount })).toMatchObject({ refunded: amount, balance: amount })
    expect((await credits.transactions()).transactions.filter(({ type }) => type !== 'amend').map(({ credits: sum }) => sum)).toEqual([amount, amount, amount])
    expect(await credits.statement()).toMatchObject({ granted: amount, spent: amount, refunded: amount, closing: amount })
    expect(await credits.afford({ credits: amount })).toMatchObject({ credits: amount })
    await expectWhole(other)
  })

  it.each(LARGE)('%d is reserved, settled, taken back and raised by', async (amount) => {
    const { credits, again } = await account()
    await credits.grant({ credits: MOST })
    const { reservation, reserved } = await credits.reserve({ operation: 'work.job' })
    expect(reserved).toBe(MOST)
    const rest = amount === MOST ? 0 : 0.000001
    expect(await credits.settle({ reservation: reservation as string, actual: amount })).toMatchObject({ charged: amount, released: rest, balance: rest })
    expect(await (await again()).balance()).toMatchObject({ balance: rest, reserved: 0, lifetimeUsed: amount })
    await credits.setBudget({ id: 'b', window: 'total', limit: 0 })
    expect(await credits.raiseBudget({ id: 'b', credits: amount })).toMatchObject({ limit: amount })
    await credits.createAccount({ id: 'other', plan: 'none' })
    await credits.grant({ account: 'other', credits: amount })
    expect(await credits.adjust({ account: 'other', credits: -amount })).toMatchObject({ balance: 0 })
    await expectWhole(credits)
  })

  it('a micro-credit more is no amount, wherever one is taken, and leaves no trace', async () => {
    const { credits } = await account()
    await credits.grant({ credits: MOST })
    await credits.setBudget({ id: 'b', window: 'total', limit: 5 })
    const { reservation } = await credits.reserve({ operation: 'work.unit', quantity: 1 })
    const { reservation: open } = await credits.reserve({ operation: 'work.unit', quantity: 1 })
    const before = await credits.verify()
    const calls: readonly Promise<unknown>[] = [
      credits.grant({ credits: BEYOND }),
      // No single amount is too large here, and the sum of all that was granted is.
      credits.grant({ credits: 0.000001 }),
      credits.adjust({ credits: BEYOND }),
      credits.adjust({ credits: -BEYOND }),
      credits.setBudget({ id: 'c', limit: BEYOND }),
      credits.raiseBudget({ id: 'b', credits: BEYOND }),
      credits.setAlert({ id: 'a', credits: BEYOND }),
      credits.charge({ operation: 'work.job', actual: BEYOND }),
      credits.charge({ operation: 'work.unit', quantity: BEYOND }),
      credits.reserve({ operation: 'work.unit', quantity: BEYOND }),
      credits.settle({ reservation: reservation as string, actual: BEYOND }),
      credits.settle({ reservation: open as string, quantity: BEYOND }),
      credits.afford({ credits: BEYOND }),
      credits.createAccount({ id: 'other', plan: 'none', debtLimit: BEYOND }),
    ]
    expect(await Promise.all(calls.map(outcome))).toEqual(calls.map(() => 'invalid_amount'))
    expect(await credits.verify()).toEqual(before)
    expect(before.ok).toBe(true)
  })

  it('go in and out through the command line, digit for digit', async () => {
    const { credits, database } = await account()
    const home = new Home({ MCP_CREDITS_DB: database })
    homes.push(home)
    for (const [text, shown] of [['2000000000', '2,000,000,000'], ['1999999999.999999', '1,999,999,999.999999']] as const) {
      const amount = Number(text)
      const id = `of-${shown.length}`
      const of = ['--account', id]
      await credits.createAccount({ id, plan: 'none' })
      expect(await jsonHere(home, 'grant', text, ...of)).toMatchObject({ granted: amount, balance: amount })
      expect(await jsonHere(home, 'budget', 'set', 'b', text, '--window', 'total', ...of)).toMatchObject({ limit: amount })
      expect(await jsonHere(home, 'alert', 'set', 'a', '--below', text, ...of)).toMatchObject({ credits: amount })
      expect(await jsonHere(home, 'credits', ...of)).toMatchObject({ balance: amount })
      expect((await runHere(home, ['credits', ...of])).stdout).toContain(`${shown} credits`)
      const { transaction } = await jsonHere<{ transaction: string }>(home, 'charge', 'work.job', '--actual', text, ...of)
      expect((await runHere(home, ['history', '--csv', ...of])).stdout).toContain(`,${text},`)
      expect(await jsonHere(home, 'refund', transaction, text, ...of)).toMatchObject({ refunded: amount, balance: amount })
      const { reservation } = await jsonHere<{ reservation: string }>(home, 'reserve', 'work.unit', `quantity=${text}`, ...of)
      expect(await jsonHere(home, 'settle', reservation, text, ...of)).toMatchObject({ charged: amount, released: 0 })
    }
    const beyond = '2000000000.000001'
    for (const words of [['grant', beyond], ['budget', 'set', 'c', beyond], ['alert', 'set', 'c', '--below', beyond], ['charge', 'work.job', '--actual', beyond]]) {
      const refused = await runHere(home, [...words, '--account', ACCOUNT, '--json'])
      expect([refused.code, JSON.parse(refused.stdout)], words.join(' ')).toMatchObject([2, { error: { code: 'invalid_amount' } }])
    }
    await expectWhole(credits)
  })
})
