import type { MicroCredits } from '../../src/money/credits.js'
import type { MemoryLedger } from './memory-ledger.js'

/** I1 to I5 said anew from the rows alone, in the plainest way there is: what `Audit` finds must not be all that looks. */
export function brokenInvariants(ledger: MemoryLedger): readonly string[] {
  const { account, journal } = ledger
  if (account === null) return []
  const grants = [...ledger.grants.values()]
  const reservations = [...ledger.reservations.values()]
  const entries = journal.flatMap((row) => row.entries)
  const broken: string[] = []
  const mustBe = (what: string, found: unknown, expected: unknown): void => {
    if (found !== expected) broken.push(`${what} is ${String(found)}; expected ${String(expected)}`)
  }

  const left = sum(grants.map((grant) => grant.remaining))
  mustBe('I1 balance by entries', account.books.available, sum(entries.filter((entry) => entry.book === 'available').map((entry) => entry.amount)))
  mustBe('I1 balance by grants', account.books.available, left - account.debt)
  if (account.books.available < -account.debtMax) broken.push('I1 the balance is below the debt limit')
  if (left > 0n && account.debt > 0n) broken.push('I1 credits and debt stand side by side')

  const pinned = sum(reservations.filter((row) => row.state === 'open').flatMap((row) => row.pins.map((pin) => pin.amount)))
  const { issued, spent, expired, revoked, uncollected } = account.books
  mustBe('I2 left and pinned', left - account.debt + pinned, -issued - spent - expired - revoked - uncollected)
  mustBe('I2 reserved', account.books.reserved, pinned)
  for (const grant of grants) {
    const own = sum(entries.filter((entry) => entry.book === 'available' && entry.grant === grant.sequence).map((entry) => entry.amount))
    mustBe(`I2 grant ${grant.sequence}`, grant.remaining, own)
    if (grant.remaining < 0n || grant.remaining > grant.amount) broken.push(`I2 grant ${grant.sequence} is outside its bounds`)
  }

  for (const row of reservations) {
    const ends = journal.filter((end) => (end.kind === 'settle' || end.kind === 'release') && end.refersTo === row.sequence)
    const isLate = ends.length === 2 && ends[0]?.detail['reason'] === 'time_out' && ends[1]?.kind === 'settle'
    if (!isLate) mustBe(`I3 ends of reservation ${row.sequence}`, ends.length, row.state === 'open' ? 0 : 1)
    mustBe(`I3 reservation ${row.sequence} ended by`, row.endedBy, ends.at(-1)?.sequence ?? null)
    const settled = ends.find((end) => end.kind === 'settle')
    if (settled !== undefined && !isLate) {
      const beyond = sum(settled.entries.filter((entry) => entry.book === 'available' && entry.amount < 0n).map((entry) => -entry.amount))
      if (settled.credits > row.amount + beyond) broken.push(`I4 reservation ${row.sequence} is settled beyond itself`)
    }
  }

  for (const charge of journal.filter((row) => row.kind === 'charge' || row.kind === 'settle')) {
    const refunded = sum(journal.filter((row) => row.kind === 'refund' && row.refersTo === charge.sequence).map((row) => row.credits))
    if (refunded > charge.credits) broken.push(`I5 charge ${charge.sequence} is refunded beyond itself`)
  }
  return broken
}

function sum(amounts: readonly MicroCredits[]): MicroCredits {
  return amounts.reduce((total, amount) => total + amount, 0n)
}
