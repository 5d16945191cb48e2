import { canonicalJson } from '../catalog/canonical-json.js'
import { pricedToJson } from '../catalog/quote-price.js'
import { versionAt } from '../catalog/version.js'
import { type Quote, QUOTED_CALLS_MAX, type QuotedCall, quotedDetail, quoteOf } from '../ledger/quote.js'
import type { Transaction } from '../ledger/transaction.js'
import { toCredits } from '../money/credits.js'
import { DAY_MS, formatInstant, type Instant, MINUTE_MS } from '../time/instant.js'
import type { QuoteCommand, Subject } from './command.js'
import type { Draft } from './draft.js'
import { saltedDigest } from './idempotency.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { maximumOf, type PricedSubject, priceSubject, refusalBySum } from './price-subject.js'
import { done } from './result.js'

export const QUOTE_DEFAULT_MS = 15 * MINUTE_MS
export const QUOTE_MAX_MS = DAY_MS

/**
 * Binds the prices of calls for a time (AX-01): whoever spends under the quote pays them and never more, whatever the
 * catalog says by then. It sets nothing aside and asks for no balance. What is free needs no quote and is left out of it;
 * where all of it is free nothing is written.
 */
export function decideQuote(draft: Draft, command: QuoteCommand): Outcome {
  const refused = refusalOfTerms(command)
  if (refused !== null) return refused
  const subjects = pricedCalls(draft, command.calls)
  if ('kind' in subjects) return subjects
  if (subjects.length === 0) return done(draft, null)
  const { actor, idempotencyKey, fingerprint, isPlan } = command
  const { transaction } = postQuote(draft, subjects, { actor, idempotencyKey, fingerprint, isPlan, expiresAt: draft.at + command.ttlMs })
  return done(draft, transaction)
}

function refusalOfTerms({ ttlMs, calls }: QuoteCommand): Refused | null {
  if (ttlMs > QUOTE_MAX_MS) return refuse('invalid_request', 'A quote holds at most 24 hours')
  return calls.length > QUOTED_CALLS_MAX ? refuse('invalid_request', `A quote is for at most ${QUOTED_CALLS_MAX} calls`) : null
}

/** What of the calls costs something, with its arguments' digest. */
export interface QuotedSubject {
  readonly subject: PricedSubject
  readonly args: string
}

export function pricedCalls(draft: Draft, calls: readonly Subject[]): readonly QuotedSubject[] | Refused {
  const priced: QuotedSubject[] = []
  for (const call of calls) {
    const subject = priceSubject(draft, call)
    if (subject.kind === 'refused') return subject
    if (subject.kind === 'priced') priced.push({ subject, args: argsDigest(draft, call.kind === 'quoted' ? null : call.args) })
  }
  return refusalBySum(priced.map(({ subject }) => subject)) ?? priced
}

/** No arguments and an empty list of them are the same. */
export function argsDigest({ account }: Draft, args: Readonly<Record<string, unknown>> | null): string {
  return saltedDigest(account.labelSalt, canonicalJson(args ?? {}))
}

interface QuoteTerms extends Pick<QuoteCommand, 'actor' | 'idempotencyKey' | 'fingerprint' | 'isPlan'> {
  readonly expiresAt: Instant
}

export interface PostedQuote {
  readonly quote: Quote
  readonly transaction: Transaction
}

/** Writes the row that a quote is. */
export function postQuote(draft: Draft, subjects: readonly QuotedSubject[], terms: QuoteTerms): PostedQuote {
  const { actor, idempotencyKey, fingerprint, isPlan, expiresAt } = terms
  const { version } = versionAt(draft.view.catalogs, draft.at)
  const maximum = maximumOf(subjects.map(({ subject }) => subject))
  const transaction = draft.post('amend', [], {
    credits: 0n,
    actor,
    idempotencyKey,
    fingerprint,
    priceVersion: version,
    detail: quotedDetail({ isPlan, maximum: toCredits(maximum), expiresAt: formatInstant(expiresAt), calls: subjects.map(quotedCall) }),
  })
  return { quote: quoteOf(transaction) as Quote, transaction }
}

function quotedCall({ subject: { priced, tool, picked }, args }: QuotedSubject): QuotedCall {
  const { operation, variant, quantity, maximum } = priced
  return { tool, operation, variant, quantity, picked, args, maximum, price: pricedToJson(priced) }
}
