import { type CatalogVersion, versionAt } from '../catalog/version.js'
import type { Subscription } from '../ledger/account.js'
import type { Instant } from '../time/instant.js'
import { periodGrants } from './allowance.js'
import { isFirstNext, NO_PLAN } from './period.js'

/**
 * The exact instant of the next grant that a plan brings: the end of the running period, when the next one begins with
 * credits. Null without a plan, and where the next period brings none: a trial, an allowance of nothing, a plan that has
 * been cancelled or is not in the catalog any more.
 */
export function nextGrantAt(subscription: Subscription | null, catalogs: readonly CatalogVersion[]): Instant | null {
  if (subscription === null) return null
  const { periodEnd, plan, nextPlan } = subscription
  const next = versionAt(catalogs, periodEnd).catalog.plans[nextPlan ?? plan]
  if (nextPlan === NO_PLAN || next === undefined) return null
  const grants = periodGrants(next, { occasion: 'renewal', isFirst: isFirstNext(subscription), periodEnd })
  return grants.length > 0 ? periodEnd : null
}
