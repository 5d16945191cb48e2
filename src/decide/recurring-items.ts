import { versionAt } from '../catalog/version.js'
import type { AccountRecord } from '../ledger/account-record.js'
import { toCredits } from '../money/credits.js'
import {
  beginItem,
  isAffordableToCount,
  ITEM_QUANTITY_MAX,
  itemDocument,
  type ItemLine,
  itemLines,
  itemOf,
  itemOperation,
  itemsDueAt,
  type KeptItem,
  meteredTo,
  nextItemsDueAt,
} from '../plans/recurring-item.js'
import { formatInstant, type Instant, NEVER } from '../time/instant.js'
import type { SetItemCommand } from './command.js'
import type { Draft } from './draft.js'
import { takesNoMore } from './grant.js'
import { levelDetail } from './level.js'
import { tellUncollected } from './messages.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { payOverrun } from './overrun.js'
import { openRecord, postRecord, tooMany } from './records.js'
import { done } from './result.js'
import { NO_BUDGETS } from './standings.js'

/** Keeps so many units of a recurring item from now on; what was kept until now stays counted at its own quantity (ND-21). */
export function decideSetItem(draft: Draft, command: SetItemCommand): Outcome {
  const { item: id, quantity } = command
  const record = openRecord(draft, 'item', id)
  const refused = refusalToKeep(draft, command, record)
  if (refused !== null) return refused
  const before = record === null ? 0 : itemOf(record).quantity
  if (before === quantity && command.idempotencyKey === null) return { ...done(draft, null), record }
  const kept =
    record === null
      ? beginItem(id, draft.at, quantity)
      : { ...meteredTo(itemOf(record), draft.at, draft.view.catalogs), quantity }
  const isOpen = record !== null || quantity > 0
  if (isOpen && draft.account.itemsDueAt === NEVER) dueAt(draft, itemsDueAt(draft.at, draft.account.timeZone))
  const wanted = { kind: 'item', id, change: 'item_set', document: itemDocument(kept), isOpen, detail: { before, quantity } } as const
  return postRecord(draft, command, wanted, record ?? draft.record('item', id))
}

/** The month of the recurring items is over: each is charged once, whoever comes first and however late, and goes on. */
export function chargeItems(draft: Draft): void {
  const at = draft.account.itemsDueAt
  const until = at + 1
  const isGoingOn = draft.records('item').map((record) => chargeItem(draft, record, { at, until, goesOn: true }))
  dueAt(draft, isGoingOn.includes(true) ? nextItemsDueAt(until, draft.account.timeZone) : NEVER)
}

/** Charges every recurring item up to now and ends it: what an account does that closes. */
export function settleItems(draft: Draft, at: Instant): void {
  if (draft.account.itemsDueAt === NEVER) return
  for (const record of draft.records('item')) chargeItem(draft, record, { at, until: at, goesOn: false })
  dueAt(draft, NEVER)
}

interface Ending {
  /** When it is charged. */
  readonly at: Instant
  /** What is charged, exclusive. */
  readonly until: Instant
  readonly goesOn: boolean
}

/** Answers whether the item goes on. One of which nothing is kept any more has had its last month. */
function chargeItem(draft: Draft, record: AccountRecord, { at, until, goesOn }: Ending): boolean {
  const item = meteredTo(itemOf(record), until, draft.view.catalogs)
  const lines = itemLines(item, draft.view.catalogs)
  if (lines.some((line) => line.cost > 0n)) postCharge(draft, item, lines, at)
  const isOpen = goesOn && item.quantity > 0
  const document = itemDocument(beginItem(item.id, item.meteredUntil, isOpen ? item.quantity : 0))
  draft.putRecord({ ...record, sequence: draft.account.sequence, isOpen, document }, record)
  return isOpen
}

/**
 * One charge for all that was kept, from the grants in burn order. What nothing pays is recorded and told of; the balance
 * never goes below zero for it. It is owed by a suspended account as well, and no budget counts or stops it: a budget limits
 * what is done, and what is kept is owed already.
 */
function postCharge(draft: Draft, { id, since, meteredUntil }: KeptItem, lines: readonly ItemLine[], at: Instant): void {
  const operation = itemOperation(id)
  const priceVersion = lines.at(-1)?.version ?? null
  const cost = lines.reduce((sum, line) => sum + line.cost, 0n)
  const { moves, paid, unpaid } = payOverrun(draft, NO_BUDGETS, cost, { atMost: cost, mayOwe: false })
  draft.post('charge', moves, {
    at,
    credits: paid,
    operation,
    quantity: lines.reduce((sum, line) => sum + line.unitHours * 1e6, 0) / 1e6,
    priceVersion,
    detail: {
      item: id,
      since: formatInstant(since),
      until: formatInstant(meteredUntil),
      lines: lines.map((line) => recordedLine(operation, line)),
      ...(unpaid === 0n ? {} : { uncollected: toCredits(unpaid) }),
      ...levelDetail(draft, NO_BUDGETS, -paid, paid),
    },
  })
  if (unpaid > 0n) tellUncollected(draft, operation, unpaid)
}

/** A price as the lines of every other charge say it, with the catalog version that it is of. */
function recordedLine(operation: string, { version, unitHours, cost, item }: ItemLine) {
  const { amount, per } = item.pricePerUnitHour
  const credits = toCredits(cost)
  const unitPrice = per === 1 ? toCredits(amount) : null
  return { operation, variant: null, quantity: unitHours, unitPrice, minimum: credits, maximum: credits, priceVersion: version }
}

function dueAt(draft: Draft, at: Instant): void {
  draft.change({ itemsDueAt: at })
  draft.dueBy(at)
}

function refusalToKeep(draft: Draft, { item: id, quantity }: SetItemCommand, record: AccountRecord | null): Refused | null {
  if (draft.account.state === 'closed') return takesNoMore()
  if (quantity < 0 || quantity > ITEM_QUANTITY_MAX) {
    return refuse('invalid_amount', `quantity is ${quantity}; expected a number from 0 to ${ITEM_QUANTITY_MAX}`)
  }
  const { recurringItems } = versionAt(draft.view.catalogs, draft.at).catalog
  const item = recurringItems[id]
  // One that the catalog has dropped can still be ended.
  if (item === undefined) return record !== null && quantity === 0 ? null : unknownItem(id, Object.keys(recurringItems))
  if (!isAffordableToCount(item, quantity)) {
    return refuse('invalid_amount', `${quantity} ${item.unit.plural} would cost more than 2000000000 credits a month`)
  }
  return record === null && quantity > 0 ? tooMany(draft, 'item') : null
}

function unknownItem(id: string, known: readonly string[]): Refused {
  const advice = known.length === 0 ? 'The catalog has no recurring items' : `The catalog has the recurring items: ${known.join(', ')}`
  return refuse('unknown_item', `There is no recurring item ${JSON.stringify(id.slice(0, 64))}`, {
    details: { item: id.slice(0, 64) },
    advice: [advice],
  })
}
