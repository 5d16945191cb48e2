import { type MicroCredits, parseCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'
import { type Detail, formatId, sequenceOfId, type Transaction } from './transaction.js'

/**
 * Prices that bind for a time (AX-01): of one call, or of a list of calls that are to be made together (AX-02). All of it
 * stands in the row of the journal that made it and nowhere else, so that what was promised is in the chain and cannot
 * drift. What became of its calls is in its record.
 */
export interface Quote {
  readonly id: string
  readonly sequence: number
  /** Whose it is: nobody else is told that it is there. Null without keys. */
  readonly key: string | null
  readonly priceVersion: number
  /** Exclusive. */
  readonly expiresAt: Instant
  /** Whether it was asked for as a list, which is reserved and ended as one, however short the list is. */
  readonly isPlan: boolean
  readonly calls: readonly QuotedCall[]
}

/** One call with its price: a later price change does not touch it. */
export interface QuotedCall {
  /** The upstream tool to be called; null for an operation of the catalog. */
  readonly tool: string | null
  readonly operation: string
  readonly variant: string | null
  readonly quantity: number
  /** Why this variant, where the request left the choice to us. */
  readonly picked: string | null
  /** A salted digest of the call's arguments, which themselves are stored nowhere (T46). */
  readonly args: string
  /** The most that is ever charged for it. */
  readonly maximum: MicroCredits
  /** The price in its JSON form, as a reservation keeps it. */
  readonly price: unknown
}

export const QUOTED = 'quoted'

/** How many calls one quote is for: each of them may become a reservation of its own in one write. */
export const QUOTED_CALLS_MAX = 100

/** What a call of a quote was spent or set aside by; null for one that nobody has used. */
export type QuoteUse = { readonly charge: number } | { readonly reservation: number } | null

/** The document of a quote's record, which there is from its first use on. */
export interface QuoteUses {
  /** One a call, in the order of the quote. */
  readonly uses: readonly QuoteUse[]
}

/** What is put into the journal of a quote. */
export type QuotedDetail = Pick<Quote, 'isPlan' | 'calls'> & { readonly expiresAt: string; readonly maximum: number }

/** A quote as a row of the journal tells it. What the price says of operation, variant, quantity and maximum is said once. */
export function quotedDetail({ isPlan, calls, expiresAt, maximum }: QuotedDetail): Detail {
  return {
    change: QUOTED,
    ...(isPlan ? { isPlan } : {}),
    maximum,
    expiresAt,
    calls: calls.map(({ tool, picked, args, price }) => ({
      ...(tool === null ? {} : { tool }),
      ...(picked === null ? {} : { picked }),
      args,
      price,
    })),
  }
}

interface StoredCall {
  readonly tool?: string
  readonly picked?: string
  readonly args: string
  readonly price: { readonly operation: string; readonly variant: string | null; readonly quantity: number; readonly maximum: string }
}

/** The quote that a row of the journal made; null for a row that made none. */
export function quoteOf({ sequence, hash, key, priceVersion, detail }: Transaction): Quote | null {
  if (detail['change'] !== QUOTED || priceVersion === null) return null
  return {
    id: formatId('quote', sequence, hash),
    sequence,
    key,
    priceVersion,
    expiresAt: Date.parse(detail['expiresAt'] as string),
    isPlan: detail['isPlan'] === true,
    calls: (detail['calls'] as readonly StoredCall[]).map(({ tool = null, picked = null, args, price }) => ({
      tool,
      operation: price.operation,
      variant: price.variant,
      quantity: price.quantity,
      picked,
      args,
      maximum: parseCredits(price.maximum, 'maximum'),
      price,
    })),
  }
}

/** Whether an id is a quote's: it stands for all that is set aside under the quote wherever a reservation's id is taken. */
export function isQuoteId(id: string): boolean {
  return sequenceOfId('quote', id) !== null
}

/** Under which quote, and for which of its calls, a row of the journal spends or sets aside; null for none. */
export function quotedBy({ detail: { quote, call } }: Pick<Transaction, 'detail'>): { readonly quote: string; readonly call: number } | null {
  return typeof quote === 'string' && typeof call === 'number' ? { quote, call } : null
}
