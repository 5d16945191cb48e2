import { toCredits } from '../money/credits.js'
import type { ReleaseCommand } from './command.js'
import type { Draft } from './draft.js'
import { balanceDetail, expireReturned, lastingChange } from './expire.js'
import { heldReservation, isHeldBy, notOpen } from './held-reservation.js'
import { returnMoves } from './moves.js'
import type { Outcome } from './outcome.js'
import { leftAfterReturn } from './own-part.js'
import { countReturned } from './standings.js'
import { done } from './result.js'

/** Ends a reservation without a charge: all that it pinned goes back to the grants it came from. */
export function decideRelease(draft: Draft, command: ReleaseCommand): Outcome {
  const held = heldReservation(draft, command.reservation, command.actor, true)
  if (held.kind === 'refused') return held
  const { reservation } = held
  if (held.isLate) return notOpen(reservation)
  const moves = returnMoves(draft, reservation.pins, 'reserved')
  const transaction = draft.post('release', moves, {
    credits: reservation.amount,
    actor: command.actor,
    operation: reservation.operation,
    variant: reservation.variant,
    tool: reservation.tool,
    labels: reservation.labels,
    idempotencyKey: command.idempotencyKey,
    fingerprint: command.fingerprint,
    refersTo: reservation.sequence,
    detail: {
      reservation: reservation.id,
      holder: reservation.holder,
      released: toCredits(reservation.amount),
      ...(command.fault === null ? {} : { fault: command.fault }),
      ...balanceDetail(draft, moves),
      // A row of the key above tells neither of them what the other has left.
      ...(isHeldBy(reservation, command.actor) ? leftAfterReturn(draft, reservation, lastingChange(draft, moves)) : {}),
    },
  })
  const ended = draft.endReservation(reservation, 'released', transaction)
  countReturned(draft, reservation)
  expireReturned(draft, reservation.pins.map((pin) => pin.grant), draft.at)
  return done(draft, transaction, ended)
}
