import type { MicroCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'
import type { Book } from './books.js'

/**
 * `amend` moves no credits: it records a change to the account itself (its state, a reservation's end), so that
 * such a change stands in the same sequence, chain and idempotency index as everything else.
 */
export const TRANSACTION_KINDS = [
  'grant', 'charge', 'reserve', 'settle', 'release', 'refund', 'revoke', 'expire', 'transfer', 'adjust', 'amend',
] as const
export type TransactionKind = (typeof TRANSACTION_KINDS)[number]

export type Labels = Readonly<Record<string, string>>

/** One movement: `amount` into a book (out of it when negative), the grant it concerns, and the book's sum after it. */
export interface Entry {
  readonly book: Book
  /** The grant's sequence. Null where no grant is concerned, and in `available` for debt, which no grant covers. */
  readonly grant: number | null
  readonly amount: MicroCredits
  readonly balanceAfter: MicroCredits
}

/** The facts of a kind that no column needs to find: price lines, amounts released, reasons. JSON, without bigint. */
export type Detail = Readonly<Record<string, unknown>>

/** An immutable row of the journal. A correction is a further row. */
export interface Transaction {
  readonly account: string
  /** Gapless from 1 within the account. */
  readonly sequence: number
  readonly kind: TransactionKind
  readonly at: Instant
  /** The size of what moved, as one number for a reader: what was granted, charged, reserved, released. Only `adjust` is signed. */
  readonly credits: MicroCredits
  /** `available` after the transaction. */
  readonly balanceAfter: MicroCredits
  readonly operation: string | null
  readonly variant: string | null
  readonly quantity: number | null
  readonly tool: string | null
  readonly key: string | null
  readonly member: string | null
  readonly labels: Labels | null
  /** What enters the chain in place of the labels, so that labels can be erased without breaking it. */
  readonly labelsDigest: string | null
  readonly idempotencyKey: string | null
  readonly fingerprint: string | null
  /** The sequence of what this is about: the reservation settled, the charge refunded, the grant expired. */
  readonly refersTo: number | null
  readonly priceVersion: number | null
  readonly detail: Detail
  readonly entries: readonly Entry[]
  readonly hash: string
}

const TAG_LENGTH = 10

/**
 * An id names kind, sequence and the beginning of the transaction's hash: found by primary key alone, and no other
 * account's id ever fits, so that an unknown and a foreign id are the same miss.
 */
export function formatId(prefix: IdPrefix, sequence: number, hash: string): string {
  return `${prefix}_${sequence}_${hash.slice(0, TAG_LENGTH)}`
}

export type IdPrefix = 'tx' | 'gr' | 'rs' | 'pu' | 'quote'

const ID = /^(tx|gr|rs|pu|quote)_([1-9]\d{0,14})_([0-9a-f]{10})$/

/** The sequence that an id of this kind names; null for anything else. The caller compares the tag with the row found. */
export function sequenceOfId(prefix: IdPrefix, id: string): number | null {
  const match = ID.exec(id)
  return match !== null && match[1] === prefix ? Number(match[2]) : null
}

export function transactionId(transaction: Pick<Transaction, 'sequence' | 'hash'>): string {
  return formatId('tx', transaction.sequence, transaction.hash)
}
