import { describe, expect, it } from 'vitest'
import { NEURAL_DRAFT } from './catalog.js'
import { attempt, scenario } from './scenario.js'

describe('limits', () => {
  it('a refusal says what was needed, what there is, what stopped it and what would help', () => {
    const ledger = scenario(`
      0  | account plan monthly     | ok             | 20
      1s | reserve op job as held   | ok             | 10
      1s | charge 12                | out_of_credits | 10
    `)
    expect(attempt(ledger, '2s', 'charge 12')).toEqual({
      kind: 'refused',
      refusal: {
        code: 'out_of_credits',
        message: 'Insufficient credits: 12 needed, 10 available',
        details: {
          required: 12,
          available: 10,
          reserved: 10,
          shortfall: 2,
          limitedBy: { type: 'balance', id: 'acme', window: null, resetsAt: null },
        },
        advice: [
          'Add credits: npx mcp-credits grant 2 --account acme',
          'Or wait for the next grant on 2026-02-15T10:00:00.000Z',
          'Or choose a higher plan: Custom',
        ],
        affordable: { units: 10 },
        cheaper: [],
      },
    })
  })

  it('of limits that leave the same it names the first by its id, the balance before all, whatever scopes they count', () => {
    const limitedBy = (told: string) => {
      const ledger = scenario(`
        0  | account                            | ok | 0
        0  | grant ${told}                      | ok | ${told}
        0  | budget a 50                        | ok | ${told}
        0  | budget z 10                        | ok | ${told}
        0  | budget m 10 scope operation=unit   | ok | ${told}
        1s | charge 10                          | ok | ${Number(told) - 10}
      `)
      return attempt(ledger, '2s', 'charge 1')
    }
    expect(limitedBy('30')).toMatchObject({ refusal: { details: { limitedBy: { type: 'budget', id: 'm' } } } })
    expect(limitedBy('10')).toMatchObject({ refusal: { code: 'out_of_credits', details: { limitedBy: { type: 'balance' } } } })
  })

  it('names a cheaper variant that the plan allows', () => {
    const ledger = scenario(`0 | account plan build | ok | 25000\n0 | charge 416 op blog.post | ok | 40`, NEURAL_DRAFT)
    expect(attempt(ledger, '1s', 'charge op video.clip variant premium')).toMatchObject({
      refusal: {
        code: 'out_of_credits',
        affordable: { units: 0 },
        cheaper: [{ change: 'variant budget', minimum: 40, maximum: 40, saves: 260 }],
      },
    })
  })

  it('a debt leaves nothing to spend and says so', () => {
    const ledger = scenario(`
      0  | account debt 5                       | ok             | 0
      0  | grant 10                             | ok             | 10
      0  | reserve op job overrun debt as held  | ok             | 0
      1s | settle held 15                       | ok             | -5
      1s | charge 1                             | out_of_credits | -5
      1s | charge op free                       | ok             | -5
    `)
    expect(attempt(ledger, '2s', 'charge 1')).toMatchObject({ refusal: { details: { required: 1, available: -5, shortfall: 6 }, affordable: { units: 0 } } })
  })

  it('the level stands in a row once there is something to say', () => {
    const ledger = scenario(`
      0  | account plan monthly | ok | 20
      1s | charge 15            | ok | 5
      1s | charge 1             | ok | 4
      1s | charge 4             | ok | 0
    `)
    expect(ledger.journal.slice(1).map((row) => row.detail['level'])).toEqual([undefined, 'low', 'exhausted'])
  })

  it('AX-25: a suspended account spends nothing, finishes what it began, and goes on once it is resumed', () => {
    scenario(`
      0  | account                | ok                | 0
      0  | grant 20               | ok                | 20
      0  | reserve op job as held | ok                | 10
      1s | state suspended        | ok                | 10
         > amend 0
      2s | charge 1               | account_suspended | 10
      2s | charge tool work       | account_suspended | 10
      2s | reserve 1              | account_suspended | 10
      2s | charge tool look       | ok                | 10
      2s | charge op free         | ok                | 10
      2s | grant 1                | ok                | 11
      3s | settle held 10         | ok                | 11
      4s | state suspended        | ok                | 11
         > nothing
      4s | state active           | ok                | 11
      5s | charge 1               | ok                | 10
    `)
  })

  it('what has a price and comes to nothing by its quantity is a call like any other: the stop switch, role, scope and plan stop it', () => {
    scenario(`
      0  | account                      | ok                | 0
      0  | member ada role viewer       | ok                | 0
      0  | mint reader scopes credits:read | ok                | 0
      0  | charge 0                     | ok                | 0
         > charge 0
      0  | reserve 0 by meter           | ok                | 0
         > reserve 0
      1s | charge 0 member ada          | forbidden         | 0
      1s | reserve 0 holder_key reader by meter | forbidden | 0
      2s | state suspended              | ok                | 0
      3s | charge 0                     | account_suspended | 0
      3s | reserve 0 by meter           | account_suspended | 0
      3s | charge op free member ada    | ok                | 0
         > nothing
    `)
  })

  it('nothing is taken from a limit that leaves nothing, a debt or a lowered budget', () => {
    scenario(`
      0  | account debt 5                       | ok | 0
      0  | grant 10                             | ok | 10
      0  | budget b 20                          | ok | 10
      0  | reserve op job overrun debt as held  | ok | 0
      1s | settle held 15                       | ok | -5
      1s | budget b 3                           | ok | -5
      1s | charge 0                             | ok | -5
         > charge 0
      1s | reserve 0 by meter as none           | ok | -5
      2s | settle none by meter                 | ok | -5
         > settle 0
    `)
  })
})
