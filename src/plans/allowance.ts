import type { Plan } from '../catalog/catalog.js'
import type { Account, Subscription } from '../ledger/account.js'
import type { MicroCredits } from '../money/credits.js'
import { monthBoundary } from '../time/calendar.js'
import { type Instant, NEVER } from '../time/instant.js'

/** When what a period's allowance has left is over: at the period's end, unless the plan lets it roll over. */
export function allowanceExpiry(plan: Plan, periodEnd: Instant): Instant {
  return plan.rollover.kind === 'none' ? periodEnd : NEVER
}

/** The first period of a plan, beginning at its anchor. */
export function firstPeriod(plan: string, anchorAt: Instant, timeZone: string): Omit<Subscription, 'periodBase'> {
  return { plan, anchorAt, period: 0, periodStart: anchorAt, periodEnd: monthBoundary(anchorAt, 1, timeZone) }
}

/** The period after the running one. Its boundaries come from the original anchor and are stored when it opens. */
export function nextPeriod(running: Subscription, timeZone: string): Omit<Subscription, 'periodBase'> {
  const period = running.period + 1
  return {
    plan: running.plan,
    anchorAt: running.anchorAt,
    period,
    periodStart: running.periodEnd,
    periodEnd: monthBoundary(running.anchorAt, period + 1, timeZone),
  }
}

/** The whole of which "20 % remain" is said: the allowance and whatever else is held at the period's start (ND-10). */
export function periodBase(account: Account, allowance: MicroCredits): MicroCredits {
  const held = account.books.available
  return allowance + (held > 0n ? held : 0n)
}
