import type { Subscription } from '../ledger/account.js'
import { lastKnownPlan } from '../plans/period.js'
import { beyondCap } from '../plans/rollover.js'
import { rememberCap } from './carried.js'
import type { Draft } from './draft.js'
import { everyOpenGrant, expireGrant } from './expire.js'

/**
 * At the end of a period what is left of allowances beyond the cap of its plan expires, before anything new is given. What
 * reservations still pin of them is under that cap as well, once it comes back.
 */
export function applyRollover(draft: Draft, { plan: id, periodEnd }: Subscription): void {
  const plan = lastKnownPlan(draft.view.catalogs, id, periodEnd)
  if (plan === undefined || plan.rollover.kind !== 'capped') return
  for (const { grant, amount } of beyondCap(plan, everyOpenGrant(draft))) {
    expireGrant(draft, draft.grant(grant), periodEnd, { amount, reason: 'rollover_cap' })
  }
  rememberCap(draft, plan.rollover.cap, periodEnd)
}
