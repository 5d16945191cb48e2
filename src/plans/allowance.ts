import type { Plan } from '../catalog/catalog.js'
import type { Account, Subscription } from '../ledger/account.js'
import { PRIORITY_ALLOWANCE, PRIORITY_DEFAULT } from '../ledger/grant.js'
import type { MicroCredits } from '../money/credits.js'
import { type Instant, NEVER } from '../time/instant.js'

/** What a plan's period begins by: the account is opened on the plan, subscribes to it, or the period before is over. */
export type Occasion = 'sign_up' | 'subscription' | 'renewal'

/** The beginning of one period of a plan, as its grants depend on it. */
export interface Opening {
  readonly occasion: Occasion
  /** Whether it is the plan's first period, which for a trial is the only one with credits. */
  readonly isFirst: boolean
  readonly periodEnd: Instant
}

/** Credits that a period opens with. Each is a grant of its own, with a life and a place in the burn order of its own. */
export interface PlanGrant {
  readonly source: 'allowance' | 'sign_up' | 'subscription_purchase' | 'renewal_bonus'
  readonly amount: MicroCredits
  readonly priority: number
  readonly expiresAt: Instant
  readonly endsWithPlan: boolean
  /** What it is for, before the plan and the period that make it one of a kind. */
  readonly reference: string
}

/**
 * The grants of one period (SK-03): its allowance, and what its occasion brings on top, which does not expire. None of
 * nothing, and none in the further periods of a trial, which is given once.
 */
export function periodGrants(plan: Plan, { occasion, isFirst, periodEnd }: Opening): readonly PlanGrant[] {
  if (plan.trial && !isFirst) return []
  const bonus = { ...BONUS[occasion], amount: bonusOf(plan, occasion), priority: PRIORITY_DEFAULT, expiresAt: NEVER, endsWithPlan: false }
  const grants = [{ ...allowanceTerms(plan, periodEnd), amount: allowanceOf(plan), reference: occasion }, bonus]
  return grants.filter(({ amount }) => amount > 0n)
}

/** Credits a month; zero where they are agreed per customer, for then an operator grants them. */
export function allowanceOf(plan: Plan | undefined): MicroCredits {
  return plan?.monthlyCredits ?? 0n
}

/** How credits of a plan's allowance are held, whenever within a period they come. */
export function allowanceTerms(plan: Plan, periodEnd: Instant) {
  const endsWithPlan = plan.rollover.kind === 'while_active'
  return { source: 'allowance', priority: PRIORITY_ALLOWANCE, expiresAt: allowanceExpiry(plan, periodEnd), endsWithPlan } as const
}

/** When what a period's allowance has left is over: at the period's end, unless the plan lets it roll over. */
function allowanceExpiry(plan: Plan, periodEnd: Instant): Instant {
  return plan.rollover.kind === 'none' ? periodEnd : NEVER
}

const BONUS = {
  sign_up: { source: 'sign_up', reference: 'sign_up_bonus' },
  subscription: { source: 'subscription_purchase', reference: 'subscription_bonus' },
  renewal: { source: 'renewal_bonus', reference: 'renewal_bonus' },
} as const

function bonusOf({ grants, isPaid }: Plan, occasion: Occasion): MicroCredits {
  if (occasion === 'subscription') return isPaid ? grants.purchase : 0n
  return occasion === 'sign_up' ? grants.signUp : grants.renewal
}

/** The whole of which "20 % remain" is said: the credits of the period and whatever else is held at its start (ND-10). */
export function periodBase(account: Account, given: MicroCredits): MicroCredits {
  const held = account.books.available
  return given + (held > 0n ? held : 0n)
}

/**
 * The part of a higher allowance that a switch within a period brings for the rest of it: the difference by the exact
 * ratio of time, rounded down to the micro-credit. A lower allowance takes nothing.
 */
export function proratedDifference(
  allowances: { readonly from: MicroCredits; readonly to: MicroCredits },
  { periodStart, periodEnd }: Pick<Subscription, 'periodStart' | 'periodEnd'>,
  at: Instant,
): MicroCredits {
  const difference = allowances.to - allowances.from
  return difference > 0n ? (difference * BigInt(periodEnd - at)) / BigInt(periodEnd - periodStart) : 0n
}
