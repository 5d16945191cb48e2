import type { MicroCredits } from '../money/credits.js'
import type { Account } from './account.js'
import { type Book, BOOKS } from './books.js'
import type { Finding, Report } from './audit-finding.js'
import { GrantAudit } from './audit-grants.js'
import { ReservationAudit } from './audit-reservations.js'
import { genesisHash, labelsDigest, transactionHash } from './chain.js'
import type { Grant } from './grant.js'
import type { Reservation } from './reservation.js'
import { type Transaction, type TransactionKind, transactionId } from './transaction.js'

/** The rows that belong to one transaction: the grant or reservation that it made, and the charge that it refunds. */
export interface Related {
  readonly grant: Grant | null
  readonly reservation: Reservation | null
  /** Asked for only by a refund: what it refers to. */
  readonly refunded: Transaction | null
}

/**
 * Recomputes an account from its journal and compares it with what the ledger says it is. Fed with every transaction in
 * the order of sequence; remembers sums, open rows, partly refunded charges and the idempotency keys, nothing else.
 *
 * After a bad row it goes on with what that row says, so that one bad row is one finding and not all those after it.
 */
export class Audit {
  readonly findings: Finding[] = []
  readonly #report: Report
  readonly #account: Account
  readonly #grants: GrantAudit
  readonly #reservations: ReservationAudit
  readonly #books: Record<Book, MicroCredits>
  readonly #refunded = new Map<number, MicroCredits>()
  readonly #keys = new Map<string, number>()
  #debt = 0n
  #sequence = 0
  #lastAt: number
  #head: string

  /**
   * `account` and, at the end, its open grants are of one moment; rows read later may tell of what came after it. What is
   * found goes to `report`, in an audit of more than this.
   */
  constructor(account: Account, report?: Report) {
    this.#account = account
    this.#report = report ?? ((row, invariant, message) => this.findings.push({ row, invariant, message }))
    this.#grants = new GrantAudit(this.#report)
    this.#reservations = new ReservationAudit(account, this.#report)
    this.#books = { ...ZERO_BOOKS }
    this.#lastAt = account.createdAt
    this.#head = genesisHash(account.id, account.createdAt)
  }

  /** The hash of the last transaction taken in; the genesis hash before the first. */
  get head(): string {
    return this.#head
  }

  add(transaction: Transaction, related: Related): void {
    this.#addToChain(transaction)
    this.#addEntries(transaction)
    this.#checkColumns(transaction)
    this.#addKey(transaction)
    this.#grants.add(transaction, related.grant)
    this.#reservations.add(transaction, related.reservation)
    if (transaction.kind === 'refund') this.#addRefund(transaction, related.refunded)
    if (this.#debt < 0n) this.#report(transactionId(transaction), 'I1', 'it repays more debt than there was')
    if (this.#debt > 0n && this.#grants.hasSome) this.#report(transactionId(transaction), 'I2', 'the account owes and has credits at once')
  }

  /** Compares what the journal comes to with the account's row and its open grants. */
  finish(openGrants: readonly Grant[]): void {
    const { books, debt, debtMax, sequence, head, lastAt, openReservations, nextDueAt, itemsDueAt, subscription } = this.#account
    const found = (invariant: Finding['invariant'], message: string) => this.#report(this.#account.id, invariant, message)
    if (sequence !== this.#sequence) found('sequence', `the account says ${sequence} transactions; the journal has ${this.#sequence}`)
    if (head !== this.#head) found('chain', `the account's head is not the hash of its last transaction`)
    if (lastAt !== this.#lastAt) found('columns', `the account's last instant is not that of its last transaction`)
    for (const book of BOOKS) {
      if (books[book] !== this.#books[book]) found('I1', `the account says ${books[book]} ${book}; its entries say ${this.#books[book]}`)
    }
    if (debt !== this.#debt) found('I1', `the account says ${debt} owed; its entries say ${this.#debt}`)
    if (debt > debtMax) found('I1', `${debt} are owed; at most ${debtMax} may be`)
    if (this.#grants.sum - this.#debt !== books.available) found('I1', `grants have ${this.#grants.sum} left, ${this.#debt} are owed; the balance says ${books.available}`)
    if (this.#reservations.sum !== books.reserved) found('I2', `open reservations pin ${this.#reservations.sum}; the account says ${books.reserved} reserved`)
    const grants = openGrants.length + this.#grants.scheduledCount
    if (grants !== this.#account.openGrants) found('rows', `the account says ${this.#account.openGrants} open and scheduled grants; there are ${grants}`)
    if (this.#reservations.openCount !== openReservations) found('rows', `the account says ${openReservations} open reservations; there are ${this.#reservations.openCount}`)
    const due = Math.min(this.#grants.finish(openGrants), this.#reservations.finish(), subscription?.periodEnd ?? nextDueAt, itemsDueAt)
    if (nextDueAt > due) found('due', `something is due at ${due}; the account waits until ${nextDueAt}`)
  }

  #addToChain(transaction: Transaction): void {
    const row = transactionId(transaction)
    if (transaction.sequence !== this.#sequence + 1) this.#report(row, 'sequence', `the journal goes from ${this.#sequence} to ${transaction.sequence}`)
    if (transaction.at < this.#lastAt) this.#report(row, 'sequence', 'it is dated before the transaction that precedes it')
    if (transaction.hash !== transactionHash(this.#head, transaction)) this.#report(row, 'chain', 'its hash does not fit its content and the hash before it')
    const { labels } = transaction
    if (labels !== null && transaction.labelsDigest !== labelsDigest(this.#account.labelSalt, labels)) {
      this.#report(row, 'chain', 'its labels do not fit their digest')
    }
    this.#sequence = transaction.sequence
    this.#lastAt = transaction.at
    this.#head = transaction.hash
  }

  #addEntries(transaction: Transaction): void {
    const row = transactionId(transaction)
    let sum = 0n
    for (const { book, grant, amount, balanceAfter } of transaction.entries) {
      sum += amount
      const after = this.#books[book] + amount
      if (after !== balanceAfter) this.#report(row, 'entries', `its entry leaves ${balanceAfter} ${book}; the entries before it make that ${after}`)
      this.#books[book] = balanceAfter
      if (book === 'available' && grant === null) this.#debt -= amount
    }
    if (sum !== 0n) this.#report(row, 'entries', `its entries add up to ${sum}; expected 0`)
  }

  #checkColumns(transaction: Transaction): void {
    const row = transactionId(transaction)
    if (transaction.balanceAfter !== this.#books.available) {
      this.#report(row, 'columns', `it says a balance of ${transaction.balanceAfter}; its entries leave ${this.#books.available}`)
    }
    const moved = movedBy(transaction)
    if (moved !== null && moved !== transaction.credits) this.#report(row, 'columns', `it says ${transaction.credits} credits; its entries move ${moved}`)
  }

  #addKey(transaction: Transaction): void {
    const key = transaction.idempotencyKey
    if (key === null) return
    const earlier = this.#keys.get(key)
    if (earlier !== undefined) this.#report(transactionId(transaction), 'idempotency', `its idempotency key is also that of transaction ${earlier}`)
    this.#keys.set(key, transaction.sequence)
  }

  #addRefund(refund: Transaction, charge: Transaction | null): void {
    const row = transactionId(refund)
    const isCharge = charge !== null && (charge.kind === 'charge' || charge.kind === 'settle') && charge.sequence < refund.sequence
    if (!isCharge) return this.#report(row, 'I5', 'it refunds what is no charge before it')
    const refunded = (this.#refunded.get(charge.sequence) ?? 0n) + refund.credits
    if (refunded > charge.credits) this.#report(row, 'I5', `${refunded} of a charge of ${charge.credits} are refunded`)
    // A charge refunded in full is kept as well: whatever came after it would be too much.
    this.#refunded.set(charge.sequence, refunded)
  }
}

const ZERO_BOOKS: Readonly<Record<Book, MicroCredits>> = {
  issued: 0n,
  available: 0n,
  reserved: 0n,
  spent: 0n,
  expired: 0n,
  revoked: 0n,
  uncollected: 0n,
}

/** The book whose movement is the size of a transaction of a kind, and its direction. `adjust` gives or takes. */
const SIZE: Readonly<Record<TransactionKind, { readonly book: Book; readonly sign: 1n | -1n } | null>> = {
  grant: { book: 'issued', sign: -1n },
  charge: { book: 'spent', sign: 1n },
  reserve: { book: 'reserved', sign: 1n },
  settle: { book: 'spent', sign: 1n },
  release: { book: 'reserved', sign: -1n },
  refund: { book: 'spent', sign: -1n },
  revoke: { book: 'revoked', sign: 1n },
  expire: { book: 'expired', sign: 1n },
  transfer: null,
  adjust: { book: 'available', sign: 1n },
  amend: { book: 'available', sign: 1n },
}

/** What the entries of a transaction move, as its column `credits` counts it; null where no one book tells. */
function movedBy(transaction: Transaction): MicroCredits | null {
  const size = SIZE[transaction.kind]
  if (size === null) return null
  return transaction.entries.reduce((sum, entry) => (entry.book === size.book ? sum + size.sign * entry.amount : sum), 0n)
}
