import { describe, expect, it } from 'vitest'
import { attempt, scenario } from './scenario.js'

describe('grant', () => {
  it('from a later instant on is a promise that moves nothing until then', () => {
    const ledger = scenario(`
      0       | account                          | ok             | 0
      0       | grant 5 from 1d until 2d as S    | ok             | 0
              > amend 0
              = issued 0, S 0
      1d-1ms  | charge 1                         | out_of_credits | 0
              > nothing
      1d      | charge 1                         | ok             | 4
              > grant 5: issued/S -5=-5, available/S +5=5
              > charge 1: available/S -1=4, spent/S +1=1
      2d-1ms  | charge 1                         | ok             | 3
      2d      | charge 1                         | out_of_credits | 0
              > expire 3: available/S -3=0, expired/S +3=3
    `)
    expect(ledger.journal[0]?.detail).toMatchObject({
      change: 'grant_scheduled',
      credits: 5,
      effectiveAt: '2026-01-16T10:00:00.000Z',
      expiresAt: '2026-01-17T10:00:00.000Z',
    })
  })

  it('takes effect and expires unseen when nobody looks meanwhile', () => {
    scenario(`
      0  | account                     | ok | 0
      0  | grant 5 from 1d until 2d as S | ok | 0
      9d | sweep                       | ok | 0
         > grant 5: issued/S -5=-5, available/S +5=5
         > expire 5: available/S -5=0, expired/S +5=5
    `)
  })

  it('that ends before it begins or is over already is refused', () => {
    scenario(`
      0  | account                     | ok              | 0
      1d | grant 5 until 1d            | invalid_request | 0
      1d | grant 5 from 2d until 2d    | invalid_request | 0
      1d | grant 5 from 0 until 12h    | invalid_request | 0
      1d | grant 5 until 1d1ms as A    | ok              | 5
      1d | grant 5 from 0 as B         | ok              | 10
         > grant 5: issued/B -5=-10, available/B +5=10
    `)
  })

  it('never lets an account have more than two billion credits over its lifetime', () => {
    scenario(`
      0  | account               | ok             | 0
      0  | grant 1999999999      | ok             | 1999999999
      0  | charge 1999999999     | ok             | 0
      0  | grant 1.000001        | invalid_amount | 0
      0  | adjust 1.000001       | invalid_amount | 0
      0  | grant 1               | ok             | 1
      0  | grant 0.000001        | invalid_amount | 1
    `)
  })

  it('that was promised lapses, and says so, when it would exceed two billion credits at its time', () => {
    scenario(`
      0  | account                        | ok | 0
      0  | grant 1500000000 from 1d as A  | ok | 0
      0  | grant 1500000000 from 1d as B  | ok | 0
      1d | sweep                          | ok | 1500000000
         > grant 1500000000: issued/A -1500000000=-1500000000, available/A +1500000000=1500000000
         > amend 0
         = A 1500000000, B 0
      2d | charge 1                       | ok | 1499999999
    `)
  })

  it('to a closed account is refused, to a suspended one it is not', () => {
    scenario(`
      0  | account          | ok                | 0
      0  | state suspended  | ok                | 0
      0  | grant 5          | ok                | 5
      0  | state closed     | ok                | 5
      0  | grant 5          | account_suspended | 5
    `)
  })

  it('that was promised to an account that is closed at its time lapses', () => {
    const ledger = scenario(`
      0  | account            | ok | 0
      0  | grant 5 from 1d    | ok | 0
      0  | state closed       | ok | 0
      2d | sweep              | ok | 0
         > amend 0
         = issued 0, #1 0
      9d | sweep              | ok | 0
         > nothing
    `)
    expect(ledger.journal.at(-1)?.detail).toMatchObject({ change: 'grant_lapsed', credits: 5, reason: 'The account is closed' })
    expect(ledger.account).toMatchObject({ openGrants: 0 })
  })

  it('is taken from also where there are as many as there may be', () => {
    const ledger = scenario(`0 | account | ok | 0`)
    for (let count = 0; count < 1_000; count += 1) attempt(ledger, '0', 'grant 1 from 1h')
    expect(attempt(ledger, '1h', 'charge 1000')).toMatchObject({ kind: 'done', transaction: { credits: 1_000_000_000n, balanceAfter: 0n } })
    expect(ledger.problems()).toEqual([])
    expect(attempt(ledger, '2h', 'grant 1')).toMatchObject({ kind: 'done' })
  })

  it('beyond a thousand that have something left or are promised is refused', () => {
    const ledger = scenario(`0 | account | ok | 0`)
    for (let count = 0; count < 500; count += 1) attempt(ledger, '0', 'grant 1')
    for (let count = 0; count < 500; count += 1) attempt(ledger, '0', 'grant 1 from 1h until 2h')
    for (const given of ['grant 1', 'grant 1 from 1h', 'adjust 1']) {
      expect(attempt(ledger, '1s', given), given).toMatchObject({ refusal: { code: 'invalid_request' } })
      expect(attempt(ledger, '1h', given), given).toMatchObject({ refusal: { code: 'invalid_request' } })
    }
    expect(ledger.problems()).toEqual([])
    expect(attempt(ledger, '2h', 'grant 1')).toMatchObject({ kind: 'done' })
    expect(ledger.account).toMatchObject({ openGrants: 501 })
    expect(ledger.problems()).toEqual([])
  })

  it('beyond a thousand with something left is refused', () => {
    const ledger = scenario(`0 | account | ok | 0`)
    for (let count = 0; count < 1_000; count += 1) attempt(ledger, '0', 'grant 1')
    expect(attempt(ledger, '1s', 'grant 1')).toMatchObject({ refusal: { code: 'invalid_request' } })
    attempt(ledger, '1s', 'charge 1')
    expect(attempt(ledger, '1s', 'grant 1')).toMatchObject({ kind: 'done' })
  })
})
