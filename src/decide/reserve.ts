import { pricedToJson } from '../catalog/quote-price.js'
import { OPEN_RESERVATIONS_MAX } from '../ledger/account.js'
import { RESERVATION_MAX_MS } from '../ledger/reservation.js'
import { toCredits } from '../money/credits.js'
import { formatInstant } from '../time/instant.js'
import type { ReserveCommand } from './command.js'
import type { Draft } from './draft.js'
import { replayOf, stillRunning } from './idempotency.js'
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
 * Sets the highest price of work aside before it starts, from the grants in burn order, so that work that was admitted
 * can finish (AX-06). The price is kept with the reservation; a later price does not touch it. What is free needs no
 * reservation, leaves no row and takes no key.
 */
export function decideReserve(draft: Draft, command: ReserveCommand): Outcome {
  const answered = command.call === null ? null : answeredCall(draft, command.call)
  if (answered !== null) return answered
  const subject = priceSubject(draft, command.subject)
  if (subject.kind === 'refused') return subject
  if (subject.kind === 'free') return done(draft, null)
  if (command.ttlMs > RESERVATION_MAX_MS) return refuse('invalid_request', 'A reservation lives at most 24 hours; extend it while its job runs')
  const { priced } = subject
  const amount = priced.maximum
  const spending = spendingOnSubject(draft, subject, command.actor, command.labels)
  const refused = refusalToSpend(draft, subject, spending, amount)
  if (refused !== null) return refused
  if (draft.account.openReservations >= OPEN_RESERVATIONS_MAX) {
    return refuse('invalid_request', `The account has ${OPEN_RESERVATIONS_MAX} open reservations; settle or release some first`)
  }
  const pins = draft.take(amount)
  const expiresAt = draft.at + command.ttlMs
  const shared = { operation: priced.operation, variant: priced.variant, tool: subject.tool, labels: command.labels }
  const transaction = draft.post('reserve', passMoves(pins, 'available', 'reserved'), {
    ...shared,
    credits: amount,
    actor: namedIn(spending.facts, command.actor),
    quantity: priced.quantity,
    idempotencyKey: command.idempotencyKey,
    fingerprint: command.fingerprint,
    priceVersion: subject.version.version,
    detail: {
      holder: command.actor.holder,
      ...linesDetail(priced),
      reserved: toCredits(amount),
      expiresAt: formatInstant(expiresAt),
      ...pickedDetail(subject),
      ...(command.overrun === 'cap' ? {} : { overrun: command.overrun }),
      ...runDetail(command.actor),
      ...levelDetail(draft, spending, -amount, amount),
    },
  })
  const counted = count(draft, spending, { reserved: amount })
  const reservation = draft.addReservation(
    {
      ...shared,
      holder: command.actor.holder,
      key: command.actor.key,
      member: spending.facts.member,
      run: command.actor.run,
      amount,
      pins,
      overrun: command.overrun,
      openedAt: draft.at,
      expiresAt,
      price: pricedToJson(priced),
      priceVersion: subject.version.version,
      callKey: command.call?.key ?? null,
      callFingerprint: command.call?.fingerprint ?? null,
    },
    transaction,
  )
  return { ...done(draft, transaction, reservation), pressure: pressureOf(draft, counted) }
}

/**
 * A metered call whose key was charged gets that charge again and does not run; one that still runs is refused. After
 * a failure that cost nothing the key is free, so that trying again is possible and being charged twice is not.
 */
function answeredCall(draft: Draft, call: { readonly key: string; readonly fingerprint: string }): Outcome | null {
  const charged = replayOf(draft, call.key, call.fingerprint)
  if (charged !== null) return charged
  return draft.openCall(call.key) === null ? null : stillRunning(call.key)
}
