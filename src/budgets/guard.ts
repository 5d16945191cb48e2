import type { AccountRecord, RecordDocument } from '../ledger/account-record.js'
import type { MicroCredits } from '../money/credits.js'
import { DAY_MS, HOUR_MS } from '../time/instant.js'

/** A guard is one of a kind in its account, so that its kind is its id. */
export const GUARD_IDS = ['approval', 'runaway'] as const
export type GuardId = (typeof GUARD_IDS)[number]

/** Spending that a person has to say yes to before it is done (AX-04). */
export interface ApprovalTerms {
  readonly kind: 'approval'
  /** What costs more than this at most, in one call, is asked about. */
  readonly above: MicroCredits
  /** How long a yes can be used. */
  readonly validMs: number
  /** How long a question waits for its answer: silence is no yes. A no holds as long. */
  readonly waitMs: number
  /** Whether the person at the client may answer, beside an operator. */
  readonly byClient: boolean
}

/** Spending that repeats itself, or goes faster than it should, is stopped (AX-15). */
export interface RunawayTerms {
  readonly kind: 'runaway'
  /** After so many identical calls within a time the next is stopped; null for no such rule. */
  readonly identical: { readonly calls: number; readonly withinMs: number } | null
  /** What calls may cost at most within a time, all calls of one key together; null for no such rule. */
  readonly burn: { readonly amount: MicroCredits; readonly withinMs: number } | null
}

export type GuardTerms = ApprovalTerms | RunawayTerms

/** A guard as it holds. What was seen before the transaction `since` set it, or let it go, counts for nothing any more. */
export type Guard<T extends GuardTerms = GuardTerms> = T & { readonly since: number }

export const APPROVAL_DEFAULTS = { validMs: DAY_MS, waitMs: HOUR_MS, byClient: true } as const
export const IDENTICAL_WITHIN_DEFAULT_MS = 60_000

/** The instants of so many calls stand in a record that every call writes: this bounds it. More than that is for `burn`. */
export const IDENTICAL_MAX = 100
/** A guard looks at what goes on now; longer times are a budget's. */
export const RUNAWAY_WITHIN_MAX_MS = DAY_MS
/** A question or a yes older than that is about another time. */
export const APPROVAL_SPAN_MAX_MS = 30 * DAY_MS

export function guardDocument(terms: GuardTerms, since: number): RecordDocument {
  if (terms.kind === 'approval') return { ...terms, above: Number(terms.above), since }
  const { burn } = terms
  return { ...terms, burn: burn === null ? null : { ...burn, amount: Number(burn.amount) }, since }
}

const GUARDS = new WeakMap<AccountRecord, Guard>()

/** Reads a guard's record; remembered for as long as the record itself is, for every charge asks. */
export function guardOf(record: AccountRecord): Guard {
  let guard = GUARDS.get(record)
  if (guard === undefined) {
    guard = readGuard(record.document)
    GUARDS.set(record, guard)
  }
  return guard
}

function readGuard(document: RecordDocument): Guard {
  if (document['kind'] === 'approval') {
    const terms = document as unknown as Guard<ApprovalTerms>
    return { ...terms, above: BigInt(terms.above) }
  }
  const terms = document as unknown as Guard<RunawayTerms>
  const { burn } = terms
  return { ...terms, burn: burn === null ? null : { ...burn, amount: BigInt(burn.amount) } }
}

/** The guard of a kind among an account's; null where it has none. */
export function guardAmong<K extends GuardId>(records: readonly AccountRecord[], kind: K): GuardOf<K> | null {
  const record = records.find(({ id }) => id === kind)
  return record === undefined ? null : (guardOf(record) as GuardOf<K>)
}

export type GuardOf<K extends GuardId> = Guard<Extract<GuardTerms, { readonly kind: K }>>
