import type { Grant } from '../ledger/grant.js'
import { AMOUNT_MAX, formatCredits, type MicroCredits, toCredits } from '../money/credits.js'
import type { Draft, Facts } from './draft.js'
import { issueMoves } from './moves.js'

/**
 * A promised grant takes effect at its instant: only now are its credits issued and available. One that the account
 * cannot take any more by then lapses, and the journal says so.
 */
export function takeEffect(draft: Draft, grant: Grant): void {
  const { id, source, amount, effectiveAt } = grant
  draft.replaceGrant({ ...grant, state: 'effective', remaining: 0n })
  const reason = whyNotGiven(draft, amount)
  if (reason !== null) {
    postLapse(draft, amount, { at: effectiveAt, refersTo: grant.sequence, detail: { grant: id, source, reason } })
    return
  }
  draft.post('grant', issueMoves(draft, grant.sequence, amount), {
    at: effectiveAt,
    credits: amount,
    refersTo: grant.sequence,
    detail: { grant: id, source },
  })
}

/** Why credits that are due by time alone cannot be given; null when they can. */
export function whyNotGiven(draft: Draft, amount: MicroCredits): string | null {
  if (draft.account.state === 'closed') return 'The account is closed'
  return draft.canIssue(amount) ? null : `The account would exceed ${formatCredits(AMOUNT_MAX)} credits over its lifetime`
}

/** Records credits that were due and are not given, so that nobody waits for them in vain. */
export function postLapse(draft: Draft, amount: MicroCredits, facts: Omit<Facts, 'credits'>): void {
  draft.post('amend', [], { ...facts, credits: 0n, detail: { change: 'grant_lapsed', credits: toCredits(amount), ...facts.detail } })
}
