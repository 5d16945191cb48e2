import { describe, expect, it } from 'vitest'
import type { Credits, Input } from '../../src/index.js'
import { HOUR_MS } from '../../src/time/instant.js'
import { DATABASES, expectWhole, outcome, sharedLedger, type SharedLedger, T0 } from './support.js'

const ACCOUNT = 'acme'
const UNTIL = T0 + HOUR_MS

type Scope = NonNullable<Input<'setBudget'>['scope']>

/** A limit of 5 of each kind that there is: by the window, by the scope, by the plan. */
const LIMITS_OF_5: readonly { readonly kind: string; readonly make: (credits: Credits) => Promise<unknown>; readonly id?: string; readonly refusal?: string }[] = [
  ...['day', 'week', 'month', 'billing_period', 'total', 'run', 'rolling:24h'].map((window) => ({ kind: `the window ${window}`, make: budget({ window }) })),
  ...([
    { key: 'k' },
    { member: 'ann' },
    { tool: 'work' },
    { operation: 'work.unit' },
    { category: 'work' },
    { environment: 'production' },
    { run: 'r' },
    { label: { name: 'customer', value: 'c1' } },
    { each: 'key' },
    { each: 'member' },
    { each: 'tool' },
    { each: 'run' },
    { each: 'label:customer' },
  ] as const).map((scope) => ({ kind: `the scope ${JSON.stringify(scope)}`, make: budget({ scope }) })),
  { kind: 'the cap of a plan by the period', make: plan('capped'), id: 'spending_cap', refusal: 'spending_cap_reached' },
  { kind: 'the cap of a plan for its lifetime', make: plan('trial'), id: 'spending_cap', refusal: 'spending_cap_reached' },
]

function budget(terms: { readonly window?: string; readonly scope?: Scope }) {
  return (credits: Credits) => credits.setBudget({ account: ACCOUNT, id: 'b', window: 'month', limit: 5, ...terms })
}

function plan(id: string) {
  return (credits: Credits) => credits.subscribe({ account: ACCOUNT, plan: id })
}

const REFUSAL = 'io.github.mcp-credits/refusal'
type Meta = { readonly [REFUSAL]?: { readonly error: { readonly code: string } } }

interface Spender {
  readonly operator: Credits
  /** One metered call of the tool that costs so much: it counts for every scope there is but that of labels. */
  call(): Promise<string>
  charge(quantity: number): Promise<string>
}

async function spender(ledger: SharedLedger): Promise<Spender> {
  const operator = await ledger.open()
  await operator.createAccount({ id: ACCOUNT, plan: 'none' })
  await operator.grant({ account: ACCOUNT, credits: 1_000 })
  await operator.putMember({ account: ACCOUNT, id: 'ann' })
  await operator.createKey({ account: ACCOUNT, id: 'k', environment: 'production', member: 'ann' })
  const party = operator.as({ account: ACCOUNT, key: 'k', run: 'r' })
  const run = async () => ({ kind: 'result', result: { content: [] } }) as const
  return {
    operator,
    call: async () => {
      const answer = await party.meter({ tool: 'work', arguments: {}, meta: undefined, signal: new AbortController().signal, run })
      const refusal = answer.kind === 'result' ? (answer.result['_meta'] as Meta)[REFUSAL] : undefined
      return refusal?.error.code ?? 'done'
    },
    charge: (quantity) => outcome(party.charge({ operation: 'work.unit', quantity, labels: { customer: 'c1' } })),
  }
}

describe.each(DATABASES)('T26: a raise for a time, on %s', (database) => {
  // Whom a budget counts is decided in memory, alike for both databases; when it ends is in the rows.
  const kinds = LIMITS_OF_5.filter(({ kind }) => database === 'SQLite' || !kind.startsWith('the scope'))

  it.each(kinds)('holds for $kind, until its instant and no longer', async ({ kind, make, id = 'b', refusal = 'budget_exceeded' }) => {
    const ledger = await sharedLedger(database)
    const { operator, call, charge } = await spender(ledger)
    const isOfTools = kind.includes('tool')
    const spend = async (quantity: number): Promise<string> => {
      if (!isOfTools) return charge(quantity)
      for (let calls = 1; calls < quantity; calls += 1) expect(await call()).toBe('done')
      return call()
    }
    await make(operator)
    expect(await spend(5)).toBe('done')
    expect(await spend(1)).toBe(refusal)

    const other = await ledger.open()
    const raised = await other.raiseBudget({ account: ACCOUNT, id, credits: 4, until: UNTIL })
    expect(raised).toMatchObject({ id, limit: 9, raisedUntil: new Date(UNTIL).toISOString() })
    expect(await spend(2)).toBe('done')
    if (!isOfTools) expect(await spend(2.000001)).toBe(refusal)
    ledger.clock.at = UNTIL - 1
    expect(await spend(1)).toBe('done')
    ledger.clock.at = UNTIL
    expect(await spend(1)).toBe(refusal)
    const { budgets } = await operator.budgets({ account: ACCOUNT })
    // What was spent under the raise stays counted, and nothing of it is a debt of the limit.
    expect(budgets.filter((one) => one.id === id && one.used > 0)).toMatchObject([{ limit: 5, used: 8, remaining: 0, level: 'exhausted' }])

    await other.raiseBudget({ account: ACCOUNT, id, credits: 4 })
    expect(await spend(1)).toBe('done')
    expect(await spend(1)).toBe(refusal)
    await expectWhole(operator)
  })

  it('is told by every door of the library as long as it holds: estimate, balance, reservation and refusal', async () => {
    const ledger = await sharedLedger(database)
    const { operator } = await spender(ledger)
    const credits = operator.as({ account: ACCOUNT })
    await credits.setBudget({ id: 'b', window: 'day', limit: 5 })
    const sums = async () => {
      const { affordable, blockedBy } = await credits.estimate({ operation: 'work.unit', quantity: 8 })
      return [affordable, blockedBy.map(({ code }) => code), (await credits.balance()).spendable, (await credits.afford()).credits]
    }
    expect(await sums()).toEqual([false, ['budget_exceeded'], 5, 5])
    await credits.raiseBudget({ id: 'b', credits: 4, until: UNTIL })
    expect(await sums()).toEqual([true, [], 9, 9])
    const { reservation } = await credits.reserve({ operation: 'work.unit', quantity: 8, ttlSeconds: 7_200 })
    expect(await outcome(credits.charge({ operation: 'work.unit', quantity: 2 }))).toBe('budget_exceeded')
    ledger.clock.at = UNTIL
    // What was admitted under the raise is settled after it; only what is new finds the limit as it was.
    expect(await credits.settle({ reservation: reservation as string })).toMatchObject({ charged: 8, uncollected: 0 })
    expect(await sums()).toEqual([false, ['budget_exceeded'], 0, 0])
    await expectWhole(operator)
  })

  it('moves the thresholds with the limit: each is told of at its share of what holds, and the end of the raise tells nothing', async () => {
    const ledger = await sharedLedger(database)
    const { operator, charge } = await spender(ledger)
    await operator.setBudget({ account: ACCOUNT, id: 'b', window: 'month', limit: 10, thresholds: [80] })
    const told = async () => (await operator.messages({ account: ACCOUNT })).filter(({ type }) => type === 'budget_threshold').map(({ facts }) => [facts['used'], facts['limit']])
    await operator.raiseBudget({ account: ACCOUNT, id: 'b', credits: 10, until: UNTIL })
    expect([await charge(15), await told()]).toEqual(['done', []])
    expect([await charge(1), await told()]).toEqual(['done', [[16, 20]]])
    ledger.clock.at = UNTIL
    await operator.sweep()
    expect([await charge(1), await told()]).toEqual(['budget_exceeded', [[16, 20]]])
  })
})
