import { describe, expect, it } from 'vitest'
import { scenario } from './scenario.js'

describe('refund', () => {
  it('gives back to the grants that paid, in reverse, part by part and never more than was charged', () => {
    scenario(`
      0  | account                   | ok | 0
      0  | grant 5 priority 10 as A  | ok | 5
      0  | grant 5 as B              | ok | 10
      1s | charge 8 as c             | ok | 2
      2s | refund c 2                | ok | 4
         > refund 2: spent/B -2=6, available/B +2=4
      3s | refund c 3                | ok | 7
         > refund 3: spent/B -1=5, spent/A -2=3, available/B +1=5, available/A +2=7
      4s | refund c 4                | refund_not_allowed | 7
         > nothing
      4s | refund c                  | ok | 10
         > refund 3: spent/A -3=0, available/A +3=10
         = A 5, B 5, spent 0
      5s | refund c                  | refund_not_allowed | 10
      5s | refund c 0.000001         | refund_not_allowed | 10
    `)
  })

  it('of a settlement gives back what was charged, not what was reserved', () => {
    scenario(`
      0  | account                  | ok | 0
      0  | grant 20 as A            | ok | 20
      0  | reserve op job as held   | ok | 10
      1s | settle held 4 as s       | ok | 16
      2s | refund s 5               | refund_not_allowed | 16
      2s | refund s                 | ok | 20
         > refund 4: spent/A -4=0, available/A +4=20
    `)
  })

  it('what goes back to a grant whose time is over expires at once, and the row tells the balance after that', () => {
    const ledger = scenario(`
      0  | account               | ok | 0
      0  | grant 5 until 1h as A | ok | 5
      1m | charge 5 as c         | ok | 0
      1h | refund c              | ok | 0
         > refund 5: spent/A -5=0, available/A +5=5
         > expire 5: available/A -5=0, expired/A +5=5
    `)
    expect(ledger.journal.find((row) => row.kind === 'refund')?.detail).toMatchObject({ balanceAfterExpiry: 0 })
  })

  it('undoes the debt of a charge before it gives credits back', () => {
    scenario(`
      0  | account debt 5                      | ok | 0
      0  | grant 10 as A                       | ok | 10
      0  | reserve op job overrun debt as held | ok | 0
      1s | settle held 13 as s                 | ok | -3
      2s | refund s 2                          | ok | -1
         > refund 2: spent -2=11, available +2=-1
         = debt 1
      3s | refund s                            | ok | 10
         > refund 11: spent -1=10, available +1=0, spent/A -10=0, available/A +10=10
         = debt 0, A 10, spent 0
    `)
  })

  it('all at once undoes the debt once', () => {
    scenario(`
      0  | account debt 5                      | ok | 0
      0  | grant 10 as A                       | ok | 10
      0  | reserve op job overrun debt as held | ok | 0
      1s | settle held 13 as s                 | ok | -3
      2s | refund s                            | ok | 10
         > refund 13: spent -3=10, available +3=0, spent/A -10=0, available/A +10=10
         = debt 0, A 10, spent 0
    `)
  })

  it('makes a grant of its own of credits that had been owed and were repaid meanwhile', () => {
    scenario(`
      0  | account debt 5                      | ok | 0
      0  | grant 10 as A                       | ok | 10
      0  | reserve op job overrun debt as held | ok | 0
      1s | settle held 13 as s                 | ok | -3
      2s | grant 4 as B                        | ok | 1
      3s | refund s 5 as R                     | ok | 6
         > refund 5: spent -3=10, available/R +3=4, spent/A -2=8, available/A +2=6
         = R 3, A 2, B 1, debt 0
    `)
  })

  it('repays what is owed elsewhere with what it gives back', () => {
    scenario(`
      0  | account debt 5                      | ok | 0
      0  | grant 15 as A                       | ok | 15
      0  | charge 5 as c                       | ok | 10
      0  | reserve op job overrun debt as held | ok | 0
      1s | settle held 13                      | ok | -3
      2s | refund c                            | ok | 2
         > refund 5: spent/A -5=13, available/A +5=2, available/A -3=-1, available +3=2
         = debt 0, A 2
    `)
  })

  it('only a charge or a settlement of this account is refunded', () => {
    scenario(`
      0  | account                | ok                  | 0
      0  | grant 20 as A          | ok                  | 20
      0  | reserve op job as held | ok                  | 10
      1s | refund A               | refund_not_allowed  | 10
      1s | refund held            | refund_not_allowed  | 10
      1s | refund tx_1_0123456789 | unknown_transaction | 10
      1s | refund tx_99_0123456789 | unknown_transaction | 10
      1s | refund nonsense        | unknown_transaction | 10
    `)
  })
})
