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

  it('a key that another call still runs with is answered as such: worth trying again with the same input, and with no other', () => {
    const ledger = scenario(`
      0 | account                             | ok | 0
      0 | grant 30                            | ok | 30
      0 | reserve op job by meter call k as a | ok | 20
    `)
    expect(attempt(ledger, '1s', 'reserve op job by meter call k')).toMatchObject({
      refusal: { code: 'idempotency_conflict', retryable: true, details: { inProgress: true } },
    })
    expect(attempt(ledger, '1s', 'reserve op job by meter call k input x')).toEqual({
      kind: 'refused',
      refusal: { code: 'idempotency_conflict', message: expect.stringContaining('with other input'), details: { idempotencyKey: 'k' }, advice: expect.any(Array) },
    })
  })

  it('T08: the key of a metered call that runs is that call’s alone, whatever else it is tried with', () => {
    const ledger = scenario(`
      0  | account                                | ok                   | 0
      0  | grant 30                               | ok                   | 30
      0  | reserve op job by meter call k as a    | ok                   | 20
      1s | charge 3 key k                         | idempotency_conflict | 20
         > nothing
      1s | grant 3 key k input g                  | idempotency_conflict | 20
      1s | reserve op job by meter call k input x | idempotency_conflict | 20
      1s | charge 3 key other                     | ok                   | 17
      2s | settle a 4 by meter                    | ok                   | 23
      3s | reserve op job by meter call k         | replay               | 23
    `)
    expect(ledger.journal.map(({ idempotencyKey }) => idempotencyKey)).toEqual([null, null, 'other', 'k'])
  })

  it('another key is answered again what it might do itself, and refused as it would be for doing it', () => {
    scenario(`
      0  | account                                                     | ok                   | 0
      0  | grant 50                                                    | ok                   | 50
      0  | mint one                                                    | ok                   | 50
      0  | mint two                                                    | ok                   | 50
      0  | mint narrow scopes unit                                     | ok                   | 50
      0  | member ann                                                  | ok                   | 50
      0  | mint anns is ann                                            | ok                   | 50
      1s | charge 3 key k by agent holder_key one                      | ok                   | 47
      1s | reserve op job key r by agent holder_key one as held        | ok                   | 37
      1s | reserve op job by meter holder_key one call c as running    | ok                   | 27
      1s | settle running 4 by meter holder_key one                    | ok                   | 33
      2s | charge 3 key k by agent holder_key two                      | replay               | 33
      2s | charge 3 key k by agent holder_key narrow                   | replay               | 33
      2s | charge 3 key k by agent holder_key anns                     | replay               | 33
      2s | reserve op job key r by agent holder_key two                | idempotency_conflict | 33
         > nothing
      2s | reserve op job by meter holder_key two call c               | replay               | 33
      2s | reserve op job by meter holder_key narrow call c            | forbidden            | 33
         > nothing
      2s | charge 3 key k input x by agent holder_key narrow           | idempotency_conflict | 33
      3s | member ann role viewer                                      | ok                   | 33
      3s | charge 3 key k by agent holder_key anns                     | forbidden            | 33
      3s | reserve op job key r by agent                               | replay               | 33
      3s | reserve op job key r by operator holder_key narrow          | replay               | 33
    `)
  })

  it('what a key did as its own is not answered to another key of the account, only to itself and to operators', () => {
    const ledger = scenario(`
      0  | account                                                     | ok                   | 0
      0  | grant 50                                                    | ok                   | 50
      0  | mint one                                                    | ok                   | 50
      0  | mint two                                                    | ok                   | 50
      1s | quote 4 key q by agent holder_key one as offer              | ok                   | 50
      1s | charge 4 quote offer key c by agent holder_key one          | ok                   | 46
      1s | delegate child 5 key d by agent holder_key one              | ok                   | 46
      1s | reserve op job by agent holder_key one as held              | ok                   | 36
      1s | extend held key e by agent holder_key one                   | ok                   | 36
      1s | settle held 4 key s by agent holder_key one                 | ok                   | 42
      2s | quote 4 key q by agent holder_key two                       | idempotency_conflict | 42
      2s | charge 4 quote offer key c by agent holder_key two          | idempotency_conflict | 42
      2s | delegate child 5 key d by agent holder_key two              | idempotency_conflict | 42
      2s | extend held key e by agent holder_key two                   | idempotency_conflict | 42
      2s | settle held 4 key s by agent holder_key two                 | idempotency_conflict | 42
      3s | quote 4 key q by agent holder_key one                       | replay               | 42
      3s | settle held 4 key s by agent holder_key one                 | replay               | 42
      3s | settle held 4 key s by operator holder_key two              | replay               | 42
      3s | delegate child 5 key d                                      | replay               | 42
    `)
    expect(attempt(ledger, '4s', 'quote 4 key q by agent holder_key two')).toMatchObject({
      refusal: { message: 'The idempotency key "q" was used before by another key of the account', details: { idempotencyKey: 'q' } },
    })
  })

  it('an operator that ended the work of a key is answered again what it did', () => {
    scenario(`
      0  | account                                                     | ok     | 0
      0  | grant 50                                                    | ok     | 50
      0  | mint one                                                    | ok     | 50
      0  | mint ops scopes unit                                        | ok     | 50
      0  | reserve op job by agent holder_key one as held              | ok     | 40
      1s | settle held 4 key s by operator holder_key ops              | ok     | 46
      1s | settle held 4 key s by operator holder_key ops              | replay | 46
      1s | settle held 4 key s by agent holder_key one                 | replay | 46
    `)
  })

  it("a name of a delegated key's own is nobody else's to write: nothing is done with it, and no clock moves", () => {
    const ledger = scenario(`
      0  | account test yes                                               | ok              | 0
      0  | grant 50 until 9d                                              | ok              | 50
      0  | mint key_aaaaaaaaaaaa                                          | ok              | 50
      0  | delegate key_bbbbbbbbbbbb 20                                   | ok              | 50
      0  | charge 3 key k by agent holder_key key_bbbbbbbbbbbb            | ok              | 47
      1s | charge 3 key key_bbbbbbbbbbbb:k                                | invalid_request | 47
         > nothing
      1s | charge 3 key key_bbbbbbbbbbbb:k by agent holder_key key_aaaaaaaaaaaa   | invalid_request | 47
      1s | reserve op job by meter call key_bbbbbbbbbbbb:c                | invalid_request | 47
         > nothing
      1s | clock 10d key key_bbbbbbbbbbbb:k                               | invalid_request | 47
         > nothing
      1s | charge 3 key key_aaaaaaaaaaaa:k                                | ok              | 44
      1s | charge 3 key key_cccccccccccc:k                                | ok              | 41
      1s | charge 3 key k                                                 | ok              | 38
      1s | charge 3 key key_bbbbbbbbbbbb:k by agent holder_key key_bbbbbbbbbbbb   | ok      | 35
      2s | revoke key_bbbbbbbbbbbb                                        | ok              | 35
      2s | charge 3 key key_bbbbbbbbbbbb:k                                | invalid_request | 35
    `)
    expect(ledger.account?.clockAheadMs).toBe(0)
    expect(ledger.journal.map(({ idempotencyKey }) => idempotencyKey).filter((key) => key?.endsWith(':k'))).toEqual([
      'key_bbbbbbbbbbbb:k', 'key_aaaaaaaaaaaa:k', 'key_cccccccccccc:k', 'key_bbbbbbbbbbbb:key_bbbbbbbbbbbb:k',
    ])
  })
})
