import { type Approval, approvalDocument, approvalOf, PENDING_BY_KEY_MAX, statusAt } from '../budgets/approval.js'
import type { ApprovalTerms, Guard } from '../budgets/guard.js'
import { type AccountRecord, OPEN_RECORDS_MAX } from '../ledger/account-record.js'
import { LATE_SETTLEMENT_MS, type Reservation } from '../ledger/reservation.js'
import type { Transaction } from '../ledger/transaction.js'
import { creditWords, formatCredits, type MicroCredits, toCredits } from '../money/credits.js'
import { formatInstant } from '../time/instant.js'
import type { Draft } from './draft.js'
import { type GuardedCall, guardOn } from './guards.js'
import { tell } from './messages.js'
import { refuse, type Refused } from './outcome.js'
import { keyNamed, keyNameOf } from './spend-facts.js'

/** A person's yes that a call can be made on. */
export interface Consent {
  readonly kind: 'consent'
  readonly approval: Approval
  readonly record: AccountRecord
}

/**
 * Finds the yes that a call needs, or asks for it (AX-04): a question to people, left by the refusal itself. The same call
 * finds its own question again, so that asking twice makes no second one; what nobody answered in time is asked anew.
 */
export function withConsent(draft: Draft, guard: Guard<ApprovalTerms>, call: GuardedCall): Consent | Refused {
  const id = approvalId(call)
  const own = draft.record('approval', id)
  const record = [own, ...standing(draft, call.key)].find((one) => one !== null && isUsable(draft, approvalOf(one), call))
  if (record != null) return { kind: 'consent', approval: approvalOf(record), record }
  const said = own === null ? null : approvalOf(own)
  if (said !== null && isAnswerTo(draft, said, call)) return refuseFor(draft, guard, call, said)
  return ask(draft, guard, call, said)
}

/** The same call has the same question, whatever it costs by now. */
function approvalId({ digest }: GuardedCall): string {
  return `ap_${digest.slice(-16)}`
}

/** What a key was told yes to in advance, for any one call. */
function standing(draft: Draft, key: string | null): readonly AccountRecord[] {
  return draft.records('approval').filter((record) => {
    const approval = approvalOf(record)
    return approval.asks === 'approval' && approval.key === key
  })
}

function isUsable(draft: Draft, approval: Approval, { amount }: Pick<GuardedCall, 'amount'>): boolean {
  const { state, expiresAt, maximum } = approval
  return state === 'approved' && draft.at < expiresAt && amount <= maximum && !isSpent(draft, approval)
}

/** Whether a yes has been spent: by a charge, or by a reservation that is open or was settled. */
export function isSpent(draft: Draft, { state, usedBy }: Approval): boolean {
  return state === 'used' || (usedBy !== null && !isGivenBack(draft, usedBy))
}

/**
 * A reservation that was released has cost nothing: the next round of its call, or its next try, goes on with the same yes.
 * One that timed out may still be charged late, and a yes is spent once.
 */
function isGivenBack(draft: Draft, sequence: number): boolean {
  const reservation = draft.reservation(sequence)
  if (reservation?.state === 'expired') return draft.at >= reservation.expiresAt + LATE_SETTLEMENT_MS
  return reservation?.state === 'released'
}

/** Whether a question still waits for its answer, or its answer was no. A question about less is another one. */
function isAnswerTo(draft: Draft, { state, expiresAt, maximum }: Approval, { amount }: GuardedCall): boolean {
  if (draft.at >= expiresAt) return false
  return state === 'denied' || (state === 'pending' && amount <= maximum)
}

function ask(draft: Draft, guard: Guard<ApprovalTerms>, call: GuardedCall, before: Approval | null): Refused {
  const full = closeLapsed(draft).filter((approval) => approval.id !== before?.id)
  if (isTooMany(full, call.key)) return refuseToAsk(draft, guard, call)
  const { key, operation, variant, tool, quantity, labels, amount: maximum } = call
  const approval: Approval = {
    id: approvalId(call),
    asks: 'call',
    state: 'pending',
    key,
    operation,
    variant,
    tool,
    quantity,
    labels,
    keyName: keyNameOf(draft, key),
    maximum,
    budget: null,
    reason: null,
    asked: (before?.asked ?? 0) + 1,
    askedAt: draft.at,
    expiresAt: draft.at + guard.waitMs,
    answeredBy: null,
    usedBy: null,
  }
  putApproval(draft, approval, draft.account.sequence)
  tellAsked(draft, approval, { name: approval.id, at: draft.at })
  return refuseFor(draft, guard, call, approval)
}

/** Closes what nobody answered or used in time, so that it is not looked at again; returns what still waits for an answer. */
export function closeLapsed(draft: Draft): readonly Approval[] {
  const open = draft.records('approval')
  for (const record of open) {
    const { expiresAt } = approvalOf(record)
    if (draft.at >= expiresAt) draft.putRecord({ ...record, isOpen: false }, record)
  }
  return open.map(approvalOf).filter((approval) => statusAt(approval, draft.at) === 'pending')
}

/** Whether one more question would be more than a person reads. */
export function isTooMany(waiting: readonly Approval[], key: string | null): boolean {
  return waiting.length >= OPEN_RECORDS_MAX.approval || waiting.filter((approval) => approval.key === key).length >= PENDING_BY_KEY_MAX
}

/** Writes a question as it now stands. */
function putApproval(draft: Draft, approval: Approval, sequence: number): void {
  const record = { kind: 'approval', id: approval.id, sequence, isOpen: isLookedThrough(approval), lookup: null, document: approvalDocument(approval) } as const
  draft.putRecord(record, draft.record('approval', approval.id))
}

/**
 * Whether it is among those that every call which needs a yes looks through: what waits for an answer, and a yes that is
 * for any call. A yes to one call is found by that call; an agent whose client always says yes would leave thousands open.
 */
export function isLookedThrough({ asks, state }: Pick<Approval, 'asks' | 'state'>): boolean {
  return state === 'pending' || (state === 'approved' && asks === 'approval')
}

/** Tells people what they are asked, in the write that asks. */
export function tellAsked(draft: Draft, approval: Approval, named?: Parameters<typeof tell>[2]): void {
  const { id, asks, key, operation, tool, maximum, budget, reason, expiresAt } = approval
  const facts = { approval: id, asks, key, operation, tool, credits: toCredits(maximum), budget, reason, expiresAt }
  tell(draft, { type: 'approval_requested', ...facts }, named)
}

/** Remembers what a yes went into, in the write of it. A charge ends it; a reservation may still come to nothing. */
export function noteConsent(draft: Draft, { approval }: Consent, by: Transaction, reservation: Reservation | null): void {
  const used: Approval = { ...approval, state: reservation === null ? 'used' : 'approved', usedBy: (reservation ?? by).sequence }
  putApproval(draft, used, by.sequence)
}

/** What a person has to type. */
export function howToApprove(draft: Draft, id: string): string {
  return `npx mcp-credits approve ${id} --account ${draft.account.id}`
}

function refuseFor(draft: Draft, guard: Guard<ApprovalTerms>, call: GuardedCall, approval: Approval): Refused {
  const { id, state, maximum, askedAt, expiresAt } = approval
  const how = howToApprove(draft, id)
  const until = formatInstant(expiresAt)
  const isDenied = state === 'denied'
  const facts = { id, status: state, maximum: toCredits(maximum), askedAt: formatInstant(askedAt), expiresAt: until, how, atClient: mayClientAnswer(draft, guard, call.key) }
  return refuse('approval_required', `${wordsOf(guard, call)}${isDenied ? ', and it was denied' : ''}`, {
    details: detailsOf(guard, call),
    advice: isDenied
      ? ['A person said no: do it for less, do without it, or talk it over with your user.', `Until ${until} the answer stands; an operator may change it: ${how}`]
      : [`A person has to approve it by ${until}: ${how}`, 'Then make the very same call again; it is done once.'],
    approval: facts,
  })
}

function refuseToAsk(draft: Draft, guard: Guard<ApprovalTerms>, call: GuardedCall): Refused {
  return refuse('approval_required', `${wordsOf(guard, call)}, and too many questions wait for an answer already`, {
    details: { ...detailsOf(guard, call), pendingMax: PENDING_BY_KEY_MAX },
    advice: [`Answer those first: npx mcp-credits approvals --account ${draft.account.id}`, 'Then make the very same call again.'],
  })
}

/**
 * Whether whoever sits at the client may answer for a key. Behind a delegated one sits an agent that another has sent: its
 * yes would be its own.
 */
export function mayClientAnswer(draft: Draft, { byClient }: ApprovalTerms, key: string | null): boolean {
  return byClient && (key === null || keyNamed(draft, key)?.isDelegated !== true)
}

type Costing = Pick<GuardedCall, 'key' | 'operation' | 'tool' | 'amount' | 'available'> & Partial<Pick<GuardedCall, 'variant' | 'quantity'>>

function wordsOf({ above }: ApprovalTerms, { operation, tool, amount, available }: Costing): string {
  const sums = `a person has to approve more than ${formatCredits(above)}, and ${formatCredits(available)} are available`
  return `${tool ?? operation} costs up to ${creditWords(amount)}; ${sums}`
}

function detailsOf({ above }: ApprovalTerms, { operation, variant, quantity, tool, amount, available }: Costing): Readonly<Record<string, unknown>> {
  return { operation, ...(quantity === undefined ? {} : { variant, quantity }), tool, required: toCredits(amount), above: toCredits(above), available: toCredits(available) }
}

/** Why a call that is only estimated would be asked about; null where it would not. An estimate asks nobody. */
export function wouldAsk(draft: Draft, call: Costing): Refused | null {
  const guard = guardOn(draft, 'approval')
  if (guard === null || call.amount <= guard.above) return null
  if (standing(draft, call.key).some((record) => isUsable(draft, approvalOf(record), call))) return null
  return refuse('approval_required', wordsOf(guard, call), {
    details: detailsOf(guard, call),
    advice: ['Make the call: that asks. Or ask beforehand with request_credits of the kind approval.'],
  })
}

/**
 * What may be charged for a reservation in all, whatever was consumed: nobody said yes to more than what was set aside, and
 * nobody was asked about more than what needs no yes. Null for no such limit.
 */
export function limitByConsent(draft: Draft, reserved: MicroCredits): MicroCredits | null {
  const guard = guardOn(draft, 'approval')
  if (guard === null) return null
  return reserved > guard.above ? reserved : guard.above
}
