import { describe, expect, it } from 'vitest'
import type { Credits } from '../../src/index.js'
import { DAY_MS, HOUR_MS } from '../../src/time/instant.js'
import { startCaller } from './callers.js'
import { DATABASES, expectWhole, outcome, sharedLedger, type SharedLedger, T0 } from './support.js'

const ACCOUNT = 'acme'
const WINDOWS = ['day', 'week', 'month', 'billing_period', 'total', 'rolling:24h']

/** An account with a budget of each window, a plan's cap, one for each customer and one for each run. */
async function withBudgets(ledger: SharedLedger): Promise<Credits> {
  const operator = await ledger.open()
  await operator.createAccount({ id: ACCOUNT, plan: 'capped', timeZone: 'Asia/Kathmandu' })
  await operator.raiseBudget({ account: ACCOUNT, id: 'spending_cap', credits: 40 })
  for (const window of WINDOWS) await operator.setBudget({ account: ACCOUNT, id: window.replace(':', '-'), window, limit: 30 })
  await operator.setBudget({ account: ACCOUNT, id: 'customers', window: 'month', limit: 20, scope: { each: 'label:customer' } })
  await operator.setBudget({ account: ACCOUNT, id: 'runs', window: 'run', limit: 15 })
  await operator.raiseBudget({ account: ACCOUNT, id: 'week', credits: 5, until: T0 + DAY_MS })
  return operator
}

/** Charges, a reservation that is settled, one that stays open, one that times out, and a refund. */
async function spend(on: (step: number) => Credits, ledger: SharedLedger): Promise<void> {
  const act = (step: number) => on(step).as({ run: step % 2 === 0 ? 'even' : 'odd' })
  const { transaction } = await act(0).charge({ account: ACCOUNT, operation: 'work.unit', quantity: 4, labels: { customer: 'c1' } })
  const job = { account: ACCOUNT, operation: 'work.job', labels: { customer: 'c2' }, ttlSeconds: 80_000 }
  const { reservation } = await act(1).reserve(job)
  await act(2).settle({ account: ACCOUNT, reservation: reservation as string, actual: 3.5 })
  await act(3).reserve(job)
  await act(4).reserve({ account: ACCOUNT, operation: 'work.unit', quantity: 2, ttlSeconds: 60 })
  await act(5).refund({ account: ACCOUNT, transaction: transaction as string, credits: 1.25 })
  ledger.clock.at += HOUR_MS
  await act(6).charge({ account: ACCOUNT, operation: 'work.unit', quantity: 0.000001, labels: { customer: 'c1' } })
}

const status = (credits: Credits) => credits.as({ run: 'even' }).budgets({ account: ACCOUNT })

describe.each(DATABASES)('T16: on %s', (kind) => {
  it('stores that spent in turn, one that only looks, and one that is opened afterwards tell the same of every budget', async () => {
    const ledger = await sharedLedger(kind)
    const operator = await withBudgets(ledger)
    const stores = [operator, await ledger.open(), await ledger.open()]
    const watcher = await ledger.open()
    await status(watcher)
    await spend((step) => stores[step % stores.length] as Credits, ledger)
    for (const later of [0, HOUR_MS, DAY_MS, 20 * DAY_MS]) {
      ledger.clock.at += later
      const told = await Promise.all([...stores, watcher, await ledger.open()].map(status))
      for (const one of told) expect(one).toEqual(told[0])
      expect(told[0]?.budgets).toHaveLength(1 + WINDOWS.length + 2 + 2)
    }
    await expectWhole(operator)
  })

  it('it is the same whether one store spent it all or three in turn, and after every store was closed and opened again', async () => {
    const told = []
    for (const count of [1, 3]) {
      const ledger = await sharedLedger(kind)
      const operator = await withBudgets(ledger)
      const stores = [operator]
      while (stores.length < count) stores.push(await ledger.open())
      await spend((step) => stores[step % count] as Credits, ledger)
      const before = await status(operator)
      for (const store of stores) await store.close()
      const again = await ledger.open()
      expect(await status(again)).toEqual(before)
      expect(await outcome(again.charge({ account: ACCOUNT, operation: 'work.unit', quantity: 13.75 }))).toBe('budget_exceeded')
      expect(await status(again)).toEqual(before)
      told.push(before)
    }
    expect(told[1]).toEqual(told[0])
  })
})

describe('T16: over processes', () => {
  it('two that spend, one after a kill -9 and one that is new tell the same of every budget, and so does this one', async () => {
    const ledger = await sharedLedger()
    const operator = await withBudgets(ledger)
    const [one, other] = [await startCaller(ledger.database), await startCaller(ledger.database)]
    const run = { acting: { run: 'even' }, at: T0 }
    const charge = { account: ACCOUNT, operation: 'work.unit', labels: { customer: 'c1' } }
    for (let call = 0; call < 5; call += 1) {
      expect(await one.call('charge', { input: charge, ...run })).toMatchObject({ charged: 1 })
      expect(await other.call('reserve', { input: { ...charge, ttlSeconds: 3_600 }, ...run })).toMatchObject({ reserved: 1 })
    }
    await one.kill()
    const [again, fresh] = [await startCaller(ledger.database), await startCaller(ledger.database)]
    const expected = await status(operator)
    const told = await Promise.all([again, other, fresh].map((caller) => caller.call('budgets', { input: { account: ACCOUNT }, ...run })))
    expect(told).toEqual([expected, expected, expected])
    expect(expected.run).toMatchObject({ id: 'runs', used: 5, reserved: 5, remaining: 5 })
    // The run's budget is the tightest: 5 remain of 15, whoever asks.
    const left = await Promise.all([again, other, fresh].map((caller) => caller.call('charge', { input: { ...charge, quantity: 2 }, ...run })))
    expect(left.map((answer) => (typeof answer === 'string' ? answer : 'done')).sort()).toEqual(['budget_exceeded', 'done', 'done'])
    await expectWhole(operator)
  })
})
