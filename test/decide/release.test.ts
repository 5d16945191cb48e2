import { describe, expect, it } from 'vitest'
import { scenario } from './scenario.js'

describe('release', () => {
  it('gives all that was pinned back to the grants that it came from', () => {
    scenario(`
      0  | account                     | ok | 0
      0  | grant 6 priority 10 as A    | ok | 6
      0  | grant 6 as B                | ok | 12
      0  | reserve op job as held      | ok | 2
      1s | release held by agent       | ok | 12
         > release 10: reserved/A -6=4, reserved/B -4=0, available/A +6=8, available/B +4=12
         = A 6, B 6, reserved 0, held released
      2s | release held by agent       | reservation_not_open | 12
      2s | settle held                 | reservation_not_open | 12
      2s | extend held by agent        | reservation_not_open | 12
    `)
  })

  it('what comes back to a grant that expired meanwhile expires at once, and the row tells the balance after that', () => {
    const ledger = scenario(`
      0   | account                        | ok | 0
      0   | grant 12 until 10m as A        | ok | 12
      0   | reserve op job ttl 1h as held  | ok | 2
      10m | sweep                          | ok | 0
          > expire 2: available/A -2=0, expired/A +2=2
      12m | release held by agent          | ok | 0
          > release 10: reserved/A -10=0, available/A +10=10
          > expire 10: available/A -10=0, expired/A +10=12
          = A 0, expired 12, reserved 0
    `)
    expect(ledger.journal.find((row) => row.kind === 'release')?.detail).toMatchObject({ balanceAfterExpiry: 0 })
  })

  it('what comes back to several grants repays a debt first, and only what is left of those whose time is over expires', () => {
    const ledger = scenario(`
      0   | account debt 5                          | ok | 0
      0   | grant 6 until 10m as A                  | ok | 6
      0   | grant 6 as B                            | ok | 12
      0   | reserve op job ttl 1h as held           | ok | 2
      0   | reserve 2 overrun debt ttl 1h as over   | ok | 0
      1m  | settle over 5                           | ok | -3
      10m | release held by agent                   | ok | 4
          > release 10: reserved/A -6=4, reserved/B -4=0, available/A +6=3, available/A -3=0, available +3=3, available/B +4=7
          > expire 3: available/A -3=4, expired/A +3=3
          = A 0, B 4, debt 0
    `)
    expect(ledger.journal.find((row) => row.kind === 'release')?.detail).toMatchObject({ balanceAfterExpiry: 4 })
  })

  it('says no other balance where nothing expires', () => {
    const ledger = scenario(`
      0  | account                | ok | 0
      0  | grant 12 until 10m     | ok | 12
      0  | reserve op job as held | ok | 2
      1m | release held by agent  | ok | 12
    `)
    expect(ledger.journal.at(-1)?.detail).not.toHaveProperty('balanceAfterExpiry')
  })

  it('T03: whatever way a reservation ends, nothing stays reserved once its time is over', () => {
    scenario(`
      0   | account                            | ok | 0
      0   | grant 100                          | ok | 100
      0   | reserve op job as success          | ok | 90
      0   | reserve op job as failure          | ok | 80
      0   | reserve op job by meter as thrown  | ok | 70
      0   | reserve op job as silent           | ok | 60
      0   | reserve op job by meter as crashed | ok | 50
      0   | reserve op job as alive            | ok | 40
      1m  | settle success 10                  | ok | 40
      1m  | release failure fault provider     | ok | 50
      1m  | release thrown by meter            | ok | 60
      10m | heartbeat alive by agent ttl 10m   | ok | 60
      15m | sweep                              | ok | 80
          = reserved 10, alive open, silent expired, crashed expired
      20m | sweep                              | ok | 90
          = reserved 0, alive expired, spent 10
    `)
  })
})
