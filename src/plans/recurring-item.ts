import type { RecurringItem } from '../catalog/catalog.js'
import { recurringCost, type RecurringSegment } from '../catalog/recurring.js'
import { type CatalogVersion, versionAt } from '../catalog/version.js'
import type { AccountRecord, RecordDocument } from '../ledger/account-record.js'
import { AMOUNT_MAX, type MicroCredits } from '../money/credits.js'
import { InvalidAmount } from '../money/invalid-amount.js'
import { addUnitTime, NO_TIME, partsOfUnitTime, unitHours, type UnitTime } from '../money/unit-time.js'
import { calendarPeriod } from '../time/calendar.js'
import { DAY_MS, type Instant } from '../time/instant.js'

/** A recurring item as an account keeps it, with what it has come to since it was charged last. */
export interface KeptItem {
  readonly id: string
  readonly quantity: number
  /** The beginning of what is charged next. */
  readonly since: Instant
  /** Counted up to here; from here on it is `quantity`. */
  readonly meteredUntil: Instant
  readonly metered: readonly Metered[]
}

/**
 * How much was kept for how long at one price. A sum instead of the changes that led to it, so that it stays one small row
 * however often a quantity changes.
 */
interface Metered {
  /** The catalog version whose price it has. */
  readonly version: number
  readonly unitMs: UnitTime
}

/** Bounds a quantity so that the unit-hours of a month are a quantity as well. */
export const ITEM_QUANTITY_MAX = 1_000_000_000

export function beginItem(id: string, since: Instant, quantity: number): KeptItem {
  return { id, quantity, since, meteredUntil: since, metered: [] }
}

export function itemDocument({ id: _, ...item }: KeptItem): RecordDocument {
  return item
}

export function itemOf({ id, document }: AccountRecord): KeptItem {
  return { ...(document as unknown as Omit<KeptItem, 'id'>), id }
}

/** The operation that a charge for an item is recorded as. */
export function itemOperation(id: string): string {
  return `recurring.${id}`
}

/** The item counted up to an instant, each stretch at the price that was in force in it. Exact to the millisecond (ND-21). */
export function meteredTo(item: KeptItem, until: Instant, versions: readonly CatalogVersion[]): KeptItem {
  if (until <= item.meteredUntil) return item
  if (item.quantity === 0) return { ...item, meteredUntil: until }
  const changes = versions.map((version) => version.effectiveAt).filter((at) => at > item.meteredUntil && at < until)
  const bounds = [item.meteredUntil, ...changes.sort((a, b) => a - b), until]
  const metered = bounds.slice(1).reduce((sum, end, index) => {
    const start = bounds[index] as Instant
    const { version } = pricedBy(item.id, versions, start)
    return plus(sum, version, { quantity: item.quantity, ms: end - start })
  }, item.metered)
  return { ...item, meteredUntil: until, metered }
}

/** One price's part of what an item costs. */
export interface ItemLine {
  readonly version: number
  /** To six decimals, for people to read; the cost comes from the exact time. */
  readonly unitHours: number
  readonly cost: MicroCredits
  readonly item: RecurringItem
}

/** What the metered time of an item costs, price by price, each rounded up once. */
export function itemLines({ id, metered }: KeptItem, versions: readonly CatalogVersion[]): readonly ItemLine[] {
  return metered.map(({ version, unitMs }) => {
    const item = versions.find((known) => known.version === version)?.catalog.recurringItems[id]
    if (item === undefined) throw new Error(`catalog version ${version} has no recurring item ${id}`)
    return { version, unitHours: unitHours(unitMs), cost: boundedCost(item, partsOfUnitTime(unitMs)), item }
  })
}

const LONGEST_MONTH_MS = 32 * DAY_MS

/** Whether a month of so much of an item is an amount at all. */
export function isAffordableToCount(item: RecurringItem, quantity: number): boolean {
  return costOf(item, [{ quantity, ms: LONGEST_MONTH_MS }]) !== null
}

/** The last millisecond of the calendar month, so that a month's charge stands in that month and its allowance can pay for it. */
export function itemsDueAt(at: Instant, timeZone: string): Instant {
  return calendarPeriod(at, 'month', timeZone).until - 1
}

/**
 * The end of the month that begins at `start`. Looked up some days into it: where the account's zone has changed since,
 * its own month begins some hours earlier or later, and no month is charged in two parts.
 */
export function nextItemsDueAt(start: Instant, timeZone: string): Instant {
  return itemsDueAt(start + 3 * DAY_MS, timeZone)
}

/**
 * The catalog version whose price an item has at an instant: the one in force, or the last before it that knew the item.
 * A price that is dropped from the catalog is not free by accident; what is kept no more is set to zero (T32).
 */
function pricedBy(id: string, versions: readonly CatalogVersion[], at: Instant): CatalogVersion {
  const inForce = versionAt(versions, at)
  const known = versions.slice(0, versions.indexOf(inForce) + 1).findLast(({ catalog }) => catalog.recurringItems[id] !== undefined)
  if (known === undefined) throw new Error(`no catalog version up to ${inForce.version} has a recurring item ${id}`)
  return known
}

function plus(metered: readonly Metered[], version: number, added: RecurringSegment): readonly Metered[] {
  const before = metered.find((part) => part.version === version)
  if (before === undefined) return [...metered, { version, unitMs: addUnitTime(NO_TIME, added) }]
  const after = { version, unitMs: addUnitTime(before.unitMs, added) }
  return metered.map((part) => (part === before ? after : part))
}

/** What nobody could be charged any more ends the bill there, rather than every write of the account after it. */
function boundedCost(item: RecurringItem, segments: readonly RecurringSegment[]): MicroCredits {
  return costOf(item, segments) ?? AMOUNT_MAX
}

function costOf(item: RecurringItem, segments: readonly RecurringSegment[]): MicroCredits | null {
  try {
    return recurringCost(item, segments)
  } catch (error) {
    if (error instanceof InvalidAmount) return null
    throw error
  }
}
