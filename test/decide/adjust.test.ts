import { describe, it } from 'vitest'
import { scenario } from './scenario.js'

describe('adjust', () => {
  it('gives credits as a grant of their own, or takes them in burn order, never below zero', () => {
    scenario(`
      0  | account                   | ok             | 0
      0  | grant 5 priority 10 as A  | ok             | 5
      1s | adjust 4 as B             | ok             | 9
         > adjust 4: issued/B -4=-9, available/B +4=9
      2s | adjust -7                 | ok             | 2
         > adjust -7: available/A -5=4, revoked/A +5=5, available/B -2=2, revoked/B +2=7
      3s | adjust -2.000001          | out_of_credits | 2
         > nothing
         = A 0, B 2, revoked 7
    `)
  })

  it('repays a debt first', () => {
    scenario(`
      0  | account debt 5                      | ok | 0
      0  | grant 10                            | ok | 10
      0  | reserve op job overrun debt as held | ok | 0
      1s | settle held 14                      | ok | -4
      2s | adjust 3 as A                       | ok | -1
         > adjust 3: issued/A -3=-13, available/A +3=-1, available/A -3=-4, available +3=-1
         = debt 1, A 0
      3s | adjust -1                           | out_of_credits | -1
    `)
  })

  it('gives a closed account nothing more, and still takes from it', () => {
    scenario(`
      0  | account         | ok                | 0
      0  | grant 5         | ok                | 5
      0  | state suspended | ok                | 5
      0  | adjust 1        | ok                | 6
      0  | state closed    | ok                | 6
      0  | adjust 1        | account_suspended | 6
         > nothing
      0  | adjust -2       | ok                | 4
    `)
  })

  it('by nothing is refused', () => {
    scenario(`
      0  | account   | ok             | 0
      0  | adjust 0  | invalid_amount | 0
         > nothing
    `)
  })
})
