import { parsePositiveCredits } from '../money/credits.js'
import { type Asker, type Asking, askingAtClient } from '../usage/ask-at-client.js'
import { questionsOf, readApprovals, readGuards, requestResult, resolvedApprovalResult, writtenGuardResult } from '../usage/guards.js'
import type * as results from '../usage/results.js'
import { writeResult } from '../usage/write-results.js'
import type { Desk } from './desk.js'
import { type Input, inputs } from './inputs.js'
import { readAmount, readInput } from './read-input.js'
import { guardTermsOf } from './terms.js'

export async function setGuard(desk: Desk, input: Input<'setGuard'>): Promise<results.WrittenGuardResult> {
  const asked = readInput(inputs.setGuard, input)
  return writtenGuardResult(await desk.write('set_guard', asked, { terms: guardTermsOf(asked) }))
}

export async function removeGuard(desk: Desk, input: Input<'byGuard'>): Promise<results.WriteResult> {
  const asked = readInput(inputs.byGuard, input)
  return writeResult(await desk.write('remove_guard', asked, { id: asked.id }))
}

export async function resetGuard(desk: Desk, input: Input<'byGuard'>): Promise<results.WrittenGuardResult> {
  const asked = readInput(inputs.byGuard, input)
  return writtenGuardResult(await desk.write('reset_guard', asked, { id: asked.id }))
}

export async function guards(desk: Desk, input: Input<'account'>): Promise<readonly results.GuardResult[]> {
  const { account } = readInput(inputs.account, input)
  return readGuards(desk.ledger, desk.accountOf(account))
}

export async function approvals(desk: Desk, input: Input<'approvals'>): Promise<readonly results.ApprovalResult[]> {
  const { account, all, limit } = readInput(inputs.approvals, input)
  const id = desk.accountOf(account)
  return readApprovals(desk.ledger, id, { isAll: all, limit, own: await desk.ownPart(id) })
}

export async function requestCredits(desk: Desk, input: Input<'requestCredits'>): Promise<results.RequestResult> {
  const asked = readInput(inputs.requestCredits, input)
  const amount = readAmount(parsePositiveCredits, asked.credits, 'credits')
  return requestResult(await desk.write('request_credits', asked, { amount, asks: asked.kind, reason: asked.reason, budget: asked.budget ?? null }))
}

export function approve(desk: Desk, input: Input<'byId'>): Promise<results.ResolvedApprovalResult> {
  return resolve(desk, input, 'approved')
}

export function deny(desk: Desk, input: Input<'byId'>): Promise<results.ResolvedApprovalResult> {
  return resolve(desk, input, 'denied')
}

async function resolve(desk: Desk, input: Input<'byId'>, answer: 'approved' | 'denied'): Promise<results.ResolvedApprovalResult> {
  const asked = readInput(inputs.byId, input)
  return resolvedApprovalResult(await desk.write('resolve_approval', asked, { id: asked.id, answer, by: 'operator' }))
}

export async function answerAtClient(desk: Desk, input: Input<'answerAtClient'>): Promise<results.ResolvedApprovalResult> {
  const { account, id, approved } = readInput(inputs.answerAtClient, input)
  return resolvedApprovalResult(await desk.write('resolve_approval', { account }, { id, answer: approved ? 'approved' : 'denied', by: 'client' }))
}

export function asking<T>(desk: Desk, asker: Asker, work: () => Promise<T>): Promise<Asking<T>> {
  const account = desk.accountOf(undefined)
  return askingAtClient(questionsOf(desk.ledger, account, desk.actorIn(account)), asker, work)
}
