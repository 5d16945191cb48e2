import { versionAt } from '../catalog/version.js'
import { CreditError } from '../errors.js'
import type { Account } from '../ledger/account.js'
import type { MicroCredits } from '../money/credits.js'
import type { KindSum } from '../storage/port.js'
import { calendarPeriod, isTimeZone } from '../time/calendar.js'
import { formatInstant, type Instant } from '../time/instant.js'
import { accountMonth, type AccountMonth, type Window } from './account-month.js'
import { totalCredits } from './exact-figures.js'
import type { Ledger } from './ledger.js'
import type { AccountStatement, StatementFigures, StatementLines, StatementResult } from './results.js'

export interface StatementAsked {
  readonly account: string
  /** `YYYY-MM`; null for the running month so far. */
  readonly month: string | null
  /** Null for the account's own. */
  readonly timeZone: string | null
}

/** Accounts that report to one are read in pages. */
const PAGE = 100

/**
 * What an account had at the beginning of a calendar month, what came, what went and what it had at its end: the lines add
 * up exactly, to the micro-credit. What an account has is what is available and what is reserved, for a reservation only
 * sets aside. A refund stands in the month in which it was made.
 *
 * An account that others report to has a statement of each of them besides its own, all over its own month, and the sum
 * of all (ND-19). Test accounts are left out of a live account's statement, and live ones out of a test account's.
 *
 * @throws CreditError `unknown_account`; `invalid_request` for a month that is none or has not begun, for a zone that is
 *   none, and for totals that no number tells exactly
 */
export async function statement(ledger: Ledger, asked: StatementAsked): Promise<StatementResult> {
  const { account, unit, at } = await ledger.read(asked.account, (draft) => ({
    account: draft.account,
    unit: versionAt(draft.view.catalogs, draft.at).catalog.unit,
    at: draft.at,
  }))
  const timeZone = asked.timeZone ?? account.timeZone
  const { month, window } = monthOf(asked.month, timeZone, at)
  const own = await accountMonth(ledger, account.id, window)
  const children: AccountMonth[] = []
  for await (const child of childrenOf(ledger, account)) children.push(await accountMonth(ledger, child, window))
  return {
    ...statementOf(own),
    period: { month, since: formatInstant(window.since), until: formatInstant(window.until), timeZone },
    unit: { name: unit.name, plural: unit.plural },
    test: account.isTest,
    children: children.map(statementOf),
    total: children.length === 0 ? null : figuresOf(account.id, [own, ...children]),
  }
}

function monthOf(asked: string | null, timeZone: string, at: Instant): { readonly month: string; readonly window: Window } {
  if (!isTimeZone(timeZone)) {
    const message = `${JSON.stringify(timeZone.slice(0, 64))} is no time zone; expected a name like Europe/Berlin`
    throw new CreditError('invalid_request', message, { details: { field: 'timeZone' } })
  }
  const { key, since, until } = calendarPeriod(asked === null ? at : middleOf(asked), 'month', timeZone)
  if (since <= at) return { month: key, window: { since, until } }
  throw new CreditError('invalid_request', `The month ${key} has not begun`, { details: { field: 'month' } })
}

/** An instant that is in the month in every zone. */
function middleOf(month: string): Instant {
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month)
  if (match !== null && Number(match[1]) >= 1970) return Date.UTC(Number(match[1]), Number(match[2]) - 1, 15)
  throw new CreditError('invalid_request', `month is ${JSON.stringify(month.slice(0, 64))}; expected one like 2026-03`, { details: { field: 'month' } })
}

async function* childrenOf(ledger: Ledger, { id, isTest }: Account): AsyncGenerator<string> {
  for (let after: string | null = null; ; ) {
    const page: readonly Account[] = await ledger.query((store) => store.children(id, after, PAGE))
    for (const child of page) if (child.isTest === isTest) yield child.id
    if (page.length < PAGE) return
    after = page.at(-1)?.id ?? null
  }
}

function statementOf(month: AccountMonth): AccountStatement {
  const { first, last } = month.range
  return { account: month.account, ...figuresOf(month.account, [month]), transactions: first > last ? null : { first, last }, head: month.head }
}

/** The figures of one account, or of several together. A ledger whose lines do not add up is told of, not printed. */
function figuresOf(account: string, months: readonly AccountMonth[]): StatementFigures & StatementLines {
  const sums = months.flatMap((month) => month.sums)
  const of = (...kinds: readonly KindSum['kind'][]): MicroCredits => total(sums.filter(({ kind }) => kinds.includes(kind)), ({ credits }) => credits)
  const opening = total(months, (month) => month.opening)
  const closing = total(months, (month) => month.closing)
  const [granted, spent, refunded] = [of('grant'), of('charge', 'settle'), of('refund')]
  const [expired, revoked, adjusted] = [of('expire'), of('revoke'), of('adjust')]
  if (opening + granted + refunded + adjusted - spent - expired - revoked !== closing) {
    throw new Error(`The journal of ${account} does not add up: mcp-credits doctor tells where`)
  }
  return {
    opening: totalCredits(opening),
    granted: totalCredits(granted),
    spent: totalCredits(spent),
    refunded: totalCredits(refunded),
    expired: totalCredits(expired),
    revoked: totalCredits(revoked),
    adjusted: totalCredits(adjusted),
    closing: totalCredits(closing),
    reserved: totalCredits(total(months, (month) => month.reserved)),
    uncollected: totalCredits(total(months, (month) => month.uncollected)),
    grantedBy: grantedBy(months),
    spentBy: spentBy(sums),
  }
}

function total<T>(rows: readonly T[], amountOf: (row: T) => MicroCredits): MicroCredits {
  return rows.reduce((sum, row) => sum + amountOf(row), 0n)
}

function grantedBy(months: readonly AccountMonth[]): StatementLines['grantedBy'] {
  const sources = new Map<string, MicroCredits>()
  for (const month of months) {
    for (const [source, credits] of month.grantedBy) sources.set(source, (sources.get(source) ?? 0n) + credits)
  }
  const lines = [...sources].map(([source, credits]) => ({ key: source, source, amount: credits }))
  return lines.sort(largestFirst).map(({ source, amount }) => ({ source, credits: totalCredits(amount) }))
}

function spentBy(sums: readonly KindSum[]): StatementLines['spentBy'] {
  const operations = new Map<string | null, { readonly calls: number; readonly credits: MicroCredits }>()
  for (const { kind, operation, count, credits } of sums) {
    if (kind !== 'charge' && kind !== 'settle') continue
    const before = operations.get(operation) ?? { calls: 0, credits: 0n }
    operations.set(operation, { calls: before.calls + count, credits: before.credits + credits })
  }
  const lines = [...operations].map(([operation, { calls, credits }]) => ({ key: operation ?? '', operation, calls, amount: credits }))
  return lines.sort(largestFirst).map(({ operation, calls, amount }) => ({ operation, calls, credits: totalCredits(amount) }))
}

interface Line {
  readonly key: string
  readonly amount: MicroCredits
}

function largestFirst(a: Line, b: Line): number {
  if (a.amount !== b.amount) return a.amount > b.amount ? -1 : 1
  return a.key < b.key ? -1 : 1
}
