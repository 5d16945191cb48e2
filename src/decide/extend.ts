import { RESERVATION_MAX_MS } from '../ledger/reservation.js'
import { formatInstant } from '../time/instant.js'
import type { ExtendCommand } from './command.js'
import type { Draft } from './draft.js'
import { heldReservation, notOpen } from './held-reservation.js'
import { type Outcome, refuse } from './outcome.js'
import { done } from './result.js'

/** Moves the end of an open reservation to `ttlMs` from now, never further than a day ahead (AX-18). It never shortens. */
export function decideExtend(draft: Draft, command: ExtendCommand): Outcome {
  const held = heldReservation(draft, command.reservation, command.actor)
  if (held.kind === 'refused') return held
  const { reservation } = held
  if (held.isLate) return notOpen(reservation)
  if (command.ttlMs > RESERVATION_MAX_MS) return refuse('invalid_request', 'A reservation lives at most 24 hours from now')
  const expiresAt = Math.max(reservation.expiresAt, draft.at + command.ttlMs)
  const extended = draft.extendReservation(reservation, expiresAt)
  if (command.isHeartbeat) return done(draft, null, extended)
  const transaction = draft.post('amend', [], {
    credits: 0n,
    actor: command.actor,
    idempotencyKey: command.idempotencyKey,
    fingerprint: command.fingerprint,
    refersTo: reservation.sequence,
    detail: { change: 'reservation_extended', reservation: reservation.id, expiresAt: formatInstant(expiresAt) },
  })
  return done(draft, transaction, extended)
}
