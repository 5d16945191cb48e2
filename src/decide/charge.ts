import { toCredits } from '../money/credits.js'
import type { ChargeCommand, Subject } from './command.js'
import type { Draft } from './draft.js'
import { levelDetail } from './level.js'
import { refusalToSpend, spendingOnSubject } from './limits.js'
import { passMoves } from './moves.js'
import { type Outcome, refuse } from './outcome.js'
import { pressureOf } from './pressure.js'
import { linesDetail, pickedDetail, priceSubject } from './price-subject.js'
import { done } from './result.js'
import { namedIn, runDetail } from './spend-facts.js'
import { count } from './standings.js'

/**
 * Prices an operation and takes its credits at once, from the grants in burn order. All of it or nothing. What is free
 * leaves no row and so takes no key either: repeated, it is priced anew.
 */
export function decideCharge(draft: Draft, command: ChargeCommand): Outcome {
  const subject = priceSubject(draft, command.subject)
  if (subject.kind === 'refused') return subject
  if (subject.kind === 'free') return done(draft, null)
  const { priced } = subject
  if (!priced.exact) {
    return refuse('invalid_request', `The price of ${priced.operation} is known only afterwards; give actual or usage, or reserve first`, {
      details: { operation: priced.operation, minimum: toCredits(priced.minimum), maximum: toCredits(priced.maximum) },
      advice: ['Pass what was consumed as `actual` or `usage`, or use reserve_credits before the work and settle_reservation after it.'],
    })
  }
  const amount = priced.maximum
  const spending = spendingOnSubject(draft, subject, command.actor, command.labels)
  const refused = refusalToSpend(draft, subject, spending, amount)
  if (refused !== null) return refused
  const transaction = draft.post('charge', passMoves(draft.take(amount), 'available', 'spent'), {
    credits: amount,
    actor: namedIn(spending.facts, command.actor),
    operation: priced.operation,
    variant: priced.variant,
    quantity: priced.quantity,
    tool: subject.tool,
    labels: command.labels,
    idempotencyKey: command.idempotencyKey,
    fingerprint: command.fingerprint,
    priceVersion: subject.version.version,
    detail: { ...linesDetail(priced), ...usageDetail(command.subject), ...pickedDetail(subject), ...runDetail(command.actor), ...levelDetail(draft, spending, -amount, amount) },
  })
  const counted = count(draft, spending, { used: amount })
  return { ...done(draft, transaction), pressure: pressureOf(draft, counted) }
}

/** What was consumed, where the price came from it: a draft of other prices is tried on it later (AX-22). */
function usageDetail(subject: Subject): { readonly usage?: Readonly<Record<string, number>> } {
  const usage = subject.kind === 'operation' ? subject.actual.usage : undefined
  return usage === undefined ? {} : { usage }
}
