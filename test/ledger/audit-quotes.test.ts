import { describe, expect, it } from 'vitest'
import type { Account } from '../../src/ledger/account.js'
import { QuoteAudit } from '../../src/ledger/audit-quotes.js'
import { ReservationAudit } from '../../src/ledger/audit-reservations.js'
import type { Reservation } from '../../src/ledger/reservation.js'
import type { Transaction } from '../../src/ledger/transaction.js'
import { HOUR_MS } from '../../src/time/instant.js'
import type { MemoryLedger } from '../decide/memory-ledger.js'
import { scenario, T0 } from '../decide/scenario.js'

/** Row 2 quotes, row 3 charges its first call, rows 4 and 5 set the others aside, row 6 tells so, row 7 settles the job. */
const played = () =>
  scenario(`
    0   | account                                  | ok | 0
    0   | grant 30 as A                            | ok | 30
    0   | quote calls unit:2,unit:3,job ttl 1h as p | ok | 30
    1m  | charge 2 quote p                         | ok | 28
    1m  | hold p                                   | ok | 15
    2m  | charge op job actual 4 quote p           | ok | 21
  `)

/** How the rows of that journal name their quote: its ids are the same each time. */
const QUOTED = { quote: played().transaction(3)?.detail['quote'] }

type Change = (row: Transaction) => Transaction | readonly Transaction[] | null

/** What the audit of quotes finds in a journal of which some rows are other than they were written. */
function found(ledger: MemoryLedger, change: Change = (row) => row): readonly string[] {
  const findings: string[] = []
  const audit = new QuoteAudit(ledger.account as Account, ledger.allRecords('quote'), (row, invariant, message) => findings.push(`${invariant} ${row.split('_')[0]}: ${message}`))
  for (const row of ledger.journal) for (const one of [change(row) ?? []].flat()) audit.add(one)
  audit.finish()
  return findings
}

/** Changes the row of one sequence. */
const at = (sequence: number, changed: (row: Transaction) => Partial<Transaction>): Change => (row) => (row.sequence === sequence ? { ...row, ...changed(row) } : row)

describe('the audit of quotes', () => {
  it('finds nothing in a journal that nobody touched', () => {
    expect(found(played())).toEqual([])
  })

  it.each<[string, Change, readonly string[]]>([
    ['a charge beyond the quoted maximum', at(3, () => ({ credits: 2_000_001n })), ['it is not what call 0']],
    ['a reservation of less than was quoted', at(4, () => ({ credits: 2_999_999n })), ['it is not what call 1']],
    ['a charge of another operation', at(3, () => ({ operation: 'job' })), ['it is not what call 0']],
    ['a charge at the prices of another catalog', at(3, () => ({ priceVersion: 2 })), ['it is not what call 0']],
    ['a charge by another key', at(3, () => ({ key: 'k1' })), ['it is not what call 0']],
    ['a charge once the quote was over', at(3, () => ({ at: T0 + HOUR_MS })), ['which had expired']],
    ['a charge of a call that was used before', (row) => (row.sequence === 3 ? [row, { ...row, sequence: 3 }] : row), ['which was used before']],
    ['a reservation of a call that another one holds', (row) => (row.sequence === 4 ? [row, row] : row), ['which was used before']],
    ['a charge of a call that a settlement has paid for', (row) => (row.sequence === 7 ? [row, { ...row, kind: 'charge', detail: { ...QUOTED, call: 2 }, refersTo: null, credits: 1n }] : row), ['which was used before', 'it does not say by what']],
    ['a call that the quote does not have', at(3, (row) => ({ detail: { ...row.detail, call: 7 } })), ['which the journal did not make', 'it does not say by what']],
    ['a quote that the journal did not make', (row) => (row.sequence === 2 ? null : row), ['which the journal did not make', 'which the journal did not make', 'which the journal did not make', 'no transaction of the journal made it']],
    ['a charge that the record does not know', at(3, (row) => ({ detail: { ...row.detail, quote: undefined } })), ['it does not say by what']],
  ])('finds %s', (_what, change, messages) => {
    const ledger = played()
    expect(found(ledger, change)).toEqual(messages.map((message) => expect.stringContaining(message) as unknown))
  })

  it('lets a call be used again whose reservation was released or timed out, and finds the late settlement of one that was', () => {
    const ledger = scenario(`
      0   | account                          | ok | 0
      0   | grant 30 as A                    | ok | 30
      0   | quote 4 ttl 1h as q              | ok | 30
      1m  | reserve 4 quote q ttl 1m as held | ok | 26
      1m  | release held by agent            | ok | 30
      1m  | reserve 4 quote q ttl 1m as late | ok | 26
      10m | charge 4 quote q                 | ok | 26
    `)
    expect(found(ledger)).toEqual([])
    const charge = ledger.journal.at(-1) as Transaction
    const settle: Transaction = { ...charge, kind: 'settle', sequence: charge.sequence + 1, refersTo: 5, detail: {} }
    expect(found(ledger, (row) => (row === charge ? [row, settle] : row))).toEqual([expect.stringContaining('which was used otherwise since')])
  })

  it('compares quotes that are over long before the journal ends, and forgets them', () => {
    const ledger = scenario(`
      0   | account                          | ok | 0
      0   | grant 30 as A                    | ok | 30
      0   | quote 2 ttl 1h as q              | ok | 30
      1m  | charge 2 quote q                 | ok | 28
    `)
    const [first] = ledger.journal
    const filler = Array.from({ length: 1_100 }, (_, index): Transaction => ({ ...(first as Transaction), kind: 'adjust', sequence: 4 + index, at: T0 + (2 + index) * HOUR_MS, detail: {} }))
    expect(found(ledger, (row) => (row.sequence === 3 ? [row, ...filler] : row))).toEqual([])
    const late = { ...(ledger.journal.at(-1) as Transaction), sequence: 2_000, at: T0 + 2_000 * HOUR_MS }
    expect(found(ledger, (row) => (row.sequence === 3 ? [row, ...filler, late] : row))).toEqual([expect.stringContaining('which the journal did not make or was over')])
  })
})

describe('the audit of reservations', () => {
  const TAKEN = `
    0   | account                                    | ok | 0
    0   | grant 30 as A                              | ok | 30
    0   | quote tool work ttl 1h as q                | ok | 30
    1m  | hold q ttl 10m as held                     | ok | 29
    2m  | reserve tool work quote q by meter ttl 1h  | ok | 29
  `

  function problems(text: string, changed: Partial<Reservation>, change: Change = (row) => row): readonly string[] {
    const ledger = scenario(text)
    const findings: string[] = []
    const audit = new ReservationAudit(ledger.account as Account, (_, __, message) => findings.push(message))
    for (const row of ledger.journal) {
      const held = ledger.reservation(row.sequence)
      for (const one of [change(row) ?? []].flat()) audit.add(one, held === null ? null : { ...held, ...changed })
    }
    audit.finish()
    return findings
  }

  it('AX-18: knows to whom a reservation passed, and until when it is kept', () => {
    expect(problems(TAKEN, {})).toEqual([])
    expect(problems(`${TAKEN}\n 3m | settle held by meter | ok | 29`, { holder: 'agent' })).toEqual([expect.stringContaining('held by agent; its transactions say meter')])
    expect(problems(TAKEN, { holder: 'operator' })).toEqual([expect.stringContaining('held by operator; its transactions say meter')])
    expect(problems(TAKEN, { expiresAt: T0 + 30 * 60_000 })).toEqual([expect.stringContaining('its transactions say 2026-01-15T11:02:00.000Z')])
  })

  it('AX-18: knows until when a plan is kept', () => {
    const plan = `
      0   | account                                  | ok | 0
      0   | grant 30 as A                            | ok | 30
      0   | hold new calls unit:2 ttl 10m as p       | ok | 28
      5m  | extend p by agent ttl 1h                 | ok | 28
    `
    expect(problems(plan, {})).toEqual([])
    expect(problems(plan, { expiresAt: T0 + 60 * 60_000 })).toEqual([expect.stringContaining('its transactions say 2026-01-15T11:05:00.000Z')])
  })

  it('I4: what a quote promised is the most that is claimed, paid or uncollected', () => {
    const settled = `
      0   | account                        | ok | 0
      0   | grant 30 as A                  | ok | 30
      0   | quote op job as q              | ok | 30
      1m  | hold q as held                 | ok | 20
      2m  | settle held                    | ok | 20
    `
    expect(problems(settled, {})).toEqual([])
    const beyond = at(4, (row) => ({ entries: [...row.entries, { book: 'uncollected', grant: null, amount: 1n, balanceAfter: 1n }] }))
    expect(problems(settled, {}, beyond)).toEqual(['more was claimed than quoted, which is the most that anybody pays'])
  })
})
