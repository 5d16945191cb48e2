import type { DueRows } from '../decide/view.js'
import type { Transaction } from '../ledger/transaction.js'
import type { Instant } from '../time/instant.js'

/**
 * Cuts three pages of due rows, each ordered by its due instant, to one horizon: up to there all of them are complete.
 * A page that is full may lack rows after its last, so nothing beyond the earliest such instant is decided yet. It holds
 * every row of its last instant, so that what happens at one instant does not depend on where a page ends.
 */
export function dueRows(
  pages: Pick<DueRows, 'reservations' | 'expiring' | 'scheduled'>,
  at: Instant,
  pageSize: number,
  next: Instant,
): DueRows {
  const ends = [
    pages.reservations.length < pageSize ? at : (pages.reservations.at(-1)?.expiresAt ?? at),
    pages.expiring.length < pageSize ? at : (pages.expiring.at(-1)?.expiresAt ?? at),
    pages.scheduled.length < pageSize ? at : (pages.scheduled.at(-1)?.effectiveAt ?? at),
  ]
  const isCut = [pages.reservations, pages.expiring, pages.scheduled].some((page) => page.length >= pageSize)
  const horizon = Math.min(...ends)
  return { ...pages, horizon, isCut, next }
}

/** The grants that a charge or settlement was paid from. */
export function paidBy(transaction: Transaction): readonly number[] {
  return transaction.entries.flatMap((entry) => (entry.book === 'spent' && entry.grant !== null ? [entry.grant] : []))
}
