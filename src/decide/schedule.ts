import type { Grant } from '../ledger/grant.js'
import { toCredits } from '../money/credits.js'
import type { Draft } from './draft.js'
import { issueMoves } from './moves.js'

/**
 * A promised grant takes effect at its instant: only now are its credits issued and available. One that the account
 * cannot take any more by then lapses, and the journal says so.
 */
export function takeEffect(draft: Draft, grant: Grant): void {
  draft.replaceGrant({ ...grant, state: 'effective', remaining: 0n })
  if (!draft.canIssue(grant.amount)) {
    const detail = { change: 'grant_lapsed', grant: grant.id, source: grant.source, credits: toCredits(grant.amount) }
    draft.post('amend', [], { at: grant.effectiveAt, credits: 0n, refersTo: grant.sequence, detail })
    return
  }
  draft.post(
    'grant',
    issueMoves(draft, grant.sequence, grant.amount),
    { at: grant.effectiveAt, credits: grant.amount, refersTo: grant.sequence, detail: { grant: grant.id, source: grant.source } },
  )
}
