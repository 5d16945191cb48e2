import { toCredits } from '../money/credits.js'
import type { ChargeCommand } from './command.js'
import type { Draft } from './draft.js'
import { levelDetail } from './level.js'
import { refusalToSpend } from './limits.js'
import { passMoves } from './moves.js'
import { type Outcome, refuse } from './outcome.js'
import { linesDetail, priceSubject } from './price-subject.js'
import { done } from './result.js'

/**
 * Prices an operation and takes its credits at once, from the grants in burn order. All of it or nothing. What is free
 * leaves no row and so takes no key either: repeated, it is priced anew.
 */
export function decideCharge(draft: Draft, command: ChargeCommand): Outcome {
  const subject = priceSubject(draft.view.catalogs, command.subject, draft.at)
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
  const refused = refusalToSpend(draft, subject, amount)
  if (refused !== null) return refused
  const transaction = draft.post('charge', passMoves(draft.take(amount), 'available', 'spent'), {
    credits: amount,
    actor: command.actor,
    operation: priced.operation,
    variant: priced.variant,
    quantity: priced.quantity,
    tool: subject.tool,
    labels: command.labels,
    idempotencyKey: command.idempotencyKey,
    fingerprint: command.fingerprint,
    priceVersion: subject.version.version,
    detail: { ...linesDetail(priced), ...levelDetail(draft, -amount) },
  })
  return done(draft, transaction)
}
