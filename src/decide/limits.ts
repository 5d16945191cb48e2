import { versionAt } from '../catalog/version.js'
import type { ErrorCode } from '../errors.js'
import type { Account } from '../ledger/account.js'
import { formatCredits, type MicroCredits, smaller, toCredits } from '../money/credits.js'
import { formatInstant, formatInstantOrNull, type Instant } from '../time/instant.js'
import { affordableCalls, affordableUnits, cheaperVariants } from './alternatives.js'
import type { Draft } from './draft.js'
import { refuse, type Refused } from './outcome.js'
import type { PricedSubject } from './price-subject.js'

/**
 * Something that bounds an amount: the balance first of all, and whatever else bounds spending (a budget, a plan's
 * cap). It is data that a decision reads in the write it belongs to, never a check before it, so that no two calls
 * can pass on the strength of the same credits (T01).
 */
export interface AmountLimit {
  readonly type: 'balance'
  readonly id: string
  readonly window: string | null
  readonly resetsAt: Instant | null
  readonly remaining: MicroCredits
  readonly code: ErrorCode
}

/** Every limit on how much this account can spend now, the one that would stop first is the tightest. */
export function amountLimits(account: Account): readonly AmountLimit[] {
  return [
    {
      type: 'balance',
      id: account.id,
      window: null,
      resetsAt: null,
      remaining: account.books.available,
      code: 'out_of_credits',
    },
  ]
}

/** What could be spent now: the balance bounded by every other limit, never below zero. */
export function spendable(account: Account): MicroCredits {
  const least = amountLimits(account).map((limit) => limit.remaining).reduce(smaller)
  return account.state === 'active' && least > 0n ? least : 0n
}

/** Why this account may not spend `priced` now; null when it may. `amount` is what would be taken from the balance. */
export function refusalToSpend(draft: Draft, subject: PricedSubject, amount: MicroCredits): Refused | null {
  // What costs nothing spends nothing: the stop switch and the balance leave it alone (WC-05).
  if (amount === 0n) return refusalByPlan(draft, subject)
  return refusalByState(draft.account) ?? refusalByPlan(draft, subject) ?? refusalByAmount(draft, subject, amount)
}

/** The stop switch (AX-25): an account that is not active spends nothing. Free operations go on. */
export function refusalByState(account: Account): Refused | null {
  if (account.state === 'active') return null
  const advice = account.state === 'suspended' ? [`Resume it: npx mcp-credits account resume ${account.id}`] : []
  return refuse('account_suspended', `The account ${account.id} is ${account.state} and spends nothing`, {
    details: { account: account.id, state: account.state },
    advice,
  })
}

/** Some operations need a plan of a certain height (ND-03); which, is the catalog's to say. */
function refusalByPlan(draft: Draft, { priced }: PricedSubject): Refused | null {
  if (priced.requiresPlan.length === 0) return null
  const plan = draft.account.subscription?.plan ?? null
  if (plan !== null && priced.requiresPlan.includes(plan)) return null
  const { catalog } = versionAt(draft.view.catalogs, draft.at)
  const names = priced.requiresPlan.map((id) => catalog.plans[id]?.name ?? id)
  const what = priced.variant === null ? priced.operation : `${priced.operation} (${priced.variant})`
  return refuse('plan_required', `${what} requires the plan ${names[0]} or higher`, {
    details: { operation: priced.operation, variant: priced.variant, plan, requiresPlan: priced.requiresPlan },
    advice: [`Choose a plan that includes it: ${names.join(', ')}`, ...cheaperAdvice(draft, priced)],
    cheaper: cheaperVariants(catalog, draft.account, priced),
  })
}

function cheaperAdvice(draft: Draft, priced: PricedSubject['priced']): readonly string[] {
  const { catalog } = versionAt(draft.view.catalogs, draft.at)
  return cheaperVariants(catalog, draft.account, priced).map((way) => `Or use ${way.change}`)
}

function refusalByAmount(draft: Draft, subject: PricedSubject, amount: MicroCredits): Refused | null {
  const stopping = amountLimits(draft.account).filter((limit) => limit.remaining < amount)
  if (stopping.length === 0) return null
  const tightest = stopping.reduce((least, limit) => (limit.remaining < least.remaining ? limit : least))
  return refuseByLimit(draft, subject, amount, tightest)
}

function refuseByLimit(draft: Draft, { priced, tool, version }: PricedSubject, amount: MicroCredits, limit: AmountLimit): Refused {
  const { account } = draft
  const shortfall = amount - limit.remaining
  const renewsAt = account.subscription?.periodEnd ?? null
  const words = version.catalog.texts.outOfCredits ?? 'Out of credits'
  return refuse(limit.code, `${words}: ${formatCredits(amount)} needed, ${formatCredits(limit.remaining)} available`, {
    details: {
      required: toCredits(amount),
      available: toCredits(limit.remaining),
      reserved: toCredits(account.books.reserved),
      shortfall: toCredits(shortfall),
      limitedBy: { type: limit.type, id: limit.id, window: limit.window, resetsAt: formatInstantOrNull(limit.resetsAt) },
    },
    advice: [
      `Add credits: npx mcp-credits grant ${formatCredits(shortfall)} --account ${account.id}`,
      ...(renewsAt === null ? [] : [`Or wait for the next grant on ${formatInstant(renewsAt)}`]),
    ],
    affordable: tool === null ? affordableUnits(version.catalog, priced, limit.remaining) : affordableCalls(amount, limit.remaining),
    cheaper: cheaperVariants(version.catalog, account, priced),
  })
}
