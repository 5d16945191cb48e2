import { type GuardId, guardAmong, guardDocument, type GuardOf, type GuardTerms, IDENTICAL_MAX } from '../budgets/guard.js'
import type { Labels } from '../ledger/transaction.js'
import type { MicroCredits } from '../money/credits.js'
import type { RemoveGuardCommand, ResetGuardCommand, SetGuardCommand } from './guard-command.js'
import type { Draft } from './draft.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { closeRecord, openRecord, postRecord, unknownRecord } from './records.js'

/** Sets a guard, or sets it anew: what an earlier one of its kind has seen counts for nothing then. */
export function decideSetGuard(draft: Draft, command: SetGuardCommand): Outcome {
  const { terms } = command
  const refused = refusalOfTerms(terms)
  if (refused !== null) return refused
  const record = draft.record('guard', terms.kind)
  const document = guardDocument(terms, draft.nextSequence)
  return postRecord(draft, command, { kind: 'guard', id: terms.kind, change: 'guard_set', document }, record)
}

function refusalOfTerms(terms: GuardTerms): Refused | null {
  if (terms.kind === 'approval') return null
  const { identical, burn } = terms
  if (identical === null && burn === null) {
    const words = 'A runaway guard needs a number of identical calls or a sum to burn'
    return refuse('invalid_request', words, { details: { guard: terms.kind } })
  }
  if (identical !== null && (!Number.isSafeInteger(identical.calls) || identical.calls < 1 || identical.calls > IDENTICAL_MAX)) {
    return refuse('invalid_request', `identical: expected 1 to ${IDENTICAL_MAX} calls`, { details: { field: 'identical' } })
  }
  if (burn === null || burn.amount > 0n) return null
  return refuse('invalid_amount', 'burn: expected more than zero credits', { details: { field: 'burn' } })
}

export function decideRemoveGuard(draft: Draft, command: RemoveGuardCommand): Outcome {
  const record = openRecord(draft, 'guard', command.id)
  return record === null ? unknownRecord(draft, 'guard', 'unknown_guard', command.id) : closeRecord(draft, command, record, 'guard_removed')
}

/** Lets go of whatever a guard has stopped, for every key: what it has seen so far counts for nothing any more. */
export function decideResetGuard(draft: Draft, command: ResetGuardCommand): Outcome {
  const record = openRecord(draft, 'guard', command.id)
  if (record === null) return unknownRecord(draft, 'guard', 'unknown_guard', command.id)
  if (command.id !== RESETTABLE) {
    return refuse('invalid_request', `The guard ${command.id} holds nothing back that could be let go; approve or deny what it asks`, {
      details: { guard: command.id },
      advice: [`See what waits for an answer: npx mcp-credits approvals --account ${draft.account.id}`],
    })
  }
  const document = { ...record.document, since: draft.nextSequence }
  return postRecord(draft, command, { kind: 'guard', id: command.id, change: 'guard_reset', document }, record)
}

const RESETTABLE: GuardId = 'runaway'

/** The guard of a kind that watches the account's spending; null for none, at no cost where the account has no rules. */
export function guardOn<K extends GuardId>(draft: Draft, kind: K): GuardOf<K> | null {
  return draft.account.rules === 0 ? null : guardAmong(draft.records('guard'), kind)
}

/** Spending that nothing else stops, as guards look at it. */
export interface GuardedCall {
  readonly key: string | null
  readonly operation: string
  readonly variant: string | null
  readonly tool: string | null
  /** Null for several calls together. */
  readonly quantity: number | null
  readonly labels: Labels | null
  /** The most that it can cost. */
  readonly amount: MicroCredits
  /** What its party could spend on it. */
  readonly available: MicroCredits
  /** What makes it the same call as another one, as a digest: no argument is kept (T46). */
  readonly digest: string
  /** Whether it says that it goes on with a call that was begun before. */
  readonly isRound: boolean
}
