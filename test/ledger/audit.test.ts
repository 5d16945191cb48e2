import { describe, expect, it } from 'vitest'
import { Audit } from '../../src/ledger/audit.js'
import type { Account } from '../../src/ledger/account.js'
import { transactionHash } from '../../src/ledger/chain.js'
import { type Grant, isOpen } from '../../src/ledger/grant.js'
import type { Reservation } from '../../src/ledger/reservation.js'
import { type Transaction, transactionId } from '../../src/ledger/transaction.js'
import { scenario } from '../decide/scenario.js'

/** A ledger with something of everything, as rows that a test may tamper with. */
interface Rows {
  account: Account
  journal: Transaction[]
  grants: Grant[]
  reservations: Reservation[]
}

function rows(): Rows {
  const ledger = scenario(`
    0   | account debt 5                          | ok | 0
    0   | grant 20 as A                           | ok | 20
    0   | grant 10 until 5h as B                  | ok | 30
    0   | grant 5 from 2d as S                    | ok | 30
    1m  | charge 4 key k1 label c1 as c           | ok | 26
    2m  | reserve op job ttl 15m as settled       | ok | 16
    3m  | settle settled 6                        | ok | 20
    4m  | reserve op job ttl 15m as released      | ok | 10
    5m  | release released by agent               | ok | 20
    6m  | refund c 1                              | ok | 21
    7m  | charge 2 key k2                         | ok | 19
    8m  | reserve op job ttl 1h as late           | ok | 9
    2h  | settle late 3                           | ok | 16
    3h  | reserve op job ttl 10h as held          | ok | 6
    6h  | sweep                                   | ok | 6
  `)
  return {
    account: ledger.account as Account,
    journal: [...ledger.journal],
    grants: [...ledger.grants.values()],
    reservations: [...ledger.reservations.values()],
  }
}

function findings({ account, journal, grants, reservations }: Rows) {
  const audit = new Audit(account)
  for (const row of journal) {
    audit.add(row, {
      grant: grants.find((grant) => grant.sequence === row.sequence) ?? null,
      reservation: reservations.find((reservation) => reservation.sequence === row.sequence) ?? null,
      refunded: journal.find((charge) => row.kind === 'refund' && charge.sequence === row.refersTo) ?? null,
    })
  }
  audit.finish(grants.filter(isOpen))
  return audit.findings
}

const row = (rows: Rows, kind: Transaction['kind'], nth = 0): Transaction => rows.journal.filter((found) => found.kind === kind)[nth] as Transaction

/** Replaces a row and chains everything after it anew, as somebody would who knows how: only the sums can tell. */
function rewrite(rows: Rows, changed: Transaction): void {
  let head = rows.journal[changed.sequence - 2]?.hash ?? ''
  rows.journal.forEach((found, index) => {
    if (found.sequence < changed.sequence) return
    const { hash: _, ...unhashed } = found.sequence === changed.sequence ? changed : found
    head = transactionHash(head, unhashed)
    rows.journal[index] = { ...unhashed, hash: head }
  })
  rows.account = { ...rows.account, head }
}

describe('the audit', () => {
  it('finds nothing where nothing is wrong', () => {
    expect(findings(rows())).toEqual([])
  })

  it('names a changed row first, and only it', () => {
    const tampered = rows()
    const charge = row(tampered, 'charge')
    tampered.journal[charge.sequence - 1] = { ...charge, operation: 'other' }
    expect(findings(tampered)).toEqual([{ row: transactionId(charge), invariant: 'chain', message: expect.any(String) }])
  })

  const cases: readonly [what: string, invariant: string, tamper: (rows: Rows) => void][] = [
    ['a changed amount', 'entries', (all) => {
      const charge = row(all, 'charge')
      rewrite(all, { ...charge, entries: charge.entries.map((entry) => ({ ...entry, amount: entry.amount / 2n })) })
    }],
    ['entries that do not add up', 'entries', (all) => {
      const charge = row(all, 'charge')
      rewrite(all, { ...charge, entries: charge.entries.slice(0, 1) })
    }],
    ['a changed size', 'columns', (all) => rewrite(all, { ...row(all, 'charge'), credits: 1n })],
    ['a changed balance after', 'columns', (all) => rewrite(all, { ...row(all, 'grant'), balanceAfter: 1n })],
    ['a changed label', 'chain', (all) => {
      const charge = row(all, 'charge')
      all.journal[charge.sequence - 1] = { ...charge, labels: { customer: 'c2' } }
    }],
    ['a row taken out', 'sequence', (all) => { all.journal.splice(row(all, 'charge').sequence - 1, 1) }],
    ['a row cut off at the end', 'sequence', (all) => { all.journal.pop() }],
    ['a changed head', 'chain', (all) => { all.account = { ...all.account, head: '0'.repeat(64) } }],
    ['a row dated before its neighbour', 'sequence', (all) => rewrite(all, { ...row(all, 'charge'), at: 0 })],
    ['a key used twice', 'idempotency', (all) => rewrite(all, { ...row(all, 'charge', 1), idempotencyKey: 'k1' })],
    ['a changed book', 'I1', (all) => { all.account = { ...all.account, books: { ...all.account.books, spent: 0n } } }],
    ['a debt from nowhere', 'I1', (all) => { all.account = { ...all.account, debt: 1n } }],
    ['a grant with more left', 'I1', (all) => { all.grants = all.grants.map((grant) => (isOpen(grant) ? { ...grant, remaining: grant.remaining + 1n } : grant)) }],
    ['a used grant with something left', 'I1', (all) => { all.grants = all.grants.map((grant) => (grant.state === 'effective' && !isOpen(grant) ? { ...grant, remaining: 1n } : grant)) }],
    ['a grant of another amount', 'I2', (all) => { all.grants = all.grants.map((grant) => ({ ...grant, amount: grant.amount + 1n })) }],
    ['a grant row that is missing', 'rows', (all) => { all.grants.shift() }],
    ['a reservation row that is missing', 'rows', (all) => { all.reservations.shift() }],
    ['a reservation that pins something else', 'I2', (all) => { all.reservations = all.reservations.map((one) => ({ ...one, pins: [] })) }],
    ['a settled reservation said to be open', 'I3', (all) => { all.reservations = all.reservations.map((one) => (one.state === 'settled' ? { ...one, state: 'open', endedBy: null } : one)) }],
    ['an open reservation said to be released', 'I3', (all) => { all.reservations = all.reservations.map((one) => (one.state === 'open' ? { ...one, state: 'released', endedBy: 3 } : one)) }],
    ['a reservation ended twice', 'I3', (all) => rewrite(all, { ...row(all, 'release'), refersTo: row(all, 'reserve').sequence })],
    ['a settlement that leaves something reserved', 'I4', (all) => {
      const settle = row(all, 'settle')
      rewrite(all, { ...settle, entries: settle.entries.filter((entry) => entry.book !== 'reserved') })
    }],
    ['an overrun of a reservation that rejects it', 'I4', (all) => {
      const { sequence } = row(all, 'reserve')
      all.reservations = all.reservations.map((one) => (one.sequence === sequence ? { ...one, overrun: 'reject' } : one))
      rewrite(all, { ...row(all, 'settle'), credits: 11_000_000n })
    }],
    ['a refund of more than was charged', 'I5', (all) => rewrite(all, { ...row(all, 'refund'), credits: 5_000_000n })],
    ['a refund of what is no charge', 'I5', (all) => rewrite(all, { ...row(all, 'refund'), refersTo: 1 })],
    ['a counter of open grants that is wrong', 'rows', (all) => { all.account = { ...all.account, openGrants: 9 } }],
    ['a promise that nobody counts', 'rows', (all) => { all.account = { ...all.account, openGrants: all.account.openGrants - 1 } }],
    ['a counter of open reservations that is wrong', 'rows', (all) => { all.account = { ...all.account, openReservations: 0 } }],
    ['something due that nobody waits for', 'due', (all) => { all.account = { ...all.account, nextDueAt: all.account.nextDueAt + 1 } }],
    ['a promise that nobody waits for', 'due', (all) => {
      all.reservations = all.reservations.map((one) => ({ ...one, expiresAt: one.expiresAt * 2 }))
      all.account = { ...all.account, nextDueAt: all.account.createdAt + 2 * 86_400_000 + 1 }
    }],
  ]

  it.each(cases)('finds %s (%s)', (_, invariant, tamper) => {
    const tampered = rows()
    tamper(tampered)
    expect(findings(tampered).map((finding) => finding.invariant)).toContain(invariant)
  })

  it('follows promises that take effect or lapse, and finds one that lapsed and is still marked as scheduled', () => {
    const ledger = scenario(`
      0  | account                          | ok | 0
      0  | grant 1500000000 from 1d as A    | ok | 0
      0  | grant 1500000000 from 1d as B    | ok | 0
      0  | grant 5 from 3d                  | ok | 0
      2d | sweep                            | ok | 1500000000
    `)
    const all = (): Rows => ({ account: ledger.account as Account, journal: [...ledger.journal], grants: [...ledger.grants.values()], reservations: [] })
    expect(ledger.account).toMatchObject({ openGrants: 2 })
    expect(findings(all())).toEqual([])
    const tampered = all()
    tampered.grants = tampered.grants.map((grant) => (grant.sequence === 2 ? { ...grant, state: 'scheduled' } : grant))
    expect(findings(tampered)).toMatchObject([{ invariant: 'rows', row: ledger.grant(2).id }])
  })

  it('allows labels to be erased', () => {
    const erased = rows()
    erased.journal = erased.journal.map((found) => ({ ...found, labels: null }))
    expect(findings(erased)).toEqual([])
  })

  it('does not take what came after its moment for a mistake', () => {
    const before = rows()
    const ledger = scenario(`
      0  | account                | ok | 0
      0  | grant 20 as A          | ok | 20
      0  | reserve op job as held | ok | 10
      1s | settle held 4          | ok | 16
    `)
    const later = [...ledger.reservations.values()]
    const earlier = scenario(`
      0  | account                | ok | 0
      0  | grant 20 as A          | ok | 20
      0  | reserve op job as held | ok | 10
    `)
    expect(findings({ account: earlier.account as Account, journal: earlier.journal, grants: [...earlier.grants.values()], reservations: later })).toEqual([])
    expect(findings(before)).toEqual([])
  })
})
