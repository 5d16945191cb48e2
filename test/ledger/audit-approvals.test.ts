import { describe, expect, it } from 'vitest'
import { ApprovalAudit } from '../../src/ledger/audit-approvals.js'
import type { Transaction } from '../../src/ledger/transaction.js'
import { DAY_MS } from '../../src/time/instant.js'
import type { MemoryLedger } from '../decide/memory-ledger.js'
import { scenario } from '../decide/scenario.js'

/** Row 2 sets the guard, row 3 is the yes, row 4 sets aside on it, row 5 gives that back, row 6 is charged on it. */
const played = () =>
  scenario(`
    0  | account                           | ok                | 0
    0  | grant 100 as A                    | ok                | 100
    0  | guard approval above 20 valid 10d | ok                | 100
    1m | reserve 30                        | approval_required | 100
    2m | approve asked                     | ok                | 100
    3m | reserve 30 as held                | ok                | 70
    4m | release held by agent             | ok                | 100
    5m | reserve 30 as late ttl 1m         | ok                | 70
    6m | settle late                       | ok                | 70
  `)

type Change = (row: Transaction) => Transaction | readonly Transaction[] | null

/** What the audit of approvals finds in a journal of which some rows are other than they were written. */
function found(ledger: MemoryLedger, change: Change = (row) => row): readonly string[] {
  const findings: string[] = []
  const audit = new ApprovalAudit((row, invariant, message) => findings.push(`${invariant} ${row.split('_')[0]}: ${message}`))
  for (const row of ledger.journal) for (const one of [change(row) ?? []].flat()) audit.add(one)
  for (const record of ledger.allRecords('approval')) audit.check('the yes', record)
  return findings
}

const at = (sequence: number, changed: (row: Transaction) => Partial<Transaction>): Change => (row) => (row.sequence === sequence ? { ...row, ...changed(row) } : row)
const without = (sequence: number): Change => (row) => (row.sequence === sequence ? null : row)
const answered = (changed: object) => at(3, ({ detail }) => ({ detail: { ...detail, document: { ...(detail['document'] as object), ...changed } } }))

describe('AX-21: the audit of approvals', () => {
  it('finds nothing in a journal that nobody touched', () => {
    expect(found(played())).toEqual([])
  })

  it.each<[string, Change, readonly string[]]>([
    ['what was spent on a yes that nobody gave', without(3), ['nobody gave', 'nobody gave', 'no transaction']],
    ['what was spent on a no', answered({ state: 'denied' }), ['nobody gave', 'nobody gave']],
    ['a yes that was spent twice', without(5), ['spent before']],
    ['a yes that went into what was settled', at(5, () => ({ kind: 'settle' })), ['spent before']],
    ['a yes that went into what timed out and may be charged late', at(5, () => ({ detail: { reason: 'time_out' } })), ['spent before']],
    ['what another key spent', at(4, () => ({ key: 'k1' })), ['another key']],
    ['more than was allowed', at(4, () => ({ credits: 30_000_001n })), ['allows less']],
    ['what was spent once the yes had lapsed', at(6, ({ at: then }) => ({ at: then + 10 * DAY_MS })), ['had lapsed']],
    ['a record that says otherwise', answered({ maximum: 40_000_000 }), ['it is not what its transactions say']],
    ['a record that does not know what was spent', (row) => (row.sequence === 6 ? [row, { ...row, sequence: 9 }] : row), ['spent before', 'it is not what']],
  ])('finds %s', (_what, change, messages) => {
    expect(found(played(), change)).toEqual(messages.map((message) => expect.stringContaining(message) as unknown))
  })

  it('lets a yes be used again once what timed out on it can be charged late no more, and for a plan as for a call', () => {
    const ledger = scenario(`
      0      | account                           | ok                | 0
      0      | grant 100 as A                    | ok                | 100
      0      | guard approval above 20 valid 10d | ok                | 100
      1m     | reserve 30                        | approval_required | 100
      2m     | approve asked                     | ok                | 100
      3m     | reserve 30 ttl 10m                | ok                | 70
      1d13m  | reserve 30                        | ok                | 70
      1d14m  | hold new calls unit:10,unit:20    | approval_required | 70
      1d15m  | approve asked                     | ok                | 70
      1d16m  | hold new calls unit:10,unit:20    | ok                | 40
    `)
    expect(found(ledger)).toEqual([])
  })
})
