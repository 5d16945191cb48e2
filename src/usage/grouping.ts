import type { Catalog } from '../catalog/catalog.js'
import { CreditError } from '../errors.js'
import type { MicroCredits } from '../money/credits.js'
import { QUARTER_MS, type UsageColumn, type UsageQuery, type UsageSum } from '../storage/port.js'
import { CALENDAR_UNITS, type CalendarPeriod, calendarPeriod, type CalendarUnit } from '../time/calendar.js'

/** By what a report divides usage. */
export type Grouping =
  | { readonly kind: 'column'; readonly column: UsageColumn }
  | { readonly kind: 'category' }
  | { readonly kind: 'label'; readonly name: string }
  | { readonly kind: 'time'; readonly unit: CalendarUnit }

const COLUMNS: readonly UsageColumn[] = ['tool', 'operation', 'member', 'key', 'variant']

/** @throws CreditError `invalid_request` for a grouping that there is not, with those that there are */
export function readGrouping(groupBy: string): Grouping {
  const column = COLUMNS.find((name) => name === groupBy)
  if (column !== undefined) return { kind: 'column', column }
  const unit = CALENDAR_UNITS.find((name) => name === groupBy)
  if (unit !== undefined) return { kind: 'time', unit }
  if (groupBy === 'category') return { kind: 'category' }
  if (/^label:./s.test(groupBy)) return { kind: 'label', name: groupBy.slice('label:'.length) }
  const choices = [...COLUMNS, 'category', 'label:<name>', ...CALENDAR_UNITS]
  throw new CreditError('invalid_request', `groupBy is ${JSON.stringify(groupBy.slice(0, 64))}; expected one of ${choices.join(', ')}`, {
    details: { field: 'groupBy', choices },
  })
}

/** By what the ledger sums; a category is the catalog's to say, and a day is the zone's. */
export function columnOf(grouping: Grouping): UsageQuery['by'] {
  switch (grouping.kind) {
    case 'column':
      return { column: grouping.column }
    case 'category':
      return { column: 'operation' }
    case 'label':
      return { label: grouping.name }
    case 'time':
      return null
  }
}

export interface Group {
  readonly key: string | null
  readonly calls: number
  readonly credits: MicroCredits
}

/**
 * Folds the ledger's sums into the groups of a report: those of time in the order of time, others the most expensive
 * first (WC-13). What has no key, or an operation that the catalog does not know any more, is a group of its own.
 */
export function groupsOf(sums: readonly UsageSum[], grouping: Grouping, catalog: Catalog, timeZone: string): readonly Group[] {
  const keyOf = keyReader(grouping, catalog, timeZone)
  const groups = new Map<string | null, Group>()
  const inOrder = grouping.kind === 'time' ? [...sums].sort((a, b) => quarterOf(a) - quarterOf(b)) : sums
  for (const sum of inOrder) {
    const key = keyOf(sum)
    const { calls, credits } = groups.get(key) ?? { calls: 0, credits: 0n }
    groups.set(key, { key, calls: calls + sum.calls, credits: credits + sum.credits })
  }
  return [...groups.values()].sort(grouping.kind === 'time' ? byTime : byCredits)
}

type KeyReader = (sum: UsageSum) => string | null

function keyReader(grouping: Grouping, catalog: Catalog, timeZone: string): KeyReader {
  if (grouping.kind === 'time') return periodReader(grouping.unit, timeZone)
  if (grouping.kind === 'category') return ({ key }) => (key === null ? null : (catalog.operations[key]?.category ?? null))
  return ({ key }) => key
}

/**
 * Folds quarters of an hour into a zone's periods: every zone's midnight falls on one. The period found last is asked
 * first, for the calendar is slow and neighbours are mostly of the same period.
 */
function periodReader(unit: CalendarUnit, timeZone: string): KeyReader {
  let period: CalendarPeriod | null = null
  return (sum) => {
    const at = quarterOf(sum) * QUARTER_MS
    if (period === null || at < period.since || at >= period.until) period = calendarPeriod(at, unit, timeZone)
    return period.key
  }
}

function quarterOf({ quarter }: UsageSum): number {
  if (quarter === null) throw new Error('a store sums by quarters of an hour where it is asked for no key')
  return quarter
}

function byTime(a: Group, b: Group): number {
  return compareKeys(a.key, b.key)
}

function byCredits(a: Group, b: Group): number {
  return a.credits === b.credits ? compareKeys(a.key, b.key) : a.credits > b.credits ? -1 : 1
}

/** By code unit, the same on every machine; what has no key comes last. */
function compareKeys(a: string | null, b: string | null): number {
  if (a === b) return 0
  if (a === null || b === null) return a === null ? 1 : -1
  return a < b ? -1 : 1
}
