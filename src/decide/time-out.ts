import { toCredits } from '../money/credits.js'
import type { Reservation } from '../ledger/reservation.js'
import type { Instant } from '../time/instant.js'
import type { Draft } from './draft.js'
import { expireReturned } from './expire.js'
import { returnMoves } from './moves.js'
import { leftAfterReturn } from './own-part.js'
import { countReturned } from './standings.js'

/** A reservation that its holder neither ended nor extended gives back what it pinned, dated at its end. */
export function timeOutReservation(draft: Draft, reservation: Reservation, at: Instant): void {
  const transaction = draft.post('release', returnMoves(draft, reservation.pins, 'reserved'), {
    at,
    credits: reservation.amount,
    operation: reservation.operation,
    variant: reservation.variant,
    tool: reservation.tool,
    refersTo: reservation.sequence,
    detail: { reservation: reservation.id, holder: reservation.holder, reason: 'time_out', released: toCredits(reservation.amount), ...leftAfterReturn(draft, reservation, reservation.amount, at) },
  })
  draft.endReservation(reservation, 'expired', transaction)
  countReturned(draft, reservation, at)
  expireReturned(draft, reservation.pins.map((pin) => pin.grant), at)
}
