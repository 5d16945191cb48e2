import { describe, expect, it } from 'vitest'
import { formatInstant } from '../../src/time/instant.js'
import { PLANNED, withoutPlan } from './plan-catalog.js'
import { attempt, scenario, T0 } from './scenario.js'

describe('renewal', () => {
  it('opens the next period at the boundary, after the old allowance has expired', () => {
    const ledger = scenario(`
      0        | account plan monthly as first | ok | 20
      10d      | charge 5                      | ok | 15
      31d-1ms  | sweep                         | ok | 15
               > nothing
      31d      | sweep                         | ok | 20
               > expire 15: available/first -15=0, expired/first +15=15
               > grant 20: issued/#4 -20=-40, available/#4 +20=20
               = first 0
    `)
    expect(ledger.account?.subscription).toMatchObject({ plan: 'monthly', period: 1, periodBase: 20_000_000n })
    expect(ledger.journal.at(-1)?.detail).toMatchObject({ occasion: 'renewal', plan: 'monthly', period: 1, reference: 'renewal:monthly:1' })
  })

  it('keeps the allowance of a plan that lets it roll over', () => {
    scenario(`
      0   | account plan keeper as first | ok | 20
      10d | charge 5                     | ok | 15
      31d | sweep                        | ok | 35
    `)
  })

  it('T23: after three periods without anybody there are exactly three grants more, each dated at its boundary', () => {
    const ledger = scenario(`
      0    | account plan keeper | ok | 20
      100d | sweep               | ok | 80
      100d | sweep               | ok | 80
           > nothing
      100d | charge 1            | ok | 79
    `)
    expect(ledger.journal.filter((row) => row.kind === 'grant').map((row) => formatInstant(row.at))).toEqual([
      '2026-01-15T10:00:00.000Z',
      '2026-02-15T10:00:00.000Z',
      '2026-03-15T10:00:00.000Z',
      '2026-04-15T10:00:00.000Z',
    ])
  })

  it('T23: whoever decides it, and in however many steps, it comes to the same', () => {
    const once = scenario(`0 | account plan monthly | ok | 20`)
    const often = once.copy()
    attempt(once, '100d', 'sweep')
    for (let day = 1; day <= 100; day += 1) attempt(often, `${day}d`, 'sweep')
    expect(often.account).toEqual(once.account)
    expect(once.projected((once.account?.createdAt ?? 0) + 101 * 86_400_000).account.books.available).toBe(20_000_000n)
  })

  it('T22: an anchor on the 31st comes back to the 31st after shorter months, one grant a period over 48 months', () => {
    const ledger = scenario(`16d | account plan monthly | ok | 20`)
    attempt(ledger, '1470d', 'sweep')
    const dates = ledger.journal.filter((row) => row.kind === 'grant').map((row) => formatInstant(row.at).slice(0, 10))
    expect(dates.slice(0, 6)).toEqual(['2026-01-31', '2026-02-28', '2026-03-31', '2026-04-30', '2026-05-31', '2026-06-30'])
    expect(dates.slice(24, 27)).toEqual(['2028-01-31', '2028-02-29', '2028-03-31'])
    expect(dates).toHaveLength(48)
    expect(new Set(dates.map((date) => date.slice(0, 7))).size).toBe(48)
    expect(ledger.problems()).toEqual([])
  })

  it('that would exceed two billion credits opens the period, and the journal says that its allowance lapses', () => {
    const ledger = scenario(`
      0   | account plan keeper | ok | 20
      0   | adjust 1999999970   | ok | 1999999990
      31d | sweep               | ok | 1999999990
          > amend 0
      31d | sweep               | ok | 1999999990
          > nothing
    `)
    expect(ledger.account?.subscription).toMatchObject({ period: 1, periodBase: 1_999_999_990_000_000n })
    expect(ledger.journal.at(-1)).toMatchObject({
      at: ledger.account?.subscription?.periodStart,
      detail: { change: 'grant_lapsed', source: 'allowance', credits: 20, occasion: 'renewal', plan: 'keeper', period: 1 },
    })
  })

  it('goes on while an account is suspended, and ends when it is closed', () => {
    const ledger = scenario(`
      0    | account plan monthly                   | ok                | 20
      1d   | state suspended                        | ok                | 20
      31d  | sweep                                  | ok                | 20
           > expire 20: available/#1 -20=0, expired/#1 +20=20
           > grant 20: issued/#4 -20=-40, available/#4 +20=20
      40d  | state closed                           | ok                | 20
      500d | sweep                                  | ok                | 0
           > expire 20: available/#4 -20=0, expired/#4 +20=40
      500d | subscribe monthly                      | account_suspended | 0
           > nothing
    `)
    expect(ledger.account).toMatchObject({ state: 'closed', subscription: null, openGrants: 0 })
    expect(ledger.journal.find((row) => row.detail['to'] === 'closed')?.detail).toMatchObject({ from: 'suspended', planEnded: 'monthly' })
  })

  it('of a plan whose credits are agreed per customer opens the period and grants nothing', () => {
    const ledger = scenario(`
      0   | account plan custom | ok | 0
      31d | sweep               | ok | 0
          > nothing
    `)
    expect(ledger.account?.subscription?.period).toBe(1)
  })

  it('of a capped plan first lets expire what is left of allowances beyond the cap, the oldest first', () => {
    const ledger = scenario(
      `
      0   | account plan capped as jan | ok | 20
      1d  | grant 9 source add_on      | ok | 29
      31d | sweep as feb               | ok | 49
          > grant 20: issued/feb -20=-49, available/feb +20=49
      40d | charge 3                   | ok | 46
      59d | sweep as mar               | ok | 54
          > expire 12: available/jan -12=34, expired/jan +12=12
          > grant 20: issued/mar -20=-69, available/mar +20=54
          = jan 5, feb 20
      90d | sweep                      | ok | 54
          > expire 5: available/jan -5=49, expired/jan +5=17
          > expire 15: available/feb -15=34, expired/feb +15=32
          > grant 20: issued/#9 -20=-89, available/#9 +20=54
    `,
      PLANNED,
    )
    const expired = ledger.journal.filter((row) => row.kind === 'expire')
    expect(expired.map((row) => [row.detail['reason'], formatInstant(row.at)])).toEqual([
      ['rollover_cap', '2026-03-15T10:00:00.000Z'],
      ['rollover_cap', '2026-04-15T10:00:00.000Z'],
      ['rollover_cap', '2026-04-15T10:00:00.000Z'],
    ])
  })

  it('of a capped plan leaves alone what reservations pin, and holds it to the cap once it is back', () => {
    scenario(
      `
      0      | account plan capped as jan          | ok | 20
      31d    | sweep as feb                        | ok | 40
      59d-1h | reserve op job ttl 2h as held       | ok | 30
      59d    | sweep as mar                        | ok | 45
             > expire 5: available/jan -5=25, expired/jan +5=5
             > grant 20: issued/mar -20=-60, available/mar +20=45
      60d    | sweep                               | ok | 45
             = jan 5, feb 20, mar 20
      90d    | sweep                               | ok | 45
             = jan 0, feb 5, mar 20
    `,
      PLANNED,
    )
  })

  it('of a capped plan is not dodged by what is set aside over the boundary: all beyond the cap expires as it comes back', () => {
    const ledger = scenario(
      `
      0      | account plan capped as jan          | ok | 20
      31d    | sweep as feb                        | ok | 40
      59d-1h | reserve 20 ttl 20h as a             | ok | 20
      59d-1h | reserve 20 ttl 20h as b             | ok | 0
      59d    | sweep as mar                        | ok | 20
      59d+1h | release a                           | ok | 40
             = jan 20, feb 0, mar 20
      59d+2h | settle b 2 as s                     | ok | 45
             = jan 7, feb 18, mar 20
      59d+3h | charge 5                            | ok | 40
             = jan 2, feb 18, mar 20
      59d+4h | reserve 2 as c                      | ok | 38
      59d+4h1m | release c                         | ok | 40
             = jan 2, feb 18, mar 20
    `,
      PLANNED,
    )
    expect(ledger.journal.find(({ kind }) => kind === 'settle')?.detail).toMatchObject({ balanceAfterExpiry: 45 })
  })

  it('of a capped plan that another one follows keeps no more than its cap either', () => {
    scenario(
      `
      0   | account plan capped | ok | 20
      31d | sweep               | ok | 40
      32d | subscribe large     | ok | 40
      59d | sweep               | ok | 75
      90d | sweep               | ok | 75
    `,
      PLANNED,
    )
  })

  it('of a plan that the catalog has no more opens the period, and the journal says that it brings nothing', () => {
    const ledger = scenario(
      `
      0   | account plan keeper | ok           | 20
      20d | subscribe keeper    | unknown_plan | 20
      31d | sweep               | ok           | 20
          > amend 0
      40d | unsubscribe         | ok           | 20
      59d | sweep               | ok           | 20
    `,
      withoutPlan('keeper', T0 + 864_000_000),
    )
    expect(ledger.journal[1]).toMatchObject({
      at: Date.UTC(2026, 1, 15, 10),
      detail: {
        change: 'grant_lapsed', source: 'allowance', credits: 0, plan: 'keeper', period: 1, reason: 'The catalog has no plan keeper any more',
      },
    })
    expect(ledger.account?.subscription).toBeNull()
  })

  it('of a plan that the catalog has no more is still the renewal of what was paid for', () => {
    scenario(
      `
      0   | account plan small  | ok | 20
      20d | subscribe large     | ok | 20
          > amend 0
      31d | sweep               | ok | 50
    `,
      withoutPlan('small', T0 + 864_000_000),
    )
  })

  it('T23: of a plan that ends meanwhile grants up to there and not beyond, in however many steps', () => {
    const once = scenario(`0 | account plan loyal | ok | 20`, PLANNED)
    attempt(once, '80d', 'unsubscribe')
    const often = once.copy()
    attempt(once, '400d', 'sweep')
    for (let day = 81; day <= 400; day += 1) attempt(often, `${day}d`, 'sweep')
    expect(once.journal.filter((row) => row.kind === 'grant')).toHaveLength(3)
    expect(often.journal).toEqual(once.journal)
    expect([once.account?.subscription, once.account?.books.available, once.account?.openGrants]).toEqual([null, 0n, 0])
  })
})
