import { type Grant, hasExpired, isOpen } from '../ledger/grant.js'
import type { Instant } from '../time/instant.js'
import type { Draft } from './draft.js'
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
