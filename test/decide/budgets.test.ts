import { describe, expect, it } from 'vitest'
import type { Refused } from '../../src/decide/outcome.js'
import type { AccountRecord, RecordKind } from '../../src/ledger/account-record.js'
import { DECISIONS } from './catalog.js'
import { MemoryLedger } from './memory-ledger.js'
import { attempt, scenario } from './scenario.js'

/** T0 is 2026-01-15T10:00Z, a Thursday. */
describe('budgets', () => {
  it('SF-10: a hard budget of a month stops what would exceed it, until the month of the account is over', () => {
    const ledger = scenario(`
      0   | account                     | ok              | 0
      0   | grant 100                   | ok              | 100
      0   | budget cap 30 window month  | ok              | 100
      1h  | charge 30                   | ok              | 70
          = budget:cap 30+0
      2h  | charge 1                    | budget_exceeded | 70
      16d | charge 1                    | budget_exceeded | 70
      17d | charge 30                   | ok              | 40
          = budget:cap 30+0
    `)
    const refused = attempt(ledger, '17d', 'charge 5') as Refused
    expect(refused.refusal.details).toMatchObject({
      required: 5,
      available: 0,
      shortfall: 5,
      limitedBy: { type: 'budget', id: 'cap', window: 'month', resetsAt: '2026-03-01T00:00:00.000Z', limit: 30, used: 30, remaining: 0, percentUsed: 100 },
    })
    expect(refused.refusal.advice).toEqual([
      'Raise it: npx mcp-credits budget raise cap 5 --account acme',
      'Or wait until it resets on 2026-03-01T00:00:00.000Z',
    ])
  })

  it('reservations count until they end, and a settlement counts in the window of its reservation', () => {
    scenario(`
      0      | account                              | ok              | 0
      0      | grant 100                            | ok              | 100
      0      | budget day 12 window day             | ok              | 100
      0      | reserve op job ttl 20h as a          | ok              | 90
             = budget:day 0+10
      1h     | reserve op job                       | budget_exceeded | 90
      1h     | charge 2                             | ok              | 88
      2h     | settle a 4                           | ok              | 94
             = budget:day 6+0
      2h     | charge 6                             | ok              | 88
      3h     | charge 1                             | budget_exceeded | 88
      13h59m | charge 1                             | budget_exceeded | 88
      14h    | reserve op job ttl 20h as b          | ok              | 78
             = budget:day 0+10
      15h    | release b                            | ok              | 88
             = budget:day 0+0
      16h    | reserve op job ttl 20h as c          | ok              | 78
      35h    | settle c 7                           | ok              | 81
             = budget:day 7+0
    `)
  })

  it('a reservation of a window that is over frees nothing in the next and its settlement does not count there', () => {
    scenario(`
      0   | account                     | ok | 0
      0   | grant 100                   | ok | 100
      0   | budget day 12 window day    | ok | 100
      13h | reserve op job ttl 20h as a | ok | 90
      15h | charge 5                    | ok | 85
          = budget:day 5+0
      16h | settle a 9                  | ok | 86
          = budget:day 5+0
    `)
  })

  it('what goes beyond a reservation counts in the window of the settlement, and is given back in it first', () => {
    scenario(`
      0   | account                     | ok              | 0
      0   | grant 1000                  | ok              | 1000
      0   | budget day 30 window day    | ok              | 1000
      13h | reserve op job ttl 20h as a | ok              | 990
      13h | reserve op job ttl 20h as b | ok              | 980
      13h | reserve op job ttl 20h as c | ok              | 970
      15h | settle a 28 as x            | ok              | 952
          = budget:day 18+0, uncollected 0
      15h | settle b 28                 | ok              | 940
          = budget:day 30+0, uncollected 6
      15h | settle c 28                 | ok              | 940
          = budget:day 30+0, uncollected 24
      15h | charge 1                    | budget_exceeded | 940
      16h | refund x 20                 | ok              | 960
          = budget:day 12+0
      16h | refund x                    | ok              | 968
          = budget:day 12+0
    `)
  })

  it('a reservation that times out in the very instant at which a billing period ends leaves everything else to be done', () => {
    scenario(`
      0   | account plan monthly                      | ok | 20
      0   | budget b 100 window billing_period        | ok | 20
      30d23h | reserve op job ttl 1h as a             | ok | 10
      31d | sweep                                     | ok | 20
      31d | state suspended                           | ok | 20
      31d | state active                              | ok | 20
      31d | charge 5                                  | ok | 15
          = budget:b 5+0
    `)
  })

  it('a reservation that times out gives its budget back what it held', () => {
    scenario(`
      0   | account                  | ok | 0
      0   | grant 100                | ok | 100
      0   | budget all 10            | ok | 100
      0   | reserve op job ttl 15m   | ok | 90
      20m | charge 10                | ok | 90
          = budget:all 10+0
    `)
  })

  it('a refund counts in the window of its charge and not in a later one', () => {
    scenario(`
      0   | account                  | ok | 0
      0   | grant 100                | ok | 100
      0   | budget day 10 window day | ok | 100
      0   | charge 8 as a            | ok | 92
      1h  | refund a 3               | ok | 95
          = budget:day 5+0
      15h | charge 4                 | ok | 91
      16h | refund a                 | ok | 96
          = budget:day 4+0
    `)
  })

  it('T25: a new budget starts counting at its creation and an edited limit neither resets nor imports usage', () => {
    scenario(`
      0  | account                    | ok              | 0
      0  | grant 100                  | ok              | 100
      0  | charge 50                  | ok              | 50
      1h | budget m 10 window month   | ok              | 50
      2h | charge 6                   | ok              | 44
         = budget:m 6+0
      3h | budget m 8 window month    | ok              | 44
      3h | charge 3                   | budget_exceeded | 44
      3h | charge 2                   | ok              | 42
         = budget:m 8+0
      4h | budget m 20 window day     | ok              | 42
      4h | charge 20                  | ok              | 22
         = budget:m 20+0
      5h | unbudget m                 | ok              | 22
      5h | charge 2                   | ok              | 20
      6h | budget m 5 window day      | ok              | 20
      6h | charge 5                   | ok              | 15
         = budget:m 5+0
      7h | unbudget m                 | ok              | 15
      7h | unbudget m                 | unknown_budget  | 15
    `)
  })

  it('a reservation from before a budget was made, or from before it was made anew, is not its own', () => {
    scenario(`
      0  | account                       | ok | 0
      0  | grant 100                     | ok | 100
      0  | reserve op job ttl 20h as old | ok | 90
      1h | budget b 50                   | ok | 90
      1h | reserve op job ttl 20h as mid | ok | 80
      2h | unbudget b                    | ok | 80
      3h | budget b 50                   | ok | 80
      4h | charge 1                      | ok | 79
      5h | settle old 3                  | ok | 86
      5h | settle mid 4                  | ok | 92
         = budget:b 1+0
    `)
  })

  it('only what began by a later transaction counts, in the same millisecond too', () => {
    scenario(`
      0 | account              | ok | 0
      0 | grant 100            | ok | 100
      0 | reserve op job as a  | ok | 90
      0 | charge 5 as b        | ok | 85
      0 | budget all 50        | ok | 85
      0 | charge 9             | ok | 76
      0 | settle a 3           | ok | 83
      0 | refund b             | ok | 88
        = budget:all 9+0
    `)
  })

  it('a day is one of the zone of the account, a billing period one of its plan', () => {
    scenario(`
      0      | account zone Europe/Berlin            | ok              | 0
      0      | grant 100                             | ok              | 100
      0      | budget day 10 window day              | ok              | 100
      12h    | charge 10                             | ok              | 90
      13h-1ms | charge 1                             | budget_exceeded | 90
      13h    | charge 10                             | ok              | 80
      2d     | unbudget day                          | ok              | 80
      2d     | budget period 10 window billing_period | ok             | 80
      2d     | charge 10                             | ok              | 70
      5d     | charge 1                              | budget_exceeded | 70
      5d     | subscribe keeper                      | ok              | 90
      5d     | charge 10                             | ok              | 80
      31d    | charge 1                              | budget_exceeded | 80
      36d    | charge 10                             | ok              | 90
             = budget:period 10+0
    `)
  })

  it('a settlement and its refund count in the window of the reservation, whatever runs in a later one', () => {
    scenario(`
      0   | account                     | ok | 0
      0   | grant 100                   | ok | 100
      0   | budget day 40 window day    | ok | 100
      13h | reserve op job ttl 20h as a | ok | 90
      15h | reserve op job ttl 20h as b | ok | 80
      15h | charge 12                   | ok | 68
          = budget:day 12+10
      16h | settle a 9 as s             | ok | 69
          = budget:day 12+10
      17h | refund s                    | ok | 78
          = budget:day 12+10
    `)
  })

  it('T26: a further raise adds to those that hold, each to its own end', () => {
    scenario(`
      0  | account                | ok              | 0
      0  | grant 200              | ok              | 200
      0  | budget b 10            | ok              | 200
      0  | raise b 20 until 3h    | ok              | 200
      0  | raise b 5 until 1h     | ok              | 200
      0  | raise b 1              | ok              | 200
      0  | charge 37              | budget_exceeded | 200
      0  | charge 30              | ok              | 170
      1h | charge 2               | budget_exceeded | 170
      1h | charge 1               | ok              | 169
      2h | raise b 7 until 4h     | ok              | 169
      3h | charge 1               | budget_exceeded | 169
      3h | raise b 14 until 4h    | ok              | 169
      3h | charge 2               | budget_exceeded | 169
      3h | charge 1               | ok              | 168
    `)
  })

  it('is raised twenty times at once at most, and what has ended makes room', () => {
    const raises = (hours: number) => Array.from({ length: 20 }, () => `
      0 | raise b 1 until ${hours}h | ok | 0`).join('')
    scenario(`
      0  | account             | ok              | 0
      0  | budget b 10         | ok              | 0${raises(2)}
      0  | raise b 1 until 3h  | invalid_request | 0
      1h | raise b 1           | ok              | 0
      2h | raise b 1 until 3h  | ok              | 0
    `)
  })

  it('a limit is raised to the largest amount there is, and no further', () => {
    const ledger = scenario(`
      0 | account                        | ok | 0
      0 | budget b 100                   | ok | 0
      0 | raise b 1999999000 until 1h    | ok | 0
    `)
    for (const end of ['', ' until 1h']) {
      expect(attempt(ledger, '0', `raise b 901${end}`)).toMatchObject({
        refusal: { code: 'invalid_amount', message: expect.stringContaining('can be raised by 900 at most'), details: { limit: 1_999_999_100, possible: 900 } },
      })
    }
    expect(attempt(ledger, '0', 'raise b 900').kind).toBe('done')
  })

  it('T26: a temporary raise holds for every kind of window until it ends', () => {
    for (const window of ['day', 'week', 'month', 'billing_period', 'total', 'rolling:240h']) {
      scenario(`
        0  | account                                    | ok              | 0
        0  | grant 100                                  | ok              | 100
        0  | budget b 10 window ${window}               | ok              | 100
        0  | charge 10                                  | ok              | 90
        0  | charge 1                                   | budget_exceeded | 90
        1h | raise b 5 until 3h                         | ok              | 90
        2h | charge 3                                   | ok              | 87
        2h | charge 3                                   | budget_exceeded | 87
        3h | charge 1                                   | budget_exceeded | 87
           = budget:b 13+0
        4h | raise b 4                                  | ok              | 87
        4h | charge 1                                   | ok              | 86
        4h | charge 1                                   | budget_exceeded | 86
        5h | raise b 4 until 4h                         | invalid_request | 86
        5h | raise none 4                               | unknown_budget  | 86
      `)
    }
  })

  it('count by scope, and each of something apart, from its very first call on', () => {
    scenario(`
      0 | account                                        | ok              | 0
      0 | grant 100                                      | ok              | 100
      0 | budget jobs 8 scope operation=job              | ok              | 100
      0 | budget who 10 each label:customer              | ok              | 100
      0 | budget work 3 scope tool=work                  | ok              | 100
      0 | charge 9 label ann                             | ok              | 91
      0 | charge 2 label ann                             | budget_exceeded | 91
      0 | charge 10 label bob                            | ok              | 81
      0 | charge 1 label bob                             | budget_exceeded | 81
        = budget:who/ann 9+0, budget:who/bob 10+0, budget:jobs nothing
      0 | charge 40                                      | ok              | 41
      0 | charge op job actual 6                         | ok              | 35
      0 | charge op job actual 6                         | budget_exceeded | 35
        = budget:jobs 6+0
      0 | reserve op unit tool work                      | ok              | 34
      0 | reserve op unit tool work                      | ok              | 33
      0 | reserve op unit tool work                      | ok              | 32
      0 | reserve op unit tool work                      | budget_exceeded | 32
    `)
  })

  it('I7: what a key spends counts for each key above it, and for what its environment and member may', () => {
    scenario(`
      0 | account                                         | ok              | 0
      0 | grant 100                                       | ok              | 100
      0 | member ann                                      | ok              | 100
      0 | mint top environment preview                    | ok              | 100
      0 | mint mid under top environment preview          | ok              | 100
      0 | mint leaf under mid,top environment preview is ann | ok           | 100
      0 | budget top 20 scope key=top                     | ok              | 100
      0 | budget mid 15 scope key=mid                     | ok              | 100
      0 | budget env 40 scope environment=preview         | ok              | 100
      0 | budget ann 12 scope member=ann                  | ok              | 100
      0 | charge 10 by agent holder_key leaf              | ok              | 90
        = budget:top 10+0, budget:mid 10+0, budget:env 10+0, budget:ann 10+0
      0 | charge 3 by agent holder_key leaf               | budget_exceeded | 90
      0 | charge 5 by agent holder_key mid                | ok              | 85
      0 | charge 1 by agent holder_key mid                | budget_exceeded | 85
      0 | charge 5 by agent holder_key top                | ok              | 80
      0 | charge 1 by agent holder_key top                | budget_exceeded | 80
      0 | charge 2 member ann                             | ok              | 78
      0 | charge 1 member ann                             | budget_exceeded | 78
      0 | charge 1                                        | ok              | 77
    `)
  })

  it('SN-11: a budget of the window run counts each run apart and nothing outside of any', () => {
    scenario(`
      0 | account                    | ok              | 0
      0 | grant 100                  | ok              | 100
      0 | budget run 5 window run    | ok              | 100
      0 | charge 5 run one           | ok              | 95
      0 | charge 1 run one           | budget_exceeded | 95
      0 | charge 5 run two           | ok              | 90
      0 | charge 50                  | ok              | 40
      40d | charge 1 run one         | budget_exceeded | 40
    `)
  })

  it('a rolling window never lets more through in any stretch of its length', () => {
    scenario(`
      0      | account                         | ok              | 0
      0      | grant 100                       | ok              | 100
      0      | budget r 10 window rolling:5h   | ok              | 100
      0      | charge 6                        | ok              | 94
      2h     | charge 4                        | ok              | 90
      4h59m  | charge 1                        | budget_exceeded | 90
      5h     | charge 6                        | budget_exceeded | 90
      5h5m   | charge 6                        | ok              | 84
      6h59m  | charge 1                        | budget_exceeded | 84
      7h5m   | charge 4                        | ok              | 80
             = budget:r 10+0
      2d     | charge 10                       | ok              | 70
             = budget:r 10+0
    `)
  })

  it('a budget that alerts stops nothing', () => {
    scenario(`
      0 | account                                       | ok | 0
      0 | grant 100                                     | ok | 100
      0 | budget b 10 enforcement alert window month    | ok | 100
      0 | charge 60                                     | ok | 40
        = budget:b 60+0, messages 1
    `)
  })

  it('what overruns a reservation is paid only as far as the hard budgets allow; the rest is recorded', () => {
    scenario(`
      0 | account                | ok | 0
      0 | grant 100              | ok | 100
      0 | budget b 12            | ok | 100
      0 | reserve op job as a    | ok | 90
      0 | settle a 15            | ok | 88
        = uncollected 3, spent 12, budget:b 12+0
    `)
  })

  it('a limit of zero stops every charge and none that is free', () => {
    scenario(`
      0 | account         | ok              | 0
      0 | grant 100       | ok              | 100
      0 | budget b 0      | ok              | 100
      0 | charge 1        | budget_exceeded | 100
      0 | charge op free  | ok              | 100
    `)
  })
})

describe('members and keys', () => {
  it('a viewer spends nothing, a stranger is no member, and a role can be changed', () => {
    scenario(`
      0 | account                    | ok             | 0
      0 | grant 10                   | ok             | 10
      0 | member eve role viewer     | ok             | 10
      0 | charge 1 member eve        | forbidden      | 10
      0 | charge 1 member zoe        | unknown_member | 10
      0 | member eve role admin      | ok             | 10
      0 | charge 1 member eve        | ok             | 9
      0 | unmember eve               | ok             | 9
      0 | charge 1 member eve        | unknown_member | 9
      0 | unmember eve               | unknown_member | 9
    `)
  })

  it('ND-12: a key for the operations of a category spends on nothing else', () => {
    scenario(`
      0 | account                              | ok        | 0
      0 | grant 10                             | ok        | 10
      0 | mint some scopes unit:*,job          | ok        | 10
      0 | mint read scopes credits:read        | ok        | 10
      0 | charge 1 by agent holder_key some    | ok        | 9
      0 | charge op hard actual 2 by agent holder_key some | forbidden | 9
      0 | charge op job actual 2 by agent holder_key some | ok | 7
      0 | charge 1 by agent holder_key read    | forbidden | 7
      0 | grant 5 holder_key some              | forbidden | 7
    `)
  })

  it('only an operator gives credits, sets limits and changes the account, whatever key an agent has', () => {
    scenario(`
      0 | account                              | ok        | 0
      0 | grant 10                             | ok        | 10
      0 | mint all scopes admin                | ok        | 10
      0 | grant 5 by agent                     | forbidden | 10
      0 | grant 5 by agent holder_key all      | forbidden | 10
      0 | budget b 5 by agent holder_key all   | forbidden | 10
      0 | state closed by agent holder_key all | forbidden | 10
      0 | grant 5 holder_key all               | ok        | 15
    `)
  })

  it('AX-06: work that a key was admitted with is charged, also once the key is revoked or has expired', () => {
    scenario(`
      0  | account                                          | ok              | 0
      0  | grant 100                                        | ok              | 100
      0  | mint gone                                        | ok              | 100
      0  | mint brief until 1h                              | ok              | 100
      0  | reserve op job by meter holder_key gone ttl 3h as a  | ok          | 90
      0  | reserve op job by meter holder_key brief ttl 3h as b | ok          | 80
      1h | revoke gone                                      | ok              | 80
      2h | reserve op job by meter holder_key gone          | unauthenticated | 80
      2h | heartbeat a by meter holder_key gone ttl 3h      | ok              | 80
      2h | settle a 7 by meter holder_key gone              | ok              | 83
      2h | settle b 4 by meter holder_key brief             | ok              | 89
    `)
  })

  it('keys that have expired take no room from new ones', () => {
    const ledger = new ManyKeys(DECISIONS)
    for (const command of ['account', 'mint first until 1h']) attempt(ledger, '0', command)
    expect(attempt(ledger, '1h-1ms', 'mint more')).toMatchObject({ refusal: { code: 'invalid_request', details: { kind: 'key', max: 10_000 } } })
    expect(attempt(ledger, '1h', 'mint more').kind).toBe('done')
  })

  it('a revoked key, those below it and an expired one do nothing from that write on', () => {
    scenario(`
      0  | account                               | ok              | 0
      0  | grant 10                              | ok              | 10
      0  | mint top                              | ok              | 10
      0  | mint child under top                  | ok              | 10
      0  | mint leaf under child,top             | ok              | 10
      0  | mint brief until 2h                   | ok              | 10
      0  | charge 1 by agent holder_key child    | ok              | 9
      0  | charge 1 by agent holder_key brief    | ok              | 8
      1h | revoke top                            | ok              | 8
      1h | charge 1 by agent holder_key top      | unauthenticated | 8
      1h | charge 1 by agent holder_key child    | unauthenticated | 8
      1h | charge 1 by agent holder_key leaf     | unauthenticated | 8
      1h | charge 1 by agent holder_key brief    | ok              | 7
      2h | charge 1 by agent holder_key brief    | unauthenticated | 7
      2h | charge 1 by agent holder_key nobody   | unauthenticated | 7
      2h | revoke top                            | unknown_key     | 7
      2h | mint top                              | invalid_request | 7
    `)
  })
})

/** As many keys as an account may have, each like the first. */
class ManyKeys extends MemoryLedger {
  override records(of: RecordKind): readonly AccountRecord[] {
    const [first, ...others] = super.records(of)
    if (of !== 'key' || first === undefined) return super.records(of)
    return [...Array.from({ length: 10_000 }, (_, index) => ({ ...first, id: `key${index}` })), ...others]
  }
}
