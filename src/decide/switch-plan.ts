import type { Plan } from '../catalog/catalog.js'
import { versionAt } from '../catalog/version.js'
import type { Subscription } from '../ledger/account.js'
import type { MicroCredits } from '../money/credits.js'
import { allowanceOf, allowanceTerms, proratedDifference } from '../plans/allowance.js'
import type { Draft } from './draft.js'
import { postGrant } from './grant.js'
import { postLapse, whyNotGiven } from './schedule.js'

/**
 * Another plan takes the running one's place within its period, which keeps its boundaries. What its allowance is more
 * comes for the rest of the period, and comes once: going back and forth between plans brings nothing more (SK-06).
 *
 * Returns what was granted. The plan's cap is the caller's to set.
 */
export function switchPlan(draft: Draft, running: Subscription, plan: Plan): MicroCredits {
  const from = allowanceHad(draft, running)
  const to = allowanceOf(plan)
  const amount = proratedDifference({ from, to }, running, draft.at)
  const lapse = whyNotGiven(draft, amount)
  const given = lapse === null ? amount : 0n
  draft.change({ subscription: { ...running, plan: plan.id, nextPlan: null, periodBase: running.periodBase + given } })
  rememberAllowance(draft, running, to > from ? to : from)
  const detail = { occasion: 'switch', plan: plan.id, period: running.period, reference: `switch:${plan.id}:${running.period}` }
  const terms = allowanceTerms(plan, running.periodEnd)
  if (lapse !== null) postLapse(draft, amount, { detail: { source: terms.source, ...detail, reason: lapse } })
  else if (given > 0n) postGrant(draft, { ...terms, amount: given, isPaid: false, at: draft.at, detail })
  return given
}

/** The setting that remembers, of the period in which plans were switched, the highest allowance among them. */
const HAD = 'period_allowance'

/** The highest monthly allowance that the running period has had a part of: its own plan's, or one switched to meanwhile. */
function allowanceHad(draft: Draft, { plan, anchorAt, period, periodStart }: Subscription): MicroCredits {
  const had = draft.record('setting', HAD)?.document
  const isOfPeriod = had !== undefined && had['anchorAt'] === anchorAt && had['period'] === period
  if (isOfPeriod) return BigInt(had['allowance'] as number)
  return allowanceOf(versionAt(draft.view.catalogs, periodStart).catalog.plans[plan])
}

function rememberAllowance(draft: Draft, { anchorAt, period }: Subscription, allowance: MicroCredits): void {
  const document = { anchorAt, period, allowance: Number(allowance) }
  draft.putRecord({ kind: 'setting', id: HAD, sequence: draft.nextSequence, isOpen: false, lookup: null, document }, null)
}
