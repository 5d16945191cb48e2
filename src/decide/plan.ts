import assert from 'node:assert/strict'
import type { Quote } from '../ledger/quote.js'
import { type Reservation, RESERVATION_MAX_MS } from '../ledger/reservation.js'
import type { Transaction } from '../ledger/transaction.js'
import { type MicroCredits, parseCredits, toCredits } from '../money/credits.js'
import { formatInstant } from '../time/instant.js'
import type { Actor, ExtendCommand, ReleaseCommand, SettleCommand } from './command.js'
import type { Draft } from './draft.js'
import { decideEnd } from './end.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { leftNow } from './own-part.js'
import { isAllSpent, isRunning, quoteNamed, reservationsOf } from './quoted.js'
import { done } from './result.js'

/** Moves the end of all that is set aside under a quote, in one write; nothing of it is shortened. */
export function decideExtendPlan(draft: Draft, command: ExtendCommand): Outcome {
  const held = heldUnder(draft, command.reservation, command.actor)
  if (held.kind === 'refused') return held
  if (command.ttlMs > RESERVATION_MAX_MS) return refuse('invalid_request', 'A reservation lives at most 24 hours from now')
  const extended = held.reservations.map((row) => draft.extendReservation(row, Math.max(row.expiresAt, draft.at + command.ttlMs)))
  const transaction = draft.post('amend', [], {
    credits: 0n,
    actor: command.actor,
    idempotencyKey: command.idempotencyKey,
    fingerprint: command.fingerprint,
    detail: {
      change: 'plan_extended',
      quote: held.quote.id,
      // When the first of them ends.
      expiresAt: formatInstant(Math.min(...extended.map(({ expiresAt }) => expiresAt))),
      ends: extended.map(({ sequence, expiresAt }) => [sequence, formatInstant(expiresAt)]),
    },
  })
  return done(draft, transaction)
}

/**
 * Ends all that is set aside under a quote, in one write: given back, or charged in full. What a single call cost is told
 * of that call's own reservation.
 */
export function decideEndPlan(draft: Draft, command: SettleCommand | ReleaseCommand): Outcome {
  if (command.kind === 'settle' && Object.values(command.actual).some((told) => told !== undefined)) {
    return refuse('invalid_request', 'A plan is settled in full, without a figure of its own', {
      details: { reservation: command.reservation },
      advice: ['Say what a call cost when you charge it under the quote, or settle its own reservation.'],
    })
  }
  const held = heldUnder(draft, command.reservation, command.actor)
  if (held.kind === 'refused') return held
  const rows = held.reservations.map((reservation) => endOne(draft, command, reservation))
  const sums = rows.reduce(addRow, { charged: 0n, released: 0n, uncollected: 0n })
  const transaction = draft.post('amend', [], {
    credits: 0n,
    actor: command.actor,
    idempotencyKey: command.idempotencyKey,
    fingerprint: command.fingerprint,
    detail: {
      change: command.kind === 'settle' ? 'plan_settled' : 'plan_released',
      quote: held.quote.id,
      charged: toCredits(sums.charged),
      released: toCredits(sums.released),
      uncollected: toCredits(sums.uncollected),
      ended: held.reservations.map(({ sequence }) => sequence),
      ...(command.fault === null ? {} : { fault: command.fault }),
      ...leftNow(draft, command.actor),
    },
  })
  return done(draft, transaction)
}

function endOne(draft: Draft, command: SettleCommand | ReleaseCommand, { id }: Reservation): Transaction {
  const ended = decideEnd(draft, { ...command, reservation: id, idempotencyKey: null, fingerprint: null })
  assert(ended.kind === 'done' && ended.transaction !== null, 'what is open and held is ended by its holder')
  return ended.transaction
}

interface Sums {
  readonly charged: MicroCredits
  readonly released: MicroCredits
  readonly uncollected: MicroCredits
}

function addRow(sums: Sums, { kind, credits, detail }: Transaction): Sums {
  const told = (name: string): MicroCredits => (detail[name] === undefined ? 0n : parseCredits(detail[name], name))
  return {
    charged: sums.charged + (kind === 'settle' ? credits : 0n),
    released: sums.released + told('released'),
    uncollected: sums.uncollected + told('uncollected'),
  }
}

interface HeldUnder {
  readonly kind: 'held'
  readonly quote: Quote
  readonly reservations: readonly Reservation[]
}

/** All that is set aside under a quote and that an actor may end; refused where that is nothing. */
function heldUnder(draft: Draft, id: string, actor: Actor): HeldUnder | Refused {
  const quote = quoteNamed(draft, id, actor, true)
  if ('kind' in quote) return quote
  const reservations = reservationsOf(draft, quote, actor)
  if (reservations.length > 0) return { kind: 'held', quote, reservations }
  if (isAllSpent(draft, quote)) {
    return refuse('reservation_not_open', `All of the quote ${quote.id} was spent; nothing of it is left to end`, {
      details: { reservation: quote.id, state: 'spent' },
      advice: ['Nothing is left to do; ask for a new quote for more.'],
    })
  }
  if (isRunning(draft, quote)) {
    return refuse('reservation_not_open', `What is set aside under the quote ${quote.id} is used by calls that are running`, {
      details: { reservation: quote.id, state: 'in_use' },
      advice: ['Wait for them: each ends its own reservation.'],
    })
  }
  return refuse('reservation_not_open', `Nothing is set aside under the quote ${quote.id} any more`, {
    details: { reservation: quote.id, state: 'none' },
    advice: ['Reserve it anew while the quote holds; a reservation ends once.'],
  })
}
