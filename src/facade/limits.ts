import { CreditError } from '../errors.js'
import { parsePositiveCredits } from '../money/credits.js'
import { readBudgets } from '../usage/budgets.js'
import { readMessages } from '../usage/messages.js'
import { alertResult, readAlerts } from '../usage/parties.js'
import type * as results from '../usage/results.js'
import { writeResult } from '../usage/write-results.js'
import type { Desk } from './desk.js'
import { type Input, inputs } from './inputs.js'
import { readAmount, readInput, readInstant } from './read-input.js'
import { alertThresholdOf, budgetTermsOf } from './terms.js'

export async function setBudget(desk: Desk, input: Input<'setBudget'>): Promise<results.BudgetResult> {
  const asked = readInput(inputs.setBudget, input)
  await desk.write('set_budget', asked, { id: asked.id, terms: budgetTermsOf(asked) })
  return budgetOf(desk, asked.account, asked.id)
}

export async function removeBudget(desk: Desk, input: Input<'byId'>): Promise<results.WriteResult> {
  const asked = readInput(inputs.byId, input)
  return writeResult(await desk.write('remove_budget', asked, { id: asked.id }))
}

export async function raiseBudget(desk: Desk, input: Input<'raiseBudget'>): Promise<results.BudgetResult> {
  const asked = readInput(inputs.raiseBudget, input)
  const amount = readAmount(parsePositiveCredits, asked.credits, 'credits')
  await desk.write('raise_budget', asked, { id: asked.id, amount, until: readInstant(asked.until, 'until') })
  return budgetOf(desk, asked.account, asked.id)
}

async function budgetOf(desk: Desk, account: string | undefined, id: string): Promise<results.BudgetResult> {
  const { budgets } = await readBudgets(desk.ledger, desk.accountOf(account), { party: desk.party, withEverySubject: false, withUncounted: true })
  const found = budgets.find((budget) => budget.id === id)
  if (found !== undefined) return found
  throw new CreditError('unknown_budget', `The budget ${JSON.stringify(id.slice(0, 64))} was removed meanwhile`)
}

export async function setAlert(desk: Desk, input: Input<'setAlert'>): Promise<results.AlertResult> {
  const asked = readInput(inputs.setAlert, input)
  const { record } = await desk.write('set_alert', asked, { id: asked.id, threshold: alertThresholdOf(asked) })
  return record === null ? alertOf(desk, asked.account, asked.id) : alertResult(record)
}

async function alertOf(desk: Desk, account: string | undefined, id: string): Promise<results.AlertResult> {
  const found = (await alerts(desk, { account })).find((alert) => alert.id === id)
  if (found !== undefined) return found
  throw new CreditError('unknown_alert', `The alert ${JSON.stringify(id.slice(0, 64))} was removed meanwhile`)
}

export async function removeAlert(desk: Desk, input: Input<'byId'>): Promise<results.WriteResult> {
  const asked = readInput(inputs.byId, input)
  return writeResult(await desk.write('remove_alert', asked, { id: asked.id }))
}

export async function alerts(desk: Desk, input: Input<'account'>): Promise<readonly results.AlertResult[]> {
  const { account } = readInput(inputs.account, input)
  return readAlerts(desk.ledger, desk.accountOf(account))
}

export async function messages(desk: Desk, input: Input<'messages'>): Promise<readonly results.MessageResult[]> {
  const { account, limit } = readInput(inputs.messages, input)
  return readMessages(desk.ledger, desk.accountOf(account), limit)
}

export async function budgets(desk: Desk, input: Input<'account'>): Promise<results.BudgetsResult> {
  const { account } = readInput(inputs.account, input)
  return readBudgets(desk.ledger, desk.accountOf(account), { party: desk.party, withEverySubject: desk.party.holder === 'operator' })
}
