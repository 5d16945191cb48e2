import type { Catalog } from '../catalog/catalog.js'
import { versionAt } from '../catalog/version.js'
import { CreditError } from '../errors.js'
import { type MicroCredits, toCredits } from '../money/credits.js'
import { type Fiat, toUsd, usdFor } from '../money/fiat.js'
import { QUARTER_MS, type UsageColumn, type UsageQuery, type UsageSum } from '../storage/port.js'
import { CALENDAR_UNITS, type CalendarPeriod, calendarPeriod, type CalendarUnit } from '../time/calendar.js'
import { DAY_MS, formatInstant, type Instant, NEVER } from '../time/instant.js'
import type { Ledger } from './ledger.js'
import type { UsageResult, UsageRow } from './results.js'

export interface UsageAsked {
  readonly account: string
  /** Inclusive; null for thirty days before `until`. */
  readonly since: Instant | null
  /** Exclusive; null for up to now, this moment included. */
  readonly until: Instant | null
  readonly groupBy: string
  /** Null for the account's own. */
  readonly timeZone: string | null
  /** Only what carries this label. */
  readonly label: { readonly name: string; readonly value: string } | null
}

const DEFAULT_PERIOD_MS = 30 * DAY_MS

/**
 * What was spent in a period, grouped, less what was refunded of it, whenever it was refunded. Every grouping has the
 * same total. Rows of days, weeks and months are in the order of time and leave out those without a call; others begin
 * with the most expensive.
 *
 * @throws CreditError `unknown_account`; `invalid_request` for another grouping and for a period that ends before it begins
 */
export async function usageReport(ledger: Ledger, asked: UsageAsked): Promise<UsageResult> {
  const grouping = readGrouping(asked.groupBy)
  const { account, catalog, at } = await ledger.read(asked.account, (draft) => ({
    account: draft.account,
    catalog: versionAt(draft.view.catalogs, draft.at).catalog,
    at: draft.at,
  }))
  const until = asked.until ?? at + 1
  const since = asked.since ?? Math.max(0, (asked.until ?? at) - DEFAULT_PERIOD_MS)
  if (since > until) throw new CreditError('invalid_request', 'since is after until', { details: { field: 'since' } })
  const timeZone = asked.timeZone ?? account.timeZone
  const label = asked.label === null ? {} : { label: asked.label }
  const sums = await ledger.query((store) => store.usage({ account: account.id, since, until, by: columnOf(grouping), ...label }))
  const groups = grouped(sums, keyReader(grouping, catalog, timeZone))
  const total = [...groups.values()].reduce((sum, group) => sum + group.credits, 0n)
  const elapsedMs = Math.min(until, at) - since
  return {
    period: { since: formatInstant(since), until: formatInstant(until), timeZone },
    rows: [...groups]
      .sort(grouping.kind === 'time' ? byTime : byCredits)
      .map(([key, group]) => usageRow(key, group, total, catalog.unit.creditUsd)),
    totalCalls: [...groups.values()].reduce((sum, group) => sum + group.calls, 0),
    totalCredits: toCredits(total),
    burnRatePerDay: elapsedMs > 0 ? perDay(total, elapsedMs) : 0,
    runsOutAt: runsOutAt({ at, balance: account.books.available, spent: total, elapsedMs }),
  }
}

type Grouping =
  | { readonly kind: 'column'; readonly column: UsageColumn }
  | { readonly kind: 'category' }
  | { readonly kind: 'label'; readonly name: string }
  | { readonly kind: 'time'; readonly unit: CalendarUnit }

const COLUMNS: readonly UsageColumn[] = ['tool', 'operation', 'member', 'key', 'variant']

function readGrouping(groupBy: string): Grouping {
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
function columnOf(grouping: Grouping): UsageQuery['by'] {
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
  return ({ quarter }) => {
    const at = quarter * QUARTER_MS
    if (period === null || at < period.since || at >= period.until) period = calendarPeriod(at, unit, timeZone)
    return period.key
  }
}

interface Group {
  readonly calls: number
  readonly credits: MicroCredits
}

type KeyedGroup = readonly [key: string | null, group: Group]

function grouped(sums: readonly UsageSum[], keyOf: KeyReader): ReadonlyMap<string | null, Group> {
  const groups = new Map<string | null, Group>()
  for (const sum of [...sums].sort((a, b) => a.quarter - b.quarter)) {
    const key = keyOf(sum)
    const { calls, credits } = groups.get(key) ?? { calls: 0, credits: 0n }
    groups.set(key, { calls: calls + sum.calls, credits: credits + sum.credits })
  }
  return groups
}

function byTime([a]: KeyedGroup, [b]: KeyedGroup): number {
  return compareKeys(a, b)
}

function byCredits([a, { credits: ofA }]: KeyedGroup, [b, { credits: ofB }]: KeyedGroup): number {
  return ofA === ofB ? compareKeys(a, b) : ofA > ofB ? -1 : 1
}

/** By code unit, the same on every machine; what has no key comes last. */
function compareKeys(a: string | null, b: string | null): number {
  if (a === b) return 0
  if (a === null || b === null) return a === null ? 1 : -1
  return a < b ? -1 : 1
}

function usageRow(key: string | null, { calls, credits }: Group, total: MicroCredits, creditUsd: Fiat | null): UsageRow {
  return {
    key,
    calls,
    credits: toCredits(credits),
    usd: creditUsd === null ? null : toUsd(usdFor(credits, creditUsd)),
    share: total === 0n ? 0 : toCredits(credits) / toCredits(total),
  }
}

/** An extrapolation and no amount: of a short period it may be more than any account could hold. */
function perDay(spent: MicroCredits, elapsedMs: number): number {
  return Number((spent * BigInt(DAY_MS)) / BigInt(elapsedMs)) / 1e6
}

interface Burn {
  readonly at: Instant
  readonly balance: MicroCredits
  readonly spent: MicroCredits
  readonly elapsedMs: number
}

/** When the balance is used up if spending goes on as in the elapsed part of the period; null where nothing is spent. */
function runsOutAt({ at, balance, spent, elapsedMs }: Burn): string | null {
  if (spent <= 0n || elapsedMs <= 0) return null
  const leftMs = balance > 0n ? Number((balance * BigInt(elapsedMs)) / spent) : 0
  return at + leftMs < NEVER ? formatInstant(at + leftMs) : null
}
