import type { Level } from '../budgets/level.js'
import type { Done } from '../decide/outcome.js'
import { transactionId } from '../ledger/transaction.js'
import { toCredits } from '../money/credits.js'
import { formatLocal } from '../time/calendar.js'
import { formatInstantOrNull, type Instant, NEVER } from '../time/instant.js'

type JsonObject = { readonly [member: string]: unknown }

export const RECEIPT_META = 'io.github.mcp-credits/receipt'

/** What a metered call cost and what is left, as it stands in the result's `_meta`; names as on the wire. */
export interface Receipt {
  readonly transaction: string | null
  readonly charged: number
  readonly balance: number
  readonly spendable: number
  readonly budget_level: Level
  readonly budget_remaining: number | null
  readonly resets_at: string | null
  readonly replayed: boolean
  readonly uncollected?: number
}

/** The receipt of a settled call and, for people, when the next credits come in the account's own time. */
export interface NotedReceipt extends Receipt {
  readonly note: string | null
}

export function receiptOf({ transaction, account, replayed, pressure, ownBalance }: Done): NotedReceipt {
  const detail = transaction?.detail ?? {}
  const uncollected = (detail['uncollected'] as number | undefined) ?? 0
  const budget = pressure?.budget ?? null
  const nextGrantAt = pressure?.nextGrantAt ?? null
  const resetsAt = budget === null ? nextGrantAt : budget.resetsAt
  const level = pressure?.level ?? 'ok'
  const left = toCredits(pressure?.spendable ?? 0n)
  return {
    transaction: transaction === null ? null : transactionId(transaction),
    charged: toCredits(transaction?.credits ?? 0n),
    balance: toCredits(ownBalance ?? account.books.available),
    spendable: left,
    budget_level: level,
    budget_remaining: budget === null ? null : toCredits(budget.remaining),
    resets_at: formatInstantOrNull(resetsAt),
    replayed,
    ...(uncollected === 0 ? {} : { uncollected }),
    note: level === 'ok' ? null : `Credits: ${left} left${withinWords(budget)}${untilWords(account.timeZone, budget, nextGrantAt)}`,
  }
}

const WINDOW_WORDS: Readonly<Record<string, string>> = {
  day: 'today',
  week: 'this week',
  month: 'this month',
  billing_period: 'this billing period',
  total: 'in all',
  run: 'in this run',
}

type TightBudget = NonNullable<Done['pressure']>['budget']

function withinWords(budget: TightBudget): string {
  return budget === null ? '' : `${budget.limit === null ? '' : ` of ${toCredits(budget.limit)}`} ${WINDOW_WORDS[budget.window] ?? `in ${budget.window.replace('rolling:', 'any ')}`}`
}

function untilWords(timeZone: string, budget: TightBudget, nextGrantAt: Instant | null): string {
  if (budget !== null) return budget.resetsAt === NEVER ? '' : `, resets ${resetWords(budget, timeZone)}`
  return nextGrantAt === null ? '' : `, next grant ${formatLocal(nextGrantAt, timeZone)}`
}

/** A day ends at the next midnight: its date would tell nothing more, and a note is to be short. */
function resetWords({ window, resetsAt }: NonNullable<TightBudget>, timeZone: string): string {
  const words = formatLocal(resetsAt, timeZone)
  return window === 'day' ? words.slice(words.indexOf(' ') + 1) : words
}

/**
 * A result with its receipt. Once credits run low a short text block says so too, because a model reads text and not
 * `_meta`; `structuredContent` is never touched.
 */
export function withReceipt(result: JsonObject, { note, ...receipt }: NotedReceipt, withoutNotes: boolean): JsonObject {
  const meta = { ...(result['_meta'] as JsonObject | undefined), [RECEIPT_META]: receipt }
  if (note === null || withoutNotes) return { ...result, _meta: meta }
  const content = Array.isArray(result['content']) ? (result['content'] as unknown[]) : []
  return { ...result, content: [...content, { type: 'text', text: note }], _meta: meta }
}
