import type { Quote } from '../ledger/quote.js'
import { type MicroCredits, toCredits } from '../money/credits.js'
import { formatInstant } from '../time/instant.js'
import type { ReserveQuotedCommand, Subject } from './command.js'
import type { Draft } from './draft.js'
import { refusalsToSpendAll, spendingOnSubject } from './limits.js'
import type { Outcome, Refused } from './outcome.js'
import { leftNow } from './own-part.js'
import { consentDetail, notePassed, passGuards, type Passed } from './pass-guards.js'
import { maximumOf, type PricedSubject } from './price-subject.js'
import { postQuote, pricedCalls } from './quote.js'
import { expired, noteQuoteUses, nothingLeft, openPlaces, type QuotedPlace, quoteNamed, subjectOfQuote } from './quoted.js'
import { refusalToHold, type SetAside, setAside } from './reserve.js'
import { done } from './result.js'

/**
 * Sets aside all that is left of a quote, a reservation for each call, in one write: all of them or none, within every
 * limit together (AX-02). Calls without a quote are quoted first, for as long as they are set aside. What is spent under
 * them is never more than the quoted maximum.
 */
export function decideReserveQuoted(draft: Draft, command: ReserveQuotedCommand): Outcome {
  const wanted = 'quote' in command.of ? leftOfQuote(draft, command, command.of.quote) : unquoted(draft, command, command.of.calls)
  if (wanted.kind === 'refused') return wanted
  const { subjects } = wanted
  if (subjects.length === 0) return done(draft, null)
  const refused = refusalToHold(draft, command, subjects) ?? refusalOfAll(draft, command, subjects)
  if (refused !== null) return refused
  const passed = passPlan(draft, command, subjects)
  if (passed.kind === 'refused') return passed
  const { quote, places } = wanted.quoted()
  const { actor, labels, ttlMs } = command
  // One key is one row's: the plan's own, or the only reservation's.
  const { idempotencyKey, fingerprint } = quote.isPlan ? UNSIGNED : command
  const shared = { actor, labels, ttlMs, overrun: 'quoted', call: null, idempotencyKey, fingerprint } as const
  const held = places.map((place, index) => {
    const subject = subjects[index] as PricedSubject
    // Each counts in the budgets before the next one looks at them.
    return setAside(draft, { ...shared, subject, place, passed: quote.isPlan ? null : passed }, spendingOf(draft, command, subject))
  })
  const uses = new Map(places.map(({ index }, number) => [index, { reservation: (held[number] as SetAside).reservation.sequence }] as const))
  const [only] = held
  if (!quote.isPlan && only !== undefined) {
    noteQuoteUses(draft, quote, uses)
    return only
  }
  const outcome = postPlan(draft, command, quote, held, passed)
  noteQuoteUses(draft, quote, uses)
  return outcome
}

/** Calls that are set aside in one write are asked about as one: a yes to them is spent by it, whatever becomes of each. */
function passPlan(draft: Draft, command: ReserveQuotedCommand, subjects: readonly PricedSubject[]): Passed | Refused {
  const [first] = subjects as readonly [PricedSubject, ...PricedSubject[]]
  const { of, actor, labels } = command
  const named = subjects.length === 1 ? first : { priced: { operation: `a plan of ${subjects.length} calls`, variant: null, quantity: null }, tool: null }
  return passGuards(draft, named, {
    actor,
    subjects: 'calls' in of ? of.calls : [],
    quote: 'quote' in of ? of.quote : null,
    labels,
    spending: spendingOf(draft, command, first),
    amount: maximumOf(subjects),
    isRound: false,
  })
}

const UNSIGNED = { idempotencyKey: null, fingerprint: null }

/** What is to be set aside; the quote it is under, which is written only once nothing stops it. */
interface Wanted {
  readonly kind: 'wanted'
  readonly subjects: readonly PricedSubject[]
  readonly quoted: () => { readonly quote: Quote; readonly places: readonly QuotedPlace[] }
}

function leftOfQuote(draft: Draft, { actor }: ReserveQuotedCommand, id: string): Wanted | Refused {
  const quote = quoteNamed(draft, id, actor)
  if ('kind' in quote) return quote
  if (quote.expiresAt <= draft.at) return expired(quote)
  const places = openPlaces(draft, quote)
  if (places.length === 0) return nothingLeft(draft, quote)
  return { kind: 'wanted', subjects: places.map((place) => subjectOfQuote(draft, place)), quoted: () => ({ quote, places }) }
}

function unquoted(draft: Draft, { actor, ttlMs }: ReserveQuotedCommand, calls: readonly Subject[]): Wanted | Refused {
  const priced = pricedCalls(draft, calls)
  if ('kind' in priced) return priced
  const quoted = () => {
    const { quote } = postQuote(draft, priced, { actor, ...UNSIGNED, isPlan: true, expiresAt: draft.at + ttlMs })
    return { quote, places: quote.calls.map((call, index) => ({ quote, index, call })) }
  }
  return { kind: 'wanted', subjects: priced.map(({ subject }) => subject), quoted }
}

function spendingOf(draft: Draft, { actor, labels }: ReserveQuotedCommand, subject: PricedSubject) {
  return spendingOnSubject(draft, subject, actor, labels)
}

/** What stops the calls together, by the sums that concern each limit. */
function refusalOfAll(draft: Draft, command: ReserveQuotedCommand, subjects: readonly PricedSubject[]): Refused | null {
  const calls = subjects.map((subject) => ({ subject, spending: spendingOf(draft, command, subject) }))
  return refusalsToSpendAll(draft, calls)[0] ?? null
}

/** The row that tells what of a plan was set aside, from which its answer and every replay of it are read. */
function postPlan(draft: Draft, command: ReserveQuotedCommand, quote: Quote, held: readonly SetAside[], passed: Passed): Outcome {
  const { actor, idempotencyKey, fingerprint, ttlMs } = command
  const sum = held.reduce((total, { reservation }): MicroCredits => total + reservation.amount, 0n)
  const transaction = draft.post('amend', [], {
    credits: 0n,
    actor,
    idempotencyKey,
    fingerprint,
    detail: {
      change: 'plan_reserved',
      quote: quote.id,
      reserved: toCredits(sum),
      expiresAt: formatInstant(draft.at + ttlMs),
      ...consentDetail(passed),
      ...leftNow(draft, actor),
      calls: held.map(({ reservation: { id, operation, variant, tool, amount }, transaction: row }) => ({
        operation,
        variant,
        quantity: row?.quantity ?? null,
        tool,
        reservation: id,
        reserved: toCredits(amount),
      })),
    },
  })
  notePassed(draft, passed, transaction, null)
  return { ...done(draft, transaction), pressure: held.at(-1)?.pressure ?? null }
}
