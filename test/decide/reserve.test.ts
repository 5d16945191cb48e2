import { describe, expect, it } from 'vitest'
import { OPEN_RESERVATIONS_MAX } from '../../src/ledger/account.js'
import { attempt, scenario } from './scenario.js'

describe('reserve', () => {
  it('sets the highest price aside and pins the grants in burn order', () => {
    const ledger = scenario(`
      0  | account                           | ok             | 0
      0  | grant 6 priority 10 as A          | ok             | 6
      0  | grant 6 as B                      | ok             | 12
      1s | reserve op job ttl 10m as held    | ok             | 2
         > reserve 10: available/A -6=6, reserved/A +6=6, available/B -4=2, reserved/B +4=10
         = A 0, B 2, reserved 10, held open
      1s | reserve op job                    | out_of_credits | 2
         > nothing
    `)
    expect(ledger.reservation(3)).toMatchObject({
      amount: 10_000_000n,
      pins: [
        { grant: 1, amount: 6_000_000n },
        { grant: 2, amount: 4_000_000n },
      ],
      state: 'open',
      endedBy: null,
    })
  })

  it("ND-14: a balance too low is refused when the job is queued, and the provider's failure gives all back", () => {
    scenario(`
      0  | account                       | ok             | 0
      0  | grant 10 as A                 | ok             | 10
      0  | reserve op job as held        | ok             | 0
      1s | reserve op job                | out_of_credits | 0
         > nothing
      2s | release held fault provider by agent | ok      | 10
         > release 10: reserved/A -10=0, available/A +10=10
         = A 10, reserved 0, held released
    `)
  })

  it('AX-06: what was admitted finishes, also when the balance is zero meanwhile', () => {
    scenario(`
      0  | account                | ok             | 0
      0  | grant 15               | ok             | 15
      0  | reserve op job as held | ok             | 5
      1s | charge 5               | ok             | 0
      2s | charge 1               | out_of_credits | 0
      3s | settle held 10         | ok             | 0
         = spent 15, reserved 0, uncollected 0
    `)
  })

  it('lives 24 hours at most', () => {
    scenario(`
      0  | account              | ok              | 0
      0  | grant 5              | ok              | 5
      0  | reserve 1 ttl 1d1ms  | invalid_request | 5
         > nothing
      0  | reserve 1 ttl 1d     | ok              | 4
    `)
  })

  it('reservations of nothing are bounded like any other: they count among the open ones of the account', () => {
    const ledger = scenario(`
      0  | account                    | ok | 0
      0  | reserve 0 by meter as held | ok | 0
    `)
    for (let open = 1; open < OPEN_RESERVATIONS_MAX; open += 1) attempt(ledger, '0', 'reserve 0 by meter')
    expect(ledger.account?.openReservations).toBe(OPEN_RESERVATIONS_MAX)
    expect(attempt(ledger, '0', 'reserve 0 by meter')).toMatchObject({ refusal: { code: 'invalid_request', details: { open: OPEN_RESERVATIONS_MAX } } })
  })

  it('what comes to nothing is reserved at zero for the meter, whatever the balance, and what is free is not', () => {
    scenario(`
      0  | account                    | ok | 0
      0  | reserve 0 by meter as held | ok | 0
         > reserve 0
      1s | settle held by meter       | ok | 0
         > settle 0
      1s | reserve tool look          | ok | 0
         > nothing
      1s | reserve op free            | ok | 0
         > nothing
    `)
  })

  it('AX-15: who reserves by himself reserves no nothing: what costs nothing is charged at once, and a plan has to cost something together', () => {
    const ledger = scenario(`
      0  | account                         | ok             | 0
      0  | grant 10                        | ok             | 10
      1s | reserve 0 by agent              | invalid_amount | 10
         > nothing
      1s | reserve 0 by operator           | invalid_amount | 10
      1s | hold new calls unit:0,unit:0    | invalid_amount | 10
         > nothing
      1s | hold new calls unit:0,unit:2    | ok             | 8
      1s | quote 0 as none                 | ok             | 8
      2s | reserve 0 quote none            | invalid_amount | 8
      2s | hold none                       | invalid_amount | 8
      2s | charge 0 quote none             | ok             | 8
         > charge 0
      2s | charge 0                        | ok             | 8
    `)
    expect(attempt(ledger, '3s', 'reserve 0')).toMatchObject({
      refusal: {
        message: 'This comes to 0 credits, and what costs nothing needs no reservation',
        details: { maximum: 0 },
        advice: [
          'Charge it at once: charge_credits, or npx mcp-credits charge.',
          'Where the work may come to more, reserve for the most that it may consume.',
        ],
      },
    })
  })
})
