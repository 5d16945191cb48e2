import { approvalOf, statusAt } from '../budgets/approval.js'
import { guardOf } from '../budgets/guard.js'
import type { Actor, Party } from '../decide/command.js'
import type { Done } from '../decide/outcome.js'
import type { AccountRecord } from '../ledger/account-record.js'
import { toCredits } from '../money/credits.js'
import { formatInstant, type Instant, SECOND_MS } from '../time/instant.js'
import type { Questions } from './ask-at-client.js'
import type { Ledger } from './ledger.js'
import { budgetNameTo, type OwnPart } from './own-keys.js'
import type { ApprovalResult, GuardResult, RequestResult, ResolvedApprovalResult, WrittenGuardResult } from './results.js'
import { writeResult, writtenRecord } from './write-results.js'

/** The guards of an account. @throws CreditError `unknown_account` */
export function readGuards(ledger: Ledger, account: string): Promise<readonly GuardResult[]> {
  return ledger.read(account, (draft) => draft.records('guard').map(guardResult))
}

function guardResult(record: AccountRecord): GuardResult {
  const guard = guardOf(record)
  const nothing = { above: null, validSeconds: null, waitSeconds: null, client: null, identical: null, burn: null }
  if (guard.kind === 'approval') {
    const { above, validMs, waitMs, byClient } = guard
    return { ...nothing, id: guard.kind, above: toCredits(above), validSeconds: validMs / SECOND_MS, waitSeconds: waitMs / SECOND_MS, client: byClient }
  }
  const { identical, burn } = guard
  return {
    ...nothing,
    id: guard.kind,
    identical: identical === null ? null : { calls: identical.calls, withinSeconds: identical.withinMs / SECOND_MS },
    burn: burn === null ? null : { credits: toCredits(burn.amount), withinSeconds: burn.withinMs / SECOND_MS },
  }
}

export function writtenGuardResult(done: Done): WrittenGuardResult {
  return { ...writeResult(done), ...guardResult(writtenRecord(done, 'guard')) }
}

export interface ApprovalsAsked {
  /** Answered and lapsed ones too. */
  readonly isAll: boolean
  readonly limit: number
  /** Whoever sees a part of the account sees what the keys of that part have asked. */
  readonly own: OwnPart | null
}

/** How many records are looked through for those that still wait: no account has more open ones. */
const LOOKED_AT = 2_000

/** What people are asked, newest first. @throws CreditError `unknown_account` */
export async function readApprovals(ledger: Ledger, account: string, { isAll, limit, own }: ApprovalsAsked): Promise<readonly ApprovalResult[]> {
  const { at, nameOf } = await ledger.read(account, (draft) => ({ at: draft.at, nameOf: budgetNameTo(draft, own) }))
  const records = await ledger.query((store) => store.records({ account, kind: 'approval', ...(isAll ? {} : { isOpen: true }), limit: LOOKED_AT }))
  return records
    .map((record) => approvalResult(record, at))
    .filter(({ key, status }) => (isAll || status === 'pending') && (own === null || (key !== null && own.keys.includes(key))))
    .slice(0, limit)
    .map((approval) => ({ ...approval, budget: approval.budget === null ? null : nameOf(approval.budget) }))
}

/** What was asked by calls of a party, and its answers: the person at the client may answer these alone. */
export function questionsOf(ledger: Ledger, account: string, actor: Actor): Questions {
  const asked = { kind: 'resolve_approval', account, actor, idempotencyKey: null, fingerprint: null, by: 'client' } as const
  return {
    isOurs: (id) => hasAsked(ledger, account, actor, id),
    answer: (id, isApproved) => ledger.update({ ...asked, id, answer: isApproved ? 'approved' : 'denied' }),
    inTurn: (id, work) => ledger.answers.take(id, work),
  }
}

/** Whether a party's own call has asked this: a client's answer to anything else is not ours to take. */
function hasAsked(ledger: Ledger, account: string, { key }: Party, id: string): Promise<boolean> {
  return ledger.read(account, (draft) => {
    const record = draft.record('approval', id)
    const approval = record === null ? null : approvalOf(record)
    return approval !== null && approval.asks === 'call' && approval.key === key
  })
}

export function approvalResult(record: Pick<AccountRecord, 'id' | 'document'>, at: Instant): ApprovalResult {
  const approval = approvalOf(record)
  const { id, asks, maximum, operation, variant, tool, quantity, labels, key, keyName, budget, reason, askedAt, answeredBy, expiresAt } = approval
  return {
    id,
    asks,
    status: statusAt(approval, at),
    credits: toCredits(maximum),
    operation,
    variant,
    tool,
    quantity,
    labels,
    key,
    keyName,
    budget,
    reason,
    askedAt: formatInstant(askedAt),
    answeredBy,
    expiresAt: formatInstant(expiresAt),
  }
}

/** What an answer made of a question, read from its row; where it was answered alike before, from the question as it is. */
export function resolvedApprovalResult(done: Done): ResolvedApprovalResult {
  const { transaction, record, account } = done
  if (transaction === null && record !== null) return { ...writeResult(done), ...approvalResult(record, account.lastAt) }
  const written = writtenRecord(done, 'approval')
  return { ...writeResult(done), ...approvalResult(written, transaction?.at ?? account.lastAt) }
}

export function requestResult(done: Done): RequestResult {
  const { id, document } = writtenRecord(done, 'approval')
  return {
    request: id,
    status: 'pending',
    how: `A person answers it: npx mcp-credits approve ${id} --account ${done.account.id}, or deny`,
    expiresAt: formatInstant(approvalOf({ id, document }).expiresAt),
    replayed: done.replayed,
  }
}
