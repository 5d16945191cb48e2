import { type Grant, hasExpired, isOpen } from '../ledger/grant.js'
import { type MicroCredits, toCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'
import type { Draft, Move } from './draft.js'
import { passMoves } from './moves.js'

/**
 * What a grant has left when its time is over expires, dated at that instant. What reservations still pin stays
 * theirs until they end. Due, not commanded: it happens in whichever write comes next.
 */
export function expireGrant(draft: Draft, grant: Grant, at: Instant): void {
  draft.post(
    'expire',
    passMoves([{ grant: grant.sequence, amount: grant.remaining }], 'available', 'expired'),
    { at, credits: grant.remaining, refersTo: grant.sequence, detail: { grant: grant.id, source: grant.source } },
  )
}

/** Credits that came back to grants whose time was over meanwhile expire at once. */
export function expireReturned(draft: Draft, sequences: readonly number[], at: Instant): void {
  for (const sequence of new Set(sequences)) {
    const grant = draft.grant(sequence)
    if (isOpen(grant) && hasExpired(grant, at)) expireGrant(draft, grant, at)
  }
}

/**
 * What `moves` do to the balance for good: what comes back to grants whose time is over has expired by the time that the
 * command is answered. All of it does, for such a grant has nothing left from before.
 */
export function lastingChange(draft: Draft, moves: readonly Move[]): MicroCredits {
  return changeBy(moves.filter((move) => !expiresAtOnce(draft, move)))
}

/**
 * The balance that a command leaves, for the detail of its row, from which it is answered: the row's own balance is from
 * before what comes back expires. Nothing where the two are the same.
 */
export function balanceDetail(draft: Draft, moves: readonly Move[]): { readonly balanceAfterExpiry?: number } {
  const lasting = lastingChange(draft, moves)
  return lasting === changeBy(moves) ? {} : { balanceAfterExpiry: toCredits(draft.account.books.available + lasting) }
}

function expiresAtOnce(draft: Draft, { book, grant }: Move): boolean {
  const isReturned = book === 'available' && grant !== null && grant !== draft.nextSequence
  return isReturned && hasExpired(draft.grant(grant), draft.at)
}

function changeBy(moves: readonly Move[]): MicroCredits {
  return moves.reduce((sum, move) => (move.book === 'available' ? sum + move.amount : sum), 0n)
}
