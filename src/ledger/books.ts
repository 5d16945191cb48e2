import type { MicroCredits } from '../money/credits.js'

/**
 * The books between which credits move. Every transaction's entries add up to zero over them, so `issued` runs
 * negative by what ever came into being and the others hold where it is now.
 *
 * `spent` is exactly what was charged and not refunded. `uncollected` is what was consumed and nothing could pay:
 * the vendor's write-off, posted against `issued`, so that a shortfall is an entry and never a clamp (T31).
 */
export const BOOKS = ['issued', 'available', 'reserved', 'spent', 'expired', 'revoked', 'uncollected'] as const
export type Book = (typeof BOOKS)[number]
export type Books = Readonly<Record<Book, MicroCredits>>
