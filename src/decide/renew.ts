import { versionAt } from '../catalog/version.js'
import type { Plan } from '../catalog/catalog.js'
import type { Subscription } from '../ledger/account.js'
import { type Occasion, periodBase, periodGrants, type PlanGrant } from '../plans/allowance.js'
import { firstPeriod, isFirstNext, lastKnownPlan, nextPeriod, NO_PLAN, type Period } from '../plans/period.js'
import type { Instant } from '../time/instant.js'
import type { Draft } from './draft.js'
import { expireWithPlan } from './expire.js'
import { postGrant } from './grant.js'
import { setPlanCap } from './plan-cap.js'
import { applyRollover } from './rollover.js'
import { postLapse, whyNotGiven } from './schedule.js'

/**
 * The next period of the account's plan opens at the boundary of the one before, with that month's credits. The period
 * counter moves in the same write, so however many processes catch up, each period is granted once (T23). A plan that was
 * cancelled ends there instead.
 */
export function renew(draft: Draft): void {
  const { subscription, timeZone } = draft.account
  if (subscription === null) return
  applyRollover(draft, subscription)
  if (subscription.nextPlan === NO_PLAN) return endPeriods(draft, subscription)
  const period = nextPeriod(subscription, timeZone)
  const { sequence } = draft.account
  openPeriod(draft, period, 'renewal', isFirstNext(subscription))
  const { plan, periodStart: at } = period
  const row = draft.account.sequence > sequence ? null : { change: 'plan_begun', occasion: 'renewal', plan, period: period.period }
  setPlanCap(draft, lastKnownPlan(draft.view.catalogs, plan, at) ?? null, { at, isSamePlan: plan === subscription.plan, row })
}

/** Begins a plan at `at`, whatever ran before it: its anchor, its first period and that period's credits. Its cap is the caller's to set. */
export function beginPlan(draft: Draft, plan: string, at: Instant, occasion: 'sign_up' | 'subscription'): void {
  draft.change({ planChangedBy: draft.account.sequence })
  openPeriod(draft, firstPeriod(plan, at, draft.account.timeZone), occasion, true)
}

/** The account has no plan any more, nor credits that last only as long as that (SN-05). Its cap is the caller's to end. */
export function endPlan(draft: Draft, at: Instant): void {
  draft.change({ subscription: null, planChangedBy: draft.account.sequence })
  expireWithPlan(draft, at)
}

function endPeriods(draft: Draft, { plan, period, periodEnd: at }: Subscription): void {
  draft.post('amend', [], { credits: 0n, at, detail: { change: 'plan_ended', plan, period } })
  endPlan(draft, at)
  setPlanCap(draft, null, { at })
}

function openPeriod(draft: Draft, period: Period, occasion: Occasion, isFirst: boolean): void {
  const at = period.periodStart
  const plan = versionAt(draft.view.catalogs, at).catalog.plans[period.plan]
  const grants = plan === undefined ? [] : periodGrants(plan, { occasion, isFirst, periodEnd: period.periodEnd })
  const { due, given } = whatIsGiven(draft, grants)
  draft.change({ subscription: { ...period, periodBase: periodBase(draft.account, given) } })
  draft.dueBy(period.periodEnd)
  const told = { occasion, plan: period.plan, period: period.period }
  if (plan === undefined) return postVanished(draft, told, at)
  for (const grant of due) postPlanGrant(draft, grant, { at, detail: told })
  if (plan.trial && isFirst) rememberTrial(draft, plan, at)
}

/** Part of what a plan owes for a period, and why it cannot be given where it cannot. */
interface DueGrant extends PlanGrant {
  readonly lapse: string | null
}

function whatIsGiven(draft: Draft, grants: readonly PlanGrant[]): { readonly due: readonly DueGrant[]; readonly given: bigint } {
  let given = 0n
  const due = grants.map((grant) => {
    const lapse = whyNotGiven(draft, given + grant.amount)
    if (lapse === null) given += grant.amount
    return { ...grant, lapse }
  })
  return { due, given }
}

function postPlanGrant(draft: Draft, due: DueGrant, { at, detail: told }: { readonly at: Instant; readonly detail: PeriodTold }): void {
  const { reference, lapse, ...grant } = due
  const detail = { ...told, reference: `${reference}:${told.plan}:${told.period}` }
  if (lapse === null) postGrant(draft, { ...grant, isPaid: false, at, detail })
  else postLapse(draft, grant.amount, { at, detail: { source: grant.source, ...detail, reason: lapse } })
}

/** What the rows of a period say of it. */
interface PeriodTold {
  readonly occasion: Occasion
  readonly plan: string
  readonly period: number
}

/** A plan that the catalog has dropped goes on as a period without credits, and the journal says why they do not come. */
function postVanished(draft: Draft, told: PeriodTold, at: Instant): void {
  const reference = `${told.occasion}:${told.plan}:${told.period}`
  const reason = `The catalog has no plan ${told.plan} any more`
  postLapse(draft, 0n, { at, detail: { source: 'allowance', ...told, reference, reason } })
}

/** A trial is given once an account, however often it is asked for. */
function rememberTrial(draft: Draft, plan: Plan, at: Instant): void {
  const { sequence } = draft.account
  draft.putRecord({ kind: 'trial', id: plan.id, sequence, isOpen: false, lookup: null, document: { beganAt: at } }, null)
}
