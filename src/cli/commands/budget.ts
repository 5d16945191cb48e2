import type { Credits } from '../../credits.js'
import type { Input } from '../../facade/inputs.js'
import type { WrittenBudgetResult } from '../../usage/results.js'
import { budgetLines, budgetTable } from '../budget-words.js'
import { command, type CommandDefinition, type Report } from '../definition.js'
import { printable, type Style } from '../output.js'
import { readNumber, readScope } from '../words.js'
import { again, given, IDEMPOTENCY_KEY } from './spend.js'

const ID = { flags: '<id>', summary: 'its name in the account' } as const

const list = command({
  name: 'budget list',
  isReading: true,
  summary: 'list the budgets with what they have counted, and which would stop first',
  example: 'budget list',
  run: async ({ open, style }) => {
    const ledger = await open()
    const { budgets, tightest } = await ledger.budgets()
    const { timeZone } = await ledger.account()
    const first = tightest === null ? [] : ['', `${printable(tightest.id)} would stop first.`]
    return {
      result: budgets,
      text: () => (budgets.length === 0 ? ['There are no budgets.'] : [...budgetTable(budgets, timeZone, style), ...first]),
    }
  },
})

interface SetOptions {
  readonly window?: string
  readonly scope?: readonly string[]
  readonly each?: string
  readonly alert?: boolean
  readonly threshold?: readonly string[]
  readonly name?: string
  readonly idempotencyKey?: string
}

const set = command<SetOptions>({
  name: 'budget set',
  summary: 'make a budget, or change one; what it has counted stays counted unless its window or scope changes',
  arguments: [ID, { flags: '<credits>', summary: 'how much may be spent in each window' }],
  options: [
    { flags: '--window <window>', summary: 'day, week, month (unless told), billing_period, total, run or rolling:<hours>h' },
    {
      flags: '--scope <name=value>',
      summary: 'count only this: tool, operation, category, key, member, environment, run or label:<name>, with its value',
      isRepeatable: true,
    },
    { flags: '--each <what>', summary: 'count each key, member, tool, operation, category, environment, run or label:<name> apart' },
    { flags: '--alert', summary: 'tell when the limit is reached, and stop nothing' },
    { flags: '--threshold <percent>', summary: 'tell when so much of it is used; 80 and 95 unless told', isRepeatable: true },
    { flags: '--name <text>', summary: 'what it is called for people' },
    IDEMPOTENCY_KEY,
  ],
  example: 'budget set searching 100 --window day --scope tool=web_search',
  fields: { limit: '<credits>', id: '<id>', thresholds: '--threshold' },
  run: async ({ open, arguments: [id = '', limit = ''], options, style }) => {
    const input = given<Input<'setBudget'>>({
      id,
      limit,
      window: options.window,
      scope: readScope(options.scope, options.each),
      enforcement: options.alert === true ? 'alert' : undefined,
      thresholds: options.threshold?.map((text) => readNumber(text, '--threshold')),
      name: options.name,
      idempotencyKey: options.idempotencyKey,
    })
    const ledger = await open()
    return written(ledger, await ledger.setBudget(input), style)
  },
})

const remove = command<{ readonly idempotencyKey?: string }>({
  name: 'budget remove',
  summary: 'remove a budget: it limits nothing any more',
  arguments: [ID],
  options: [IDEMPOTENCY_KEY],
  example: 'budget remove searching',
  run: async ({ open, arguments: [id = ''], options: { idempotencyKey }, style }) => {
    const ledger = await open()
    const done = await ledger.removeBudget(given<Input<'byId'>>({ id, idempotencyKey }))
    return { result: { id, ...done }, text: () => [`${style.bold(printable(id))} is removed${again(done)}`] }
  },
})

const raise = command<{ readonly until?: string; readonly idempotencyKey?: string }>({
  name: 'budget raise',
  summary: "raise a budget's limit, or the plan's spending cap by the id spending_cap, for a time or for good",
  arguments: [ID, { flags: '<credits>', summary: 'by how much' }],
  options: [{ flags: '--until <instant>', summary: 'until this instant (ISO 8601); for good unless told' }, IDEMPOTENCY_KEY],
  example: 'budget raise searching 50 --until 2026-12-01T00:00:00Z',
  fields: { credits: '<credits>', id: '<id>' },
  run: async ({ open, arguments: [id = '', amount = ''], options: { until, idempotencyKey }, style }) => {
    const ledger = await open()
    const done = await ledger.raiseBudget(given<Input<'raiseBudget'>>({ id, credits: amount, until, idempotencyKey }))
    return written(ledger, done, style)
  },
})

/** What was written; people are told beside it how the budget stands now. */
async function written(ledger: Credits, done: WrittenBudgetResult, style: Style): Promise<Report> {
  const { budgets } = await ledger.budgets()
  const { timeZone } = await ledger.account()
  const standing = budgets.find(({ id }) => id === done.id)
  return {
    result: done,
    text: () => (standing === undefined ? [`${style.bold(printable(done.id))} is not there any more`] : budgetLines(standing, timeZone, style)),
  }
}

export const budgetCommands: readonly CommandDefinition[] = [list, set, raise, remove]
