import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RunawayTerms } from '../../src/budgets/guard.js'
import { NOTHING_SEEN, stopping, streakDocument, streakOf, withCall } from '../../src/budgets/streak.js'
import type { Outcome } from '../../src/decide/outcome.js'
import { newSeed } from '../support/seeded-random.js'
import { attempt, scenario } from './scenario.js'

const START = `
  0 | account   | ok | 0
  0 | grant 100 | ok | 100
`

function refusalOf(outcome: Outcome) {
  if (outcome.kind !== 'refused') throw new Error('it was not refused')
  return outcome.refusal
}

describe('the runaway guard', () => {
  it('AX-15: so many identical calls pass, the next is stopped, and others go on', () => {
    scenario(`${START}
      0      | guard runaway identical 3 within 60s | ok              | 100
      1s     | charge 2                             | ok              | 98
      2s     | charge 2                             | ok              | 96
      3s     | charge 2                             | ok              | 94
      4s     | charge 2                             | runaway_stopped | 94
             > nothing
             = messages 1
      5s     | charge 2                             | runaway_stopped | 94
             = messages 1
      6s     | charge 3                             | ok              | 91
      7s     | charge 2 label c1                    | ok              | 89
    `)
  })

  it('AX-15: calls that their quantity makes cost nothing are stopped alike, and what is free never is', () => {
    scenario(`${START}
      0      | guard runaway identical 1 within 60s | ok              | 100
      1s     | charge 0                             | ok              | 100
      2s     | charge 0                             | runaway_stopped | 100
      3s     | charge op free                       | ok              | 100
      4s     | charge op free                       | ok              | 100
    `)
  })

  it('a stop lets go after the guard\'s time without such calls; each attempt makes it last another while', () => {
    scenario(`${START}
      0          | guard runaway identical 2 within 60s | ok              | 100
      1s         | charge 2                             | ok              | 98
      2s         | charge 2                             | ok              | 96
      3s         | charge 2                             | runaway_stopped | 96
      1m2s999ms  | charge 2                             | runaway_stopped | 96
      2m2s998ms  | charge 2                             | runaway_stopped | 96
      3m2s998ms  | charge 2                             | ok              | 94
      3m3s       | charge 2                             | ok              | 92
      3m4s       | charge 2                             | runaway_stopped | 92
                 = messages 2
    `)
  })

  it('calls count within the guard\'s time, wherever that begins', () => {
    scenario(`${START}
      0          | guard runaway identical 3 within 60s | ok              | 100
      0          | charge 1                             | ok              | 99
      59s        | charge 1                             | ok              | 98
      59s        | charge 1                             | ok              | 97
      60s-1ms    | charge 1                             | runaway_stopped | 97
      3m         | charge 1                             | ok              | 96
      3m59s      | charge 1                             | ok              | 95
      4m         | charge 1                             | ok              | 94
      4m1s       | charge 1                             | ok              | 93
      4m2s       | charge 1                             | runaway_stopped | 93
    `)
  })

  it('AX-15: what keys below a key spend counts for it: delegating is no way around a guard', () => {
    scenario(`${START}
      0   | mint top                                    | ok              | 100
      0   | guard runaway burn 20 per 1h                | ok              | 100
      1m  | delegate one 50 by agent holder_key top     | ok              | 100
      1m  | delegate two 50 by agent holder_key top     | ok              | 100
      2m  | charge 9 by agent holder_key one            | ok              | 91
      2m  | charge 8 by agent holder_key two            | ok              | 83
      3m  | charge 4 by agent holder_key two            | runaway_stopped | 83
          = messages 1
      3m  | charge 1 by agent holder_key one            | runaway_stopped | 83
      3m  | charge 1 by agent holder_key top            | runaway_stopped | 83
      4m  | delegate more 5 by agent holder_key top     | runaway_stopped | 83
      4m  | charge 1 by agent                           | ok              | 82
      63m | delegate more 5 by agent holder_key top     | ok              | 82
      2h  | charge 4 by agent holder_key more           | ok              | 78
    `)
  })

  it('AX-15: the same call counts as such whichever key below a party makes it, also below one without a key', () => {
    scenario(`${START}
      0   | guard runaway identical 3 within 60s        | ok              | 100
      1s  | delegate one 50 by agent                    | ok              | 100
      1s  | delegate may 50 by agent delegates yes      | ok              | 100
      1s  | delegate leaf 50 by agent holder_key may    | ok              | 100
      2s  | charge 2 by agent holder_key one            | ok              | 98
      3s  | charge 2 by agent holder_key may            | ok              | 96
      4s  | charge 2 by agent holder_key leaf           | ok              | 94
      5s  | charge 2 by agent holder_key one            | runaway_stopped | 94
      5s  | charge 2 by agent                           | runaway_stopped | 94
      5s  | charge 3 by agent holder_key leaf           | ok              | 91
    `)
  })

  it('AX-15: what is settled beyond a reservation was spent as well: a loop that reserves little and settles much is stopped, and so are the keys above', () => {
    scenario(`${START}
      0   | mint top                                         | ok              | 100
      0   | guard runaway burn 20 per 1h                     | ok              | 100
      1m  | delegate one 50 by agent holder_key top          | ok              | 100
      2m  | reserve 1 by agent holder_key one as small       | ok              | 99
      2m  | reserve 2 by agent holder_key one as open        | ok              | 97
      3m  | settle small 17 by agent holder_key one          | ok              | 81
      4m  | reserve 2 by agent holder_key one                | runaway_stopped | 81
      4m  | charge 2 by agent holder_key top                 | runaway_stopped | 81
      5m  | settle open 4 by agent holder_key one            | ok              | 79
      63m | charge 15 by agent holder_key top                | runaway_stopped | 79
      3h  | charge 20 by agent holder_key top                | ok              | 59
    `)
  })

  it('AX-15: what a server says itself that a call of nothing has cost counts, what comes late beyond its reservation too, and what nothing paid does not', () => {
    scenario(`${START}
      0   | guard runaway burn 20 per 1h          | ok              | 100
      1m  | reserve 0 by meter as nothing         | ok              | 100
      1m  | settle nothing 6 by meter             | ok              | 94
      2m  | reserve 5 ttl 1m by agent as late     | ok              | 89
      4m  | settle late 12 by agent               | ok              | 82
      5m  | charge 3 by agent                     | runaway_stopped | 82
      2h  | charge 12 by agent                    | ok              | 70
      2h  | reserve 1 overrun reject by agent as exact | ok         | 69
      2h  | settle exact by agent                 | ok              | 69
      4h  | budget small 2                        | ok              | 69
      4h  | reserve 1 by agent as poor            | ok              | 68
      4h  | settle poor 60 by agent               | ok              | 67
      4h  | budget small 60                       | ok              | 67
      4h  | charge 18 by agent                    | ok              | 49
    `)
  })

  it('AX-15: two keys that are stopped in the same millisecond at the same call are told of in a message each', () => {
    scenario(`${START}
      0  | mint k1                              | ok              | 100
      0  | mint k2                              | ok              | 100
      0  | guard runaway identical 1 within 60s | ok              | 100
      1s | charge 2 holder_key k1 by agent      | ok              | 98
      1s | charge 2 holder_key k2 by agent      | ok              | 96
      1s | charge 2 by agent                    | ok              | 94
      2s | charge 2 holder_key k1 by agent      | runaway_stopped | 94
      2s | charge 2 holder_key k2 by agent      | runaway_stopped | 94
      2s | charge 2 by agent                    | runaway_stopped | 94
      2s | charge 2 holder_key k2 by agent      | runaway_stopped | 94
         = messages 3
    `)
  })

  it('AX-03: a delegated key that is stopped from above learns that, and nothing of what was spent there', () => {
    const ledger = scenario(`${START}
      0   | mint top                                    | ok              | 100
      0   | guard runaway burn 20 per 1h                | ok              | 100
      1m  | delegate one 50 by agent holder_key top     | ok              | 100
      2m  | charge 17 by agent holder_key top           | ok              | 83
    `)
    expect(refusalOf(attempt(ledger, '3m', 'charge 4 by agent holder_key one'))).toMatchObject({
      message: 'Calls above this key were stopped as running away, and its own with them',
      details: { required: 4, until: '2026-01-15T11:03:00.000Z' },
    })
  })

  it('AX-15: spending faster than allowed stops every call of the key, and of no other', () => {
    scenario(`${START}
      0   | mint k1                           | ok              | 100
      0   | mint k2                           | ok              | 100
      0   | guard runaway burn 20 per 1h      | ok              | 100
      1m  | charge 12 holder_key k1 by agent  | ok              | 88
      2m  | charge 9 holder_key k1 by agent   | runaway_stopped | 88
      3m  | charge 1 holder_key k1 by agent   | runaway_stopped | 88
          = messages 1
      3m  | charge 9 holder_key k2 by agent   | ok              | 79
      63m-1ms | charge 1 holder_key k1 by agent | runaway_stopped | 79
      2h3m | charge 9 holder_key k1 by agent  | ok              | 70
    `)
  })

  it('AX-15: a refusal says what was saved, what was seen and when it lets go', () => {
    const ledger = scenario(`${START}
      0  | guard runaway identical 2 within 60s burn 50 per 1h | ok              | 100
      1s | charge 5                                            | ok              | 95
      2s | charge 5                                            | ok              | 90
      3s | charge 5                                            | runaway_stopped | 90
    `)
    expect(refusalOf(attempt(ledger, '4s', 'charge 5'))).toEqual({
      code: 'runaway_stopped',
      message: 'The same call of unit was made 2 times within 60 seconds: stopped, which saved 10 credits so far',
      details: {
        required: 5,
        saved: 10,
        refused: 2,
        since: '2026-01-15T10:00:03.000Z',
        until: '2026-01-15T10:01:04.000Z',
        identical: { calls: 2, limit: 2, withinSeconds: 60 },
        burned: null,
      },
      advice: [
        'Do not make this call again: use what it answered, or do something else.',
        'It lets go on 2026-01-15T10:01:04.000Z if nothing of the kind is tried until then',
        'An operator lets it go at once: npx mcp-credits guard reset runaway --account acme',
      ],
    })
    expect(refusalOf(attempt(ledger, '5s', 'charge 41'))).toMatchObject({
      message: 'Calls for 10 credits were made within 3600 seconds, and this is one for 41 more: stopped, which saved 41 credits so far',
      details: { identical: null, burned: { credits: 10, limit: 50, withinSeconds: 3600 } },
    })
    expect(ledger.allRecords('message').map(({ document }) => document)).toMatchObject([
      { type: 'runaway_stopped', by: 'identical', operation: 'unit', credits: 5 },
      { type: 'runaway_stopped', by: 'burn', operation: 'unit', credits: 41 },
    ])
  })

  it('an operator lets go at once, and a guard that is set anew begins anew', () => {
    scenario(`${START}
      0  | guard runaway identical 1 within 60s | ok              | 100
      1s | charge 2                             | ok              | 98
      2s | charge 2                             | runaway_stopped | 98
      3s | reset runaway by agent               | forbidden       | 98
      3s | reset runaway                        | ok              | 98
         > amend 0
      4s | charge 2                             | ok              | 96
      5s | charge 2                             | runaway_stopped | 96
      6s | guard runaway identical 2 within 60s | ok              | 96
      7s | charge 2                             | ok              | 94
      8s | charge 2                             | ok              | 92
      9s | charge 2                             | runaway_stopped | 92
      9s | unguard runaway                      | ok              | 92
      9s | charge 2                             | ok              | 90
      9s | reset runaway                        | unknown_guard   | 90
      9s | guard approval above 50              | ok              | 90
      9s | reset approval                       | invalid_request | 90
    `)
  })

  it('neither what is free, nor what was refused for another reason, nor a replay is a call', () => {
    scenario(`${START}
      0  | guard runaway identical 2 within 60s | ok              | 100
      1s | charge op free                       | ok              | 100
      1s | charge op free                       | ok              | 100
      1s | charge op free                       | ok              | 100
      1s | charge 101                           | out_of_credits  | 100
      1s | charge 101                           | out_of_credits  | 100
      1s | charge 101                           | out_of_credits  | 100
      2s | charge 5 key a                       | ok              | 95
      3s | charge 5 key a                       | replay          | 95
      3s | charge 5 key a                       | replay          | 95
      4s | charge 5 key b                       | ok              | 90
      5s | charge 5 key b                       | replay          | 90
      6s | charge 5 key c                       | runaway_stopped | 90
    `)
  })

  it('the next round of a call is no new call, and only a round that cost nothing has a next', () => {
    scenario(`${START}
      0  | guard runaway identical 2 within 60s burn 25 per 1h | ok   | 100
      1s | reserve 10 by meter as one             | ok              | 90
      2s | release one by meter                   | ok              | 100
      3s | reserve 10 by meter round yes as two   | ok              | 90
      4s | release two by meter                   | ok              | 100
      5s | reserve 10 by meter round yes as three | ok              | 90
      6s | settle three 10 by meter               | ok              | 90
      7s | reserve 10 by meter round yes as next  | ok              | 80
      8s | reserve 10 by meter round yes          | runaway_stopped | 80
    `)
  })

  it('a call below a key that makes the same one itself is no round of its own, and does not keep its next round from it', () => {
    scenario(`${START}
      0  | mint top                                             | ok              | 100
      0  | guard runaway identical 2 within 60s                 | ok              | 100
      1s | delegate one 50 by agent holder_key top              | ok              | 100
      1s | reserve 10 by meter holder_key top as asks           | ok              | 90
      2s | release asks by meter holder_key top                 | ok              | 100
      3s | reserve 10 by meter holder_key one as below          | ok              | 90
      4s | reserve 10 by meter round yes holder_key one         | runaway_stopped | 90
      4s | reserve 10 by meter round yes holder_key top as goes | ok              | 80
      5s | settle goes by meter holder_key top                  | ok              | 80
      5s | release below by meter holder_key one                | ok              | 90
      6s | reserve 10 by meter round yes holder_key top         | runaway_stopped | 90
      6s | reserve 10 by meter round yes holder_key one         | ok              | 80
    `)
  })

  it('a loop is stopped before anybody is asked about it', () => {
    scenario(`${START}
      0  | guard runaway identical 1 within 60s | ok                | 100
      0  | guard approval above 20              | ok                | 100
      1s | charge 30                            | approval_required | 100
      2s | charge 30                            | approval_required | 100
      3s | approve asked                        | ok                | 100
      4s | charge 30                            | ok                | 70
      5s | charge 30                            | runaway_stopped   | 70
         = messages 2
    `)
  })

  it('terms that stop nothing, or that would make every call write much, are refused', () => {
    scenario(`${START}
      0 | guard runaway               | invalid_request | 100
      0 | guard runaway identical 0   | invalid_request | 100
      0 | guard runaway identical 101 | invalid_request | 100
      0 | guard runaway burn 0        | invalid_amount  | 100
      0 | guard runaway burn 5 by agent | forbidden     | 100
    `)
  })
})

describe('what a guard has seen', () => {
  const terms: RunawayTerms & { since: number } = {
    kind: 'runaway',
    identical: { calls: 4, withinMs: 1_000 },
    burn: { amount: 60n, withinMs: 1_000 },
    since: 1,
  }
  const attempts = fc.array(fc.record({ digest: fc.constantFrom('a', 'b', 'c'), amount: fc.bigInt({ min: 1n, max: 9n }), wait: fc.integer({ min: 0, max: 400 }) }), { maxLength: 60 })

  it('AX-15: by chance, never lets more identical calls or more spending through within its time than it allows', () => {
    fc.assert(
      fc.property(attempts, (moves) => {
        let streak = { ...NOTHING_SEEN, guard: 1 }
        let at = 1_000_000
        const made: { digest: string; amount: bigint; at: number }[] = []
        for (const { digest, amount, wait } of moves) {
          at += wait
          const stopped = stopping(terms, streak, { digest, amount, at })
          streak = streakOf(streakDocument(stopped === null ? withCall(terms, streak, { digest, amount, at }, null) : stopped.streak))
          if (stopped !== null) continue
          made.push({ digest, amount, at })
          const recent = made.filter((one) => one.at > at - 1_000)
          expect(recent.filter((one) => one.digest === digest).length).toBeLessThanOrEqual(4)
          expect(recent.reduce((sum, one) => sum + one.amount, 0n)).toBeLessThanOrEqual(60n)
        }
      }),
      { seed: newSeed(), numRuns: 300 },
    )
  })

  it('stays small: sixteen calls are told apart, and the one seen longest ago makes room', () => {
    let streak = { ...NOTHING_SEEN, guard: 1 }
    for (let number = 0; number < 40; number += 1) streak = { ...withCall(terms, streak, { digest: `d${number % 20}`, amount: 1n, at: number }, null), guard: 1 }
    expect(streak.calls.map(({ digest }) => digest)).toEqual(Array.from({ length: 16 }, (_, index) => `d${index + 4}`))
  })
})
