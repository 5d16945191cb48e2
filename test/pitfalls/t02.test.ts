import { describe, expect, it } from 'vitest'
import type { Acting, Credits, Input } from '../../src/index.js'
import { DATABASES, expectWhole, LIMITS, outcomes, sharedLedger } from './support.js'

type Each = NonNullable<NonNullable<Input<'setBudget'>['scope']>['each']>
type Charged = Pick<Input<'charge'>, 'labels'>

interface Principal {
  /** Makes the principal known where it has to be, never to the budget. */
  readonly make?: (credits: Credits) => Promise<unknown>
  readonly acting?: Partial<Acting>
  readonly charged?: Charged
}

/** Somebody or something that spends for the very first time, of each kind that a budget counts apart. */
const PRINCIPALS: Readonly<Record<Each, Principal>> = {
  'label:customer': { charged: { labels: { customer: 'new' } } },
  member: { make: (credits) => credits.putMember({ account: 'acme', id: 'new' }), acting: { member: 'new' } },
  key: { make: (credits) => credits.createKey({ account: 'acme', id: 'new' }), acting: { key: 'new' } },
  environment: { make: (credits) => credits.createKey({ account: 'acme', id: 'new', environment: 'new' }), acting: { key: 'new' } },
  run: { acting: { run: 'new' } },
  operation: {},
  category: {},
}

describe.each(DATABASES)('T02: of 8 first calls at once of a new principal, on %s', (kind) => {
  it.each(Object.keys(PRINCIPALS))('the budget for each %s lets through as many as it allows', async (each) => {
    const { make, acting = {}, charged = {} } = PRINCIPALS[each] as Principal
    const ledger = await sharedLedger(kind)
    const stores = await Promise.all([ledger.open(), ledger.open()])
    const [first] = stores as [Credits, Credits]
    await first.createAccount({ id: 'acme', plan: 'monthly' })
    await first.setBudget({ account: 'acme', id: 'default', window: 'day', limit: 5, scope: { each } })
    await make?.(first)

    const calls = Array.from({ length: 8 }, (_, index) =>
      (stores[index % 2] as Credits).as(acting).charge({ account: 'acme', operation: 'work.unit', ...charged }),
    )
    expect(await outcomes(calls)).toEqual([...Array(3).fill('budget_exceeded'), ...Array(5).fill('done')])

    for (const credits of stores) expect((await credits.budgets({ account: 'acme' })).budgets).toMatchObject([{ id: 'default', used: 5, remaining: 0 }])
    expect(await first.balance({ account: 'acme' })).toMatchObject({ balance: 95, reserved: 0 })
    await expectWhole(first)
  })

  it('the budget for each tool lets through as many metered calls as it allows, and the others never start', async () => {
    const ledger = await sharedLedger(kind)
    const stores = await Promise.all([ledger.open(), ledger.open()])
    const [first] = stores as [Credits, Credits]
    await first.createAccount({ id: 'acme', plan: 'monthly' })
    await first.setBudget({ account: 'acme', id: 'default', window: 'day', limit: 5, scope: { each: 'tool' } })
    let started = 0
    const run = async () => {
      started += 1
      return { kind: 'result', result: { content: [] } } as const
    }
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        (stores[index % 2] as Credits)
          .as({ account: 'acme', holder: 'agent' })
          .meter({ tool: 'work', arguments: {}, meta: undefined, signal: new AbortController().signal, run }),
      ),
    )
    expect(started).toBe(5)
    const refused = answers.filter((answer) => answer.kind === 'result' && answer.result['isError'] === true)
    expect(refused).toHaveLength(3)
    for (const answer of refused) expect(JSON.stringify(answer)).toContain('budget_exceeded')
    expect((await first.budgets({ account: 'acme' })).budgets).toMatchObject([{ subject: 'work', used: 5, reserved: 0 }])
  })

  it("the cap of a new account's plan lets through as many as it allows, and the account is opened once", async () => {
    const ledger = await sharedLedger(kind, { ...LIMITS, default_plan: 'trial' })
    const account = { defaultAccount: { id: 'new', plan: 'trial' } }
    const stores = await Promise.all([ledger.open(account), ledger.open(account)])
    const calls = Array.from({ length: 8 }, (_, index) => (stores[index % 2] as Credits).as({ account: 'new' }).charge({ operation: 'work.unit' }))
    expect(await outcomes(calls)).toEqual([...Array(5).fill('done'), ...Array(3).fill('spending_cap_reached')])
    expect(await stores[1]?.balance({ account: 'new' })).toMatchObject({ balance: 95, spendingCap: { limit: 5, used: 5 } })
    await expectWhole(stores[0] as Credits)
  })
})
