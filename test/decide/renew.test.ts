import { describe, expect, it } from 'vitest'
import { formatInstant } from '../../src/time/instant.js'
import { attempt, scenario } from './scenario.js'

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
})
