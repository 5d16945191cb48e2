import type { BudgetResult, TightestResult } from '../usage/results.js'
import { credits, moment } from './format.js'
import { printable, type Style } from './output.js'
import { tableLines } from './table.js'

/** What a budget counts, in words: `tool search, each key`; all of the account's spending where nothing is said. */
export function scopeWords({ scope, subject }: Pick<BudgetResult, 'scope' | 'subject'>): string {
  const { each, label, ...values } = scope as { readonly each?: string; readonly label?: { readonly name: string; readonly value: string } }
  const words = [
    ...Object.entries(values).map(([dimension, value]) => `${dimension} ${String(value)}`),
    ...(label === undefined ? [] : [`${label.name}=${label.value}`]),
    ...(each === undefined ? [] : [subject === null ? `each ${each}` : `${each} ${subject}`]),
    ...(each === undefined && subject !== null ? [`run ${subject}`] : []),
  ]
  return words.length === 0 ? 'everything' : words.join(', ')
}

/** One budget in a sentence: `12 of 100 credits left in the window day, resets 2026-11-23 00:00 Europe/Berlin`. */
export function budgetWords({ remaining, limit, window, resetsAt, raisedUntil }: TightestResult, timeZone: string): string {
  const reset = resetsAt === null ? '' : `, resets ${moment(resetsAt, timeZone)}`
  const raised = raisedUntil === null ? '' : `, raised until ${moment(raisedUntil, timeZone)}`
  return `${credits(remaining)}${limit === null ? '' : ` of ${credits(limit)}`} credits left${windowWords(window)}${reset}${raised}`
}

const WINDOWS: Readonly<Record<string, string>> = {
  day: ' today',
  week: ' this week',
  month: ' this month',
  billing_period: ' in this billing period',
  total: ' in all',
  run: ' in a run',
}

function windowWords(window: string): string {
  return WINDOWS[window] ?? ` in ${window.replace('rolling:', 'any ')}`
}

export function budgetTable(budgets: readonly BudgetResult[], timeZone: string, style: Style): readonly string[] {
  return tableLines(
    budgets,
    [
      { head: 'Budget', cell: ({ id }) => id },
      { head: 'Counts', cell: scopeWords },
      { head: 'Window', cell: ({ window }) => window },
      { head: 'Used', cell: ({ used }) => credits(used), isNumber: true },
      { head: 'Reserved', cell: ({ reserved }) => credits(reserved), isNumber: true },
      { head: 'Limit', cell: ({ limit }) => credits(limit), isNumber: true },
      { head: 'Left', cell: ({ remaining }) => credits(remaining), isNumber: true },
      { head: 'Level', cell: ({ level }) => level },
      { head: 'At the limit', cell: ({ enforcement }) => (enforcement === 'hard' ? 'stops' : 'tells') },
      { head: 'Resets', cell: ({ resetsAt }) => (resetsAt === null ? 'never' : moment(resetsAt, timeZone)) },
      { head: 'Raised until', cell: ({ raisedUntil }) => (raisedUntil === null ? '' : moment(raisedUntil, timeZone)) },
    ],
    style,
  )
}

/** A budget that was just set or raised, for people. */
export function budgetLines(budget: BudgetResult, timeZone: string, style: Style): readonly string[] {
  const kind = budget.enforcement === 'hard' ? '' : ' (it tells and does not stop)'
  return [`${style.bold(printable(budget.id))}: ${budgetWords(budget, timeZone)}; counts ${printable(scopeWords(budget))}${kind}`]
}
