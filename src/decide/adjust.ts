import { OPEN_GRANTS_MAX } from '../ledger/account.js'
import { PRIORITY_DEFAULT } from '../ledger/grant.js'
import { creditWords, formatCredits, toCredits } from '../money/credits.js'
import { NEVER } from '../time/instant.js'
import type { AdjustCommand } from './command.js'
import type { Draft } from './draft.js'
import { issuesTooMuch, takesNoMore, tooManyGrants } from './grant.js'
import { issueMoves, passMoves } from './moves.js'
import { type Outcome, refuse } from './outcome.js'
import { done } from './result.js'

/**
 * An operator's correction: credits given as a grant of their own, or taken from grants in burn order, never below zero.
 * A closed account is given nothing more; what it has left can still be taken.
 */
export function decideAdjust(draft: Draft, command: AdjustCommand): Outcome {
  const { amount } = command
  if (amount === 0n) return refuse('invalid_amount', 'credits is 0; expected more or less than zero credits')
  return amount > 0n ? give(draft, command) : take(draft, command, -amount)
}

function give(draft: Draft, command: AdjustCommand): Outcome {
  const { amount } = command
  if (draft.account.state === 'closed') return takesNoMore()
  if (!draft.canIssue(amount)) return issuesTooMuch()
  if (draft.account.openGrants >= OPEN_GRANTS_MAX) return tooManyGrants()
  const debt = draft.account.debt
  const transaction = draft.post('adjust', issueMoves(draft, draft.nextSequence, amount), factsOf(command))
  const remaining = amount > debt ? amount - debt : 0n
  const grant = { amount, remaining, source: 'adjustment', priority: PRIORITY_DEFAULT, isPaid: false } as const
  draft.addGrant({ ...grant, state: 'effective', effectiveAt: draft.at, expiresAt: NEVER }, transaction)
  return done(draft, transaction)
}

function take(draft: Draft, command: AdjustCommand, amount: bigint): Outcome {
  const { available } = draft.account.books
  if (available < amount) {
    return refuse('out_of_credits', `${creditWords(amount)} cannot be taken from a balance of ${formatCredits(available)}`, {
      details: { required: toCredits(amount), available: toCredits(available), shortfall: toCredits(amount - available) },
    })
  }
  return done(draft, draft.post('adjust', passMoves(draft.take(amount), 'available', 'revoked'), factsOf(command)))
}

function factsOf(command: AdjustCommand) {
  return {
    credits: command.amount,
    actor: command.actor,
    idempotencyKey: command.idempotencyKey,
    fingerprint: command.fingerprint,
    detail: command.reason === null ? {} : { reason: command.reason },
  }
}
