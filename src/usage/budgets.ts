import { type Budget, budgetOf, type Dimension, limitAt, subjectsOf, type SpendFacts, windowName } from '../budgets/budget.js'
import type { CounterKey } from '../budgets/counter.js'
import { budgetLevel, percentUsed, type Standing } from '../budgets/standing.js'
import type { Party } from '../decide/command.js'
import type { Done } from '../decide/outcome.js'
import { ANYTHING, spendFacts } from '../decide/spend-facts.js'
import { standingsOf } from '../decide/standings.js'
import type { Transaction } from '../ledger/transaction.js'
import { toCredits } from '../money/credits.js'
import { formatInstant, formatInstantOrNull } from '../time/instant.js'
import type { Ledger } from './ledger.js'
import type { BudgetResult, BudgetsResult, WrittenBudgetResult } from './results.js'
import { writeResult, writtenRecord } from './write-results.js'

export interface BudgetsAsked {
  readonly party: Party
  /** Everybody's subjects of a budget for each of something, the most used first, and such a budget before anything was counted; otherwise only the party's own. */
  readonly withEverySubject: boolean
}

/** How many subjects of one budget are listed. */
const SUBJECTS_MAX = 100

/** Every budget of an account with what it has counted in its running window, as of now. */
export async function readBudgets(ledger: Ledger, account: string, { party, withEverySubject }: BudgetsAsked): Promise<BudgetsResult> {
  const others = withEverySubject ? await otherSubjects(ledger, account) : []
  return ledger.read(account, (draft) => {
    const facts = spendFacts(draft, party, ANYTHING)
    const wanted = draft.records('budget').flatMap((record) => {
      const budget = budgetOf(record)
      const keys = keysFor(budget, facts, others, withEverySubject)
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

async function otherSubjects(ledger: Ledger, account: string): Promise<readonly CounterKey[]> {
  const budgets = await ledger.read(account, (draft) => draft.records('budget').map(budgetOf).filter(countsApart))
  const found: CounterKey[] = []
  for (const { id } of budgets) found.push(...(await ledger.query((store) => store.counters(account, id, SUBJECTS_MAX))))
  return found
}

function keysFor(budget: Budget, facts: SpendFacts, others: readonly CounterKey[], isAll: boolean): readonly CounterKey[] {
  const { id } = budget
  if (!countsApart(budget)) return isAll || isOwn(budget, facts) ? [{ budget: id, subject: '' }] : []
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

/** What is somebody else's alone is not a party's to see. */
const PERSONAL: readonly Dimension[] = ['key', 'member', 'environment', 'run']

function isOwn(budget: Budget, facts: SpendFacts): boolean {
  const personal = Object.fromEntries(Object.entries(budget.scope.values).filter(([dimension]) => PERSONAL.includes(dimension as Dimension)))
  return subjectsOf({ scope: { values: personal, each: null }, window: { kind: 'total' } }, facts).length > 0
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
