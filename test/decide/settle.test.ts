import { describe, expect, it } from 'vitest'
import { scenario } from './scenario.js'

describe('settle', () => {
  it('charges what was consumed, first grants first, and gives the rest back to where it came from', () => {
    const ledger = scenario(`
      0  | account                    | ok | 0
      0  | grant 6 priority 10 as A   | ok | 6
      0  | grant 6 as B               | ok | 12
      0  | reserve op job as held     | ok | 2
      1s | settle held 7              | ok | 5
         > settle 7: reserved/A -6=4, spent/A +6=6, reserved/B -1=3, spent/B +1=7, reserved/B -3=0, available/B +3=5
         = A 0, B 5, reserved 0, spent 7, held settled
      2s | settle held 7              | reservation_not_open | 5
      2s | release held               | reservation_not_open | 5
    `)
    expect(ledger.journal.at(-1)?.detail).toMatchObject({ reserved: 10, released: 3, uncollected: 0 })
  })

  it('without a figure charges all that was reserved; a range charges its minimum at least, a hard one its maximum at most', () => {
    scenario(`
      0  | account                  | ok | 0
      0  | grant 100                | ok | 100
      0  | reserve op job as all    | ok | 90
      1s | settle all               | ok | 90
      1s | reserve op job as less   | ok | 80
      2s | settle less 1            | ok | 88
      2s | reserve op hard as more  | ok | 78
      3s | settle more 15           | ok | 78
      3s | reserve 8 as counted     | ok | 70
      4s | settle counted quantity 5 | ok | 73
      4s | reserve op tokens as used | ok | 68
      5s | settle used tokens 1000000 | ok | 70
    `)
  })

  it('T29: a negative actual is refused and the reservation stays open', () => {
    scenario(`
      0  | account                  | ok             | 0
      0  | grant 10                 | ok             | 10
      0  | reserve op job as held   | ok             | 0
      1s | settle held -1           | invalid_amount | 0
         = held open
      1s | settle held quantity -1  | invalid_amount | 0
         = held open
    `)
  })

  it('T30, T31: `cap` charges what is reserved and available, and the shortfall is an entry', () => {
    const ledger = scenario(`
      0  | account                  | ok | 0
      0  | grant 12 as A            | ok | 12
      0  | reserve op job as held   | ok | 2
      1s | settle held 15           | ok | 0
         > settle 12: reserved/A -10=0, spent/A +10=10, available/A -2=0, spent/A +2=12, issued -3=-15, uncollected +3=3
         = uncollected 3, spent 12, issued -15, debt 0
    `)
    expect(ledger.journal.at(-1)?.detail).toMatchObject({ reserved: 10, released: 0, uncollected: 3, level: 'exhausted' })
  })

  it('`reject` refuses a settlement above what was reserved and leaves the reservation open', () => {
    scenario(`
      0  | account                                  | ok             | 0
      0  | grant 100                                | ok             | 100
      0  | reserve op job overrun reject as held    | ok             | 90
      1s | settle held 10.000001                    | invalid_amount | 90
         > nothing
         = held open, reserved 10
      1s | settle held 10                           | ok             | 90
         = held settled
    `)
  })

  it('T30: `debt` goes below zero down to the limit, what is beyond is uncollected, and the next credits repay it first', () => {
    scenario(`
      0  | account debt 5                           | ok | 0
      0  | grant 12 as A                            | ok | 12
      0  | reserve op job overrun debt as held      | ok | 2
      1s | settle held 20                           | ok | -5
         > settle 17: reserved/A -10=0, spent/A +10=10, available/A -2=0, spent/A +2=12, available -5=-5, spent +5=17, issued -3=-15, uncollected +3=3
         = debt 5, uncollected 3
      2s | grant 8 as B                             | ok | 3
         > grant 8: issued/B -8=-23, available/B +8=3, available/B -5=-2, available +5=3
         = debt 0, B 3
      3s | charge 3                                 | ok | 0
    `)
  })

  it('credits that a reservation gives back repay a debt first', () => {
    scenario(`
      0  | account debt 5                           | ok | 0
      0  | grant 20 as A                            | ok | 20
      0  | reserve op job overrun debt as over      | ok | 10
      0  | reserve op job as held                   | ok | 0
      1s | settle over 14                           | ok | -4
      2s | settle held 3                            | ok | 3
         > settle 3: reserved/A -3=7, spent/A +3=17, reserved/A -7=0, available/A +7=3, available/A -4=-1, available +4=3
         = debt 0, A 3
    `)
  })

  it('T31: what stays uncollected has a bound of its own, keeps nobody from being given credits and stops no settlement', () => {
    scenario(`
      0   | account plan monthly            | ok             | 20
      0   | reserve op job as held          | ok             | 10
      1s  | settle held 2000000000          | ok             | 0
          = uncollected 1999999980, issued -2000000000
      2s  | grant 1000                      | ok             | 1000
      3s  | adjust 1999998980               | ok             | 1999999980
      3s  | grant 0.000001                  | invalid_amount | 1999999980
      3s  | charge 1999999970               | ok             | 10
      4s  | reserve op job as more          | ok             | 0
      5s  | settle more 30.000001           | ok             | 0
          = uncollected 2000000000, issued -4000000000, spent 2000000000
    `)
  })

  it('what goes beyond a reservation is spending of now: neither a stopped account nor who may not spend does it', () => {
    scenario(`
      0  | account                                          | ok        | 0
      0  | grant 100                                        | ok        | 100
      0  | member eve                                       | ok        | 100
      0  | mint jobs scopes job                             | ok        | 100
      0  | mint gone                                        | ok        | 100
      0  | reserve 1 by agent member eve as viewers         | ok        | 99
      0  | reserve 0 by meter holder_key jobs               | forbidden | 99
      0  | reserve op job by agent holder_key gone as keys  | ok        | 89
      0  | reserve op job by agent as plain                 | ok        | 79
      1s | member eve role viewer                           | ok        | 79
      1s | settle viewers 50 by agent member eve            | ok        | 79
         = spent 1
      1s | revoke gone                                      | ok        | 79
      1s | settle keys 50 by agent holder_key gone          | ok        | 79
         = spent 11
      1s | state suspended                                  | ok        | 79
      1s | settle plain 50 by agent                         | ok        | 79
         = spent 21
    `)
  })

  it('a late settlement of a stopped account charges what was admitted and no more', () => {
    scenario(`
      0   | account                 | ok | 0
      0   | grant 100               | ok | 100
      0   | reserve op job ttl 1m as a | ok | 90
      5m  | state suspended         | ok | 100
      6m  | settle a 40             | ok | 90
          = spent 10, uncollected 30
    `)
  })

  it('without a debt limit the policy `debt` stops at zero', () => {
    scenario(`
      0  | account                              | ok | 0
      0  | grant 10 as A                        | ok | 10
      0  | reserve op job overrun debt as held  | ok | 0
      1s | settle held 11                       | ok | 0
         = uncollected 1, debt 0
    `)
  })

  it('credits that come back to a grant whose time is over expire at once, and the row tells the balance after that', () => {
    const ledger = scenario(`
      0   | account                      | ok | 0
      0   | grant 10 until 10m as A      | ok | 10
      0   | reserve op job ttl 1h as held | ok | 0
      20m | settle held 4                | ok | 0
          > settle 4: reserved/A -4=6, spent/A +4=4, reserved/A -6=0, available/A +6=6
          > expire 6: available/A -6=0, expired/A +6=6
          = A 0, spent 4, expired 6
    `)
    expect(ledger.journal.find((row) => row.kind === 'settle')?.detail).toMatchObject({ balanceAfterExpiry: 0, level: 'exhausted' })
  })

  it('T05: after the time-out its holder is charged what is available, marked late, once, for 24 hours', () => {
    const ledger = scenario(`
      0          | account                         | ok | 0
      0          | grant 30 as A                   | ok | 30
      0          | reserve op job ttl 15m as r1    | ok | 20
      0          | reserve op job ttl 15m as r2    | ok | 10
      15m        | sweep                           | ok | 30
                 > release 10: reserved/A -10=10, available/A +10=20
                 > release 10: reserved/A -10=0, available/A +10=30
                 = r1 expired, r2 expired
      20m        | settle r1 4                     | ok | 26
                 > settle 4: available/A -4=26, spent/A +4=4
                 = r1 settled
      20m        | settle r1 4                     | reservation_not_open | 26
      20m        | release r2 by agent             | reservation_not_open | 26
      1d15m      | settle r2 4                     | reservation_not_open | 26
    `)
    expect(ledger.journal.at(-1)?.detail).toMatchObject({ late: true, reserved: 10, released: 0 })
  })

  it('T05: settled before the sweep, there is nothing to time out', () => {
    scenario(`
      0        | account                         | ok | 0
      0        | grant 10 as A                   | ok | 10
      0        | reserve op job ttl 15m as held  | ok | 0
      15m-1ms  | settle held 4                   | ok | 6
      15m      | sweep                           | ok | 6
               > nothing
               = held settled, reserved 0, spent 4
    `)
  })

  it('T31: a late settlement that finds too little charges what there is and records the rest', () => {
    scenario(`
      0          | account                            | ok | 0
      0          | grant 12 as A                      | ok | 12
      0          | reserve op job ttl 15m as held     | ok | 2
      16m        | charge 9                           | ok | 3
      1d15m-1ms  | settle held 10                     | ok | 0
                 > settle 3: available/A -3=0, spent/A +3=12, issued -7=-19, uncollected +7=7
    `)
  })

  it('T06: a failure found after the time-out gives the late charge back, and the books say so', () => {
    scenario(`
      0   | account                         | ok | 0
      0   | grant 10 as A                   | ok | 10
      0   | reserve op job ttl 15m as held  | ok | 0
      20m | settle held 10 as late          | ok | 0
      30m | refund late                     | ok | 10
          > refund 10: spent/A -10=0, available/A +10=10
      30m | refund late                     | refund_not_allowed | 10
          = spent 0, reserved 0, A 10, held settled
    `)
  })

  it('only its holder, with its key, ends a reservation; to others there is none', () => {
    scenario(`
      0  | account                                     | ok                  | 0
      0  | grant 40                                    | ok                  | 40
      0  | mint k1                                     | ok                  | 40
      0  | mint k2                                     | ok                  | 40
      0  | reserve op job by meter as metered          | ok                  | 30
      0  | reserve op job by agent holder_key k1 as own | ok                 | 20
      1s | settle metered by agent                     | unknown_reservation | 20
      1s | release metered by agent                    | unknown_reservation | 20
      1s | extend metered by agent                     | unknown_reservation | 20
      1s | settle metered by operator                  | unknown_reservation | 20
      1s | settle own holder_key k2                    | unknown_reservation | 20
      1s | settle own                                  | unknown_reservation | 20
      1s | settle own by meter holder_key k1           | unknown_reservation | 20
      1s | settle rs_1_0123456789                      | unknown_reservation | 20
      1s | settle nonsense                             | unknown_reservation | 20
         = metered open, own open
      2s | settle own 2 holder_key k1                  | ok                  | 28
      2s | settle metered 3 by meter                   | ok                  | 35
    `)
  })

  it('an operator ends what an agent reserved', () => {
    scenario(`
      0  | account                                      | ok | 0
      0  | grant 10                                     | ok | 10
      0  | mint k1                                      | ok | 10
      0  | reserve op job by agent holder_key k1 as own | ok | 0
      1s | release own by operator                      | ok | 10
    `)
  })
})
