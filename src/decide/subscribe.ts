import type { Plan } from '../catalog/catalog.js'
import { versionAt } from '../catalog/version.js'
import type { Subscription } from '../ledger/account.js'
import type { Transaction } from '../ledger/transaction.js'
import { toCredits } from '../money/credits.js'
import { lastKnownPlan, NO_PLAN } from '../plans/period.js'
import { formatInstant } from '../time/instant.js'
import type { SubscribeCommand, UnsubscribeCommand } from './command.js'
import type { Draft } from './draft.js'
import { takesNoMore } from './grant.js'
import { setPlanCap } from './plan-cap.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { beginPlan } from './renew.js'
import { done } from './result.js'
import { switchPlan } from './switch-plan.js'

/**
 * Puts an account on a plan (SK-06). Without a plan that is paid for it is a purchase: it acts at once, with a new anchor
 * and the plan's credits, beside whatever the account has. A paid plan has been paid for to the end of its period, so that
 * another one follows at the next renewal, or takes its place now with a part of what it gives more. The plan that runs
 * already goes on, and a change or cancellation that was to come is dropped; it grants nothing more.
 */
export function decideSubscribe(draft: Draft, command: SubscribeCommand): Outcome {
  const { catalog } = versionAt(draft.view.catalogs, draft.at)
  const plan = catalog.plans[command.plan]
  if (plan === undefined) return unknownPlan(command.plan, Object.keys(catalog.plans))
  const { state, subscription } = draft.account
  if (state === 'closed') return takesNoMore()
  if (subscription?.plan === plan.id) return changeNext(draft, command, subscription, null)
  if (plan.trial && draft.record('trial', plan.id) !== null) return refuseTrial(plan, catalog.plans)
  if (subscription === null || actsAtOnce(draft, subscription, plan)) return begin(draft, command, plan)
  if (command.when === 'renewal') return changeNext(draft, command, subscription, plan.id)
  return plan.isPaid ? switchNow(draft, command, subscription, plan) : refuseNow(plan, subscription)
}

/** Ends the account's plan with its running period; until then it goes on as paid for. */
export function decideUnsubscribe(draft: Draft, command: UnsubscribeCommand): Outcome {
  const { subscription } = draft.account
  if (subscription !== null) return changeNext(draft, command, subscription, NO_PLAN)
  return refuse('invalid_request', 'The account has no plan that could be ended', {
    details: { plan: null },
    advice: ['Nothing renews on this account; there is nothing to do.'],
  })
}

/** A plan that nobody pays for gives way at once to one that is bought, or to a trial; a free one waits its turn like any. */
function actsAtOnce(draft: Draft, { plan }: Subscription, wanted: Plan): boolean {
  // A plan that no catalog ever had is taken for a paid one: what follows then cannot be had twice.
  const isRunningPaid = lastKnownPlan(draft.view.catalogs, plan, draft.at)?.isPaid ?? true
  return !isRunningPaid && (wanted.isPaid || wanted.trial)
}

function begin(draft: Draft, command: SubscribeCommand, plan: Plan): Outcome {
  const from = draft.account.subscription?.plan
  // The row that answers for the command comes after the allowance, so that it tells a balance with it.
  beginPlan(draft, plan.id, draft.at, 'subscription')
  const detail = { change: 'plan_begun', plan: plan.id, ...(from === undefined ? {} : { from }) }
  return begun(draft, plan, postAnswer(draft, command, detail))
}

/** The cap counts from the row that answers on. */
function begun(draft: Draft, plan: Plan, answer: Transaction): Outcome {
  setPlanCap(draft, plan, { at: draft.at })
  return done(draft, answer)
}

/** How the row says what the next period will be. */
const NEXT = { keeps: 'plan_kept', ends: 'plan_cancelled', changes: 'plan_change' } as const

/**
 * Sets what the next period will be. What it is already needs no row, but a key takes one: repeated after somebody else
 * has decided otherwise, the same call must find its answer and not act a second time.
 */
function changeNext(draft: Draft, command: SubscribeCommand | UnsubscribeCommand, running: Subscription, nextPlan: string | null): Outcome {
  if (running.nextPlan === nextPlan && command.idempotencyKey === null) return done(draft, null)
  draft.change({ subscription: { ...running, nextPlan } })
  const change = nextPlan === null ? NEXT.keeps : nextPlan === NO_PLAN ? NEXT.ends : NEXT.changes
  const next = nextPlan === null || nextPlan === NO_PLAN ? {} : { nextPlan }
  return done(draft, postAnswer(draft, command, { change, plan: running.plan, ...next, at: formatInstant(running.periodEnd) }))
}

function switchNow(draft: Draft, command: SubscribeCommand, running: Subscription, plan: Plan): Outcome {
  const granted = switchPlan(draft, running, plan)
  const detail = { change: 'plan_switched', plan: plan.id, from: running.plan, credits: toCredits(granted) }
  return begun(draft, plan, postAnswer(draft, command, detail))
}

function postAnswer(draft: Draft, command: SubscribeCommand | UnsubscribeCommand, detail: Readonly<Record<string, unknown>>): Transaction {
  const { actor, idempotencyKey, fingerprint } = command
  return draft.post('amend', [], { credits: 0n, actor, idempotencyKey, fingerprint, detail })
}

function refuseTrial(plan: Plan, plans: Readonly<Record<string, Plan>>): Refused {
  const others = Object.values(plans).filter(({ trial }) => !trial)
  return refuse('invalid_request', `This account has had its trial ${plan.name}; a trial is given once`, {
    details: { plan: plan.id, trial: true },
    advice: others.length === 0 ? [] : [`Subscribe to another plan: ${others.map(({ id }) => id).join(', ')}`],
  })
}

function refuseNow(plan: Plan, { plan: running, periodEnd }: Subscription): Refused {
  return refuse('invalid_request', `${plan.name} is not bought, so it can follow ${running} only at the next renewal`, {
    details: { plan: plan.id, running, renewsAt: formatInstant(periodEnd) },
    advice: [`Subscribe to it without asking for now: it then begins on ${formatInstant(periodEnd)}`],
  })
}

export function unknownPlan(plan: string, known: readonly string[]): Refused {
  return refuse('unknown_plan', `There is no plan ${JSON.stringify(plan.slice(0, 64))}`, {
    details: { plan },
    advice: [`The catalog has the plans: ${known.join(', ')}`],
  })
}
