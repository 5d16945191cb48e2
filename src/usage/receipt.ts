import type { Level } from '../budgets/level.js'
import { spendable } from '../decide/limits.js'
import type { Done } from '../decide/outcome.js'
import { transactionId } from '../ledger/transaction.js'
import { toCredits } from '../money/credits.js'
import { formatLocal } from '../time/calendar.js'
import { formatInstant } from '../time/instant.js'

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

export function receiptOf({ transaction, account, replayed }: Done): NotedReceipt {
  const detail = transaction?.detail ?? {}
  const renewsAt = account.subscription?.periodEnd ?? null
  const uncollected = (detail['uncollected'] as number | undefined) ?? 0
  const level = (detail['level'] as Level | undefined) ?? 'ok'
  const left = toCredits(spendable(account))
  const until = renewsAt === null ? '' : `, next grant ${formatLocal(renewsAt, account.timeZone)}`
  return {
    transaction: transaction === null ? null : transactionId(transaction),
    charged: toCredits(transaction?.credits ?? 0n),
    balance: toCredits(account.books.available),
    spendable: left,
    budget_level: level,
    budget_remaining: null,
    resets_at: renewsAt === null ? null : formatInstant(renewsAt),
    replayed,
    ...(uncollected === 0 ? {} : { uncollected }),
    note: level === 'ok' ? null : `Credits: ${left} left${until}`,
  }
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
