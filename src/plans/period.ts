import assert from 'node:assert/strict'
import { type CatalogVersion, versionAt } from '../catalog/version.js'
import type { Plan } from '../catalog/catalog.js'
import type { Subscription } from '../ledger/account.js'
import { monthBoundary } from '../time/calendar.js'
import type { Instant } from '../time/instant.js'

/** The word for "no plan": where leaving a plan out means another one, and as the plan of a period that will not be. */
export const NO_PLAN = 'none'

/** A period of a plan before it is known what the account holds at its start. */
export type Period = Omit<Subscription, 'periodBase'>

/** The first period of a plan, beginning at its anchor. */
export function firstPeriod(plan: string, anchorAt: Instant, timeZone: string): Period {
  return { plan, anchorAt, period: 0, periodStart: anchorAt, periodEnd: monthBoundary(anchorAt, 1, timeZone), nextPlan: null }
}

/**
 * The period after the running one, of the plan that was chosen for it. Its end comes from the original anchor, in the
 * account's zone as it is by then, and is stored when the period opens. A zone changed meanwhile moves that end and never
 * the start, which is the end that was stored before: no period is skipped or opened twice.
 */
export function nextPeriod(running: Subscription, timeZone: string): Period {
  const period = running.period + 1
  const periodEnd = monthBoundary(running.anchorAt, period + 1, timeZone)
  assert(periodEnd > running.periodEnd, 'zones are hours apart, periods are weeks long')
  const plan = running.nextPlan ?? running.plan
  return { plan, anchorAt: running.anchorAt, period, periodStart: running.periodEnd, periodEnd, nextPlan: null }
}

/** Whether the period after the running one is the first of its plan. */
export function isFirstNext({ plan, nextPlan }: Subscription): boolean {
  return nextPlan !== null && nextPlan !== plan
}

/** A plan as of `at`, or as it last was: what was bought under a name is not undone by a catalog that drops the name. */
export function lastKnownPlan(catalogs: readonly CatalogVersion[], id: string, at: Instant): Plan | undefined {
  const plan = versionAt(catalogs, at).catalog.plans[id]
  if (plan !== undefined) return plan
  return catalogs.findLast(({ catalog, effectiveAt }) => effectiveAt <= at && catalog.plans[id] !== undefined)?.catalog.plans[id]
}
