import type { MicroCredits } from '../money/credits.js'
import { type Instant, NEVER } from '../time/instant.js'
import type { Account } from './account.js'
import type { Report } from './audit-finding.js'
import { LATE_SETTLEMENT_MS, type Reservation } from './reservation.js'
import { formatId, type Transaction, transactionId } from './transaction.js'

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
    this.#open.set(row.sequence, row)
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
    this.#open.delete(sequence)
    this.#timedOut.delete(sequence)
    this.#takeOut(transaction, row, open === undefined ? 0n : row.amount)
    if (row.overrun === 'reject' && open !== undefined && transaction.credits > row.amount) {
      this.#report(row.id, 'I4', 'more was charged than reserved, and the reservation rejects an overrun')
    }
    if (row.state !== 'settled' || row.endedBy !== transaction.sequence) {
      if (this.#isKnown(row, transaction)) this.#report(row.id, 'I3', `the reservation says ${row.state}; its transaction settled it`)
    }
  }

  #release(transaction: Transaction): void {
    const sequence = transaction.refersTo ?? 0
    const row = this.#open.get(sequence)
    if (row === undefined) return this.#report(transactionId(transaction), 'I3', `it releases reservation ${sequence}, which was not open`)
    this.#open.delete(sequence)
    this.#takeOut(transaction, row, row.amount)
    const hasTimedOut = transaction.detail['reason'] === 'time_out'
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
      due = Math.min(due, row.expiresAt)
      if (row.state !== 'open' && (row.endedBy ?? 0) <= this.#account.sequence) {
        this.#report(row.id, 'I3', `the reservation says ${row.state} and no transaction ended it`)
      }
    }
    return due
  }
}
