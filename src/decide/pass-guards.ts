import type { Answerer } from '../budgets/approval.js'
import { canonicalJson } from '../catalog/canonical-json.js'
import type { Reservation } from '../ledger/reservation.js'
import type { Labels, Transaction } from '../ledger/transaction.js'
import type { MicroCredits } from '../money/credits.js'
import type { Actor, Subject } from './command.js'
import { type Consent, noteConsent, withConsent } from './consent.js'
import type { Draft } from './draft.js'
import { type GuardedCall, guardOn } from './guards.js'
import { saltedDigest } from './idempotency.js'
import { spendableOn } from './limits.js'
import type { Refused } from './outcome.js'
import type { PricedSubject } from './price-subject.js'
import { noteCall, type Running, stoppedAsRunaway } from './runaway.js'
import type { Spending } from './standings.js'

/** A call that may be made, and what its guards have to remember of it once it is. */
export interface Passed {
  readonly kind: 'passed'
  readonly call: GuardedCall
  readonly consent: Consent | null
  readonly running: Running | null
}

type GuardedSubject = Pick<PricedSubject, 'tool'> & { readonly priced: Pick<PricedSubject['priced'], 'operation' | 'variant'> & { readonly quantity: number | null } }

/** What is asked for, as it was asked. */
export interface GuardedRequest {
  readonly actor: Actor
  /** One call, or several that are paid together. */
  readonly subjects: readonly Subject[]
  /** The quote at whose price they are made; null for the catalog's. */
  readonly quote: string | null
  readonly labels: Labels | null
  readonly spending: Spending
  /** The most that it can cost. */
  readonly amount: MicroCredits
  /** Whether it says that it goes on with a call that was begun before. */
  readonly isRound: boolean
}

/**
 * Asks the account's guards, last, once nothing else stops a call: nobody is asked to allow what cannot be paid. A loop is
 * stopped before anybody is asked about its calls.
 */
export function passGuards(draft: Draft, { priced, tool }: GuardedSubject, request: GuardedRequest): Passed | Refused {
  const { actor, amount, isRound, spending } = request
  const [approval, runaway] = [guardOn(draft, 'approval'), guardOn(draft, 'runaway')]
  const isAsked = approval !== null && amount > approval.above
  const digest = isAsked || runaway !== null ? digestOf(draft, request, actor.key) : ''
  const { operation, variant, quantity } = priced
  const available = digest === '' ? 0n : spendableOn(draft, spending)
  const call: GuardedCall = { key: actor.key, operation, variant, tool, quantity, labels: request.labels, amount, available, digest, isRound }
  const running = runaway === null ? null : stoppedAsRunaway(draft, runaway, { ...call, by: spending.facts, digest: digestOf(draft, request, null) })
  if (running?.kind === 'refused') return running
  const consent = isAsked ? withConsent(draft, approval, call) : null
  if (consent?.kind === 'refused') return consent
  return { kind: 'passed', call, consent, running }
}

/**
 * Remembers, in the write of what they let pass, what guards have to know of it.
 *
 * @param reservation the one by which a call's end is known; null for what is charged at once, and for several together
 */
export function notePassed(draft: Draft, { call, consent, running }: Passed, by: Transaction, reservation: Reservation | null): void {
  if (consent !== null) noteConsent(draft, consent, by, reservation)
  if (running !== null) noteCall(draft, running, call, reservation)
}

/** On which yes credits are spent, and whose it was, as a row of the journal keeps it: only where it took one. */
export function consentDetail({ consent }: Passed): { readonly approval?: string; readonly answeredBy?: Answerer | null } {
  return consent === null ? {} : { approval: consent.approval.id, answeredBy: consent.approval.answeredBy }
}

/** What makes a call the same as another of one key, or of anybody where none is told. */
function digestOf(draft: Draft, { subjects, quote, labels }: GuardedRequest, key: string | null): string {
  return saltedDigest(draft.account.labelSalt, canonicalJson([key, subjects.map(wordsOf), quote, labels]))
}

/** A subject as text can hold it: JSON knows no `bigint`. */
function wordsOf(subject: Subject): object {
  if (subject.kind === 'tool') return subject
  const { actual } = subject
  return { ...subject, actual: { ...actual, actual: actual.actual === undefined ? null : String(actual.actual) } }
}
