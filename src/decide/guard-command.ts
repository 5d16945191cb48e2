import type { Answerer, RequestKind } from '../budgets/approval.js'
import type { GuardTerms } from '../budgets/guard.js'
import type { MicroCredits } from '../money/credits.js'
import type { Addressed } from './command.js'

/** Sets a rule that stops or asks. */
export interface SetGuardCommand extends Addressed {
  readonly kind: 'set_guard'
  readonly terms: GuardTerms
}

export interface RemoveGuardCommand extends Addressed {
  readonly kind: 'remove_guard'
  readonly id: string
}

/** Lets go of what a guard has stopped. */
export interface ResetGuardCommand extends Addressed {
  readonly kind: 'reset_guard'
  readonly id: string
}

/** Asks people for more than may be spent now. It gives nothing: only an answer does (AX-16). */
export interface RequestCreditsCommand extends Addressed {
  readonly kind: 'request_credits'
  readonly amount: MicroCredits
  readonly asks: RequestKind
  readonly reason: string
  /** The budget that is to be raised; null for the one that would stop this party first. */
  readonly budget: string | null
}

/** A person's answer to what is asked: an operator's to anything, that of whoever sits at the client to its own call alone. */
export interface ResolveApprovalCommand extends Addressed {
  readonly kind: 'resolve_approval'
  readonly id: string
  readonly answer: 'approved' | 'denied'
  readonly by: Answerer
}

/** The commands about rules that ask or stop, and about what people are asked. */
export type GuardCommand = SetGuardCommand | RemoveGuardCommand | ResetGuardCommand | RequestCreditsCommand | ResolveApprovalCommand
