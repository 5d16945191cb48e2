import type { Instant } from '../time/instant.js'
import type { Account } from './account.js'
import type { AccountRecord } from './account-record.js'
import type { Report } from './audit-finding.js'
import { type Quote, quotedBy, type QuotedCall, quoteOf, type QuoteUse, type QuoteUses } from './quote.js'
import { LATE_SETTLEMENT_MS } from './reservation.js'
import { type Transaction, transactionId } from './transaction.js'

/** A quote as the journal has made it so far. */
interface Followed {
  readonly quote: Quote
  readonly uses: QuoteUse[]
  /** Which of its calls a settlement has paid for. */
  readonly paid: Set<number>
  /** How many of its reservations are open, or may still be settled late. */
  holding: number
}

/** A reservation under a quote, and when it timed out. */
interface Held {
  readonly followed: Followed
  readonly index: number
  timedOutAt: Instant | null
}

/** How many rows go by before what is over is looked for: each look is at every quote that is kept. */
const ROWS_BETWEEN = 1_000

/**
 * Follows every quote through the journal: its calls are used by whoever asked for it, while it holds, for no more than it
 * says, each paid once; and its record says by what. Keeps those that may still be used or settled.
 */
export class QuoteAudit {
  readonly #report: Report
  readonly #account: Account
  readonly #records: Map<string, AccountRecord>
  readonly #quotes = new Map<string, Followed>()
  readonly #held = new Map<number, Held>()

  /** `records` may have been read after the account: what came to them then is not known of yet. */
  constructor(account: Account, records: readonly AccountRecord[], report: Report) {
    this.#account = account
    this.#report = report
    this.#records = new Map(records.filter(({ kind }) => kind === 'quote').map((record) => [record.id, record]))
  }

  add(transaction: Transaction): void {
    if (transaction.sequence % ROWS_BETWEEN === 0) this.#forget(transaction.at)
    const quote = quoteOf(transaction)
    if (quote !== null) this.#quotes.set(quote.id, { quote, uses: quote.calls.map(() => null), paid: new Set(), holding: 0 })
    const under = quotedBy(transaction)
    if (under !== null) this.#use(transaction, under)
    const held = transaction.refersTo === null ? undefined : this.#held.get(transaction.refersTo)
    if (held !== undefined && transaction.kind === 'settle') this.#settle(transaction, held)
    if (held !== undefined && transaction.kind === 'release') this.#release(transaction, held)
  }

  #use(transaction: Transaction, under: NonNullable<ReturnType<typeof quotedBy>>): void {
    const row = transactionId(transaction)
    const place = `call ${under.call} of the quote ${under.quote}`
    const followed = this.#quotes.get(under.quote)
    const call = followed?.quote.calls[under.call]
    if (followed === undefined || call === undefined) return this.#report(row, 'records', `it uses ${place}, which the journal did not make or was over`)
    if (!this.#isFree(followed, under.call)) this.#report(row, 'I4', `it uses ${place}, which was used before`)
    if (transaction.at >= followed.quote.expiresAt) this.#report(row, 'I4', `it uses ${place}, which had expired`)
    if (!isAsQuoted(transaction, followed.quote, call)) this.#report(row, 'I4', `it is not what ${place} says`)
    const { sequence } = transaction
    if (transaction.kind === 'charge') followed.uses[under.call] = { charge: sequence }
    if (transaction.kind !== 'reserve') return
    followed.uses[under.call] = { reservation: sequence }
    followed.holding += 1
    this.#held.set(sequence, { followed, index: under.call, timedOutAt: null })
  }

  /** A call is free again once its reservation has given it back and nobody was charged. */
  #isFree({ uses, paid }: Followed, index: number): boolean {
    const use = uses[index] ?? null
    if (use === null) return true
    const held = 'charge' in use ? undefined : this.#held.get(use.reservation)
    return 'reservation' in use && !paid.has(index) && (held === undefined || held.timedOutAt !== null)
  }

  #settle(transaction: Transaction, { followed, index }: Held): void {
    const use = followed.uses[index] ?? null
    const isItsOwn = use !== null && 'reservation' in use && use.reservation === transaction.refersTo
    const place = `call ${index} of the quote ${followed.quote.id}`
    if (!isItsOwn) this.#report(transactionId(transaction), 'I4', `it settles ${place}, which was used otherwise since`)
    followed.paid.add(index)
    this.#drop(transaction.refersTo)
  }

  #release({ refersTo, at, detail }: Transaction, held: Held): void {
    if (detail['reason'] === 'time_out') held.timedOutAt = at
    else this.#drop(refersTo)
  }

  #drop(sequence: number | null): void {
    const held = sequence === null ? undefined : this.#held.get(sequence)
    if (held === undefined || sequence === null) return
    held.followed.holding -= 1
    this.#held.delete(sequence)
  }

  #forget(now: Instant): void {
    for (const [sequence, { timedOutAt }] of this.#held) {
      if (timedOutAt !== null && timedOutAt + LATE_SETTLEMENT_MS <= now) this.#drop(sequence)
    }
    for (const [id, followed] of this.#quotes) {
      if (followed.quote.expiresAt > now || followed.holding > 0) continue
      this.#compare(followed)
      this.#quotes.delete(id)
    }
  }

  finish(): void {
    for (const followed of this.#quotes.values()) this.#compare(followed)
    for (const [id, { sequence }] of this.#records) {
      if (sequence <= this.#account.sequence) this.#report(`quote ${id}`, 'records', 'no transaction of the journal made it')
    }
  }

  /** A quote that nobody has used has no record. */
  #compare({ quote: { id }, uses }: Followed): void {
    const record = this.#records.get(id)
    this.#records.delete(id)
    if (record === undefined) {
      if (uses.some((use) => use !== null)) this.#report(`quote ${id}`, 'records', 'transactions of the journal used it, and it is missing')
    } else if (record.sequence <= this.#account.sequence && !isSame((record.document as unknown as QuoteUses).uses, uses)) {
      this.#report(`quote ${id}`, 'records', 'it does not say by what its calls were used as the journal does')
    }
  }
}

/** By nobody but who asked for it, for what was quoted, at its prices and never for more. */
function isAsQuoted({ key, credits, operation, variant, kind, priceVersion }: Transaction, quote: Quote, call: QuotedCall): boolean {
  const isIt = key === quote.key && priceVersion === quote.priceVersion && operation === call.operation && variant === call.variant
  return isIt && (kind === 'reserve' ? credits === call.maximum : credits <= call.maximum)
}

function isSame(found: readonly QuoteUse[], expected: readonly QuoteUse[]): boolean {
  return found.length === expected.length && expected.every((use, index) => textOf(found[index] ?? null) === textOf(use))
}

function textOf(use: QuoteUse): string {
  if (use === null) return 'none'
  return 'charge' in use ? `charge ${use.charge}` : `reservation ${use.reservation}`
}
