import { describe, expect, it } from 'vitest'
import type { Credits, Input } from '../../src/index.js'
import { MINUTE_MS } from '../../src/time/instant.js'
import { DATABASES, expectWhole, outcome, sharedLedger, T0 } from './support.js'

const ACCOUNT = 'acme'
const WINDOWS = ['day', 'week', 'month', 'billing_period', 'total', 'run', 'rolling:24h']

type Budget = Omit<Input<'setBudget'>, 'account' | 'id'>

/** Everything that the spender below is, so that each of these counts all of what it spends. */
const SCOPES: readonly NonNullable<Budget['scope']>[] = [
  {},
  { key: 'k' },
  { member: 'ann' },
  { operation: 'work.unit' },
  { category: 'work' },
  { environment: 'production' },
  { run: 'r' },
  { label: { name: 'customer', value: 'c1' } },
  { each: 'key' },
  { each: 'label:customer' },
]

describe.each(DATABASES)('T25: a spender that has long been spending, on %s', (kind) => {
  async function spender() {
    const ledger = await sharedLedger(kind)
    const credits = await ledger.open()
    await credits.createAccount({ id: ACCOUNT, plan: 'monthly' })
    await credits.grant({ account: ACCOUNT, credits: 1_000 })
    await credits.putMember({ account: ACCOUNT, id: 'ann' })
    await credits.createKey({ account: ACCOUNT, id: 'k', environment: 'production', member: 'ann' })
    const party = credits.as({ key: 'k', run: 'r' })
    const spend = (quantity: number) => party.charge({ account: ACCOUNT, operation: 'work.unit', quantity, labels: { customer: 'c1' } })
    const old = await spend(50)
    const held = await party.reserve({ account: ACCOUNT, operation: 'work.job', labels: { customer: 'c1' }, ttlSeconds: 7_200 })
    return { ledger, credits, party, spend, old: old.transaction as string, held: held.reservation as string }
  }

  const set = (credits: Credits, budget: Budget) => credits.setBudget({ account: ACCOUNT, id: 'b', ...budget })
  const setAll = async (credits: Credits, budget: Omit<Budget, 'window'>) => {
    for (const window of WINDOWS) await credits.setBudget({ account: ACCOUNT, id: window.replace(':', '-'), window, ...budget })
  }
  const status = async (credits: Credits) => (await credits.as({ key: 'k', run: 'r' }).budgets({ account: ACCOUNT })).budgets
  const counted = async (credits: Credits) => (await status(credits)).map(({ used, reserved, remaining }) => ({ used, reserved, remaining }))

  it.each([0, MINUTE_MS])('has new budgets of every window all to itself, %d ms later: nothing from before counts', async (later) => {
    const { ledger, credits, party, spend, old, held } = await spender()
    ledger.clock.at += later
    await setAll(credits, { limit: 10 })
    expect(await counted(credits)).toEqual(WINDOWS.map(() => ({ used: 0, reserved: 0, remaining: 10 })))
    const fixed = (await status(credits)).filter(({ window }) => !window.startsWith('rolling') && window !== 'run')
    expect(fixed.map(({ since }) => since)).toEqual(fixed.map(() => new Date(T0 + later).toISOString()))
    expect(await outcome(spend(10))).toBe('done')
    expect(await outcome(spend(1))).toBe('budget_exceeded')
    // What is given back and settled of what came before moves nothing either.
    await credits.refund({ account: ACCOUNT, transaction: old, credits: 20 })
    await party.settle({ account: ACCOUNT, reservation: held, actual: 3 })
    expect(await counted(credits)).toEqual(WINDOWS.map(() => ({ used: 10, reserved: 0, remaining: 0 })))
    await expectWhole(credits)
  })

  it('whatever their scope', async () => {
    const { credits, spend } = await spender()
    for (const [index, scope] of SCOPES.entries()) await credits.setBudget({ account: ACCOUNT, id: `b${index}`, window: 'month', limit: 10, scope })
    expect(await outcome(spend(10))).toBe('done')
    expect(await counted(credits)).toEqual(SCOPES.map(() => ({ used: 10, reserved: 0, remaining: 0 })))
    await expectWhole(credits)
  })

  it('keeps what a budget of any window has counted when limit, name, enforcement or thresholds are edited', async () => {
    const { credits, spend } = await spender()
    await setAll(credits, { limit: 10 })
    await spend(6)
    const edits: readonly (readonly [Omit<Budget, 'window'>, number])[] = [
      [{ limit: 20 }, 14],
      [{ limit: 8, name: 'Smaller' }, 2],
      [{ limit: 8, enforcement: 'alert' }, 2],
      [{ limit: 8, thresholds: [50] }, 2],
      [{ limit: 5 }, 0],
      [{ limit: 7 }, 1],
    ]
    for (const [edit, remaining] of edits) {
      await setAll(credits, edit)
      expect(await counted(credits)).toEqual(WINDOWS.map(() => ({ used: 6, reserved: 0, remaining })))
    }
    expect(await outcome(spend(2))).toBe('budget_exceeded')
    expect(await outcome(spend(1))).toBe('done')
    await expectWhole(credits)
  })

  it('is counted anew only where it is asked for: by another window, another scope, or a budget that is made again', async () => {
    const { credits, spend } = await spender()
    const anew: readonly (() => Promise<unknown>)[] = [
      () => set(credits, { window: 'week', limit: 10 }),
      () => set(credits, { window: 'week', limit: 10, scope: { key: 'k' } }),
      async () => {
        await credits.removeBudget({ account: ACCOUNT, id: 'b' })
        await set(credits, { window: 'week', limit: 10, scope: { key: 'k' } })
      },
    ]
    await set(credits, { window: 'day', limit: 10 })
    await spend(10)
    for (const ask of anew) {
      expect(await outcome(spend(1))).toBe('budget_exceeded')
      await ask()
      expect(await counted(credits)).toEqual([{ used: 0, reserved: 0, remaining: 10 }])
      await spend(10)
    }
    await expectWhole(credits)
  })
})
