import { type Grant, isOpen } from '../ledger/grant.js'
import type { Instant } from '../time/instant.js'
import { watchBalance } from './alerts.js'
import type { Draft } from './draft.js'
import { expireGrant } from './expire.js'
import { chargeItems } from './recurring-items.js'
import { renew } from './renew.js'
import { takeEffect } from './schedule.js'
import { timeOutReservation } from './time-out.js'
import type { DueRows } from './view.js'

/** Bounds one write after a long pause; the rest goes on in the next. */
const DUE_EVENTS_MAX = 500

/** One thing that time has made necessary. */
interface DueEvent {
  readonly at: Instant
  /** At one instant reservations end first, then grants expire, then scheduled grants begin, plans renew, and items are charged. */
  readonly rank: number
  /** Of one rank the older row first, so that the order does not depend on how rows were loaded. */
  readonly sequence: number
  readonly happen: () => void
}

/**
 * Decides first what time alone has made necessary, in time order, each dated at its own instant; it is kept whatever
 * becomes of the command. So a balance is right even if nothing ran overnight, and whoever comes first does it once.
 *
 * Returns whether all of it is done; if not, the rest is for the next write.
 */
export function advance(draft: Draft): boolean {
  if (draft.account.nextDueAt > draft.at) return true
  const loaded = draft.view.due(draft.at)
  const queue = loadedEvents(draft, loaded)
  let isDone = false
  for (let count = 0; count < DUE_EVENTS_MAX && !isDone; count += 1) {
    const event = [queue[0], ...arisenEvents(draft)].reduce(earlier, undefined)
    if (event === undefined || event.at > loaded.horizon) isDone = true
    else {
      if (event === queue[0]) queue.shift()
      const before = draft.account
      event.happen()
      watchBalance(draft, before)
    }
  }
  // A page that was cut, or a write that is full, leaves the account due now; the next write goes on from there.
  if (!isDone || loaded.isCut) return false
  draft.change({ nextDueAt: loaded.next })
  draft.dueByChangedRows()
  return true
}

function loadedEvents(draft: Draft, loaded: DueRows): DueEvent[] {
  const events = [
    ...loaded.reservations.map((row) => ({
      at: row.expiresAt,
      rank: 0,
      sequence: row.sequence,
      happen: () => timeOutReservation(draft, row, row.expiresAt),
    })),
    ...loaded.expiring.map((row) => expiryOf(draft, row)),
    ...loaded.scheduled.map((row) => ({
      at: row.effectiveAt,
      rank: 2,
      sequence: row.sequence,
      happen: () => takeEffect(draft, row),
    })),
  ]
  return events.sort(compareEvents)
}

/**
 * What became due only by an event before it: grants made or given credits back meanwhile, the next renewal, and the end
 * of the recurring items' month.
 */
function arisenEvents(draft: Draft): (DueEvent | undefined)[] {
  const grants = draft.changedGrants().filter(isOpen)
  const expiries = grants.map((row) => expiryOf(draft, row))
  const { subscription } = draft.account
  const renewal = subscription === null ? undefined : { at: subscription.periodEnd, rank: 3, sequence: 0, happen: () => renew(draft) }
  const items = { at: draft.account.itemsDueAt, rank: 4, sequence: 0, happen: () => chargeItems(draft) }
  return [...expiries, renewal, items]
}

function expiryOf(draft: Draft, { expiresAt, sequence }: Grant): DueEvent {
  return { at: expiresAt, rank: 1, sequence, happen: () => expireIfOpen(draft, sequence) }
}

function expireIfOpen(draft: Draft, sequence: number): void {
  const grant = draft.grant(sequence)
  if (isOpen(grant)) expireGrant(draft, grant, grant.expiresAt)
}

function earlier(first: DueEvent | undefined, second: DueEvent | undefined): DueEvent | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return compareEvents(first, second) <= 0 ? first : second
}

function compareEvents(a: DueEvent, b: DueEvent): number {
  return a.at - b.at || a.rank - b.rank || a.sequence - b.sequence
}
