import { describe, expect, it } from 'vitest'
import { attempt, scenario } from './scenario.js'
import { catalogOf, SELLING_DOCUMENT } from './selling.js'

const plan = (credits: string, more: object = {}) => ({ name: 'A plan', monthly_credits: credits, price_usd: '5', rollover: { kind: 'unlimited' }, ...more })
const cap = (credits: string, window: 'period' | 'lifetime' = 'period') => ({ spending_cap: { credits, window } })

const CAPPED = catalogOf({
  ...SELLING_DOCUMENT,
  plans: {
    small: plan('20', cap('10')),
    large: plan('50', cap('30')),
    open: plan('20'),
    bare: { name: 'Bare', monthly_credits: null, price_usd: null, rollover: { kind: 'none' }, ...cap('10') },
    trial: plan('15', { price_usd: '0', trial: true, ...cap('12', 'lifetime') }),
  },
})

/** T0 is 2026-01-15T10:00Z: a period that begins with it ends 31 days later. */
describe("a plan's spending cap", () => {
  it('SN-06: holds for a period of the plan, whatever the credits are from, and begins anew with the next', () => {
    const ledger = scenario(`
      0     | account             | ok                   | 0
      0     | grant 100           | ok                   | 100
      10d   | subscribe small     | ok                   | 120
      10d   | charge 11           | spending_cap_reached | 120
      10d   | charge 6            | ok                   | 114
      31d   | charge 4            | ok                   | 110
            = budget:spending_cap 10+0
      31d   | charge 1            | spending_cap_reached | 110
      41d   | charge 10           | ok                   | 120
            = budget:spending_cap 10+0
    `, CAPPED)
    expect(attempt(ledger, '41d', 'charge 3')).toMatchObject({
      refusal: { details: { limitedBy: { type: 'spending_cap', window: 'billing_period', resetsAt: '2026-03-25T10:00:00.000Z', limit: 10 } } },
    })
  })

  it('SN-06: of a trial holds for all of its life, through every further period', () => {
    scenario(`
      0    | account plan trial  | ok                   | 15
      0    | grant 50            | ok                   | 65
      0    | charge 12           | ok                   | 53
      31d  | charge 1            | spending_cap_reached | 53
      200d | charge 1            | spending_cap_reached | 53
           = budget:spending_cap 12+0
    `, CAPPED)
  })

  it('T26: that becomes another by a switch keeps what was counted, and a raise of it', () => {
    scenario(`
      0  | account plan small          | ok                   | 20
      0  | grant 100                   | ok                   | 120
      0  | raise spending_cap 5 until 5d | ok                 | 120
      0  | charge 8                    | ok                   | 112
      0  | subscribe large when now    | ok                   | 142
         = budget:spending_cap 8+0
      1d | charge 28                   | spending_cap_reached | 142
      1d | charge 27                   | ok                   | 115
      5d | charge 1                    | spending_cap_reached | 115
    `, CAPPED)
  })

  it('T26: raised for good stays raised while the plan lasts, and another plan has its own', () => {
    scenario(`
      0   | account plan small          | ok                   | 20
      0   | grant 200                   | ok                   | 220
      0   | raise spending_cap 5        | ok                   | 220
      0   | charge 16                   | spending_cap_reached | 220
      0   | charge 15                   | ok                   | 205
      31d | charge 16                   | spending_cap_reached | 225
      31d | charge 15                   | ok                   | 210
      32d | subscribe large when now    | ok                   | 238.928571
      32d | charge 16                   | spending_cap_reached | 238.928571
      32d | subscribe small when now    | ok                   | 238.928571
      59d | charge 11                   | spending_cap_reached | 258.928571
      59d | charge 10                   | ok                   | 248.928571
    `, CAPPED)
  })

  it('is sound to whoever recomputes the ledger, raised and changed in whatever order', () => {
    scenario(`
      0   | account plan bare           | ok                   | 0
          > amend 0
      0   | grant 100                   | ok                   | 100
      0   | charge 11                   | spending_cap_reached | 100
      1d  | raise spending_cap 2        | ok                   | 100
      2d  | charge 12                   | ok                   | 88
      3d  | subscribe large             | ok                   | 88
      31d | charge 30                   | ok                   | 108
      32d | raise spending_cap 5        | ok                   | 108
      32d | subscribe bare              | ok                   | 108
      59d | charge 10                   | ok                   | 98
          = budget:spending_cap 10+0
      60d | raise spending_cap 5        | ok                   | 98
      60d | unsubscribe                 | ok                   | 98
      61d | charge 6                    | spending_cap_reached | 98
      90d | charge 50                   | ok                   | 48
      91d | subscribe small             | ok                   | 68
      92d | raise spending_cap 5        | ok                   | 68
      92d | state closed                | ok                   | 68
    `, CAPPED)
  })

  it('ends with its plan, and with one of another kind counting begins anew', () => {
    scenario(`
      0   | account plan trial         | ok                   | 15
      0   | grant 100                  | ok                   | 115
      0   | charge 12                  | ok                   | 103
      1d  | subscribe small            | ok                   | 123
      1d  | charge 10                  | ok                   | 113
          = budget:spending_cap 10+0
      1d  | charge 1                   | spending_cap_reached | 113
      2d  | subscribe open when now    | ok                   | 113
      2d  | charge 50                  | ok                   | 63
      3d  | subscribe small when now   | ok                   | 63
      3d  | charge 10                  | ok                   | 53
      4d  | unsubscribe                | ok                   | 53
      5d  | charge 1                   | spending_cap_reached | 53
      32d | charge 11                  | ok                   | 42
    `, CAPPED)
  })
})
