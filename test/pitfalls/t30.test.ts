import { describe, expect, it } from 'vitest'
import type { Credits, RunOutcome } from '../../src/index.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'
import { DATABASES, expectWhole, LIMITS, outcome, sharedLedger } from './support.js'

const ACCOUNT = 'acme'
const seed = newSeed()

/** A job that reserves 10 and may turn out to have cost up to a hundred; its tool reads the figure from the result. */
const CATALOG = {
  ...LIMITS,
  tools: { ...LIMITS.tools, job: { operation: 'work.job', actual: { pointer: '/cost' } } },
}

describe.each(DATABASES)('T30: on %s', (kind) => {
  async function account(balance: number, debtLimit?: number) {
    const ledger = await sharedLedger(kind, CATALOG)
    const credits = await ledger.open()
    await credits.createAccount({ id: ACCOUNT, plan: 'none', ...(debtLimit === undefined ? {} : { debtLimit }) })
    await credits.grant({ account: ACCOUNT, credits: balance })
    return { ledger, credits: credits.as({ account: ACCOUNT }) }
  }

  const hold = async (credits: Credits, overrun: 'cap' | 'debt' | 'reject') =>
    (await credits.reserve({ operation: 'work.job', overrun })).reservation as string

  it(`the balance is never below zero without a limit for debts, whatever is spent at once, by two stores (seed ${seed})`, async () => {
    const random = seededRandom(seed)
    const { ledger, credits } = await account(40)
    const stores = [credits, (await ledger.open()).as({ account: ACCOUNT })]
    const step = async (): Promise<void> => {
      const store = random.pick(stores)
      if (random.below(2) === 0) return void (await outcome(store.charge({ operation: 'work.unit', quantity: 1 + random.below(5) })))
      const overrun = random.pick(['cap', 'debt', 'reject'] as const)
      const held = await store.reserve({ operation: 'work.job', overrun }).catch(() => null)
      if (held !== null) await outcome(store.settle({ reservation: held.reservation as string, actual: random.below(30) }))
    }
    for (let round = 0; round < 6; round += 1) await Promise.all(Array.from({ length: 6 }, step))
    const { transactions } = await credits.transactions({ limit: 1_000 })
    expect(transactions.filter(({ balanceAfter }) => (balanceAfter as number) < 0)).toEqual([])
    await expectWhole(credits)
  })

  it('more than was reserved is charged up to what there is; the rest is recorded as uncollected and told of', async () => {
    const { credits } = await account(14)
    const reservation = await hold(credits, 'cap')
    const settled = await credits.settle({ reservation, actual: 17 })
    expect(settled).toMatchObject({ charged: 14, released: 0, uncollected: 3, balance: 0 })
    expect(await credits.explain({ transaction: settled.transaction as string })).toMatchObject({ charged: 14, uncollected: 3 })
    const told = (await credits.messages()).filter(({ type }) => type === 'uncollected')
    expect(told).toMatchObject([{ facts: { operation: 'work.job', credits: 3 }, text: '3 credits of work.job were used and nothing could pay them' }])
    await expectWhole(credits)
  })

  it('a metered call is charged what was set aside for it, however dear its server says that it was', async () => {
    const { credits } = await account(14)
    const agent = credits.as({ holder: 'agent' })
    const run = async (): Promise<RunOutcome> => ({ kind: 'result', result: { content: [], structuredContent: { cost: 17 } } })
    const answer = await agent.meter({ tool: 'job', arguments: {}, meta: undefined, signal: new AbortController().signal, run })
    expect(answer).toMatchObject({ result: { _meta: { 'io.github.mcp-credits/receipt': { charged: 10, balance: 4 } } } })
    expect((await credits.messages()).filter(({ type }) => type === 'uncollected')).toMatchObject([{ facts: { credits: 7 } }])
    await expectWhole(credits)
  })

  it('with a limit for debts the balance goes down to it and no further, and no new work begins below zero', async () => {
    const { credits } = await account(10, 5)
    const reservation = await hold(credits, 'debt')
    expect(await credits.settle({ reservation, actual: 18 })).toMatchObject({ charged: 15, uncollected: 3, balance: -5 })
    expect(await outcome(credits.charge({ operation: 'work.unit' }))).toBe('out_of_credits')
    expect(await credits.balance()).toMatchObject({ balance: -5, spendable: 0 })
    // What comes next repays it first.
    expect(await credits.grant({ credits: 7 })).toMatchObject({ balance: 2 })
    expect(await outcome(credits.charge({ operation: 'work.unit', quantity: 3 }))).toBe('out_of_credits')
    expect(await outcome(credits.charge({ operation: 'work.unit', quantity: 2 }))).toBe('done')
    await expectWhole(credits)
  })

  it('a reservation that rejects an overrun is not settled by more, and stays as it was', async () => {
    const { credits } = await account(40)
    const reservation = await hold(credits, 'reject')
    expect(await outcome(credits.settle({ reservation, actual: 10.000001 }))).toBe('invalid_amount')
    expect(await credits.balance()).toMatchObject({ balance: 30, reserved: 10 })
    expect(await credits.settle({ reservation, actual: 10 })).toMatchObject({ charged: 10, uncollected: 0 })
    await expectWhole(credits)
  })
})
