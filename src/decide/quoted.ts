import { AUTO } from '../catalog/catalog.js'
import { canonicalJson } from '../catalog/canonical-json.js'
import { jobOf, type PriceProblem, priceWithin, pricedFromJson, pricedToJson } from '../catalog/quote-price.js'
import type { CatalogVersion } from '../catalog/version.js'
import { type Quote, quotedBy, type QuotedCall, quoteOf, type QuoteUse, type QuoteUses } from '../ledger/quote.js'
import type { Reservation } from '../ledger/reservation.js'
import { sequenceOfId } from '../ledger/transaction.js'
import { toCredits } from '../money/credits.js'
import { formatInstant } from '../time/instant.js'
import type { Actor, Actual, Subject } from './command.js'
import type { Draft } from './draft.js'
import { isHeldBy, mayTakeOver } from './held-reservation.js'
import { refuse, type Refused } from './outcome.js'
import { type PricedSubject, priceSubjectBy, refuseProblem } from './price-subject.js'
import { argsDigest } from './quote.js'

/** One call of a quote. */
export interface QuotedPlace {
  readonly quote: Quote
  readonly index: number
  readonly call: QuotedCall
}

/** The call of a quote that a request is about: nobody has used it, or it is set aside for whoever asks. */
export type FoundCall =
  | (QuotedPlace & { readonly kind: 'open' })
  | (QuotedPlace & { readonly kind: 'reserved'; readonly reservation: Reservation })

interface Asked {
  readonly quote: string
  readonly subject: Subject
  readonly actor: Actor
  /** Whether a call will do that is set aside already: for whoever spends it, not for whoever sets it aside. */
  readonly mayBeReserved: boolean
}

/**
 * Finds the call of a quote that a request is about, before any work starts. What is set aside under the quote is spent
 * however late it is (AX-06); everything else only while the quote holds.
 */
export function callOfQuote(draft: Draft, asked: Asked): FoundCall | Refused {
  const quote = quoteNamed(draft, asked.quote, asked.actor)
  if ('kind' in quote) return quote
  const places = placesIn(draft, quote, matching(draft, quote, asked.subject))
  const reserved = places.filter((place) => place.kind === 'reserved' && isOwn(place.reservation, asked.actor))
  const open = places.filter(({ kind }) => kind === 'open')
  const isOver = quote.expiresAt <= draft.at
  const left = [...(asked.mayBeReserved ? reserved : []), ...(isOver ? [] : open)]
  const [first] = left
  if (first === undefined || first.kind === 'used') return isOver ? expired(quote) : mismatch(draft, quote, asked.subject, places.length > 0)
  // Who says no more than the quote means the one thing that is left of it.
  const isUnclear = asked.subject.kind === 'quoted' && left.some(({ call }) => !isAlike(call, first.call))
  return isUnclear ? mismatch(draft, quote, asked.subject, false) : first
}

/** Whether a reservation is one that this actor spends: its own or, for the meter that runs the call, its agent's. */
function isOwn(reservation: Reservation, actor: Actor): boolean {
  return actor.holder === 'meter' ? mayTakeOver(reservation, actor) : isHeldBy(reservation, actor)
}

function isAlike(one: QuotedCall, other: QuotedCall): boolean {
  return one.args === other.args && canonicalJson(one.price) === canonicalJson(other.price)
}

/**
 * The quote of an id, for whoever asked for it: to anybody else it is the same miss as one that never was. An operator may
 * end what is set aside under any.
 */
export function quoteNamed(draft: Draft, id: string, actor: Actor, isEnding = false): Quote | Refused {
  const sequence = sequenceOfId('quote', id)
  const row = sequence === null ? null : draft.transaction(sequence)
  const quote = row === null ? null : quoteOf(row)
  const isForeign = quote?.key !== actor.key && !(isEnding && actor.holder === 'operator')
  if (quote === null || quote.id !== id || isForeign) {
    return refuse('unknown_quote', `There is no quote ${id.slice(0, 64)}`, {
      advice: ['Use the id that estimate_cost returned, with the key and account that asked for it.'],
    })
  }
  return quote
}

type Place =
  | FoundCall
  /** Spent, or set aside for somebody else. */
  | (QuotedPlace & { readonly kind: 'used' })

/** How some calls of a quote stand. A call whose reservation was released or timed out is as good as unused. */
function placesIn(draft: Draft, quote: Quote, indices: readonly number[]): readonly Place[] {
  const uses = usesOf(draft, quote)
  draft.reservationsAt(indices.flatMap((index) => reservedBy(uses[index] ?? null)))
  return indices.map((index): Place => {
    const place = { quote, index, call: quote.calls[index] as QuotedCall }
    const use = uses[index] ?? null
    if (use === null) return { ...place, kind: 'open' }
    const reservation = 'charge' in use ? null : draft.reservation(use.reservation)
    if (reservation === null || reservation.state === 'settled') return { ...place, kind: 'used' }
    return reservation.state === 'open' ? { ...place, kind: 'reserved', reservation } : { ...place, kind: 'open' }
  })
}

function reservedBy(use: QuoteUse): readonly number[] {
  return use !== null && 'reservation' in use ? [use.reservation] : []
}

/** What of a quote can still be set aside. */
export function openPlaces(draft: Draft, quote: Quote): readonly QuotedPlace[] {
  return placesIn(draft, quote, [...quote.calls.keys()]).filter(({ kind }) => kind === 'open')
}

/** The open reservations under a quote that an actor may end, in the order of its calls. */
export function reservationsOf(draft: Draft, quote: Quote, actor: Actor): readonly Reservation[] {
  return placesIn(draft, quote, [...quote.calls.keys()]).flatMap((place) =>
    place.kind === 'reserved' && isHeldBy(place.reservation, actor) ? [place.reservation] : [],
  )
}

/** Whether the meter runs a call under a quote. */
export function isRunning(draft: Draft, quote: Quote): boolean {
  return placesIn(draft, quote, [...quote.calls.keys()]).some((place) => place.kind === 'reserved' && place.reservation.holder === 'meter')
}

function usesOf(draft: Draft, { id }: Pick<Quote, 'id'>): readonly QuoteUse[] {
  const record = draft.record('quote', id)
  return record === null ? [] : (record.document as unknown as QuoteUses).uses
}

/** Remembers by what calls of a quote were used, in the write that used them. */
export function noteQuoteUses(draft: Draft, quote: Quote, used: ReadonlyMap<number, NonNullable<QuoteUse>>): void {
  const before = draft.record('quote', quote.id)
  const known = usesOf(draft, quote)
  const uses = quote.calls.map((_, index) => used.get(index) ?? known[index] ?? null)
  const document = { uses }
  const { sequence } = draft.account
  draft.putRecord({ kind: 'quote', id: quote.id, sequence, isOpen: uses.includes(null), lookup: null, document }, before)
}

/** Whether a reservation that has timed out was for a call of a quote that was used otherwise since: one call is paid once. */
export function isSuperseded(draft: Draft, { overrun, sequence }: Reservation): boolean {
  const row = overrun === 'quoted' ? draft.transaction(sequence) : null
  const under = row === null ? null : quotedBy(row)
  if (under === null) return false
  const use = usesOf(draft, { id: under.quote })[under.call] ?? null
  return use === null || !('reservation' in use) || use.reservation !== sequence
}

/** How a row of the journal names the call that it is under. */
export function quoteDetail(place: QuotedPlace | null): { readonly quote?: string; readonly call?: number } {
  return place === null ? {} : { quote: place.quote.id, call: place.index }
}

/** A call with its quoted price, which limits and budgets see like any other. */
export function subjectOfQuote(draft: Draft, { quote, call }: QuotedPlace): PricedSubject {
  const { tool, picked, price } = call
  return { kind: 'priced', priced: pricedFromJson(price), tool, version: versionOf(draft, quote), picked, args: null }
}

/** The same with what was consumed, within the quoted maximum. */
export function subjectWithin(draft: Draft, place: QuotedPlace, actual: Actual): PricedSubject | Refused {
  const subject = subjectOfQuote(draft, place)
  const priced = priceWithin(subject.priced, actual)
  return priced.kind === 'problem' ? refuseProblem(priced) : { ...subject, priced }
}

function versionOf({ view }: Draft, { priceVersion }: Quote): CatalogVersion {
  const version = view.catalogs.find((known) => known.version === priceVersion)
  if (version === undefined) throw new Error(`a quote is of catalog version ${priceVersion}, which is not there`)
  return version
}

/** The calls of a quote that a request is about, used or not: the same by the prices of the quote. */
function matching(draft: Draft, quote: Quote, subject: Subject): readonly number[] {
  const isMatch = matcher(draft, quote, subject)
  return quote.calls.flatMap((call, index) => (isMatch(call) ? [index] : []))
}

function matcher(draft: Draft, quote: Quote, subject: Subject): (call: QuotedCall) => boolean {
  // A tool's call is spent by calling the tool.
  if (subject.kind === 'quoted') return ({ tool }) => tool === null
  const version = versionOf(draft, quote)
  const digest = argsDigest(draft, subject.args)
  if (subject.kind === 'tool') {
    const found = priceSubjectBy(version, draft, subject)
    const price = found.kind === 'priced' ? canonicalJson(pricedToJson(found.priced)) : null
    // Also where it was quoted as the operation that the tool counts as: its price has to be the very same.
    return (call) => (call.tool ?? subject.tool) === subject.tool && call.args === digest && canonicalJson(call.price) === price
  }
  const { operation, variant, quantity, args } = subject
  const request = { operation, quantity: quantity ?? undefined, args: args ?? undefined }
  const job = jobOf(version.catalog, variant === null || variant === AUTO ? request : { ...request, variant })
  return (call) => call.tool === null && call.operation === operation && call.args === digest && isJobOf(call, job, variant)
}

function isJobOf(call: QuotedCall, job: ReturnType<typeof jobOf> | PriceProblem, variant: string | null): boolean {
  if (job.kind === 'problem' || job.quantity !== call.quantity) return false
  return variant === AUTO ? call.picked !== null : job.variant === call.variant
}

const ASK_AGAIN = 'Ask for a new quote: estimate_cost with quote, or npx mcp-credits quote.'

export function expired({ id, expiresAt }: Quote): Refused {
  return refuse('quote_expired', `The quote ${id} held until ${formatInstant(expiresAt)}`, {
    details: { quote: id, expiresAt: formatInstant(expiresAt) },
    advice: [ASK_AGAIN],
  })
}

/** How many calls of a quote a refusal tells about. */
const TOLD_CALLS = 10

function mismatch(draft: Draft, quote: Quote, subject: Subject, isUsed: boolean): Refused {
  const places = placesIn(draft, quote, [...quote.calls.keys()])
  const { id } = quote
  const message = isUsed ? `What the quote ${id} allows of this is spent or set aside already` : `The quote ${id} is not for this`
  const quoted = places.slice(0, TOLD_CALLS).map(toldPlace)
  return refuse('quote_mismatch', message, {
    details: { quote: id, quoted, calls: places.length, asked: toldSubject(draft, quote, subject) },
    advice: [
      ...(isUsed ? [] : ['Say the operation, variant, quantity and args as they were quoted.']),
      ASK_AGAIN,
    ],
  })
}

/** Whether every call of a quote was spent: nothing of it can be set aside anew. */
export function isAllSpent(draft: Draft, quote: Quote): boolean {
  return placesIn(draft, quote, [...quote.calls.keys()]).every(({ kind }) => kind === 'used')
}

/** Refuses to set aside what is left of a quote of which nothing is. */
export function nothingLeft(draft: Draft, quote: Quote): Refused {
  return mismatch(draft, quote, { kind: 'quoted', actual: {} }, true)
}

function toldPlace({ kind, call: { tool, operation, variant, quantity, maximum } }: Place) {
  return { operation, variant, quantity, ...(tool === null ? {} : { tool }), maximum: toCredits(maximum), state: kind }
}

function toldSubject(draft: Draft, quote: Quote, subject: Subject): Readonly<Record<string, unknown>> | null {
  if (subject.kind === 'quoted') return null
  const digest = argsDigest(draft, subject.args)
  const areArgsQuoted = quote.calls.some(({ args }) => args === digest)
  if (subject.kind === 'tool') return { tool: subject.tool, argsQuoted: areArgsQuoted }
  const { operation, variant, quantity } = subject
  return { operation, variant, quantity, argsQuoted: areArgsQuoted }
}
