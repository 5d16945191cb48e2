import { whyInvalid } from '../keys/key.js'
import { type Holder, LATE_SETTLEMENT_MS, type Reservation } from '../ledger/reservation.js'
import { sequenceOfId } from '../ledger/transaction.js'
import { isBelow } from './authorise.js'
import type { Actor } from './command.js'
import type { Draft } from './draft.js'
import { refuse, type Refused } from './outcome.js'
import { keyNamed } from './spend-facts.js'

/** The reservation that an actor may end, or the refusal. */
export type Held = { readonly kind: 'held'; readonly reservation: Reservation; readonly isLate: boolean } | Refused

/**
 * Finds a reservation by its id for its holder. One that another holds, of another key or another account, is the same
 * miss as one that never was: nobody learns of what is not theirs, and no agent ends the meter's reservation. What its
 * holder has left to a metered call is that call's to end, and its holder is told so.
 *
 * @param isRelease whether it is to be given back, which a key may do with what those below it hold
 */
export function heldReservation(draft: Draft, id: string, actor: Actor, isRelease = false): Held {
  const sequence = sequenceOfId('rs', id)
  const reservation = sequence === null ? null : draft.reservation(sequence)
  if (reservation === null || reservation.id !== id) return unknown(id)
  const holder = actor.holder === 'meter' ? reservation.holder : firstHolder(draft, reservation)
  if (!isHeldBy({ ...reservation, holder }, actor)) {
    if (holder === 'meter' || !isOfKeyBelow(draft, reservation, actor)) return unknown(id)
    if (!isRelease) return onlyToRelease(reservation)
  }
  const isTakenOver = holder !== reservation.holder
  if (reservation.state === 'open') return isTakenOver ? inUse(reservation) : { kind: 'held', reservation, isLate: false }
  const isLate = !isTakenOver && reservation.state === 'expired' && draft.at < reservation.expiresAt + LATE_SETTLEMENT_MS
  return isLate ? { kind: 'held', reservation, isLate } : notOpen(reservation)
}

/** Who made a reservation, where the meter may have taken it over since. */
function firstHolder(draft: Draft, { sequence, holder, overrun }: Reservation): Holder {
  const row = holder === 'meter' && overrun === 'quoted' ? draft.transaction(sequence) : null
  return (row?.detail['holder'] as Holder | undefined) ?? holder
}

/** Whoever has handed credits on frees what is held of them, as it revokes the key that holds it, for as long as it holds itself. */
function isOfKeyBelow(draft: Draft, { key }: Reservation, actor: Actor): boolean {
  const above = actor.key === null || actor.keyOf !== undefined ? null : keyNamed(draft, actor.key)
  return key !== null && above !== null && whyInvalid(above, draft.at) === null && isBelow(draft, key, actor)
}

function unknown(id: string): Refused {
  return refuse('unknown_reservation', `There is no reservation ${id.slice(0, 64)}`, {
    advice: ['Use the id that reserve_credits returned, with the key and account that reserved.'],
  })
}

function onlyToRelease({ id, key }: Reservation): Refused {
  return refuse('forbidden', `The reservation ${id} is held by a key below yours; you may release it and do nothing else with it`, {
    details: { reservation: id, key },
    advice: ['Release it, without a fault: its work is charged by its holder alone.'],
  })
}

function inUse(reservation: Reservation): Refused {
  return refuse('reservation_not_open', `The reservation ${reservation.id} is used by a call that is running`, {
    details: { reservation: reservation.id, state: 'in_use' },
    advice: ['Wait for the call: it ends the reservation.'],
  })
}

export function notOpen(reservation: Reservation): Refused {
  return refuse('reservation_not_open', `The reservation ${reservation.id} is ${reservation.state}`, {
    details: { reservation: reservation.id, state: reservation.state },
    advice: ['Reserve anew; a reservation ends once.'],
  })
}

/** An operator may end what an agent reserved; nobody but the meter ends what the meter holds. */
export function isHeldBy(reservation: Reservation, actor: Actor): boolean {
  if (actor.holder === 'operator') return reservation.holder !== 'meter'
  return reservation.holder === actor.holder && reservation.key === actor.key
}

/** Whether the meter may make its own what the holder of the same key has set aside under a quote: it runs the call. */
export function mayTakeOver(reservation: Reservation, actor: Actor): boolean {
  return reservation.holder !== 'meter' && reservation.overrun === 'quoted' && reservation.key === actor.key
}
