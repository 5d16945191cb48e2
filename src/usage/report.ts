import type { Catalog } from '../catalog/catalog.js'
import { versionAt } from '../catalog/version.js'
import { CreditError } from '../errors.js'
import type { Account } from '../ledger/account.js'
import type { Transaction } from '../ledger/transaction.js'
import type { MicroCredits } from '../money/credits.js'
import { QUARTER_MS, type UsageQuery, type UsageSum } from '../storage/port.js'
import { namedPeriod } from '../time/calendar.js'
import { DAY_MS, formatInstant, type Instant } from '../time/instant.js'
import { totalCredits, worthInUsd } from './exact-figures.js'
import { columnOf, type Group, groupsOf, readGrouping } from './grouping.js'
import type { Ledger } from './ledger.js'
import { leftTo, type OwnPart } from './own-keys.js'
import type { UsageResult } from './results.js'
import { rollUpTail } from './roll-up.js'
import { sharesOf } from './shares.js'

export interface UsageAsked {
  readonly account: string
  /** Inclusive; null for thirty days before `until`. */
  readonly since: Instant | null
  /** Exclusive; null for up to now, this moment included. */
  readonly until: Instant | null
  /** A day, week or month by its name (see `namedPeriod`), instead of `since` and `until`; null for none. */
  readonly period: string | null
  readonly groupBy: string
  /** Null for the account's own. It governs every day, week and month of the report (SF-14). */
  readonly timeZone: string | null
  /** Only what carries this label: one persona, one customer (SF-06). */
  readonly label: { readonly name: string; readonly value: string } | null
  /** The part of the account that is the asker's to see; null for all of it. */
  readonly own: OwnPart | null
}

const DEFAULT_PERIOD_MS = 30 * DAY_MS

/**
 * What was spent in a period, grouped, less what was refunded of it, whenever it was refunded. Every grouping has the
 * same total (I8). Rows of days, weeks and months are in the order of time and leave out those without a call; others begin
 * with the most expensive. `previous` is the period of the same length just before as much of this one as has passed.
 *
 * @throws CreditError `unknown_account`; `invalid_request` for another grouping, for a period that ends before it begins
 *   and for totals that no number tells exactly
 */
export async function usageReport(ledger: Ledger, asked: UsageAsked): Promise<UsageResult> {
  const grouping = readGrouping(asked.groupBy)
  const { account, balance, catalog, at, sums, before } = await momentOf(ledger, asked, columnOf(grouping))
  const { since, until, elapsedMs } = periodOf(asked, at, account)
  const timeZone = asked.timeZone ?? account.timeZone
  const groups = groupsOf(sums, grouping, catalog, timeZone)
  const { calls, credits } = sumOf(groups)
  const { creditUsd } = catalog.unit
  const shares = sharesOf(groups.map((group) => group.credits))
  return {
    period: { since: formatInstant(since), until: formatInstant(until), timeZone },
    rows: groups.map((group, index) => ({
      key: group.key,
      calls: group.calls,
      credits: totalCredits(group.credits),
      usd: worthInUsd(group.credits, creditUsd),
      share: shares[index] as number,
    })),
    totalCalls: calls,
    totalCredits: totalCredits(credits),
    ...trendOf(credits, sumOf(before)),
    burnRatePerDay: elapsedMs > 0 ? perDay(credits, elapsedMs) : 0,
    runsOutAt: runsOutAt({ at, balance, spent: credits, elapsedMs }),
  }
}

interface Period {
  readonly since: Instant
  readonly until: Instant
  /** How much of it has passed. */
  readonly elapsedMs: number
}

function periodOf(asked: UsageAsked, at: Instant, { timeZone }: Account): Period {
  if (asked.period !== null) return periodNamed(asked.period, at, asked.timeZone ?? timeZone)
  const until = asked.until ?? at + 1
  const since = asked.since ?? Math.max(0, (asked.until ?? at) - DEFAULT_PERIOD_MS)
  if (since > until) throw new CreditError('invalid_request', 'since is after until', { details: { field: 'since' } })
  return { since, until, elapsedMs: Math.min(until, at) - since }
}

/** A period that is not over ends with this moment, so that its rate is that of the days that have passed. */
function periodNamed(name: string, at: Instant, timeZone: string): Period {
  const period = namedPeriod(name, at, timeZone)
  if (period === null || period.since > at) {
    const expected = 'expected day, week, month, or one that has begun, as YYYY-MM or YYYY-MM-DD'
    throw new CreditError('invalid_request', `period is ${JSON.stringify(name.slice(0, 64))}; ${expected}`, { details: { field: 'period' } })
  }
  const until = Math.min(period.until, at + 1)
  return { since: period.since, until, elapsedMs: Math.min(until, at) - period.since }
}

interface Moment {
  readonly account: Account
  /** What the asker has left to spend from: the account's, or of that its own part. */
  readonly balance: MicroCredits
  readonly catalog: Catalog
  readonly at: Instant
  readonly sums: readonly UsageSum[]
  /** Those of the period before. */
  readonly before: readonly UsageSum[]
}

/** How often a report begins again because others wrote between its reads. */
const TRIES_MAX = 5

/**
 * The account and its sums. Spending that time has made necessary and no write has recorded yet counts as it will be
 * recorded, so that a report agrees with the balance; then the account must be the same after the sums as before.
 */
async function momentOf(ledger: Ledger, asked: UsageAsked, by: UsageQuery['by']): Promise<Moment> {
  const { own } = asked
  await rollUpTail(ledger, asked.account)
  for (let tries = 1; ; tries += 1) {
    const read = await ledger.read(asked.account, (draft, due) => ({
      account: draft.account,
      balance: own === null ? draft.account.books.available : leftTo(draft, own),
      catalog: versionAt(draft.view.catalogs, draft.at).catalog,
      at: draft.at,
      due: due.filter(isSpending),
    }))
    const { account, at, due } = read
    const { since, until, elapsedMs } = periodOf(asked, at, account)
    const filter = { account: account.id, by, ...(asked.label === null ? {} : { label: asked.label }), ...(own === null ? {} : { keys: own.keys }) }
    const from = (instant: Instant): Instant => Math.max(instant, own?.since ?? instant)
    const stored = await ledger.query((store) => store.usage({ ...filter, since: from(since), until }))
    const sums = [...stored, ...due.flatMap((row) => sumsOfRow(row, { ...filter, since, until }))]
    // Whichever grouping has the fewest rows: only their total is told.
    const fewest = asked.label === null && own === null ? ({ column: 'operation' } as const) : null
    const earlier = { ...filter, by: fewest, since: from(since - elapsedMs), until: since }
    const before = earlier.since < 0 || elapsedMs <= 0 ? [] : await ledger.query((store) => store.usage(earlier))
    if (due.length === 0 || tries === TRIES_MAX) return { ...read, sums, before }
    const newest = await ledger.query((store) => store.sequences(account.id, {}))
    if (newest.last < (due[0] as Transaction).sequence) return { ...read, sums, before }
  }
}

function isSpending({ kind }: Transaction): boolean {
  return kind === 'charge' || kind === 'settle'
}

function sumsOfRow(row: Transaction, { by, label, keys, since, until }: UsageQuery): readonly UsageSum[] {
  if (keys !== undefined && (row.key === null || !keys.includes(row.key))) return []
  const isAsked = row.at >= since && row.at < until && (label === undefined || row.labels?.[label.name] === label.value)
  if (!isAsked) return []
  const key = by === null ? null : 'label' in by ? (row.labels?.[by.label] ?? null) : row[by.column]
  return [{ key, quarter: Math.floor(row.at / QUARTER_MS), calls: 1, credits: row.credits }]
}

function sumOf(sums: readonly Pick<Group, 'calls' | 'credits'>[]): Pick<Group, 'calls' | 'credits'> {
  return {
    calls: sums.reduce((total, one) => total + one.calls, 0),
    credits: sums.reduce((total, one) => total + one.credits, 0n),
  }
}

/** Where nothing was spent before, there is nothing to compare with: null, which is not the same as no change. */
function trendOf(credits: MicroCredits, previous: Pick<Group, 'calls' | 'credits'>): Pick<UsageResult, 'previous' | 'change'> {
  if (previous.calls === 0) return { previous: null, change: null }
  const spent = totalCredits(previous.credits)
  return { previous: { calls: previous.calls, credits: spent }, change: spent === 0 ? null : (totalCredits(credits) - spent) / spent }
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

/** A date that far away says nothing, and is written in a form that few readers know. */
const YEAR_10000: Instant = Date.UTC(10_000, 0, 1)

/** When the balance is used up if spending goes on as in the elapsed part of the period; null where nothing is spent (AX-23). */
function runsOutAt({ at, balance, spent, elapsedMs }: Burn): string | null {
  if (spent <= 0n || elapsedMs <= 0) return null
  const leftMs = balance > 0n ? Number((balance * BigInt(elapsedMs)) / spent) : 0
  return at + leftMs < YEAR_10000 ? formatInstant(at + leftMs) : null
}
