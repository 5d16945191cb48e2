import { describe, expect, it } from 'vitest'
import { attempt, scenario } from './scenario.js'

describe('idempotency', () => {
  it('T08: the same key five times is one charge, and other input with it is a conflict', () => {
    const ledger = scenario(`
      0  | account                | ok                   | 0
      0  | grant 10               | ok                   | 10
      1s | charge 3 key k as c    | ok                   | 7
      2s | charge 3 key k         | replay               | 7
         > nothing
      2s | charge 3 key k         | replay               | 7
      3s | charge 3 key k         | replay               | 7
      4s | charge 3 key k         | replay               | 7
      5s | charge 4 key k input x | idempotency_conflict | 7
         > nothing
      5s | grant 4 key k input g  | idempotency_conflict | 7
    `)
    const again = attempt(ledger, '6s', 'charge 3 key k')
    expect(again).toMatchObject({ replayed: true, transaction: ledger.transaction(2) })
  })

  it('T09: a replay after ten minutes, 23 hours and a year returns the first result', () => {
    const ledger = scenario(`
      0    | account                          | ok     | 0
      0    | grant 10 until 1h                | ok     | 10
      0    | charge 3 key k as c              | ok     | 7
      10m  | charge 3 key k                   | replay | 7
      23h  | charge 3 key k                   | replay | 0
      365d | charge 3 key k                   | replay | 0
    `)
    expect(attempt(ledger, '366d', 'charge 3 key k')).toMatchObject({ transaction: { sequence: 2, balanceAfter: 7_000_000n } })
  })

  it('a refusal is not sticky: the same call succeeds after a top-up', () => {
    scenario(`
      0  | account          | ok             | 0
      0  | charge 3 key k   | out_of_credits | 0
      0  | charge 4 key k input other | out_of_credits | 0
      1s | grant 5          | ok             | 5
      2s | charge 3 key k   | ok             | 2
      3s | charge 3 key k   | replay         | 2
    `)
  })

  it('every write takes a key', () => {
    scenario(`
      0  | account                          | ok     | 0
      0  | grant 20 key g                   | ok     | 20
      0  | grant 20 key g                   | replay | 20
      0  | grant 1 from 1h key s            | ok     | 20
      0  | grant 1 from 1h key s            | replay | 20
      0  | adjust -1 key a                  | ok     | 19
      0  | adjust -1 key a                  | replay | 19
      1s | reserve op job key r as held     | ok     | 9
      1s | reserve op job key r             | replay | 9
      1s | extend held by agent key e       | ok     | 9
      1s | extend held by agent key e       | replay | 9
      1s | settle held 4 key t as s         | ok     | 15
      1s | settle held 4 key t              | replay | 15
      1s | refund s 1 key f                 | ok     | 16
      1s | refund s 1 key f                 | replay | 16
      1s | reserve op job as other          | ok     | 6
      1s | release other by agent key l     | ok     | 16
      1s | release other by agent key l     | replay | 16
      2s | state suspended key p            | ok     | 16
      2s | state suspended key p            | replay | 16
      2s | reserve op job key r             | replay | 16
    `)
  })

  it('the key of a metered call is charged once, is refused while it runs, and is free again after a failure', () => {
    scenario(`
      0   | account                                 | ok                   | 0
      0   | grant 30                                | ok                   | 30
      0   | reserve op job by meter call k as a     | ok                   | 20
      1s  | reserve op job by meter call k          | idempotency_conflict | 20
          > nothing
      2s  | release a by meter                      | ok                   | 30
      3s  | reserve op job by meter call k as b     | ok                   | 20
      4s  | settle b 4 by meter                     | ok                   | 26
      5s  | reserve op job by meter call k          | replay               | 26
          > nothing
      5s  | reserve op job by meter call k input x  | idempotency_conflict | 26
    `)
  })

  it('a call that timed out, was retried and was charged is not charged again when its first run comes back late', () => {
    scenario(`
      0   | account                                        | ok     | 0
      0   | grant 30                                       | ok     | 30
      0   | reserve op job by meter call k ttl 15m as a    | ok     | 20
      20m | reserve op job by meter call k ttl 15m as b    | ok     | 20
      21m | settle b 4 by meter                            | ok     | 26
      22m | settle a 4 by meter                            | replay | 26
          > nothing
    `)
  })

  it('a key that another call still runs with is answered as such, worth trying again', () => {
    const ledger = scenario(`
      0 | account                             | ok | 0
      0 | grant 30                            | ok | 30
      0 | reserve op job by meter call k as a | ok | 20
    `)
    expect(attempt(ledger, '1s', 'reserve op job by meter call k')).toMatchObject({
      refusal: { code: 'idempotency_conflict', retryable: true, details: { inProgress: true } },
    })
  })
})
