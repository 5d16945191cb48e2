import { parsePositiveCredits } from '../money/credits.js'
import { readBudgets, writtenBudgetResult } from '../usage/budgets.js'
import { readMessages } from '../usage/messages.js'
import { alertResult, readAlerts } from '../usage/parties.js'
import type * as results from '../usage/results.js'
import { writeResult, writtenRecord } from '../usage/write-results.js'
import type { Desk } from './desk.js'
import { type Input, inputs } from './inputs.js'
import { readAmount, readInput, readInstant } from './read-input.js'
import { alertThresholdOf, budgetTermsOf } from './terms.js'

export async function setBudget(desk: Desk, input: Input<'setBudget'>): Promise<results.WrittenBudgetResult> {
  const asked = readInput(inputs.setBudget, input)
  return writtenBudgetResult(await desk.write('set_budget', asked, { id: asked.id, terms: budgetTermsOf(asked) }))
}

export async function removeBudget(desk: Desk, input: Input<'byId'>): Promise<results.WriteResult> {
  const asked = readInput(inputs.byId, input)
  return writeResult(await desk.write('remove_budget', asked, { id: asked.id }))
}

export async function raiseBudget(desk: Desk, input: Input<'raiseBudget'>): Promise<results.WrittenBudgetResult> {
  const asked = readInput(inputs.raiseBudget, input)
  const amount = readAmount(parsePositiveCredits, asked.credits, 'credits')
  const until = readInstant(asked.until, 'until')
  return writtenBudgetResult(await desk.write('raise_budget', asked, { id: asked.id, amount, until }))
}

export async function setAlert(desk: Desk, input: Input<'setAlert'>): Promise<results.AlertResult> {
  const asked = readInput(inputs.setAlert, input)
  const done = await desk.write('set_alert', asked, { id: asked.id, threshold: alertThresholdOf(asked) })
  return alertResult(writtenRecord(done, 'alert'))
}

export async function removeAlert(desk: Desk, input: Input<'byId'>): Promise<results.WriteResult> {
  const asked = readInput(inputs.byId, input)
  return writeResult(await desk.write('remove_alert', asked, { id: asked.id }))
}

export async function alerts(desk: Desk, input: Input<'account'>): Promise<readonly results.AlertResult[]> {
  const { account } = readInput(inputs.account, input)
  const id = desk.accountOf(account)
  // They are of the account's balance, which a delegated key does not see.
  return (await desk.ownPart(id)) === null ? readAlerts(desk.ledger, id) : []
}

export async function messages(desk: Desk, input: Input<'messages'>): Promise<readonly results.MessageResult[]> {
  const { account, limit } = readInput(inputs.messages, input)
  const id = desk.accountOf(account)
  return readMessages(desk.ledger, id, limit, await desk.ownPart(id))
}

export async function budgets(desk: Desk, input: Input<'account'>): Promise<results.BudgetsResult> {
  const { account } = readInput(inputs.account, input)
  const id = desk.accountOf(account)
  return readBudgets(desk.ledger, id, { party: desk.actorIn(id), withEverySubject: desk.party.holder === 'operator', own: await desk.ownPart(id) })
}
