import type { MicroCredits } from '../money/credits.js'
import { type Instant, NEVER } from '../time/instant.js'
import type { Account } from './account.js'
import type { Report } from './audit-finding.js'
import { labelsDigest } from './chain.js'
import { LATE_SETTLEMENT_MS, type Reservation } from './reservation.js'
import { type Detail, formatId, type Transaction, transactionId } from './transaction.js'

/**
 * Follows each reservation through the journal to its one end. Keeps those that are open, and those that timed out less
 * than a day before, which may still be settled late.
 *
 * Rows may have been read after the account's: an end beyond the account's sequence is not known of yet.
 */
export class ReservationAudit {
  readonly #report: Report
  readonly #account: Account
  readonly #open = new Map<number, Reservation>()
  /** What the journal says of the end of each open one, and of whose it is. */
  readonly #told = new Map<number, { readonly expiresAt: unknown; readonly holder: unknown }>()
  readonly #timedOut = new Map<number, { readonly row: Reservation; readonly at: Instant }>()

  constructor(account: Account, report: Report) {
    this.#account = account
    this.#report = report
  }

  /** Takes the next transaction, and the reservation row of the same sequence if there is one. */
  add(transaction: Transaction, row: Reservation | null): void {
    this.#forget(transaction.at)
    if (transaction.kind === 'reserve') return this.#begin(transaction, row)
    if (row !== null) this.#report(row.id, 'rows', 'no transaction made this reservation')
    if (transaction.kind === 'amend') this.#amend(transaction)
    if (transaction.kind === 'settle') this.#settle(transaction)
    if (transaction.kind === 'release') this.#release(transaction)
  }

  #begin(transaction: Transaction, row: Reservation | null): void {
    if (row === null) return this.#report(transactionId(transaction), 'rows', 'it made a reservation whose row is missing')
    if (row.id !== formatId('rs', transaction.sequence, transaction.hash)) this.#report(row.id, 'rows', 'the reservation has the id of another row')
    const pinned = transaction.entries.filter((entry) => entry.book === 'reserved')
    const isSame =
      row.amount === transaction.credits &&
      row.pins.length === pinned.length &&
      row.pins.every((pin, index) => pin.grant === pinned[index]?.grant && pin.amount === pinned[index]?.amount)
    if (!isSame) this.#report(row.id, 'I2', 'what the reservation pins is not what its transaction set aside')
    this.#compareWithTold(transaction, row)
    this.#open.set(row.sequence, row)
  }

  /** What the journal says of a reservation besides its amount: who holds it, for what, and how long at least. */
  #compareWithTold(transaction: Transaction, row: Reservation): void {
    const { detail, labelsDigest: digest } = transaction
    const told = [
      [row.overrun, detail['overrun'] ?? 'cap'],
      [row.run, detail['run'] ?? null],
      [row.key, transaction.key],
      [row.member, transaction.member],
      [row.operation, transaction.operation],
      [row.variant, transaction.variant],
      [row.tool, transaction.tool],
      [row.priceVersion, transaction.priceVersion],
      [row.openedAt, transaction.at],
    ]
    const isAsTold = told.every(([found, expected]) => found === expected)
    // Labels may have been erased, in the row as in the journal; what is there must be what was given.
    const areLabelsAsTold = row.labels === null || digest === labelsDigest(this.#account.labelSalt, row.labels)
    if (!isAsTold || !areLabelsAsTold) this.#report(row.id, 'rows', 'the reservation is not for whom and what its transaction says')
    if (!isPriceAsTold(row, detail)) this.#report(row.id, 'rows', 'the price of the reservation is not what its transaction says')
    this.#told.set(row.sequence, { expiresAt: detail['expiresAt'], holder: detail['holder'] })
  }

  /** Its holder's word moves an end later; a sign of life does so without a row, so that a later one is no mistake. */
  #amend({ refersTo, detail }: Transaction): void {
    const { change, expiresAt, holder, ends } = detail
    if (change === 'plan_extended') for (const [sequence, end] of ends as readonly (readonly [number, string])[]) this.#tell(sequence, { expiresAt: end })
    if (change === 'reservation_extended') this.#tell(refersTo, { expiresAt })
    if (change === 'reservation_taken_over') this.#tell(refersTo, { expiresAt, holder })
  }

  #tell(sequence: number | null, changed: { readonly expiresAt: unknown; readonly holder?: unknown }): void {
    const told = sequence === null ? undefined : this.#told.get(sequence)
    if (told !== undefined && sequence !== null) this.#told.set(sequence, { ...told, ...changed })
  }

  /** `isOver`: nothing can have come to it since the row was read. */
  #checkEnd(row: Reservation, isOver: boolean): void {
    const { expiresAt, holder } = this.#told.get(row.sequence) ?? {}
    if (typeof expiresAt === 'string' && row.expiresAt < Date.parse(expiresAt)) {
      this.#report(row.id, 'rows', `the reservation ends at ${row.expiresAt}; its transactions say ${expiresAt}`)
    }
    const mayBePassedOn = !isOver && row.overrun === 'quoted' && row.holder === 'meter'
    if (row.holder !== holder && !mayBePassedOn) this.#report(row.id, 'rows', `the reservation is held by ${row.holder}; its transactions say ${String(holder)}`)
    this.#told.delete(row.sequence)
  }

  #settle(transaction: Transaction): void {
    const sequence = transaction.refersTo ?? 0
    const open = this.#open.get(sequence)
    const timedOut = this.#timedOut.get(sequence)
    const row = open ?? timedOut?.row
    if (row === undefined) return this.#report(transactionId(transaction), 'I3', `it settles reservation ${sequence}, which was not open`)
    if (timedOut !== undefined && transaction.at >= timedOut.at + LATE_SETTLEMENT_MS) {
      this.#report(row.id, 'I3', 'the reservation was settled more than a day after its end')
    }
    if (open !== undefined) this.#checkEnd(row, true)
    this.#open.delete(sequence)
    this.#timedOut.delete(sequence)
    this.#takeOut(transaction, row, open === undefined ? 0n : row.amount)
    if (row.overrun === 'reject' && open !== undefined && transaction.credits > row.amount) {
      this.#report(row.id, 'I4', 'more was charged than reserved, and the reservation rejects an overrun')
    }
    if (row.overrun === 'quoted' && transaction.credits + uncollectedBy(transaction) > row.amount) {
      this.#report(row.id, 'I4', 'more was claimed than quoted, which is the most that anybody pays')
    }
    if (row.state !== 'settled' || row.endedBy !== transaction.sequence) {
      if (this.#isKnown(row, transaction)) this.#report(row.id, 'I3', `the reservation says ${row.state}; its transaction settled it`)
    }
  }

  #release(transaction: Transaction): void {
    const sequence = transaction.refersTo ?? 0
    const row = this.#open.get(sequence)
    if (row === undefined) return this.#report(transactionId(transaction), 'I3', `it releases reservation ${sequence}, which was not open`)
    this.#checkEnd(row, true)
    this.#open.delete(sequence)
    this.#takeOut(transaction, row, row.amount)
    const hasTimedOut = transaction.detail['reason'] === 'time_out'
    if (hasTimedOut && transaction.at !== row.expiresAt) this.#report(row.id, 'rows', 'the reservation timed out at another instant than its end')
    if (hasTimedOut) this.#timedOut.set(sequence, { row, at: transaction.at })
    const isSettledLate = hasTimedOut && row.state === 'settled' && (row.endedBy ?? 0) > transaction.sequence
    const isEnded = row.state === (hasTimedOut ? 'expired' : 'released') && row.endedBy === transaction.sequence
    if (!isEnded && !isSettledLate && this.#isKnown(row, transaction)) {
      this.#report(row.id, 'I3', `the reservation says ${row.state}; its transaction ${hasTimedOut ? 'timed it out' : 'released it'}`)
    }
  }

  /** An ending takes all that was set aside out of `reserved`; a late settlement finds nothing there any more. */
  #takeOut(transaction: Transaction, row: Reservation, expected: MicroCredits): void {
    const taken = transaction.entries.reduce((sum, entry) => (entry.book === 'reserved' ? sum - entry.amount : sum), 0n)
    if (taken !== expected) this.#report(row.id, 'I4', `its end took ${taken} out of what was reserved; ${expected} were`)
  }

  /** Whether the row, read at the account's sequence or later, must show what this transaction did. */
  #isKnown(row: Reservation, transaction: Transaction): boolean {
    return transaction.sequence <= this.#account.sequence && (row.endedBy ?? 0) <= this.#account.sequence
  }

  #forget(now: Instant): void {
    for (const [sequence, { row, at }] of this.#timedOut) {
      if (at + LATE_SETTLEMENT_MS > now) return
      this.#timedOut.delete(sequence)
      this.#wantSettlement(row)
    }
  }

  #wantSettlement(row: Reservation): void {
    if (row.state === 'settled' && (row.endedBy ?? 0) <= this.#account.sequence) {
      this.#report(row.id, 'I3', 'the reservation says settled and no transaction settled it')
    }
  }

  /** What the open reservations pin together. */
  get sum(): MicroCredits {
    let sum = 0n
    for (const row of this.#open.values()) sum += row.amount
    return sum
  }

  get openCount(): number {
    return this.#open.size
  }

  /** Checks that what no transaction ended is open, and answers the earliest instant at which one of them is due. */
  finish(): Instant {
    for (const { row } of this.#timedOut.values()) this.#wantSettlement(row)
    let due = NEVER
    for (const row of this.#open.values()) {
      this.#checkEnd(row, false)
      due = Math.min(due, row.expiresAt)
      if (row.state !== 'open' && (row.endedBy ?? 0) <= this.#account.sequence) {
        this.#report(row.id, 'I3', `the reservation says ${row.state} and no transaction ended it`)
      }
    }
    return due
  }
}

function uncollectedBy({ entries }: Transaction): MicroCredits {
  return entries.reduce((sum, { book, amount }) => (book === 'uncollected' ? sum + amount : sum), 0n)
}

/**
 * Whether the price that a reservation keeps has the sums that its transaction tells, line by line where it has lines.
 * By what rates they come about is the catalog's to say.
 */
function isPriceAsTold(row: Reservation, detail: Detail): boolean {
  const { maximum, lines } = row.price as { readonly maximum?: unknown; readonly lines?: unknown }
  if (!isAmount(maximum, detail['reserved']) || !Array.isArray(lines)) return false
  const told = (detail['lines'] ?? null) as readonly Line[] | null
  if (told === null) return lines.length === 1
  return told.length === lines.length && told.every((line, index) => isLineAsTold(lines[index] as Line, line))
}

function isLineAsTold(line: Line, told: Line): boolean {
  const isSame = line['operation'] === told['operation'] && line['variant'] === told['variant'] && line['quantity'] === told['quantity']
  return isSame && isAmount(line['minimum'], told['minimum']) && isAmount(line['maximum'], told['maximum'])
}

type Line = Readonly<Record<string, unknown>>

/** A price keeps amounts as texts, the journal tells them as numbers; both are short forms of at most six decimals. */
function isAmount(text: unknown, told: unknown): boolean {
  return typeof text === 'string' && typeof told === 'number' && Number(text) === told
}
