import type { Grant, Share } from '../ledger/grant.js'
import type { MicroCredits } from '../money/credits.js'
import { beyondCap } from '../plans/rollover.js'
import type { Instant } from '../time/instant.js'
import type { Draft } from './draft.js'

/** The setting that remembers the last boundary at which a plan's cap held on what rolled over. */
const CAP = 'rollover_cap'

/** The setting that remembers up to which transaction credits ended with their subscription. */
const ENDED = 'plan_ended'

/** From a boundary on, of the allowances from before it no more than the plan's cap is held. */
export function rememberCap(draft: Draft, cap: MicroCredits, at: Instant): void {
  remember(draft, CAP, { cap: Number(cap), at })
}

/** What lasts as long as the subscription, and was given until now, is over for good: another one does not bring it back. */
export function rememberEnd(draft: Draft): void {
  remember(draft, ENDED, { through: draft.account.sequence })
}

function remember(draft: Draft, id: string, document: Readonly<Record<string, unknown>>): void {
  draft.putRecord({ kind: 'setting', id, sequence: draft.account.sequence, isOpen: false, lookup: null, document }, null)
}

/** Whether a grant that lasts as long as the subscription was of one that has ended. */
export function hasEndedWithPlan(draft: Draft, { sequence, endsWithPlan }: Grant): boolean {
  if (!endsWithPlan) return false
  if (draft.account.subscription === null) return true
  const through = draft.record('setting', ENDED)?.document['through']
  return typeof through === 'number' && sequence <= through
}

/**
 * What is beyond the cap of the last boundary once credits have come back to `returned`: what reservations had pinned over
 * the boundary counts for the cap like what was there, so that setting credits aside carries nothing over. `open` are all
 * grants that then have something left.
 */
export function beyondCarried(draft: Draft, returned: readonly Grant[], open: () => readonly Grant[]): readonly Share[] {
  const periodStart = draft.account.subscription?.periodStart ?? draft.account.lastAt
  if (!returned.some(({ source, effectiveAt }) => source === 'allowance' && effectiveAt < periodStart)) return []
  const capped = draft.record('setting', CAP)?.document as { readonly cap: number; readonly at: Instant } | undefined
  if (capped === undefined) return []
  const from = open().filter(({ effectiveAt }) => effectiveAt < capped.at)
  return beyondCap({ rollover: { kind: 'capped', cap: BigInt(capped.cap) } }, from)
}
