import { describe, expect, it } from 'vitest'
import { formatInstant } from '../../src/time/instant.js'
import { MemoryLedger } from './memory-ledger.js'
import { attempt, scenario } from './scenario.js'
import { DECISIONS } from './catalog.js'

describe('expiry', () => {
  it('is half open: the last millisecond still pays, the instant itself does not', () => {
    scenario(`
      0        | account                 | ok             | 0
      0        | grant 5 until 1h as A   | ok             | 5
      1h-1ms   | charge 1                | ok             | 4
      1h       | charge 1                | out_of_credits | 0
               > expire 4: available/A -4=0, expired/A +4=4
      1h       | sweep                   | ok             | 0
               > nothing
    `)
  })

  it('is dated at its own instant and kept though the command is refused', () => {
    const ledger = scenario(`
      0   | account                 | ok             | 0
      0   | grant 5 until 2h as A   | ok             | 5
      0   | grant 5 until 1h as B   | ok             | 10
      9d  | charge 1                | out_of_credits | 0
          > expire 5: available/B -5=5, expired/B +5=5
          > expire 5: available/A -5=0, expired/A +5=10
    `)
    expect(ledger.journal.slice(2).map((row) => formatInstant(row.at))).toEqual(['2026-01-15T11:00:00.000Z', '2026-01-15T12:00:00.000Z'])
  })

  it('leaves what a reservation pins, and takes it when it comes back', () => {
    scenario(`
      0   | account                        | ok | 0
      0   | grant 12 until 1h as A         | ok | 12
      0   | reserve op job ttl 2h as held  | ok | 2
      1h  | sweep                          | ok | 0
          > expire 2: available/A -2=0, expired/A +2=2
          = reserved 10
      2h  | sweep                          | ok | 0
          > release 10: reserved/A -10=0, available/A +10=10
          > expire 10: available/A -10=0, expired/A +10=12
          = held expired
    `)
  })

  it('at the very instant of a time-out comes after it', () => {
    scenario(`
      0   | account                        | ok | 0
      0   | grant 12 until 1h as A         | ok | 12
      0   | reserve op job ttl 1h as held  | ok | 2
      1h  | sweep                          | ok | 0
          > release 10: reserved/A -10=0, available/A +10=12
          > expire 12: available/A -12=0, expired/A +12=12
    `)
  })

  it('is decided in memory for a read, which writes nothing', () => {
    const ledger = scenario(`
      0   | account               | ok | 0
      0   | grant 5 until 1h as A | ok | 5
    `)
    const stored = ledger.account
    expect(ledger.projected((stored?.createdAt ?? 0) + 3_600_000).account.books).toMatchObject({ available: 0n, expired: 5_000_000n })
    expect(ledger.account).toBe(stored)
    expect(ledger.journal).toHaveLength(1)
  })

  it('a clock that steps back reorders nothing', () => {
    const ledger = scenario(`
      0   | account                 | ok | 0
      1h  | grant 5 until 2h as A   | ok | 5
      0   | charge 1                | ok | 4
      2h  | sweep                   | ok | 0
      1h  | charge 1                | out_of_credits | 0
    `)
    expect(ledger.journal.map((row) => row.at - (ledger.account?.createdAt ?? 0))).toEqual([3_600_000, 3_600_000, 7_200_000])
  })

  it('comes to the same however few due rows one step gets to see', () => {
    const steps = ['account', ...Array.from({ length: 30 }, (_, index) => `grant ${index + 1} from ${index % 7}h1ms until ${8 + (index % 5)}h`)]
    const held = ['grant 100 until 9h', ...Array.from({ length: 5 }, (_, index) => `reserve op job ttl ${6 + index}h`)]
    const heads = [1_000, 7, 2, 1].map((duePage) => {
      const ledger = new MemoryLedger(DECISIONS, { duePage })
      for (const step of [...steps, ...held]) attempt(ledger, '0', step)
      attempt(ledger, '7h30m', 'sweep')
      attempt(ledger, '3d', 'sweep')
      expect(ledger.problems()).toEqual([])
      return { head: ledger.account?.head, books: ledger.account?.books }
    })
    expect(heads[0]?.books?.available).toBe(0n)
    for (const other of heads) expect(other).toEqual(heads[0])
  })
})
