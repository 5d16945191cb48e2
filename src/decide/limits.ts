import { type SpendFacts, windowName } from '../budgets/budget.js'
import { percentUsed, type Standing } from '../budgets/standing.js'
import { roomIn } from '../budgets/tally.js'
import { versionAt } from '../catalog/version.js'
import type { ErrorCode } from '../errors.js'
import { SPENDING_CAP } from '../ledger/account-record.js'
import type { Account } from '../ledger/account.js'
import type { Labels } from '../ledger/transaction.js'
import { formatCredits, type MicroCredits, smaller, toCredits } from '../money/credits.js'
import { formatInstantOrNull, type Instant } from '../time/instant.js'
import { affordableCalls, affordableUnits, cheaperVariants } from './alternatives.js'
import { refusalByParty } from './authorise.js'
import type { Actor, Party } from './command.js'
import type { Draft } from './draft.js'
import { refuse, type Refused } from './outcome.js'
import { isAbove, resetToldOf } from './own-part.js'
import type { PricedSubject } from './price-subject.js'
import { ANYTHING, spendFacts } from './spend-facts.js'
import { type Spending, spendingOn, standingsOn } from './standings.js'
import { waysToPay } from './ways-out.js'

/**
 * Something that bounds an amount: the balance first of all, then the plan's cap and the budgets. It is data that a
 * decision reads in the write it belongs to, never a check before it, so that no two calls can pass on the strength of
 * the same credits (T01).
 */
export interface AmountLimit {
  readonly type: 'balance' | 'budget' | 'spending_cap'
  readonly id: string
  readonly window: string | null
  readonly resetsAt: Instant | null
  readonly remaining: MicroCredits
  readonly code: ErrorCode
  /** The budget that limits; null for the balance. */
  readonly standing: Standing | null
  /** Whether it stands above a delegated key, which learns what it leaves and not whose it is. */
  readonly isAbove: boolean
}

/** What a limit is called to a delegated key that it stands above. */
export const ABOVE = 'above'

/** Every limit on how much can be spent on this now; the one with the least remaining would stop first. */
export function amountLimits(draft: Draft, spending: Spending): readonly AmountLimit[] {
  const { id, books } = draft.account
  const balance: AmountLimit = {
    type: 'balance',
    id,
    window: null,
    resetsAt: null,
    remaining: books.available,
    code: 'out_of_credits',
    standing: null,
    isAbove: spending.facts.isDelegated,
  }
  const hard = standingsOn(spending).filter(({ budget }) => budget.enforcement === 'hard')
  return hard.length === 0 ? [balance] : [balance, ...hard.map((standing) => limitOf(standing, spending.facts))]
}

function limitOf(standing: Standing, facts: SpendFacts): AmountLimit {
  const { budget, remaining } = standing
  const stands = isAbove(facts, standing)
  // That it is a plan's is not told of what stands above.
  const isCap = budget.id === SPENDING_CAP && !stands
  return {
    type: isCap ? 'spending_cap' : 'budget',
    id: stands ? ABOVE : budget.id,
    window: windowName(budget.window),
    resetsAt: resetToldOf(facts, standing),
    remaining,
    code: isCap ? 'spending_cap_reached' : 'budget_exceeded',
    standing,
    isAbove: stands,
  }
}

/**
 * Whether no limit stops `amount`: what nearly every charge is told, without a list being made of its limits. Nothing takes
 * nothing from any of them, also where a debt or a lowered limit leaves less than that.
 */
function isWithin({ account }: Draft, spending: Spending, amount: MicroCredits): boolean {
  if (amount === 0n) return true
  return account.books.available >= amount && (hardRemaining(spending) ?? amount) >= amount
}

/** What the hard budgets leave, whatever the balance; null where there is none. */
export function hardRemaining({ tallies }: Pick<Spending, 'tallies'>): MicroCredits | null {
  let least: MicroCredits | null = null
  for (const tally of tallies) {
    const room = roomIn(tally)
    if (room !== null && (least === null || room < least)) least = room
  }
  return least
}

/** What the limits leave to spend on this now, never below zero. */
export function spendableOn(draft: Draft, spending: Spending): MicroCredits {
  const { available } = draft.account.books
  const least = smaller(available, hardRemaining(spending) ?? available)
  return least > 0n ? least : 0n
}

/** What a party could spend now, on whatever it is: the balance bounded by every limit that asks for no operation. */
export function spendable(draft: Draft, party: Party): MicroCredits {
  return draft.account.state === 'active' ? spendableOn(draft, spendingOn(draft, spendFacts(draft, party, ANYTHING))) : 0n
}

/** Something priced and not yet spent, as limits and budgets see it. */
export function spendingOnSubject(draft: Draft, { priced, tool, version }: PricedSubject, actor: Actor, labels: Labels | null): Spending {
  return spendingOn(draft, spendFacts(draft, actor, { operation: priced.operation, tool, labels, priceVersion: version.version }))
}

/**
 * Why this party may not spend `amount` on this now; null when it may. What the catalog calls free is not asked about (WC-05);
 * what comes to nothing by its arguments is, like any other call.
 */
export function refusalToSpend(draft: Draft, subject: PricedSubject, spending: Spending, amount: MicroCredits): Refused | null {
  return refusalByItself(draft, subject, spending) ?? refusalByAmount(draft, subject, spending, amount)
}

/** Why this party may not spend on this, whatever it comes to. */
function refusalByItself(draft: Draft, subject: PricedSubject, { facts }: Spending): Refused | null {
  return refusalByState(draft.account) ?? refusalByParty(draft, facts) ?? refusalByPlan(draft, subject, facts)
}

/** One of several calls that are to be made together. */
export interface PlannedCall {
  readonly subject: PricedSubject
  readonly spending: Spending
}

/**
 * Everything that would stop calls that are made together, each limit once, with the sum of the calls that it concerns:
 * the limit with the least remaining first.
 */
export function refusalsToSpendAll(draft: Draft, calls: readonly PlannedCall[]): readonly Refused[] {
  const costing = calls.filter(({ subject }) => subject.priced.maximum > 0n)
  const single = calls.map(({ subject, spending }) => refusalByItself(draft, subject, spending))
  const byLimit = new Map<string, { readonly limit: AmountLimit; readonly subject: PricedSubject; readonly amount: MicroCredits }>()
  for (const { subject, spending } of costing) {
    for (const limit of amountLimits(draft, spending)) {
      const name = `${limit.type} ${limit.standing?.budget.id ?? limit.id} ${limit.standing?.counter.subject ?? ''}`
      byLimit.set(name, { limit, subject, amount: (byLimit.get(name)?.amount ?? 0n) + subject.priced.maximum })
    }
  }
  const stopping = [...byLimit.values()]
    .filter(({ limit, amount }) => limit.remaining < amount)
    .sort((a, b) => (a.limit.remaining < b.limit.remaining ? -1 : 1))
    .map(({ limit, subject, amount }) => refuseByLimit(draft, subject, amount, limit))
  const first = new Map(single.filter((refused) => refused !== null).map((refused) => [refused.refusal.message, refused]))
  return [...first.values(), ...stopping]
}

/** The stop switch (AX-25): an account that is not active spends nothing. What is free goes on. */
export function refusalByState(account: Account): Refused | null {
  if (account.state === 'active') return null
  const advice = account.state === 'suspended' ? [`Resume it: npx mcp-credits account resume ${account.id}`] : []
  return refuse('account_suspended', `The account ${account.id} is ${account.state} and spends nothing`, {
    details: { account: account.id, state: account.state },
    advice,
  })
}

/** Some operations need a plan of a certain height (ND-03); which, is the catalog's to say. */
function refusalByPlan(draft: Draft, subject: PricedSubject, { isDelegated }: SpendFacts): Refused | null {
  const { priced } = subject
  if (priced.requiresPlan.length === 0) return null
  const plan = draft.account.subscription?.plan ?? null
  if (plan !== null && priced.requiresPlan.includes(plan)) return null
  const { catalog } = versionAt(draft.view.catalogs, draft.at)
  const cheaper = cheaperVariants(catalog, draft.account, subject)
  const orUse = cheaper.map((way) => `Or use ${way.change}`)
  const what = priced.variant === null ? priced.operation : `${priced.operation} (${priced.variant})`
  const details = { operation: priced.operation, variant: priced.variant }
  // Which plan stands above a delegated key, and which would do, is not its to know.
  if (isDelegated) return refuse('plan_required', `What stands above this key does not include ${what}`, { details, advice: [TELL_ABOVE, ...orUse], cheaper })
  const names = priced.requiresPlan.map((id) => catalog.plans[id]?.name ?? id)
  return refuse('plan_required', `${what} requires the plan ${names[0]} or higher`, {
    details: { ...details, plan, requiresPlan: priced.requiresPlan },
    advice: [`Choose a plan that includes it: ${names.join(', ')}`, ...orUse],
    cheaper,
  })
}

/** What whoever works with a part of somebody's credits does about a limit that is not its own; how they come by more is theirs to know. */
const TELL_ABOVE = 'Go on without it, and tell whoever gave you this key what is lacking.'

function refusalByAmount(draft: Draft, subject: PricedSubject, spending: Spending, amount: MicroCredits): Refused | null {
  if (isWithin(draft, spending, amount)) return null
  const stopping = amountLimits(draft, spending).filter((limit) => limit.remaining < amount)
  const tightest = stopping.reduce((least, limit) => (isTighter(limit, least) ? limit : least))
  return refuseByLimit(draft, subject, amount, tightest)
}

/** The balance before budgets and these by their ids, where they leave the same: which is named is no matter of how they are counted. */
function isTighter(one: AmountLimit, other: AmountLimit): boolean {
  const name = ({ standing }: AmountLimit): string => standing?.budget.id ?? ''
  return one.remaining === other.remaining ? name(one) < name(other) : one.remaining < other.remaining
}

function refuseByLimit(draft: Draft, subject: PricedSubject, amount: MicroCredits, limit: AmountLimit): Refused {
  const { account } = draft
  const { priced, tool, version } = subject
  const shortfall = amount - limit.remaining
  return refuse(limit.code, messageFor(draft, limit, amount), {
    details: {
      required: toCredits(amount),
      available: toCredits(limit.remaining),
      reserved: toCredits(limit.isAbove ? 0n : (limit.standing?.counter.reserved ?? account.books.reserved)),
      shortfall: toCredits(shortfall),
      limitedBy: {
        type: limit.type,
        id: limit.id,
        window: limit.window,
        resetsAt: formatInstantOrNull(limit.resetsAt),
        ...(limit.standing === null || limit.isAbove ? {} : figuresOf(limit.standing)),
      },
    },
    advice: adviceFor(draft, limit, shortfall),
    affordable: tool === null ? affordableUnits(version.catalog, priced, limit.remaining) : affordableCalls(amount, limit.remaining),
    cheaper: cheaperVariants(version.catalog, account, subject),
  })
}

function figuresOf({ budget, counter, limit, remaining }: Standing) {
  return {
    name: budget.name,
    subject: counter.subject === '' ? null : counter.subject,
    limit: toCredits(limit),
    used: toCredits(counter.used),
    remaining: toCredits(remaining),
    percentUsed: percentUsed(counter.used + counter.reserved, limit),
  }
}

function messageFor(draft: Draft, { code, id, remaining, resetsAt, standing, isAbove }: AmountLimit, amount: MicroCredits): string {
  const { texts } = versionAt(draft.view.catalogs, draft.at).catalog
  const sums = `${formatCredits(amount)} needed, ${formatCredits(remaining)} available`
  if (standing === null) return `${texts.outOfCredits ?? 'Out of credits'}: ${sums}`
  const reset = formatInstantOrNull(resetsAt)
  if (code === 'spending_cap_reached') {
    const words = texts.spendingCapReached ?? `The plan's spending cap of ${formatCredits(standing.limit)} is reached`
    const after = reset === null ? 'a higher plan has a higher cap' : `purchased credits stay usable after the reset on ${reset}`
    return `${words}: ${sums}; ${after}`
  }
  const which = isAbove ? 'A limit above this key' : `The budget ${id} of ${formatCredits(standing.limit)}`
  const words = texts.budgetExceeded ?? `${which} does not allow it`
  return `${words}: ${sums}${reset === null ? '' : `; it resets on ${reset}`}`
}

function adviceFor(draft: Draft, { id, resetsAt, standing, isAbove }: AmountLimit, shortfall: MicroCredits): readonly string[] {
  if (isAbove) return [`${TELL_ABOVE} More credits come from there.`]
  if (standing === null) return waysToPay(draft, shortfall)
  const reset = formatInstantOrNull(resetsAt)
  return [
    `Raise it: npx mcp-credits budget raise ${id} ${formatCredits(shortfall)} --account ${draft.account.id}`,
    ...(reset === null ? [] : [`Or wait until it resets on ${reset}`]),
  ]
}
