import { pricedToJson } from '../catalog/quote-price.js'
import { OPEN_RESERVATIONS_MAX } from '../ledger/account.js'
import { type Reservation, RESERVATION_MAX_MS } from '../ledger/reservation.js'
import { toCredits } from '../money/credits.js'
import { formatInstant } from '../time/instant.js'
import type { ReserveCommand } from './command.js'
import type { Draft } from './draft.js'
import { refusalOfRunning, replayOf } from './idempotency.js'
import { levelDetail } from './level.js'
import { refusalToSpend, spendingOnSubject } from './limits.js'
import { passMoves } from './moves.js'
import { type Done, type Outcome, refuse, type Refused } from './outcome.js'
import { consentDetail, notePassed, passGuards, type Passed } from './pass-guards.js'
import { pressureOf } from './pressure.js'
import { linesDetail, maximumOf, pickedDetail, type PricedSubject, priceSubject } from './price-subject.js'
import { callOfQuote, noteQuoteUses, quoteDetail, type QuotedPlace, subjectOfQuote } from './quoted.js'
import { done } from './result.js'
import { namedIn, runDetail } from './spend-facts.js'
import { count, type Spending } from './standings.js'

/**
 * Sets the highest price of work aside before it starts, from the grants in burn order, so that work that was admitted
 * can finish (AX-06). The price is kept with the reservation; a later price does not touch it. What is free needs no
 * reservation, leaves no row and takes no key. What comes to nothing by its quantity is charged at once, not reserved.
 */
export function decideReserve(draft: Draft, command: ReserveCommand): Outcome {
  const answered = command.call === null ? null : answeredCall(draft, command, command.call)
  if (answered !== null) return answered
  const { subject: asked, actor, quote = null } = command
  const place = quote === null ? null : callOfQuote(draft, { quote, subject: asked, actor, mayBeReserved: actor.holder === 'meter' })
  if (place?.kind === 'refused') return place
  if (place?.kind === 'reserved') return takeOver(draft, command, place.reservation)
  const subject = place === null ? priceSubject(draft, asked) : subjectOfQuote(draft, place)
  if (subject.kind === 'refused') return subject
  if (subject.kind === 'free') return done(draft, null)
  const spending = spendingOnSubject(draft, subject, command.actor, command.labels)
  const refused = refusalToHold(draft, command, [subject]) ?? refusalToSpend(draft, subject, spending, subject.priced.maximum)
  if (refused !== null) return refused
  const { labels, isRound = false } = command
  const passed = passGuards(draft, subject, { actor, subjects: [asked], quote, labels, spending, amount: subject.priced.maximum, isRound })
  if (passed.kind === 'refused') return passed
  const { ttlMs, call, idempotencyKey, fingerprint } = command
  const overrun = place === null ? command.overrun : 'quoted'
  const held = setAside(draft, { subject, place, passed, actor, labels, ttlMs, overrun, call, idempotencyKey, fingerprint }, spending)
  if (place !== null) noteQuoteUses(draft, place.quote, new Map([[place.index, { reservation: held.reservation.sequence }]]))
  return held
}

/**
 * Why these cannot be set aside for so long, so many times more, or at all; null when they can. Only what is metered is
 * set aside at nothing: it has to run all the same.
 */
export function refusalToHold({ account }: Draft, { actor, ttlMs }: Pick<ReserveCommand, 'actor' | 'ttlMs'>, subjects: readonly PricedSubject[]): Refused | null {
  if (ttlMs > RESERVATION_MAX_MS) return refuse('invalid_request', 'A reservation lives at most 24 hours; extend it while its job runs')
  if (actor.holder !== 'meter' && maximumOf(subjects) === 0n) return refuseNothing()
  if (account.openReservations + subjects.length <= OPEN_RESERVATIONS_MAX) return null
  return refuse('invalid_request', `The account may have ${OPEN_RESERVATIONS_MAX} open reservations; settle or release some first`, {
    details: { open: account.openReservations, max: OPEN_RESERVATIONS_MAX },
  })
}

/** A reservation of nothing would take one of the account's places for free. */
function refuseNothing(): Refused {
  return refuse('invalid_amount', 'This comes to 0 credits, and what costs nothing needs no reservation', {
    details: { maximum: 0 },
    advice: ['Charge it at once: charge_credits, or npx mcp-credits charge.', 'Where the work may come to more, reserve for the most that it may consume.'],
  })
}

/** What is set aside, for whom and for how long: nothing stops it any more. */
export interface Held extends Pick<ReserveCommand, 'actor' | 'labels' | 'ttlMs' | 'overrun' | 'call' | 'idempotencyKey' | 'fingerprint'> {
  readonly subject: PricedSubject
  /** The call of a quote that it is for; null without one. */
  readonly place: QuotedPlace | null
  /** What its guards remember of it by its reservation; null where they know it otherwise. */
  readonly passed: Passed | null
}

export type SetAside = Done & { readonly reservation: Reservation }

/** Posts one reservation and counts it in the budgets. Whoever asks has made sure that no limit stops it. */
export function setAside(draft: Draft, held: Held, spending: Spending): SetAside {
  const { subject, place, passed, actor, labels, ttlMs, overrun, call, idempotencyKey, fingerprint } = held
  const { priced, version } = subject
  const amount = priced.maximum
  const pins = draft.take(amount)
  const expiresAt = draft.at + ttlMs
  const { operation, variant, quantity } = priced
  const { tool } = subject
  const transaction = draft.post('reserve', passMoves(pins, 'available', 'reserved'), {
    credits: amount,
    actor: namedIn(spending.facts, actor),
    operation,
    variant,
    quantity,
    tool,
    labels,
    idempotencyKey,
    fingerprint,
    priceVersion: version.version,
    detail: {
      holder: actor.holder,
      reserved: toCredits(amount),
      expiresAt: formatInstant(expiresAt),
      ...linesDetail(priced),
      ...pickedDetail(subject),
      ...(overrun === 'cap' ? {} : { overrun }),
      ...runDetail(actor),
      ...quoteDetail(place),
      ...(passed === null ? {} : consentDetail(passed)),
      ...levelDetail(draft, spending, -amount, amount),
    },
  })
  const counted = count(draft, spending, { reserved: amount })
  const reservation = draft.addReservation(
    {
      holder: actor.holder,
      key: actor.key,
      member: spending.facts.member,
      run: actor.run,
      operation,
      variant,
      tool,
      labels,
      amount,
      pins,
      overrun,
      openedAt: draft.at,
      expiresAt,
      price: pricedToJson(priced),
      priceVersion: version.version,
      callKey: call?.key ?? null,
      callFingerprint: call?.fingerprint ?? null,
    },
    transaction,
  )
  if (passed !== null) notePassed(draft, passed, transaction, reservation)
  return { ...done(draft, transaction, reservation), reservation, pressure: pressureOf(draft, counted) }
}

/**
 * The meter runs a call that was set aside under a quote: from now on it alone ends that reservation, so that nobody takes
 * the credits back while the call runs, and no second call runs on the same ones. Nothing moves, so no limit is asked. It
 * lives as long as the meter says that it is there, like any of the meter's: nobody else could end what a dead one holds.
 */
function takeOver(draft: Draft, { actor, call, ttlMs }: ReserveCommand, reservation: Reservation): Outcome {
  const expiresAt = draft.at + ttlMs
  const transaction = draft.post('amend', [], {
    credits: 0n,
    actor,
    refersTo: reservation.sequence,
    detail: { change: 'reservation_taken_over', reservation: reservation.id, holder: actor.holder, expiresAt: formatInstant(expiresAt) },
  })
  const to = { holder: actor.holder, expiresAt, callKey: call?.key ?? null, callFingerprint: call?.fingerprint ?? null }
  return done(draft, transaction, draft.passReservation(reservation, to))
}

/**
 * A metered call whose key was charged gets that charge again and does not run; one that still runs is refused. After
 * a failure that cost nothing the key is free, so that trying again is possible and being charged twice is not.
 */
function answeredCall(draft: Draft, command: ReserveCommand, call: NonNullable<ReserveCommand['call']>): Outcome | null {
  return replayOf(draft, command, call) ?? refusalOfRunning(draft, command.actor, call)
}
