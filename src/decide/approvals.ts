import { type Approval, approvalDocument, approvalOf, statusAt } from '../budgets/approval.js'
import { APPROVAL_DEFAULTS } from '../budgets/guard.js'
import type { AccountRecord } from '../ledger/account-record.js'
import { PRIORITY_DEFAULT } from '../ledger/grant.js'
import { formatCredits, toCredits } from '../money/credits.js'
import { formatInstant } from '../time/instant.js'
import { moveLimit, raisable } from './budgets.js'
import type { ResolveApprovalCommand } from './guard-command.js'
import { isLookedThrough, isSpent, mayClientAnswer } from './consent.js'
import type { Draft } from './draft.js'
import { decideGrant } from './grant.js'
import { guardOn } from './guards.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { openRecord, postRecord, unknownRecord } from './records.js'
import { done } from './result.js'

/**
 * Takes a person's answer to what was asked (AX-04, AX-16). A yes to a call lets that very call be made, once; a yes to a
 * request does in the same write what was asked for. Answered alike before, nothing is left to do.
 */
export function decideResolveApproval(draft: Draft, command: ResolveApprovalCommand): Outcome {
  const { id, answer } = command
  const record = draft.record('approval', id)
  if (record === null) return unknownApproval(draft, id)
  const approval = approvalOf(record)
  const refused = command.by === 'client' ? refusalToClient(draft, command, approval) : null
  if (refused !== null) return refused
  if (isAnsweredAlike(draft, approval, answer)) return { ...done(draft, null), record }
  const closed = refusalToAnswer(draft, approval, answer)
  if (closed !== null) return closed
  return answer === 'denied' ? deny(draft, command, record) : approve(draft, command, record)
}

/** The one answer about what this party was not asked, whoever else was. */
function unknownApproval(draft: Draft, id: string): Refused {
  const unknown = unknownRecord(draft, 'approval', 'unknown_approval', id)
  const advice = [`See what waits for an answer: npx mcp-credits approvals --account ${draft.account.id}`]
  return { ...unknown, refusal: { ...unknown.refusal, advice } }
}

/**
 * Whoever sits at the client answers what that client's own call has asked, where the guard lets them, and never makes a
 * yes of a no: what comes from a client may come from its agent.
 */
function refusalToClient(draft: Draft, { actor, id }: ResolveApprovalCommand, approval: Approval): Refused | null {
  if (approval.key !== actor.key || approval.asks !== 'call') return unknownApproval(draft, id)
  const guard = guardOn(draft, 'approval')
  if (guard === null || !mayClientAnswer(draft, guard, actor.key)) {
    const advice = ['Ask an operator to answer it.']
    return refuse('forbidden', 'Only an operator answers this', { details: { approval: id }, advice })
  }
  return approval.state === 'pending' || approval.state === 'approved' ? null : cannotAnswer(draft, approval)
}

function isAnsweredAlike(draft: Draft, approval: Approval, answer: ResolveApprovalCommand['answer']): boolean {
  const { state, asks } = approval
  if (answer === 'denied') return state === 'denied' && draft.at < approval.expiresAt
  if (state === 'granted') return asks === 'budget' || asks === 'top_up'
  return state === 'approved' && draft.at < approval.expiresAt && !isSpent(draft, approval)
}

function refusalToAnswer(draft: Draft, approval: Approval, answer: ResolveApprovalCommand['answer']): Refused | null {
  const isOpen = draft.at < approval.expiresAt && !isSpent(draft, approval)
  const from = answer === 'denied' ? 'approved' : 'denied'
  return isOpen && (approval.state === 'pending' || approval.state === from) ? null : cannotAnswer(draft, approval)
}

function cannotAnswer(draft: Draft, approval: Approval): Refused {
  const { id, asks, expiresAt } = approval
  const status = isSpent(draft, approval) ? 'used' : statusAt(approval, draft.at)
  const when = status === 'lapsed' ? ` since ${formatInstant(expiresAt)}` : ''
  return refuse('invalid_request', `The ${asks === 'call' ? 'approval' : 'request'} ${id} is ${status}${when}; it can be answered no more`, {
    details: { approval: id, status },
    advice: [asks === 'call' ? 'Whoever makes the same call again asks anew.' : 'Whoever needs it asks anew.'],
  })
}

function deny(draft: Draft, command: ResolveApprovalCommand, record: AccountRecord): Outcome {
  const waitMs = guardOn(draft, 'approval')?.waitMs ?? APPROVAL_DEFAULTS.waitMs
  return post(draft, command, record, { state: 'denied', expiresAt: draft.at + waitMs })
}

function approve(draft: Draft, command: ResolveApprovalCommand, record: AccountRecord): Outcome {
  const { asks } = approvalOf(record)
  if (asks === 'budget') return raise(draft, command, record)
  if (asks === 'top_up') return topUp(draft, command, record)
  const validMs = guardOn(draft, 'approval')?.validMs ?? APPROVAL_DEFAULTS.validMs
  return post(draft, command, record, { state: 'approved', expiresAt: draft.at + validMs })
}

/** Raises the budget that the request names for good, as credits bought for it do; the row of the answer tells of it. */
function raise(draft: Draft, command: ResolveApprovalCommand, record: AccountRecord): Outcome {
  const { budget: id, maximum } = approvalOf(record)
  const budget = openRecord(draft, 'budget', id ?? '')
  if (budget === null) return budgetGone(draft, record.id, id ?? '')
  const possible = raisable(budget, maximum)
  if (possible < maximum) {
    return refuse('invalid_amount', `The limit of ${id} can be raised by ${formatCredits(possible)} at most`, {
      details: { budget: id, possible: toCredits(possible) },
    })
  }
  const outcome = post(draft, command, record, { state: 'granted' }, { budget: id, limitRaised: toCredits(maximum) })
  moveLimit(draft, budget, maximum)
  return outcome
}

/** What was asked for is there no more: of a request for it only a no is left to give. */
function budgetGone(draft: Draft, request: string, id: string): Refused {
  const unknown = unknownRecord(draft, 'budget', 'unknown_budget', id)
  const advice = [`It was removed since it was asked for, so deny the request: npx mcp-credits deny ${request} --account ${draft.account.id}`]
  return { ...unknown, refusal: { ...unknown.refusal, advice } }
}

function topUp(draft: Draft, command: ResolveApprovalCommand, record: AccountRecord): Outcome {
  const { id, maximum, reason } = approvalOf(record)
  const { account, actor } = command
  const granted = decideGrant(draft, {
    kind: 'grant',
    account,
    actor,
    idempotencyKey: null,
    fingerprint: null,
    amount: maximum,
    source: 'adjustment',
    priority: PRIORITY_DEFAULT,
    isPaid: false,
    effectiveAt: null,
    expiresAt: null,
    reason: `${id}: ${reason ?? ''}`,
  })
  return granted.kind === 'refused' ? granted : post(draft, command, record, { state: 'granted' })
}

/** Writes the answer, with who gave it; what is closed by it says all the same what it has become. */
function post(
  draft: Draft,
  command: ResolveApprovalCommand,
  record: AccountRecord,
  answered: Pick<Approval, 'state'> & Partial<Pick<Approval, 'expiresAt'>>,
  more: Readonly<Record<string, unknown>> = {},
): Outcome {
  const approval: Approval = { ...approvalOf(record), ...answered, answeredBy: command.by, usedBy: null }
  const document = approvalDocument(approval)
  const isOpen = isLookedThrough(approval)
  return postRecord(draft, command, { kind: 'approval', id: record.id, change: 'approval_resolved', document, isOpen, detail: { document, ...more } }, record)
}
