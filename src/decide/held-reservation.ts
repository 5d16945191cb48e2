import { LATE_SETTLEMENT_MS, type Reservation } from '../ledger/reservation.js'
import { sequenceOfId } from '../ledger/transaction.js'
import type { Actor } from './command.js'
import type { Draft } from './draft.js'
import { refuse, type Refused } from './outcome.js'

/** The reservation that an actor may end, or the refusal. */
export type Held = { readonly kind: 'held'; readonly reservation: Reservation; readonly isLate: boolean } | Refused

/**
 * Finds a reservation by its id for its holder. One that another holds, of another key or another account, is the same
 * miss as one that never was: nobody learns of what is not theirs, and no agent ends the meter's reservation.
 */
export function heldReservation(draft: Draft, id: string, actor: Actor): Held {
  const sequence = sequenceOfId('rs', id)
  const reservation = sequence === null ? null : draft.reservation(sequence)
  if (reservation === null || reservation.id !== id || !isHeldBy(reservation, actor)) {
    return refuse('unknown_reservation', `There is no reservation ${id.slice(0, 64)}`, {
      advice: ['Use the id that reserve_credits returned, with the key and account that reserved.'],
    })
  }
  if (reservation.state === 'open') return { kind: 'held', reservation, isLate: false }
  const isLate = reservation.state === 'expired' && draft.at < reservation.expiresAt + LATE_SETTLEMENT_MS
  return isLate ? { kind: 'held', reservation, isLate } : notOpen(reservation)
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
