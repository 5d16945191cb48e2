import { versionAt } from '../catalog/version.js'
import type { Subscription } from '../ledger/account.js'
import { PRIORITY_ALLOWANCE } from '../ledger/grant.js'
import type { MicroCredits } from '../money/credits.js'
import { allowanceExpiry, firstPeriod, nextPeriod, periodBase } from '../plans/allowance.js'
import type { Instant } from '../time/instant.js'
import type { Draft } from './draft.js'
import { postGrant } from './grant.js'
import { postLapse, whyNotGiven } from './schedule.js'

/**
 * The next period of the account's plan opens at the boundary of the one before, with that month's allowance. The
 * period counter moves in the same write, so however many processes catch up, each period is granted once (T23).
 */
export function renew(draft: Draft): void {
  const { subscription, timeZone } = draft.account
  if (subscription === null) return
  openPeriod(draft, nextPeriod(subscription, timeZone), 'renewal')
}

/** Begins a plan at `at`: its first period and allowance. */
export function beginPlan(draft: Draft, plan: string, at: Instant): void {
  openPeriod(draft, firstPeriod(plan, at, draft.account.timeZone), 'sign_up')
}

function openPeriod(draft: Draft, period: Omit<Subscription, 'periodBase'>, occasion: 'sign_up' | 'renewal'): void {
  const { catalog } = versionAt(draft.view.catalogs, period.periodStart)
  const plan = catalog.plans[period.plan]
  const allowance: MicroCredits = plan?.monthlyCredits ?? 0n
  const reason = whyNotGiven(draft, allowance)
  draft.change({ subscription: { ...period, periodBase: periodBase(draft.account, reason === null ? allowance : 0n) } })
  draft.dueBy(period.periodEnd)
  if (plan === undefined || allowance === 0n) return
  const source = 'allowance'
  const at = period.periodStart
  const detail = { occasion, plan: period.plan, period: period.period, reference: `${occasion}:${period.plan}:${period.period}` }
  if (reason !== null) {
    postLapse(draft, allowance, { at, detail: { source, ...detail, reason } })
    return
  }
  const expiresAt = allowanceExpiry(plan, period.periodEnd)
  postGrant(draft, { amount: allowance, source, priority: PRIORITY_ALLOWANCE, isPaid: false, at, expiresAt, detail })
}
