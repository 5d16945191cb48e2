import { describe, expect, it } from 'vitest'
import { attempt, scenario } from './scenario.js'
import { catalogOf, SELLING_DOCUMENT } from './selling.js'

const messagesOf = (ledger: ReturnType<typeof scenario>) => ledger.allRecords('message').map(({ document }) => document)

describe('alerts', () => {
  it('T38: each threshold is told of once, also where a charge jumps past several, and again after a top-up', () => {
    const ledger = scenario(`
      0 | account           | ok | 0
      0 | grant 100         | ok | 100
      0 | alert a 50        | ok | 100
      0 | alert b 20        | ok | 100
      0 | charge 40         | ok | 60
        = messages 0
      0 | charge 45         | ok | 15
        = messages 2
      0 | charge 5          | ok | 10
        = messages 2
      0 | grant 30          | ok | 40
        = messages 2
      0 | charge 20         | ok | 20
        = messages 3
      0 | grant 100         | ok | 120
      0 | charge 120        | ok | 0
        = messages 6
    `)
    expect(messagesOf(ledger).map(({ type, alert }) => [type, alert])).toEqual([
      ['balance_low', 'a'],
      ['balance_low', 'b'],
      ['balance_low', 'b'],
      ['balance_low', 'a'],
      ['balance_low', 'b'],
      ['balance_exhausted', null],
    ])
  })

  it('T38: a new period tells anew of a threshold that is still reached', () => {
    scenario(`
      0   | account plan keeper      | ok | 20
      0   | alert a 200              | ok | 20
      0   | charge 1                 | ok | 19
          = messages 1
      1d  | charge 1                 | ok | 18
          = messages 1
      32d | charge 1                 | ok | 37
          = messages 2
    `)
  })

  it('T38: work that is held and given back around a threshold tells of it once, until more credits come', () => {
    const pairs = Array.from({ length: 50 }, (_, index) => `
      0 | reserve op job as r${index} | ok | 95
      0 | release r${index}           | ok | 105`).join('')
    scenario(`
      0 | account                  | ok | 0
      0 | grant 105                | ok | 105
      0 | alert a 100              | ok | 105${pairs}
        = messages 1
      0 | reserve op job as s      | ok | 95
      0 | settle s 2               | ok | 103
      0 | charge 4                 | ok | 99
        = messages 1
      0 | reserve op job as t      | ok | 89
      0 | grant 10                 | ok | 99
      0 | release t                | ok | 109
        = messages 1
      0 | charge 10                | ok | 99
        = messages 2
    `)
  })

  it('SF-09: a burn alert is told of once usage reaches it, and again once its threshold has been changed', () => {
    const ledger = scenario(`
      0   | account zone Europe/Berlin                          | ok | 0
      0   | grant 200                                           | ok | 200
      0   | budget burn 20 enforcement alert window month       | ok | 200
      0   | charge 19                                           | ok | 181
          = messages 0
      0   | charge 1                                            | ok | 180
          = messages 1
      1d  | charge 10                                           | ok | 170
          = messages 1
      2d  | budget burn 40 enforcement alert window month       | ok | 170
      2d  | charge 5                                            | ok | 165
          = messages 1
      3d  | charge 5                                            | ok | 160
          = messages 2
      20d | charge 40                                           | ok | 120
          = messages 3
    `)
    expect(messagesOf(ledger)[0]).toMatchObject({ type: 'budget_threshold', budget: 'burn', threshold: 100 })
  })

  it('T39: a message names what is used, what remains, the limit and both percentages', () => {
    const ledger = scenario(`
      0 | account                                 | ok | 0
      0 | grant 100                               | ok | 100
      0 | budget b 40 window month at 15,80,95    | ok | 100
      0 | charge 34                               | ok | 66
    `)
    expect(messagesOf(ledger)).toMatchObject([
      { threshold: 15, limit: 40, used: 34, remaining: 6, usedPercent: 85, remainingPercent: 15 },
      { threshold: 80, limit: 40, used: 34, remaining: 6, usedPercent: 85, remainingPercent: 15 },
    ])
  })

  it('WC-14: thresholds of one’s own take a plan that includes them, where a plan of the catalog names them at all', () => {
    const plan = (entitlements: object) => ({ name: 'A plan', monthly_credits: '20', price_usd: '5', rollover: { kind: 'none' }, entitlements })
    const plans = { plain: plan({}), less: plan({ custom_alerts: false }), plus: plan({ custom_alerts: true }) }
    scenario(`
      0 | account                  | ok            | 0
      0 | alert a 5                | plan_required | 0
      0 | subscribe plain          | ok            | 20
      0 | alert a 5                | plan_required | 20
      0 | subscribe less when now  | ok            | 20
      0 | alert a 5                | plan_required | 20
      0 | subscribe plus when now  | ok            | 20
      0 | alert a 5                | ok            | 20
      0 | charge 15                | ok            | 5
        = messages 1
    `, catalogOf({ ...SELLING_DOCUMENT, plans }))
  })

  it('T38: what is told is in the very write of the charge: a refused one tells nothing', () => {
    const ledger = scenario(`
      0 | account           | ok | 0
      0 | grant 100         | ok | 100
      0 | alert a 50        | ok | 100
    `)
    attempt(ledger, '1m', 'charge 101')
    expect(messagesOf(ledger)).toEqual([])
  })

  it('ND-10: 20 % remaining are told of against the allowance and what else was held at the start of the period', () => {
    scenario(`
      0 | account plan monthly | ok | 20
      0 | charge 15            | ok | 5
        = messages 0
      0 | charge 1             | ok | 4
        = messages 1
    `)
  })

  it('a percentage needs a period of which it is said', () => {
    scenario(`
      0 | account               | ok              | 0
      0 | alert a percent 20    | invalid_request | 0
      0 | subscribe monthly     | ok              | 20
      0 | alert a percent 50    | ok              | 20
      0 | charge 10             | ok              | 10
        = messages 1
      0 | unalert a             | ok              | 10
      0 | unalert a             | unknown_alert   | 10
    `)
  })

  it('an expiry that nobody asked for tells of the threshold that it reaches', () => {
    scenario(`
      0   | account             | ok | 0
      0   | grant 60 until 10d  | ok | 60
      0   | grant 20            | ok | 80
      0   | alert a 30          | ok | 80
      11d | sweep               | ok | 20
          = messages 1
    `)
  })
})
