import { describe, expect, it } from 'vitest'
import { DAY_MS, formatInstant } from '../../src/time/instant.js'
import { MemoryLedger } from './memory-ledger.js'
import { PLANNED } from './plan-catalog.js'
import { attempt, scenario, T0 } from './scenario.js'

describe('the clock of a test account', () => {
  it('AX-24: goes forward by hand: renewals and expiries on the way are decided by then, each dated at its own instant', () => {
    const ledger = scenario(
      `
      0  | account plan small test yes    | ok     | 20
      0  | grant 7 until 40d as promo     | ok     | 27
      1h | clock 59d key c                | ok     | 20
         > expire 20: available/#1 -20=7, expired/#1 +20=20
         > grant 20: issued/#4 -20=-47, available/#4 +20=27
         > expire 7: available/promo -7=20, expired/promo +7=27
         > expire 20: available/#4 -20=0, expired/#4 +20=47
         > grant 20: issued/#7 -20=-67, available/#7 +20=20
         > amend 0
      2h | clock 59d key c                | replay | 20
         > nothing
      2h | clock 58d key c input other    | idempotency_conflict | 20
         > nothing
      3h | charge 5                       | ok     | 15
    `,
      PLANNED,
    )
    expect(ledger.journal.map((row) => formatInstant(row.at).slice(0, 16)).slice(2)).toEqual([
      '2026-02-15T10:00', '2026-02-15T10:00', '2026-02-24T10:00', '2026-03-15T10:00', '2026-03-15T10:00', '2026-03-15T11:00',
      '2026-03-15T13:00',
    ])
    const moved = ledger.journal.find((row) => row.idempotencyKey === 'c')
    expect(moved).toMatchObject({
      kind: 'amend',
      balanceAfter: 20_000_000n,
      detail: { change: 'clock_advanced', byMs: 59 * DAY_MS, to: '2026-03-15T11:00:00.000Z' },
    })
    expect(ledger.account?.clockAheadMs).toBe(59 * DAY_MS)
  })

  it('AX-24: is added to the time of every later command and read', () => {
    const ledger = scenario(
      `
      0  | account plan small test yes | ok | 20
      0  | clock 30d                   | ok | 20
      0  | clock 12h                   | ok | 20
      11h | sweep                      | ok | 20
          > nothing
      12h | charge 1                   | ok | 19
          > expire 20: available/#1 -20=0, expired/#1 +20=20
          > grant 20: issued/#5 -20=-40, available/#5 +20=20
          > charge 1: available/#5 -1=19, spent/#5 +1=1
    `,
      PLANNED,
    )
    expect(ledger.projected(T0 + 29 * DAY_MS).account.subscription?.period).toBe(2)
    expect(formatInstant(ledger.projected(T0 + DAY_MS).at)).toBe('2026-02-15T22:00:00.000Z')
  })

  it('AX-24: moves once though what is due on the way takes many steps', () => {
    const whole = new MemoryLedger(PLANNED)
    const cut = new MemoryLedger(PLANNED, { duePage: 2 })
    for (const ledger of [whole, cut]) {
      attempt(ledger, '0', 'account plan keeper test yes')
      for (let day = 1; day <= 40; day += 1) attempt(ledger, '0', `grant 1 until ${day}d`)
      expect(attempt(ledger, '0', 'clock 3650d key ten-years')).toMatchObject({ kind: 'done', replayed: false })
      expect(attempt(ledger, '1d', 'clock 3650d key ten-years')).toMatchObject({ kind: 'done', replayed: true })
    }
    expect(whole.account?.clockAheadMs).toBe(3_650 * DAY_MS)
    expect(whole.journal.filter((row) => row.detail['occasion'] === 'renewal')).toHaveLength(119)
    expect(cut.journal).toEqual(whole.journal)
    expect(cut.problems()).toEqual([])
  })

  it('only goes forward, by at most ten years at a time and a hundred in all, and a refusal decides nothing ahead of time', () => {
    const ledger = scenario(
      `
      0  | account plan small test yes | ok              | 20
      0  | clock 0                     | invalid_request | 20
      0  | clock -1d                   | invalid_request | 20
      0  | clock 3654d                 | invalid_request | 20
         > nothing
    `,
      PLANNED,
    )
    for (let decade = 1; decade <= 9; decade += 1) attempt(ledger, '0', 'clock 3653d')
    expect(ledger.account?.clockAheadMs).toBe(9 * 3_653 * DAY_MS)
    const { sequence } = ledger.account ?? {}
    const message = expect.stringContaining('a hundred years') as string
    expect(attempt(ledger, '0', 'clock 3653d')).toMatchObject({ refusal: { code: 'invalid_request', message } })
    expect(ledger.account?.sequence).toBe(sequence)
  })

  it('is one that a live account does not have', () => {
    const ledger = scenario(
      `
      0  | account plan small   | ok              | 20
      0  | clock 59d            | invalid_request | 20
         > nothing
      0  | clock 59d key c      | invalid_request | 20
         > nothing
    `,
      PLANNED,
    )
    expect(attempt(ledger, '0', 'clock 1d')).toMatchObject({
      refusal: { details: { account: 'acme', test: false }, advice: [expect.stringContaining('--test') as string] },
    })
  })

  it('goes on while real time steps back: nothing is dated before the row before it', () => {
    const ledger = scenario(
      `
      1d | account plan small test yes | ok | 20
      1d | clock 10d                   | ok | 20
      0  | charge 1                    | ok | 19
    `,
      PLANNED,
    )
    expect(ledger.journal.at(-1)?.at).toBe(T0 + 11 * DAY_MS)
  })
})

describe('the time zone of an account', () => {
  it('may change: the running period keeps its end, and those after it come from the anchor in the new zone', () => {
    const ledger = scenario(
      `
      0   | account plan small zone America/New_York | ok              | 20
      59d | sweep                                    | ok              | 20
      60d | zone Nowhere/City                        | invalid_request | 20
          > nothing
      60d | zone Europe/Berlin key z                 | ok              | 20
          > amend 0
      60d | zone Europe/Berlin                       | ok              | 20
          > nothing
      61d | zone Europe/Berlin key z                 | replay          | 20
      200d | sweep                                   | ok              | 20
    `,
      PLANNED,
    )
    // The anchor is 05:00 in New York and 11:00 in Berlin, whose summer begins on other days.
    expect(ledger.journal.filter((row) => row.kind === 'grant').map((row) => formatInstant(row.at).slice(0, 16))).toEqual([
      '2026-01-15T10:00', '2026-02-15T10:00', '2026-03-15T09:00', '2026-04-15T09:00', '2026-05-15T09:00', '2026-06-15T09:00',
      '2026-07-15T09:00',
    ])
    const moved = ledger.journal.find((row) => row.idempotencyKey === 'z')
    expect(moved?.detail).toEqual({ change: 'time_zone', from: 'America/New_York', to: 'Europe/Berlin' })
  })
})
