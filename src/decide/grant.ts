import { OPEN_GRANTS_MAX } from '../ledger/account.js'
import { type Grant, usualTerms } from '../ledger/grant.js'
import type { Transaction } from '../ledger/transaction.js'
import { AMOUNT_MAX, formatCredits, type MicroCredits, toCredits } from '../money/credits.js'
import { formatInstant, formatInstantOrNull, type Instant, NEVER } from '../time/instant.js'
import type { Actor, GrantCommand } from './command.js'
import type { Draft, Move } from './draft.js'
import { issueMoves } from './moves.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { done } from './result.js'

/** Gives an account credits, at once or from a later instant on. */
export function decideGrant(draft: Draft, command: GrantCommand): Outcome {
  const { amount } = command
  const effectiveAt = command.effectiveAt ?? draft.at
  const expiresAt = command.expiresAt ?? NEVER
  if (amount <= 0n) return refuse('invalid_amount', 'credits: expected more than zero')
  if (draft.account.state === 'closed') return takesNoMore()
  if (expiresAt <= Math.max(effectiveAt, draft.at)) {
    return refuse('invalid_request', `expiresAt is ${formatInstant(expiresAt)}; expected an instant after the grant takes effect`)
  }
  if (!draft.canIssue(amount)) return issuesTooMuch()
  if (draft.account.openGrants >= OPEN_GRANTS_MAX) return tooManyGrants()
  const request = {
    amount,
    source: command.source,
    priority: command.priority,
    isPaid: command.isPaid,
    expiresAt,
    actor: command.actor,
    idempotencyKey: command.idempotencyKey,
    fingerprint: command.fingerprint,
    detail: command.reason === null ? {} : { reason: command.reason },
  }
  const transaction =
    effectiveAt <= draft.at ? postGrant(draft, { ...request, at: draft.at }) : postPromise(draft, { ...request, at: effectiveAt })
  return done(draft, transaction)
}

/** A closed account is given nothing more. */
export function takesNoMore(): Refused {
  return refuse('account_suspended', 'The account is closed; it takes no more credits')
}

/** Beyond this a sum would be no exact JSON number. */
export function issuesTooMuch(): Refused {
  return refuse('invalid_amount', `The account would exceed ${formatCredits(AMOUNT_MAX)} credits over its lifetime`)
}

/** Bounds what a decision may have to look at. */
export function tooManyGrants(): Refused {
  return refuse('invalid_request', `The account has ${OPEN_GRANTS_MAX} grants with credits left or yet to come; use or expire some first`)
}

interface GrantFacts extends Pick<Grant, 'amount' | 'source' | 'priority' | 'isPaid' | 'expiresAt'>, Partial<Pick<Grant, 'endsWithPlan'>> {
  /** When the grant takes effect. */
  readonly at: Instant
  readonly actor?: Actor
  readonly idempotencyKey?: string | null
  readonly fingerprint?: string | null
  readonly detail: Readonly<Record<string, unknown>>
}

/** Posts a grant that takes effect at `at`, and its row. */
export function postGrant(draft: Draft, facts: GrantFacts): Transaction {
  const { at, detail, actor, idempotencyKey = null, fingerprint = null, endsWithPlan = false, ...grant } = facts
  const moves = issueMoves(draft, draft.nextSequence, facts.amount)
  const transaction = draft.post('grant', moves, {
    at,
    ...(actor === undefined ? {} : { actor }),
    credits: facts.amount,
    idempotencyKey,
    fingerprint,
    detail: { source: facts.source, expiresAt: formatInstantOrNull(facts.expiresAt), ...unusualTerms(facts), ...detail },
  })
  const remaining = gainedBy(moves, transaction.sequence)
  draft.addGrant({ ...grant, remaining, state: 'effective', effectiveAt: at, endsWithPlan }, transaction)
  return transaction
}

/** How a grant is held, where its source does not tell already: whoever recomputes the ledger finds it in the chain. */
function unusualTerms({ source, priority, isPaid, endsWithPlan = false }: GrantFacts) {
  const usual = usualTerms(source)
  return {
    ...(priority === usual.priority ? {} : { priority }),
    ...(isPaid === usual.isPaid ? {} : { isPaid }),
    ...(endsWithPlan ? { endsWithPlan } : {}),
  }
}

/** What a grant has after movements that may have repaid a debt from it. */
function gainedBy(moves: readonly Move[], grant: number): MicroCredits {
  return moves.reduce((sum, move) => (move.book === 'available' && move.grant === grant ? sum + move.amount : sum), 0n)
}

/** Records a grant that takes effect later: its credits are in no book until then. */
function postPromise(draft: Draft, facts: GrantFacts): Transaction {
  const { at, detail, actor, idempotencyKey = null, fingerprint = null, endsWithPlan = false, ...grant } = facts
  const transaction = draft.post('amend', [], {
    ...(actor === undefined ? {} : { actor }),
    credits: 0n,
    idempotencyKey,
    fingerprint,
    detail: {
      change: 'grant_scheduled',
      source: facts.source,
      credits: toCredits(facts.amount),
      effectiveAt: formatInstant(at),
      expiresAt: formatInstantOrNull(facts.expiresAt),
      ...unusualTerms(facts),
      ...detail,
    },
  })
  draft.addGrant({ ...grant, remaining: 0n, state: 'scheduled', effectiveAt: at, endsWithPlan }, transaction)
  return transaction
}
