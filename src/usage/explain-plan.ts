import type { Draft } from '../decide/draft.js'
import { type Quote, quotedBy, quoteOf } from '../ledger/quote.js'
import { sequenceOfId, type Transaction } from '../ledger/transaction.js'
import { type MicroCredits, toCredits } from '../money/credits.js'
import { formatInstant } from '../time/instant.js'
import type { ExplainResult } from './results.js'

/** The quote that a row is under, with the most that its call could cost by it, or of a plan's row all its calls. */
export function quoteUnder(draft: Draft, row: Transaction): ExplainResult['quote'] {
  const quote = quoteOf(row) ?? quoteNamedBy(draft, row)
  if (quote === null) return null
  const call = quotedBy(row)?.call
  const calls = quote.calls.filter((_, index) => call === undefined || index === call)
  const maximum = calls.reduce((sum, one): MicroCredits => sum + one.maximum, 0n)
  return { quoteId: quote.id, maximum: toCredits(maximum), expiresAt: formatInstant(quote.expiresAt) }
}

function quoteNamedBy(draft: Draft, { detail: { quote } }: Transaction): Quote | null {
  const sequence = typeof quote === 'string' ? sequenceOfId('quote', quote) : null
  const row = sequence === null ? null : draft.transaction(sequence)
  return row === null ? null : quoteOf(row)
}

type PlanFacts = Pick<ExplainResult, 'outcome' | 'explanation' | 'reserved' | 'charged'>

/** What became of calls that a row sets aside or ends as one plan, or only quotes; null for any other row. */
export function planFacts(draft: Draft, row: Transaction): PlanFacts | null {
  const { change, charged = 0, released = 0, maximum } = row.detail as Readonly<Record<string, number>> & { readonly change?: unknown }
  switch (change) {
    case 'quoted':
      return { outcome: 'not_charged', explanation: `A quote of at most ${maximum} credits. Nothing is set aside by it.`, reserved: null, charged: 0 }
    case 'plan_reserved':
      return reservedPlan(draft, row)
    case 'plan_settled':
    case 'plan_released': {
      const explanation = `All that was left of a plan was ended: ${charged} credits were charged and ${released} given back.`
      return { outcome: charged > 0 ? 'charged' : 'not_charged', explanation, reserved: null, charged }
    }
    default:
      return null
  }
}

function reservedPlan(draft: Draft, { detail }: Transaction): PlanFacts {
  const calls = detail['calls'] as readonly { readonly reservation: string }[]
  const rows = draft.reservationsAt(calls.map(({ reservation }) => sequenceOfId('rs', reservation) as number))
  const settled = rows.flatMap((row) => (row?.state === 'settled' && row.endedBy !== null ? [row.endedBy] : []))
  const charged = settled.reduce((sum, sequence): MicroCredits => sum + (draft.transaction(sequence)?.credits ?? 0n), 0n)
  const open = rows.filter((row) => row?.state === 'open').length
  const reserved = detail['reserved'] as number
  const words = `${reserved} credits were reserved for a plan of ${calls.length} calls: ${settled.length} are charged so far, ${toCredits(charged)} credits, and ${open} are open.`
  return { outcome: open > 0 ? 'in_progress' : settled.length > 0 ? 'charged' : 'not_charged', explanation: words, reserved, charged: toCredits(charged) }
}
