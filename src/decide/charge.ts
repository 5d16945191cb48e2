import { canonicalJson } from '../catalog/canonical-json.js'
import type { Priced } from '../catalog/quote-price.js'
import { toCredits } from '../money/credits.js'
import type { Actual, ChargeCommand, Subject } from './command.js'
import type { Draft } from './draft.js'
import { levelDetail } from './level.js'
import { refusalToSpend, spendingOnSubject } from './limits.js'
import { passMoves } from './moves.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { consentDetail, notePassed, passGuards } from './pass-guards.js'
import { pressureOf } from './pressure.js'
import { linesDetail, pickedDetail, priceSubject } from './price-subject.js'
import { callOfQuote, type FoundCall, noteQuoteUses, quoteDetail, subjectWithin } from './quoted.js'
import { done } from './result.js'
import { decideSettle } from './settle.js'
import { namedIn, runDetail } from './spend-facts.js'
import { count } from './standings.js'

/**
 * Prices an operation and takes its credits at once, from the grants in burn order. All of it or nothing. What is free
 * leaves no row and so takes no key either: repeated, it is priced anew.
 */
export function decideCharge(draft: Draft, command: ChargeCommand): Outcome {
  const { subject: asked, actor, quote = null } = command
  const place = quote === null ? null : callOfQuote(draft, { quote, subject: asked, actor, mayBeReserved: true })
  if (place?.kind === 'refused') return place
  if (place?.kind === 'reserved') return chargeReserved(draft, command, place)
  const subject = place === null ? priceSubject(draft, asked) : subjectWithin(draft, place, consumedBy(asked))
  if (subject.kind === 'refused') return subject
  if (subject.kind === 'free') return done(draft, null)
  const { priced } = subject
  if (!priced.exact) return refuseOpenPrice(priced)
  const amount = priced.maximum
  const spending = spendingOnSubject(draft, subject, command.actor, command.labels)
  const refused = refusalToSpend(draft, subject, spending, amount)
  if (refused !== null) return refused
  const passed = passGuards(draft, subject, { actor, subjects: [asked], quote, labels: command.labels, spending, amount, isRound: false })
  if (passed.kind === 'refused') return passed
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
    detail: {
      ...linesDetail(priced),
      ...usageDetail(command.subject),
      ...pickedDetail(subject),
      ...runDetail(command.actor),
      ...quoteDetail(place),
      ...consentDetail(passed),
      ...levelDetail(draft, spending, -amount, amount),
    },
  })
  if (place !== null) noteQuoteUses(draft, place.quote, new Map([[place.index, { charge: transaction.sequence }]]))
  notePassed(draft, passed, transaction, null)
  const counted = count(draft, spending, { used: amount })
  return { ...done(draft, transaction), pressure: pressureOf(draft, counted) }
}

/** Nothing guesses what a job cost whose price is open. */
function refuseOpenPrice(priced: Priced): Refused {
  return refuse('invalid_request', `The price of ${priced.operation} is known only afterwards; give actual or usage, or reserve first`, {
    details: { operation: priced.operation, minimum: toCredits(priced.minimum), maximum: toCredits(priced.maximum) },
    advice: ['Pass what was consumed as `actual` or `usage`, or use reserve_credits before the work and settle_reservation after it.'],
  })
}

/** A call of a plan is spent by settling what was set aside for it (AX-02), which was admitted and needs no limit's leave (AX-06). */
function chargeReserved(draft: Draft, command: ChargeCommand, { reservation, ...place }: Extract<FoundCall, { readonly kind: 'reserved' }>): Outcome {
  const actual = consumedBy(command.subject)
  const subject = subjectWithin(draft, place, actual)
  if (subject.kind === 'refused') return subject
  if (!subject.priced.exact) return refuseOpenPrice(subject.priced)
  const { account, actor, labels, idempotencyKey, fingerprint } = command
  if (labels !== null && canonicalJson(labels) !== canonicalJson(reservation.labels)) {
    return refuse('invalid_request', 'labels: this call carries those that it was reserved with; give the same or none', {
      details: { field: 'labels', reservation: reservation.id },
    })
  }
  return decideSettle(draft, { kind: 'settle', account, actor, idempotencyKey, fingerprint, reservation: reservation.id, actual, fault: null })
}

function consumedBy(subject: Subject): Actual {
  return subject.kind === 'tool' ? {} : subject.actual
}

/** What was consumed, where the price came from it: a draft of other prices is tried on it later (AX-22). */
function usageDetail(subject: Subject): { readonly usage?: Readonly<Record<string, number>> } {
  const { usage } = consumedBy(subject)
  return usage === undefined ? {} : { usage }
}
