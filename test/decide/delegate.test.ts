import { describe, expect, it } from 'vitest'
import { DEPTH_MAX } from '../../src/decide/delegate.js'
import { nearest } from '../../src/decide/nearest.js'
import { keyOf } from '../../src/keys/key.js'
import { toCredits } from '../../src/money/credits.js'
import { HOUR_MS } from '../../src/time/instant.js'
import { DECISIONS } from './catalog.js'
import { MemoryLedger } from './memory-ledger.js'
import { attempt, scenario, T0 } from './scenario.js'

const keyAs = (ledger: MemoryLedger, id: string) => keyOf(ledger.record('key', id) as never)

function begun(...commands: readonly string[]): MemoryLedger {
  const ledger = new MemoryLedger(DECISIONS)
  for (const command of ['account', 'grant 100', ...commands]) expect(attempt(ledger, '0', command).kind, command).toBe('done')
  return ledger
}

describe('delegate', () => {
  it('AX-03: a key carves out a key with a limit, whose spending counts for every key above it', () => {
    scenario(`
      0 | account                                                  | ok              | 0
      0 | grant 100                                                | ok              | 100
      0 | mint top                                                 | ok              | 100
      0 | delegate mid 20 delegates yes by agent holder_key top    | ok              | 100
        > amend 0
        > amend 0
      0 | delegate leaf 15 by agent holder_key mid                 | ok              | 100
      0 | charge 10 by agent holder_key leaf                       | ok              | 90
        = budget:mid 10+0, budget:leaf 10+0
      0 | charge 6 by agent holder_key leaf                        | budget_exceeded | 90
      0 | charge 8 by agent holder_key mid                         | ok              | 82
        = budget:mid 18+0, budget:leaf 10+0
      0 | charge 3 by agent holder_key leaf                        | budget_exceeded | 82
      0 | charge 2 by agent holder_key leaf                        | ok              | 80
      0 | charge 1 by agent holder_key mid                         | budget_exceeded | 80
      0 | charge 30 by agent holder_key top                        | ok              | 50
    `)
  })

  it('AX-03: nothing is set aside: limits may add up to more than there is, and what is not spent needs no return', () => {
    scenario(`
      0    | account                                  | ok              | 0
      0    | grant 10                                 | ok              | 10
      0    | mint top                                 | ok              | 10
      0    | budget top 8 scope key=top               | ok              | 10
      0    | delegate a 500 by agent holder_key top   | ok              | 10
      0    | delegate b 500 by agent holder_key top   | ok              | 10
      0    | charge 5 by agent holder_key a           | ok              | 5
      0    | charge 4 by agent holder_key b           | budget_exceeded | 5
      0    | charge 3 by agent holder_key b           | ok              | 2
      1h   | charge 1 by agent holder_key a           | unauthenticated | 2
      1h   | budget top 20 scope key=top              | ok              | 2
      1h   | charge 2 by agent holder_key top         | ok              | 0
    `)
  })

  it('AX-03: a party without a key carves out a key with nobody above it', () => {
    const ledger = scenario(`
      0 | account                                | ok              | 0
      0 | grant 100                              | ok              | 100
      0 | delegate child 5 by agent              | ok              | 100
      0 | delegate other 5                       | ok              | 100
      0 | charge 5 by agent holder_key child     | ok              | 95
      0 | charge 1 by agent holder_key child     | budget_exceeded | 95
      0 | charge 1 by agent                      | ok              | 94
    `)
    expect(keyAs(ledger, 'child')).toMatchObject({ ancestors: [], isDelegated: true, mayDelegate: false, scopes: ['credits:read', 'credits:spend'] })
  })

  it('AX-03: a child never has more rights than its parent: not more operations, not longer, not another environment or member', () => {
    const ledger = scenario(`
      0  | account                                                               | ok              | 0
      0  | grant 100                                                             | ok              | 100
      0  | member ann                                                            | ok              | 100
      0  | mint some scopes credits:read,unit:*,job environment preview is ann until 1h | ok       | 100
      0  | delegate alike 9 for 3h delegates yes by agent holder_key some        | ok              | 100
      0  | delegate less 9 for 30m scopes unit by agent holder_key some          | ok              | 100
      0  | delegate group 9 scopes unit:*,unit,unit by agent holder_key some     | ok              | 100
      0  | delegate more 9 scopes hard by agent holder_key some                  | forbidden       | 100
      0  | delegate more 9 scopes unit,job:* by agent holder_key some            | forbidden       | 100
      0  | delegate more 9 scopes nothing by agent holder_key some               | invalid_request | 100
      0  | delegate more 9 scopes credits:spend by agent holder_key some         | invalid_request | 100
      0  | delegate more 9 scopes admin by agent holder_key some                 | invalid_request | 100
      0  | charge 1 by agent holder_key less                                     | ok              | 99
      0  | charge op job actual 2 by agent holder_key less                       | forbidden       | 99
      0  | charge op job actual 2 by agent holder_key alike                      | ok              | 97
      0  | charge op hard actual 2 by agent holder_key alike                     | forbidden       | 97
      0  | mint all scopes admin                                                 | ok              | 97
      0  | delegate manager 9 holder_key all                                     | ok              | 97
      0  | grant 5 holder_key manager                                            | forbidden       | 97
      30m | charge 1 by agent holder_key less                                    | unauthenticated | 97
      1h | charge 1 by agent holder_key alike                                    | unauthenticated | 97
    `)
    const { environment, member, ancestors, scopes, expiresAt } = keyAs(ledger, 'alike')
    expect({ environment, member, ancestors, scopes, expiresAt }).toEqual({
      environment: 'preview', member: 'ann', ancestors: ['some'], scopes: ['credits:read', 'unit:*', 'job'], expiresAt: T0 + HOUR_MS,
    })
    expect(keyAs(ledger, 'less').scopes).toEqual(['unit'])
    expect(keyAs(ledger, 'group').scopes).toEqual(['unit:*', 'unit'])
    expect(keyAs(ledger, 'manager').scopes).toEqual(['credits:read', 'credits:spend'])
  })

  it('AX-03: only who may spend and may delegate does', () => {
    scenario(`
      0 | account                                          | ok              | 0
      0 | grant 100                                        | ok              | 100
      0 | member vera role viewer                          | ok              | 100
      0 | mint reader scopes credits:read                  | ok              | 100
      0 | mint veras is vera                               | ok              | 100
      0 | mint alone delegates no                          | ok              | 100
      0 | mint top                                         | ok              | 100
      0 | delegate child 5 by agent holder_key top         | ok              | 100
      0 | delegate x 5 by agent holder_key reader          | forbidden       | 100
      0 | delegate x 5 by agent holder_key veras           | forbidden       | 100
      0 | delegate x 5 by agent holder_key alone           | forbidden       | 100
      0 | delegate x 5 by agent holder_key child           | forbidden       | 100
      0 | delegate x 5 by agent holder_key nobody          | unauthenticated | 100
      0 | delegate x 0 by agent holder_key top             | invalid_amount  | 100
      0 | delegate x -1 by agent holder_key top            | invalid_amount  | 100
      0 | delegate child 5 by agent holder_key top         | invalid_request | 100
      0 | budget x 5                                       | ok              | 100
      0 | delegate x 5 by agent holder_key top             | invalid_request | 100
      0 | state suspended                                  | ok              | 100
      0 | delegate y 5 by agent holder_key top             | account_suspended | 100
      0 | state closed                                     | ok              | 100
      0 | delegate y 5 by agent holder_key top             | account_suspended | 100
    `)
  })

  it('AX-03: a key revokes those below it and nothing else: of any other it learns nothing', () => {
    scenario(`
      0 | account                                                  | ok              | 0
      0 | grant 100                                                | ok              | 100
      0 | mint top                                                 | ok              | 100
      0 | mint other                                               | ok              | 100
      0 | mint reader scopes credits:read                          | ok              | 100
      0 | delegate mid 20 delegates yes by agent holder_key top    | ok              | 100
      0 | delegate side 20 by agent holder_key top                 | ok              | 100
      0 | delegate leaf 15 by agent holder_key mid                 | ok              | 100
      0 | delegate last 15 by agent holder_key mid                 | ok              | 100
      0 | revoke none by agent holder_key mid                      | forbidden       | 100
      0 | revoke side by agent holder_key mid                      | forbidden       | 100
      0 | revoke top by agent holder_key mid                       | forbidden       | 100
      0 | revoke mid by agent holder_key mid                       | forbidden       | 100
      0 | revoke leaf by agent holder_key other                    | forbidden       | 100
      0 | revoke leaf by agent holder_key reader                   | forbidden       | 100
      0 | revoke leaf by agent                                     | forbidden       | 100
      0 | revoke leaf by agent holder_key mid key r1               | ok              | 100
        > amend 0
        > amend 0
      0 | revoke leaf by agent holder_key mid key r1               | replay          | 100
      0 | revoke leaf by agent holder_key mid                      | unknown_key     | 100
      0 | charge 1 by agent holder_key leaf                        | unauthenticated | 100
      0 | charge 1 by agent holder_key last                        | ok              | 99
      0 | revoke mid by agent holder_key top                       | ok              | 99
      0 | charge 1 by agent holder_key last                        | unauthenticated | 99
      0 | revoke last by agent holder_key mid                      | unauthenticated | 99
      0 | charge 1 by agent holder_key side                        | ok              | 98
    `)
  })

  it('AX-03, AX-06: a key releases what keys below it hold, also once they are revoked, and neither settles nor extends it', () => {
    const ledger = scenario(`
      0  | account                                              | ok              | 0
      0  | grant 100                                            | ok              | 100
      0  | mint top                                             | ok              | 100
      0  | mint other                                           | ok              | 100
      0  | delegate mid 50 delegates yes by agent holder_key top | ok             | 100
      0  | delegate leaf 20 by agent holder_key mid             | ok              | 100
      0  | reserve 10 by agent holder_key leaf as held          | ok              | 90
      0  | reserve 5 by agent holder_key leaf as finished       | ok              | 85
      0  | reserve 5 by meter holder_key leaf as running        | ok              | 80
      0  | reserve 5 by agent holder_key mid as above           | ok              | 75
      0  | revoke leaf by agent holder_key mid                  | ok              | 75
      1m | settle held 10 by agent holder_key mid               | forbidden       | 75
      1m | extend held by agent holder_key mid                  | forbidden       | 75
      1m | release held by agent holder_key other               | unknown_reservation | 75
      1m | release held by agent                                | unknown_reservation | 75
      1m | release above by agent holder_key leaf               | unknown_reservation | 75
      1m | release running by agent holder_key top              | unknown_reservation | 75
      1m | release held by agent holder_key mid key r1          | ok              | 85
         > release 10: reserved/#1 -10=15, available/#1 +10=85
      1m | release held by agent holder_key mid key r1          | replay          | 85
      1m | release held by agent holder_key top                 | reservation_not_open | 85
      2m | settle finished 5 by agent holder_key leaf           | ok              | 85
      3m | reserve 5 by agent holder_key mid as more            | ok              | 80
      3m | revoke mid by agent holder_key top                   | ok              | 80
      4m | release more by agent holder_key top                 | ok              | 85
    `)
    const freed = ledger.journal.find((row) => row.kind === 'release')
    expect(freed).toMatchObject({ key: 'mid' })
    // What the revoked key has left is nothing to the key above it, and the other way round.
    expect(freed?.detail).not.toHaveProperty('left')
  })

  it('AX-06: a key that holds no more frees nothing of those below it', () => {
    scenario(`
      0  | account                                              | ok                  | 0
      0  | grant 100                                            | ok                  | 100
      0  | mint top                                             | ok                  | 100
      0  | delegate leaf 20 by agent holder_key top             | ok                  | 100
      0  | reserve 10 by agent holder_key leaf as held          | ok                  | 90
      0  | revoke top                                           | ok                  | 90
      1m | release held by agent holder_key top                 | unknown_reservation | 90
    `)
  })

  it('AX-03: revoking a parent revokes its children, and closes the limits that were made with them and no other', () => {
    const ledger = scenario(`
      0 | account                                                  | ok              | 0
      0 | grant 100                                                | ok              | 100
      0 | mint top                                                 | ok              | 100
      0 | budget top 50 scope key=top                              | ok              | 100
      0 | delegate mid 20 delegates yes by agent holder_key top    | ok              | 100
      0 | delegate leaf 15 by agent holder_key mid                 | ok              | 100
      0 | delegate kept 15 by agent holder_key top                 | ok              | 100
      0 | budget daily 5 window day scope key=leaf                 | ok              | 100
      0 | reserve 4 by agent holder_key leaf as r                  | ok              | 96
      0 | revoke mid                                               | ok              | 96
      0 | charge 1 by agent holder_key leaf                        | unauthenticated | 96
      0 | charge 1 by agent holder_key mid                         | unauthenticated | 96
      0 | charge 1 by agent holder_key kept                        | ok              | 95
      0 | settle r 3 by agent holder_key leaf                      | ok              | 96
        = budget:top 4+0
      0 | revoke top                                               | ok              | 96
      0 | charge 1 by agent holder_key kept                        | unauthenticated | 96
    `)
    expect(ledger.records('budget').map(({ id }) => id)).toEqual(['daily', 'top'])
    expect(ledger.records('key')).toEqual([])
  })

  it('AX-12: the same idempotency key makes one key', () => {
    scenario(`
      0 | account                                        | ok                   | 0
      0 | grant 10                                       | ok                   | 10
      0 | delegate a 5 by agent key k1                   | ok                   | 10
      0 | delegate b 5 by agent key k1                   | replay               | 10
      0 | delegate b 6 by agent key k1 input other       | idempotency_conflict | 10
      0 | delegate b 6 by agent key k2                   | ok                   | 10
    `)
  })

  it(`AX-03: delegation goes ${DEPTH_MAX} deep and says so`, () => {
    const ledger = begun('mint k0')
    for (let depth = 1; depth <= DEPTH_MAX; depth += 1) {
      expect(attempt(ledger, '0', `delegate k${depth} 50 delegates yes by agent holder_key k${depth - 1}`).kind).toBe('done')
    }
    expect(attempt(ledger, '0', `charge 7 by agent holder_key k${DEPTH_MAX}`).kind).toBe('done')
    expect(ledger.counters([{ budget: 'k1', subject: '' }])[0]?.used).toBe(7_000_000n)
    expect(attempt(ledger, '0', `delegate deeper 5 by agent holder_key k${DEPTH_MAX}`)).toMatchObject({
      refusal: { code: 'forbidden', message: expect.stringContaining(`${DEPTH_MAX} is as deep as delegation goes`) as unknown, details: { depth: DEPTH_MAX, max: DEPTH_MAX } },
    })
    expect(ledger.problems()).toEqual([])
  })

  it('AX-03: limits of keys that expired make room for new ones, in the very write that needs it', () => {
    const ledger = begun('mint top')
    for (let index = 0; index < 500; index += 1) {
      expect(attempt(ledger, '0', `delegate k${String(index).padStart(3, '0')} 5 for ${index < 30 ? '1h' : '9h'} by agent holder_key top`).kind).toBe('done')
    }
    expect(attempt(ledger, '1h-1ms', 'delegate more 5 by agent holder_key top')).toMatchObject({ refusal: { code: 'invalid_request', details: { kind: 'budget', max: 500 } } })
    expect(attempt(ledger, '1h-1ms', 'budget more 5')).toMatchObject({ refusal: { code: 'invalid_request' } })
    expect(attempt(ledger, '1h', 'delegate more 5 by agent holder_key top').kind).toBe('done')
    expect(ledger.records('budget')).toHaveLength(481)
    expect(keyAs(ledger, 'k000')).toMatchObject({ isRevoked: true, hasExpired: true })
    for (let index = 0; index < 19; index += 1) expect(attempt(ledger, '1h', `budget b${index} 5`).kind).toBe('done')
    expect(ledger.records('budget')).toHaveLength(500)
    expect(attempt(ledger, '1h', 'budget one 5').kind).toBe('done')
    expect(ledger.records('budget')).toHaveLength(491)
    expect(ledger.problems()).toEqual([])
  })

  it('SF-09: a limit is told of as it is reached, by the name of its key', () => {
    const ledger = begun('mint top', 'delegate a 10 by agent holder_key top', 'charge 8 by agent holder_key a')
    expect(ledger.allRecords('message').map(({ document }) => document)).toMatchObject([{ type: 'budget_threshold', budget: 'a', threshold: 80, used: 8, remaining: 2 }])
  })
})

describe('what a delegated key is told', () => {
  const refusalOf = (ledger: MemoryLedger, command: string) => {
    const outcome = attempt(ledger, '0', command)
    return outcome.kind === 'refused' ? outcome.refusal : null
  }

  it('AX-03: of a limit above it, what that leaves, and nothing of whose it is', () => {
    const ledger = begun('mint secret_parent', 'budget secret_parent 6 scope key=secret_parent', 'delegate a 20 by agent holder_key secret_parent', 'charge 5 by agent holder_key secret_parent')
    const refusal = refusalOf(ledger, 'charge 4 by agent holder_key a')
    expect(refusal).toMatchObject({
      code: 'budget_exceeded',
      details: { required: 4, available: 1, shortfall: 3, limitedBy: { type: 'budget', id: 'above', window: 'total' } },
    })
    expect(JSON.stringify(refusal)).not.toContain('secret_parent')
  })

  it('AX-03: of an empty account, what is lacking, and no way to add to an account that is not its own', () => {
    const ledger = begun('mint top', 'delegate a 500 by agent holder_key top')
    expect(refusalOf(ledger, 'charge 101 by agent holder_key a')).toMatchObject({
      code: 'out_of_credits', details: { required: 101, available: 100, limitedBy: { type: 'balance' } }, advice: [expect.stringMatching(/whoever gave you this key/) as unknown],
    })
  })

  it('AX-03: of its own limit, all of it', () => {
    const ledger = begun('mint top', 'delegate a 5 by agent holder_key top')
    expect(refusalOf(ledger, 'charge 6 by agent holder_key a')).toMatchObject({ code: 'budget_exceeded', details: { limitedBy: { id: 'a', limit: 5, used: 0, remaining: 5 } } })
  })

  it('AX-03: rows tell what its own part has left, whatever the account has', () => {
    const ledger = begun('mint top', 'delegate a 10 by agent holder_key top')
    const left = (time: string, command: string) => {
      const outcome = attempt(ledger, time, command)
      return outcome.kind === 'done' ? [outcome.transaction?.detail['left'], outcome.ownBalance === null ? null : toCredits(outcome.ownBalance)] : outcome.refusal.code
    }
    expect(left('0', 'charge 3 by agent holder_key a key c')).toEqual([7, 7])
    expect(left('0', 'reserve 4 by agent holder_key a as r')).toEqual([3, 3])
    expect(left('0', 'settle #6 1 by agent holder_key a')).toEqual([6, 6])
    expect(left('0', 'reserve 2 by agent holder_key a')).toEqual([4, 4])
    expect(left('0', 'release #8 by agent holder_key a')).toEqual([6, 6])
    expect(left('0', 'refund #5 2')).toEqual([8, null])
    expect(left('0', 'charge 95 by agent holder_key top')).toEqual([undefined, null])
    expect(left('0', 'charge 2 by agent holder_key a')).toEqual([1, 1])
    expect(left('0', 'charge 3 by agent holder_key a key c')).toEqual([7, 7])
    expect(left('0', 'reserve 1 by agent holder_key a ttl 1m')).toEqual([0, 0])
    expect(left('2m', 'charge 0 by agent holder_key a')).toEqual([1, 1])
    expect(ledger.journal.at(-2)).toMatchObject({ kind: 'release', detail: { reason: 'time_out', left: 1 } })
    expect(ledger.problems()).toEqual([])
  })

  it.each(['revoke a', 'revoke top'])('AX-03: after %s it finishes what it began, and has nothing left, whatever the account has', (command) => {
    const ledger = begun('mint top', 'delegate a 10 by agent holder_key top', 'reserve 4 by agent holder_key a', 'reserve 3 by agent holder_key a')
    const [settled, released] = [ledger.reservation(5)?.id, ledger.reservation(6)?.id]
    attempt(ledger, '1m', command)
    expect(attempt(ledger, '2m', `settle ${settled} 1 by agent holder_key a`)).toMatchObject({ kind: 'done', ownBalance: 0n, transaction: { detail: { left: 0 } } })
    expect(attempt(ledger, '2m', `release ${released} by agent holder_key a`)).toMatchObject({ kind: 'done', ownBalance: 0n, transaction: { detail: { left: 0 } } })
  })

  it('AX-03: a delegated key calls its work as it likes, and is answered nothing of what anybody else has called so', () => {
    const ledger = begun('mint top', 'delegate a 10 by agent holder_key top', 'delegate b 10 by agent holder_key top')
    const keyed = (key: string, command: string) => attempt(ledger, '0', `${command} by agent holder_key ${key} key c`)
    expect(keyed('top', 'charge 3')).toMatchObject({ kind: 'done', replayed: false })
    for (const key of ['a', 'b']) {
      expect(keyed(key, 'charge 3')).toMatchObject({ kind: 'done', replayed: false, transaction: { key, idempotencyKey: `${key}:c` } })
      expect(keyed(key, 'charge 3')).toMatchObject({ kind: 'done', replayed: true, transaction: { key } })
      expect(refusalOf(ledger, `charge 2 by agent holder_key ${key} key c input other`)).toMatchObject({ code: 'idempotency_conflict', details: { idempotencyKey: 'c' } })
    }
    expect(keyed('top', 'charge 3')).toMatchObject({ kind: 'done', replayed: true, transaction: { key: 'top' } })
    for (const key of ['a', 'b']) {
      expect(attempt(ledger, '0', `reserve tool work holder_key ${key} by meter call m`)).toMatchObject({ kind: 'done', replayed: false })
      const reservation = ledger.reservation(ledger.journal.length)?.id
      expect(refusalOf(ledger, `reserve tool work holder_key ${key} by meter call m`)).toMatchObject({ code: 'idempotency_conflict', details: { idempotencyKey: 'm', inProgress: true } })
      expect(attempt(ledger, '0', `settle ${reservation} by meter holder_key ${key}`)).toMatchObject({ kind: 'done', transaction: { idempotencyKey: `${key}:m` } })
      expect(attempt(ledger, '0', `reserve tool work holder_key ${key} by meter call m`)).toMatchObject({ kind: 'done', replayed: true, transaction: { key } })
    }
    expect(ledger.problems()).toEqual([])
  })

  it('a replay is for keys that may spend on the like: what another key of the account has paid is no free work', () => {
    const ledger = begun('mint top', 'mint narrow scopes unit', 'mint other scopes job')
    expect(attempt(ledger, '0', 'charge 3 by agent holder_key top key c')).toMatchObject({ kind: 'done' })
    expect(refusalOf(ledger, 'charge 3 by agent holder_key other key c')?.code).toBe('forbidden')
    expect(attempt(ledger, '0', 'charge 3 by agent holder_key narrow key c')).toMatchObject({ kind: 'done', replayed: true })
  })

  it('AX-03: what is refunded of a window that is over is not left in the one that runs', () => {
    const ledger = begun('mint top', 'delegate a 90 for 9h by agent holder_key top', 'budget daily 10 window day scope key=a', 'charge 8 by agent holder_key a')
    const outcome = attempt(ledger, '1h', 'refund #6 8')
    expect(outcome).toMatchObject({ kind: 'done', transaction: { detail: { left: 10 } } })
    const next = begun('mint top', 'delegate a 90 for 99h by agent holder_key top', 'budget daily 10 window day scope key=a', 'charge 8 by agent holder_key a')
    expect(attempt(next, '24h', 'charge 4 by agent holder_key a')).toMatchObject({ transaction: { detail: { left: 6 } } })
    expect(attempt(next, '24h', 'refund #6 8')).toMatchObject({ transaction: { detail: { left: 6 } } })
  })

  it('AX-16: it buys nothing', () => {
    const ledger = begun('mint top', 'delegate a 90 by agent holder_key top')
    const purchase = { kind: 'purchase', account: 'acme', idempotencyKey: null, fingerprint: null, pack: 'p', isSettled: false, isSelfService: true, budget: null, provider: 'manual', reference: null } as const
    const by = (key: string) => ledger.run({ ...purchase, actor: { key, member: null, run: null, holder: 'agent' } }, T0)
    expect([by('a'), by('top')]).toMatchObject([{ refusal: { code: 'forbidden' } }, { refusal: { code: 'purchases_unavailable' } }])
  })
})

describe('scopes', () => {
  it('AX-16: nobody gives a right that it has not itself', () => {
    scenario(`
      0 | account                                         | ok        | 0
      0 | mint admin scopes admin                         | ok        | 0
      0 | mint operator scopes operator                   | ok        | 0
      0 | mint a scopes operator holder_key admin         | forbidden | 0
      0 | mint a scopes credits:read,operator holder_key admin | forbidden | 0
      0 | mint a scopes admin,credits:spend,unit:*,job holder_key admin | ok | 0
      0 | mint b scopes operator holder_key operator      | ok        | 0
      0 | mint c by agent holder_key operator             | forbidden | 0
      0 | grant 5 holder_key b                            | ok        | 5
    `)
  })

  it.each([
    ['scopes credit:spend', 'credits:spend'],
    ['scopes credits:read,opertor', 'operator'],
    ['scopes tokns', 'tokens'],
    ['scopes tokns:*', 'tokens:*'],
    ['scopes something', undefined],
    ['scopes units:*', 'unit:*'],
  ])('%s is refused with what there is, and what was probably meant', (scopes, near) => {
    const outcome = attempt(begun(), '0', `mint a ${scopes}`)
    expect(outcome).toMatchObject({ refusal: { code: 'invalid_request', details: { field: 'scopes', choices: expect.arrayContaining(['credits:read', 'operator', 'unit:*', 'unit']) as unknown } } })
    const refusal = outcome.kind === 'refused' ? outcome.refusal : null
    expect(refusal?.details?.['didYouMean']).toBe(near)
    expect(refusal?.message).toContain(near === undefined ? '(there are ' : `did you mean ${near}?`)
  })

  it('a key made for the operations of a catalog knows of no other, and of a subject there is one key', () => {
    const ledger = begun()
    const key = (id: string, at = T0, expiresAt = 8_640_000_000_000_000) =>
      ledger.run(
        {
          kind: 'create_key', account: 'acme', actor: { key: null, member: null, run: null, holder: 'operator' }, idempotencyKey: null, fingerprint: null, id, digest: id,
          subject: { issuer: 'https://id.example', subject: 'ann' },
          terms: { name: null, prefix: 'ann', scopes: ['unit'], environment: null, member: null, ancestors: [], expiresAt, mayDelegate: true, isDelegated: false },
        },
        at,
      )
    expect(key('first', T0, T0 + HOUR_MS)).toMatchObject({ kind: 'done', record: { lookup: 'subject:https://id.example|ann' } })
    expect(key('second')).toMatchObject({ refusal: { code: 'invalid_request', details: { key: 'first' } } })
    expect(key('second', T0 + HOUR_MS)).toMatchObject({ kind: 'done' })
    expect(ledger.record('key', 'first')).toMatchObject({ isOpen: false, lookup: null })
    expect(attempt(ledger, '1h', 'revoke second').kind).toBe('done')
    expect(key('third', T0 + HOUR_MS).kind).toBe('done')
    expect(ledger.problems()).toEqual([])
  })

  it('the nearest word is within a few letters, and the first of those that are alike', () => {
    expect(nearest('image.genrate', ['image.generate', 'image.edit'])).toBe('image.generate')
    expect(nearest('ab', ['xy', 'abc'])).toBe('abc')
    expect(nearest('video', ['image.generate'])).toBeNull()
    expect(nearest('x'.repeat(65), ['x'.repeat(65)])).toBeNull()
  })
})

describe('limits made by delegation', () => {
  it('are budgets as any other: raised and changed by an operator, and there for as long as the key', () => {
    const ledger = scenario(`
      0 | account                                    | ok              | 0
      0 | grant 100                                  | ok              | 100
      0 | mint top                                   | ok              | 100
      0 | delegate a 5 by agent holder_key top       | ok              | 100
      0 | charge 5 by agent holder_key a             | ok              | 95
      0 | raise a 5                                  | ok              | 95
      0 | charge 5 by agent holder_key a             | ok              | 90
      0 | charge 1 by agent holder_key a             | budget_exceeded | 90
      0 | budget a 12 window total scope key=a       | ok              | 90
      0 | charge 2 by agent holder_key a             | ok              | 88
      0 | unbudget a                                 | invalid_request | 88
      0 | budget a 50 scope key=top                  | invalid_request | 88
      0 | budget a 50 scope key=a,tool=other         | invalid_request | 88
      0 | budget a 50 scope key=a enforcement alert  | invalid_request | 88
      0 | budget a 50 window run scope key=a         | invalid_request | 88
      0 | budget a 4 window day scope key=a          | ok              | 88
      0 | budget other 50 scope key=a                | ok              | 88
      0 | unbudget other                             | ok              | 88
      0 | charge 4 by agent holder_key a             | ok              | 84
      0 | charge 1 by agent holder_key a             | budget_exceeded | 84
      0 | revoke a                                   | ok              | 84
      0 | unbudget a                                 | unknown_budget  | 84
      0 | budget a 1 scope key=top                   | ok              | 84
      0 | unbudget a                                 | ok              | 84
      0 | delegate b 5 for 1h by agent holder_key top | ok             | 84
      1h | unbudget b                                | ok              | 84
    `)
    expect(ledger.records('budget')).toEqual([])
  })
})
