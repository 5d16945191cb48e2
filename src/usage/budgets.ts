import { type Budget, budgetOf, concernsParty, limitAt, subjectsOf, type SpendFacts, windowName } from '../budgets/budget.js'
import type { CounterKey } from '../budgets/counter.js'
import { budgetLevel, percentUsed, type Standing } from '../budgets/standing.js'
import type { Party } from '../decide/command.js'
import type { Draft } from '../decide/draft.js'
import { ABOVE } from '../decide/limits.js'
import type { Done } from '../decide/outcome.js'
import { isOwnOf, resetToldOf } from '../decide/own-part.js'
import { ANYTHING, spendFacts } from '../decide/spend-facts.js'
import { spendingOn, standingsOf, tightestOn } from '../decide/standings.js'
import { keyOf } from '../keys/key.js'
import type { Transaction } from '../ledger/transaction.js'
import { toCredits } from '../money/credits.js'
import { formatInstant, formatInstantOrNull, type Instant } from '../time/instant.js'
import type { Ledger } from './ledger.js'
import type { OwnPart } from './own-keys.js'
import type { BudgetResult, BudgetsResult, TightestResult, WrittenBudgetResult } from './results.js'
import { writeResult, writtenRecord } from './write-results.js'

export interface BudgetsAsked {
  readonly party: Party
  /** Everybody's subjects of a budget for each of something, the most used first, and such a budget before anything was counted; otherwise only the party's own. */
  readonly withEverySubject: boolean
  /** The part of the account that is the party's to see; null for all of it. */
  readonly own: OwnPart | null
}

/** How many subjects of one budget are listed. */
const SUBJECTS_MAX = 100

/**
 * Budgets with what they have counted in their running windows, as of now. An operator is told of all. Anybody else is told
 * of those that concern it: what holds for the whole account or for its own key, member, run and environment and what stands
 * above its key, and the limits of the keys that were delegated below it. A delegated key is told only of its own and of
 * those below; where a limit above it would stop it first, `tightest` has what it leaves and neither its figures nor its name.
 */
export async function readBudgets(ledger: Ledger, account: string, { party, withEverySubject, own }: BudgetsAsked): Promise<BudgetsResult> {
  if (own?.isDelegated === true) return readOwnBudgets(ledger, account, { party, own })
  const others = withEverySubject ? await otherSubjects(ledger, account) : []
  return ledger.read(account, (draft) => {
    const facts = spendFacts(draft, party, ANYTHING)
    const below = lazily(() => keysBelow(draft, party))
    const wanted = draft.records('budget').flatMap((record) => {
      const budget = budgetOf(record)
      const keys = keysFor(budget, { facts, others, below, isAll: withEverySubject })
      return (keys.length === 0 && withEverySubject ? [{ budget: budget.id, subject: '' }] : keys).map((key) => ({ budget, key }))
    })
    const standings = standingsOf(draft, wanted)
    const hard = standings.filter(({ budget, counter }) => budget.enforcement === 'hard' && concerns(budget, counter.subject, facts))
    const tightest = hard.reduce<Standing | null>((least, one) => (least === null || one.remaining < least.remaining ? one : least), null)
    const run = standings.find(({ budget, counter }) => isOfRun(budget) && counter.subject === party.run && party.run !== null) ?? null
    return {
      budgets: standings.map(budgetResult),
      tightest: tightest === null ? null : budgetResult(tightest),
      run: run === null ? null : budgetResult(run),
    }
  })
}

/** Those of the key itself and of the keys below it. */
async function readOwnBudgets(ledger: Ledger, account: string, { party, own }: { readonly party: Party; readonly own: OwnPart }): Promise<BudgetsResult> {
  return ledger.read(account, (draft) => {
    const spending = spendingOn(draft, spendFacts(draft, party, ANYTHING))
    const wanted = draft.records('budget').map(budgetOf).flatMap((budget) => {
      const { values, each } = budget.scope
      if (values.key !== undefined) return own.keys.includes(values.key) && !countsApart(budget) ? [{ budget, key: { budget: budget.id, subject: '' } }] : []
      return each === 'key' ? own.keys.map((subject) => ({ budget, key: { budget: budget.id, subject } })) : []
    })
    const tightest = tightestOn(spending)
    return {
      budgets: standingsOf(draft, wanted).map(budgetResult),
      tightest: tightest === null ? null : isOwnOf(party.key, tightest) ? budgetResult(tightest) : resultAbove(tightest, resetToldOf(spending.facts, tightest)),
      run: null,
    }
  })
}

/** A limit above a delegated key: what it leaves, and nothing of whose it is. */
function resultAbove(standing: Standing, resetsAt: Instant): TightestResult {
  const { remaining, level, window, enforcement } = budgetResult(standing)
  return { ...UNTOLD, id: ABOVE, name: 'a limit above this key', remaining, resetsAt: formatInstantOrNull(resetsAt), level, window, enforcement }
}

const UNTOLD = { scope: {}, subject: null, thresholds: [], limit: null, used: null, reserved: null, percentUsed: null, since: null, raisedUntil: null } as const

/** The keys that were delegated by a party: below its key or, without one, by whoever had none. */
function keysBelow(draft: Draft, { key: id }: Party): ReadonlySet<string> {
  const below = draft.records('key').map(keyOf).filter(({ ancestors, isDelegated }) => (id === null ? isDelegated && ancestors.length === 0 : ancestors.includes(id)))
  return new Set(below.map((key) => key.id))
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => (made ??= { value: make() }).value
}

async function otherSubjects(ledger: Ledger, account: string): Promise<readonly CounterKey[]> {
  const budgets = await ledger.read(account, (draft) => draft.records('budget').map(budgetOf).filter(countsApart))
  const found: CounterKey[] = []
  for (const { id } of budgets) found.push(...(await ledger.query((store) => store.counters(account, id, SUBJECTS_MAX))))
  return found
}

interface Sight {
  readonly facts: SpendFacts
  readonly others: readonly CounterKey[]
  readonly below: () => ReadonlySet<string>
  readonly isAll: boolean
}

function keysFor(budget: Budget, { facts, others, below, isAll }: Sight): readonly CounterKey[] {
  const { id } = budget
  if (!countsApart(budget)) return isAll || concernsParty(budget, facts) || isBelow(budget, below) ? [{ budget: id, subject: '' }] : []
  const own = subjectsOf(budget, facts).map((subject) => ({ budget: id, subject }))
  const rest = others.filter((key) => key.budget === id && !own.some(({ subject }) => subject === key.subject))
  return [...own, ...rest.map(({ subject }) => ({ budget: id, subject }))]
}

function countsApart({ scope, window }: Budget): boolean {
  return scope.each !== null || window.kind === 'run'
}

function isOfRun({ scope, window }: Budget): boolean {
  return window.kind === 'run' || scope.each === 'run' || scope.values.run !== undefined
}

function isBelow({ scope: { values } }: Budget, below: () => ReadonlySet<string>): boolean {
  return values.key !== undefined && below().has(values.key)
}

/** Whether a budget would stop this party whatever it spends on. */
function concerns(budget: Budget, subject: string, facts: SpendFacts): boolean {
  return subjectsOf(budget, facts).includes(subject)
}

export function budgetResult(standing: Standing): BudgetResult {
  const { budget, counter, limit, remaining } = standing
  return {
    ...termsResult(budget),
    subject: counter.subject === '' ? null : counter.subject,
    limit: toCredits(limit),
    used: toCredits(counter.used),
    reserved: toCredits(counter.reserved),
    remaining: toCredits(remaining),
    percentUsed: percentUsed(counter.used + counter.reserved, limit),
    since: formatInstant(counter.windowStart),
    resetsAt: formatInstantOrNull(counter.windowEnd),
    // Without a raise that holds, those that the budget remembers have ended.
    raisedUntil: limit === budget.limit ? null : formatInstantOrNull(Math.max(...budget.raises.map(({ until }) => until))),
    level: budgetLevel(standing),
  }
}

/** What a write made of a budget, read from its row alone: whatever became of the budget since, a replay tells the same. */
export function writtenBudgetResult(done: Done): WrittenBudgetResult {
  const budget = budgetOf(writtenRecord(done, 'budget'))
  const { at } = done.transaction as Transaction
  const raises = budget.raises.filter(({ until }) => at < until)
  return {
    ...writeResult(done),
    ...termsResult(budget),
    limit: toCredits(limitAt(budget, at)),
    raisedUntil: raises.length === 0 ? null : formatInstantOrNull(Math.max(...raises.map(({ until }) => until))),
  }
}

function termsResult(budget: Budget) {
  const { id, name, window, enforcement, thresholds } = budget
  return { id, name: name ?? id, scope: scopeResult(budget), window: windowName(window), enforcement, thresholds }
}

/** The scope as it was given: labels by name and value. */
function scopeResult({ scope }: Budget): Readonly<Record<string, unknown>> {
  const entries = Object.entries(scope.values).map(([dimension, value]) =>
    dimension.startsWith('label:') ? ['label', { name: dimension.slice('label:'.length), value }] : [dimension, value],
  )
  return { ...Object.fromEntries(entries), ...(scope.each === null ? {} : { each: scope.each }) }
}
