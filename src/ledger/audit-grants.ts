import type { MicroCredits } from '../money/credits.js'
import { formatInstantOrNull, type Instant, NEVER } from '../time/instant.js'
import type { Report } from './audit-finding.js'
import { type Grant, usualTerms } from './grant.js'
import { type Detail, formatId, type Transaction, transactionId } from './transaction.js'

/** Follows through the journal what each grant has left. Keeps only grants that have something left or are still promised. */
export class GrantAudit {
  readonly #report: Report
  readonly #remaining = new Map<number, MicroCredits>()
  readonly #scheduled = new Map<number, Grant>()

  constructor(report: Report) {
    this.#report = report
  }

  /** Takes the next transaction, and the grant row of the same sequence if there is one. */
  add(transaction: Transaction, row: Grant | null): void {
    const own = this.#moveRemaining(transaction)
    if (row !== null) this.#addRow(transaction, row, own)
    else if (own !== null) this.#report(transactionId(transaction), 'rows', 'it made a grant whose row is missing')
    if (transaction.refersTo === null) return
    if (transaction.kind === 'grant') this.#takeEffect(transaction, transaction.refersTo)
    if (transaction.detail['change'] === 'grant_lapsed') this.#endPromise(transaction, transaction.refersTo)
  }

  /** Applies the entries of `available`; answers what a grant made by this very transaction got, null if it made none. */
  #moveRemaining({ sequence, hash, entries }: Transaction): MicroCredits | null {
    for (const { book, grant, amount } of entries) {
      if (book !== 'available' || grant === null) continue
      const remaining = (this.#remaining.get(grant) ?? 0n) + amount
      if (remaining === 0n) this.#remaining.delete(grant)
      else this.#remaining.set(grant, remaining)
      if (remaining < 0n) this.#report(transactionId({ sequence, hash }), 'I1', `it takes more from grant ${grant} than that had left`)
    }
    const own = entries.filter((entry) => entry.grant === sequence)
    const gained = own.filter((entry) => entry.book === 'available' && entry.amount > 0n)
    return own.length === 0 ? null : gained.reduce((sum, entry) => sum + entry.amount, 0n)
  }

  #addRow(transaction: Transaction, row: Grant, own: MicroCredits | null): void {
    if (row.id !== formatId('gr', transaction.sequence, transaction.hash)) this.#report(row.id, 'rows', 'the grant has the id of another row')
    this.#compareWithTold(transaction, row)
    const isPromise = transaction.kind === 'amend'
    if (isPromise) this.#scheduled.set(row.sequence, row)
    if (own === null ? !isPromise : row.amount !== own) this.#report(row.id, 'I2', 'the amount of the grant is not what its transaction gave')
  }

  /** What the journal says of a grant besides its amount. A longer life would be credits that nobody gave. */
  #compareWithTold({ detail }: Transaction, row: Grant): void {
    const { source, expiresAt } = detail
    if (source !== undefined && source !== row.source) this.#report(row.id, 'rows', 'the source of the grant is not what its transaction says')
    if (!isHeldAsTold(detail, row)) this.#report(row.id, 'rows', 'the grant is held otherwise than its transaction says: its priority, whether it is paid, or whether it ends with the plan')
    const isOtherEnd = expiresAt !== undefined && expiresAt !== formatInstantOrNull(row.expiresAt)
    if (isOtherEnd) this.#report(row.id, 'rows', 'the expiry of the grant is not what its transaction says')
  }

  #takeEffect(transaction: Transaction, sequence: number): void {
    const row = this.#endPromise(transaction, sequence)
    if (row !== null && row.amount !== transaction.credits) this.#report(row.id, 'I2', 'the amount of the grant is not what took effect')
  }

  /** A scheduled grant takes effect or lapses, once; answers its row. */
  #endPromise(transaction: Transaction, sequence: number): Grant | null {
    const row = this.#scheduled.get(sequence) ?? null
    this.#scheduled.delete(sequence)
    if (row === null) this.#report(transactionId(transaction), 'rows', `it ends the schedule of grant ${sequence}, which was not scheduled`)
    if (row?.state === 'scheduled') this.#report(row.id, 'rows', 'the grant took effect or lapsed and is still marked as scheduled')
    return row
  }

  get sum(): MicroCredits {
    let sum = 0n
    for (const remaining of this.#remaining.values()) sum += remaining
    return sum
  }

  get hasSome(): boolean {
    return this.#remaining.size > 0
  }

  /** How many grants were promised and have neither taken effect nor lapsed. */
  get scheduledCount(): number {
    return this.#scheduled.size
  }

  /** Compares with the rows of all open grants, and answers the earliest instant at which one of them is due. */
  finish(open: readonly Grant[]): Instant {
    for (const row of open) {
      const remaining = this.#remaining.get(row.sequence) ?? 0n
      if (row.remaining !== remaining) this.#report(row.id, 'I1', `the grant says ${row.remaining} left; its entries say ${remaining}`)
      this.#remaining.delete(row.sequence)
    }
    for (const [sequence, remaining] of this.#remaining) {
      this.#report(`grant ${sequence}`, 'I1', `its entries say ${remaining} left and no open grant has it`)
    }
    const scheduled = [...this.#scheduled.values()].filter((row) => row.state === 'scheduled')
    return Math.min(NEVER, ...open.map((row) => row.expiresAt), ...scheduled.map((row) => row.effectiveAt))
  }
}

/** A row says how a grant is held only where its source does not tell already. */
function isHeldAsTold({ priority, isPaid, endsWithPlan = false }: Detail, row: Grant): boolean {
  const usual = usualTerms(row.source)
  return row.priority === (priority ?? usual.priority) && row.isPaid === (isPaid ?? usual.isPaid) && row.endsWithPlan === endsWithPlan
}
