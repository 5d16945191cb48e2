import { priceActual, pricedFromJson } from '../catalog/quote-price.js'
import { whyInvalid } from '../keys/key.js'
import type { Share } from '../ledger/grant.js'
import { splitPins } from '../ledger/pins.js'
import type { Reservation } from '../ledger/reservation.js'
import { type MicroCredits, smaller, toCredits } from '../money/credits.js'
import { refusalByParty } from './authorise.js'
import type { Actual, Fault, SettleCommand } from './command.js'
import { limitByConsent } from './consent.js'
import type { Draft, Move } from './draft.js'
import { balanceDetail, expireReturned, lastingChange } from './expire.js'
import { heldReservation, notOpen } from './held-reservation.js'
import { replay } from './idempotency.js'
import { levelDetail } from './level.js'
import { tellUncollected } from './messages.js'
import { passMoves, returnMoves, sumOf } from './moves.js'
import { type Done, type Outcome, refuse, type Refused } from './outcome.js'
import { payOverrun } from './overrun.js'
import { pressureOf } from './pressure.js'
import { refuseProblem } from './price-subject.js'
import { isSuperseded } from './quoted.js'
import { decideRelease } from './release.js'
import { done } from './result.js'
import { noteBeyond } from './runaway.js'
import { factsOfReservation, keyNamed, runDetail } from './spend-facts.js'
import { beginningOf, count, type Spending, spendingOn } from './standings.js'

/**
 * Ends a reservation by charging what was consumed, at the price kept with it. What was set aside and not consumed goes
 * back to the grants it came from; what was consumed beyond it is the overrun policy's.
 */
export function decideSettle(draft: Draft, command: SettleCommand): Outcome {
  const held = heldReservation(draft, command.reservation, command.actor)
  if (held.kind === 'refused') return held
  const { reservation, isLate } = held
  const wanted = amountWanted(reservation, command.actual)
  if (typeof wanted !== 'bigint') return wanted
  const charged = command.idempotencyKey === null && reservation.callKey !== null ? draft.view.transactionByKey(reservation.callKey) : null
  if (charged !== null && charged.fingerprint === reservation.callFingerprint) return chargedBefore(draft, command, replay(draft, charged))
  if (isLate && isSuperseded(draft, reservation)) return notOpen(reservation)
  const signed = signedBy(command, reservation, charged === null)
  return isLate ? settleLate(draft, reservation, wanted, signed) : settleOpen(draft, reservation, wanted, signed)
}

/**
 * A metered call of the same key was charged while this one ran, because its own reservation had timed out: one key is
 * one charge, so this one gives back what it holds and answers that charge.
 */
function chargedBefore(draft: Draft, { account, actor, reservation }: SettleCommand, charge: Done): Done {
  decideRelease(draft, { kind: 'release', account, actor, reservation, idempotencyKey: null, fingerprint: null, fault: null })
  return { ...charge, account: draft.account }
}

/** The key of a metered call becomes its settlement's, unless another call was charged with it meanwhile. */
function signedBy(command: SettleCommand, { callKey, callFingerprint }: Reservation, isKeyFree: boolean): Signed {
  if (command.idempotencyKey !== null) return { command, key: command.idempotencyKey, fingerprint: command.fingerprint }
  return isKeyFree ? { command, key: callKey, fingerprint: callFingerprint } : { command, key: null, fingerprint: null }
}

interface Signed {
  readonly command: SettleCommand
  readonly key: string | null
  readonly fingerprint: string | null
}

/** Nothing said means all that was reserved: a caller that knows no better pays the highest price it agreed to. */
function amountWanted(reservation: Reservation, actual: Actual): MicroCredits | Refused {
  if (actual.actual === undefined && actual.quantity === undefined && actual.usage === undefined) return reservation.amount
  const priced = priceActual(pricedFromJson(reservation.price), actual)
  if (priced.kind === 'problem') return refuseProblem(priced)
  // What a quote promised is the most that anybody pays: what is beyond it is nobody's, and not uncollected (AX-01).
  return reservation.overrun === 'quoted' ? smaller(priced.amount, reservation.amount) : priced.amount
}

function settleOpen(draft: Draft, reservation: Reservation, wanted: MicroCredits, signed: Signed): Outcome {
  const { spent, returned } = splitPins(reservation.pins, smaller(wanted, reservation.amount))
  const overrun = wanted - sumOf(spent)
  if (overrun > 0n && reservation.overrun === 'reject') return refuseOverrun(reservation, wanted)
  const spending = spendingOn(draft, factsOfReservation(draft, reservation))
  const atMost = mayExceed(draft, signed.command, reservation, spending) ? mostAllowed(draft, reservation, wanted) - sumOf(spent) : 0n
  const beyond = payOverrun(draft, spending, overrun, { atMost, mayOwe: reservation.overrun === 'debt' })
  const moves = [...passMoves(spent, 'reserved', 'spent'), ...returnMoves(draft, returned, 'reserved'), ...beyond.moves]
  const sums = { held: sumOf(spent), beyond: beyond.paid, uncollected: beyond.unpaid, returned, freed: reservation.amount }
  return post(draft, { reservation, spending, moves, sums, signed, isLate: false })
}

/** The reservation has timed out and its credits are back where they came from: what is available is charged. */
function settleLate(draft: Draft, reservation: Reservation, wanted: MicroCredits, signed: Signed): Outcome {
  if (wanted > reservation.amount && reservation.overrun === 'reject') return refuseOverrun(reservation, wanted)
  const spending = spendingOn(draft, factsOfReservation(draft, reservation))
  const atMost = mayExceed(draft, signed.command, reservation, spending) ? mostAllowed(draft, reservation, wanted) : smaller(wanted, reservation.amount)
  const beyond = payOverrun(draft, spending, wanted, { atMost, mayOwe: false })
  const sums = { held: 0n, beyond: beyond.paid, uncollected: beyond.unpaid, returned: [], freed: 0n }
  return post(draft, { reservation, spending, moves: beyond.moves, sums, signed, isLate: true })
}

/**
 * What was admitted is finished whatever happens meanwhile; what goes beyond it is spending of now, which a stopped account,
 * a key that holds no more and whoever may not spend on this do not do (AX-25), and which no other's server decides
 * (AX-13). A reservation of nothing admits nothing.
 */
function mayExceed(draft: Draft, { isHearsay }: SettleCommand, { key: id }: Reservation, { facts }: Spending): boolean {
  if (isHearsay === true) return false
  const key = id === null ? null : keyNamed(draft, id)
  const holds = key === null || whyInvalid(key, draft.at) === null
  return draft.account.state === 'active' && holds && refusalByParty(draft, facts) === null
}

/** What of an actual price may be charged at all, where a person has to say yes to what costs much. */
function mostAllowed(draft: Draft, { amount }: Reservation, wanted: MicroCredits): MicroCredits {
  return smaller(wanted, limitByConsent(draft, amount) ?? wanted)
}

interface Sums {
  /** Charged of what was set aside, and beyond it. */
  readonly held: MicroCredits
  readonly beyond: MicroCredits
  readonly uncollected: MicroCredits
  readonly returned: readonly Share[]
  /** What it held in budgets until now; nothing once it has timed out. */
  readonly freed: MicroCredits
}

interface Settlement {
  readonly reservation: Reservation
  readonly spending: Spending
  readonly moves: readonly Move[]
  readonly sums: Sums
  readonly signed: Signed
  readonly isLate: boolean
}

function post(draft: Draft, { reservation, spending, moves, sums, signed, isLate }: Settlement): Outcome {
  const { command } = signed
  const charged = sums.held + sums.beyond
  const transaction = draft.post('settle', moves, {
    credits: charged,
    // Whoever ends it, it is spent by whoever set it aside.
    actor: { ...command.actor, key: reservation.key, member: spending.facts.member },
    operation: reservation.operation,
    variant: reservation.variant,
    quantity: command.actual.quantity ?? null,
    tool: reservation.tool,
    labels: reservation.labels,
    idempotencyKey: signed.key,
    fingerprint: signed.fingerprint,
    refersTo: reservation.sequence,
    priceVersion: reservation.priceVersion,
    detail: {
      reservation: reservation.id,
      holder: reservation.holder,
      reserved: toCredits(reservation.amount),
      released: toCredits(sumOf(sums.returned)),
      uncollected: toCredits(sums.uncollected),
      ...usageDetail(command.actual),
      ...(command.fault === null ? {} : faultDetail(command.fault)),
      ...(isLate ? { late: true } : {}),
      ...runDetail(reservation),
      ...levelDetail(draft, spending, lastingChange(draft, moves), charged - sums.freed),
      ...balanceDetail(draft, moves),
    },
  })
  const ended = draft.endReservation(reservation, 'settled', transaction)
  const ofHeld = count(draft, spending, { used: sums.held, reserved: -sums.freed, began: beginningOf(reservation) })
  const counted = count(draft, ofHeld, { used: sums.beyond })
  if (charged > reservation.amount) noteBeyond(draft, spending.facts, charged - reservation.amount)
  if (sums.uncollected > 0n) tellUncollected(draft, reservation.operation, sums.uncollected)
  expireReturned(draft, sums.returned.map((share) => share.grant), draft.at)
  return { ...done(draft, transaction, ended), pressure: pressureOf(draft, counted) }
}

function usageDetail({ usage }: Actual): { readonly usage?: Readonly<Record<string, number>> } {
  return usage === undefined ? {} : { usage }
}

function faultDetail(fault: Fault): { readonly fault: Fault } {
  return { fault }
}

function refuseOverrun(reservation: Reservation, wanted: MicroCredits): Refused {
  return refuse('invalid_amount', `${toCredits(wanted)} credits exceed the ${toCredits(reservation.amount)} reserved`, {
    details: { reservation: reservation.id, reserved: toCredits(reservation.amount), actual: toCredits(wanted), overrun: 'reject' },
    advice: ['Settle at most what was reserved; this reservation rejects an overrun.'],
  })
}
