import type { AccountRecord, RecordDocument } from '../ledger/account-record.js'
import type { Labels } from '../ledger/transaction.js'
import { AMOUNT_MAX, type MicroCredits, smaller } from '../money/credits.js'
import { type Instant, NEVER } from '../time/instant.js'

/** What a budget can tell apart: a value of each of these is something that spends, or something that is spent on. */
export const DIMENSIONS = ['key', 'member', 'tool', 'operation', 'category', 'environment', 'run'] as const
export type Dimension = (typeof DIMENSIONS)[number] | `label:${string}`

/** What counts for a budget: spending that meets every value given; nothing given is all of the account's. */
export interface Scope {
  readonly values: Readonly<Partial<Record<Dimension, string>>>
  /** Counts each value of this apart, each up to the whole limit. */
  readonly each: Dimension | null
}

export const WINDOW_KINDS = ['day', 'week', 'month', 'billing_period', 'total', 'run'] as const

/** Over what time a budget counts. `run` counts each run apart, however long it lasts. */
export type Window = { readonly kind: (typeof WINDOW_KINDS)[number] } | { readonly kind: 'rolling'; readonly hours: number }

export const ROLLING_HOURS_MAX = 24 * 31

/** A hard budget stops what would exceed it; one that alerts only tells. */
export const ENFORCEMENTS = ['hard', 'alert'] as const
export type Enforcement = (typeof ENFORCEMENTS)[number]

/** What is told of unless a budget says otherwise, in percent of its limit. */
export const DEFAULT_THRESHOLDS: Readonly<Record<Enforcement, readonly number[]>> = { hard: [80, 95], alert: [100] }

export interface BudgetTerms {
  readonly name: string | null
  readonly scope: Scope
  readonly window: Window
  readonly limit: MicroCredits
  readonly enforcement: Enforcement
  /** Percentages of the limit, ascending: reaching one is told of once a window. */
  readonly thresholds: readonly number[]
}

export interface Budget extends BudgetTerms {
  readonly id: string
  /** When it was made. */
  readonly since: Instant
  /** The sequence of the transaction that made it: only what began after it counts (T25), in the same millisecond too. */
  readonly origin: number
  /** The sequence of the transaction that said its terms last: what was raised before is no part of them any more. */
  readonly setBy: number
  /** How much of the limit was added to its terms for good, by raises and purchases since. */
  readonly raisedBy: MicroCredits
  /** More than the limit, each for a time: those that hold add up. */
  readonly raises: readonly Raise[]
  /** The thresholds as amounts of the limit, in their order. */
  readonly marks: readonly MicroCredits[]
}

export interface Raise {
  readonly amount: MicroCredits
  /** Exclusive. */
  readonly until: Instant
}

/** How many raises of one budget may hold at once. */
export const RAISES_MAX = 20

/** A budget as it is kept: what is not said of it otherwise. */
export type StoredBudget = Omit<Budget, 'id' | 'marks'>

/** Who and what one piece of spending is about, as budgets see it. */
export interface SpendFacts {
  readonly key: string | null
  /** The keys above the key: what it spends, each of them spends. */
  readonly ancestors: readonly string[]
  /** Whether the key was carved out of what another party may spend. */
  readonly isDelegated: boolean
  readonly environment: string | null
  readonly member: string | null
  readonly run: string | null
  readonly tool: string | null
  /** Null where no operation is named yet: only budgets that do not ask for one apply. */
  readonly operation: string | null
  readonly category: string | null
  readonly labels: Labels | null
}

/** The limit as raised at an instant; never more than the largest amount there is. */
export function limitAt({ limit, raises }: Budget, at: Instant): MicroCredits {
  if (raises.length === 0) return limit
  return smaller(raises.reduce((sum, { amount, until }) => (at < until ? sum + amount : sum), limit), AMOUNT_MAX)
}

/** When the next of the raises that hold at an instant ends; `NEVER` where none does. */
export function nextRaiseEnd({ raises }: Budget, at: Instant): Instant {
  return raises.reduce((next, { until }) => (at < until && until < next ? until : next), NEVER)
}

/** A scope as one text: the same for two that count the same. */
export function scopeName({ values, each }: Scope): string {
  return JSON.stringify([Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)), each])
}

/** The subjects that a piece of spending counts for; none where the budget does not concern it. */
export function subjectsOf({ scope, window }: Pick<BudgetTerms, 'scope' | 'window'>, facts: SpendFacts): readonly string[] {
  for (const dimension in scope.values) {
    const wanted = scope.values[dimension as Dimension] as string
    if (!valuesOf(facts, dimension as Dimension).includes(wanted)) return NONE
  }
  const each = window.kind === 'run' ? 'run' : scope.each
  return each === null ? WHOLE : valuesOf(facts, each)
}

/** What is somebody else's alone is not a party's to see, nor to ask more of. */
const PERSONAL: readonly Dimension[] = ['key', 'member', 'environment', 'run']

/** Whether a budget counts a party's spending, or would if it were on the right thing. */
export function concernsParty({ scope }: Pick<BudgetTerms, 'scope'>, facts: SpendFacts): boolean {
  const personal = Object.fromEntries(Object.entries(scope.values).filter(([dimension]) => PERSONAL.includes(dimension as Dimension)))
  return subjectsOf({ scope: { values: personal, each: null }, window: { kind: 'total' } }, facts).length > 0
}

const NONE: readonly string[] = []
const WHOLE: readonly string[] = ['']

function valuesOf(facts: SpendFacts, dimension: Dimension): readonly string[] {
  if (dimension === 'key') return facts.key === null ? NONE : [facts.key, ...facts.ancestors]
  const value = isLabel(dimension) ? (facts.labels?.[dimension.slice('label:'.length)] ?? null) : facts[dimension as PlainDimension]
  return value === null ? NONE : [value]
}

type PlainDimension = Exclude<(typeof DIMENSIONS)[number], 'key'>

export function isLabel(dimension: Dimension): dimension is `label:${string}` {
  return dimension.startsWith('label:')
}

/** The window in words: `day`, `rolling:5h`. */
export function windowName(window: Window): string {
  return window.kind === 'rolling' ? `rolling:${window.hours}h` : window.kind
}

export function budgetDocument(budget: StoredBudget): RecordDocument {
  const { name, scope, window, limit, enforcement, thresholds, since, origin, setBy, raisedBy, raises } = budget
  return {
    name,
    scope,
    window,
    limit: Number(limit),
    enforcement,
    thresholds,
    since,
    origin,
    setBy,
    raisedBy: Number(raisedBy),
    raises: raises.map(({ amount, until }) => ({ amount: Number(amount), until })),
  }
}

const BUDGETS = new WeakMap<AccountRecord, Budget>()

/** Reads a budget's record; remembered for as long as the record itself is, for every charge asks. */
export function budgetOf(record: AccountRecord): Budget {
  let budget = BUDGETS.get(record)
  if (budget === undefined) {
    const document = record.document as unknown as Omit<StoredBudget, 'limit' | 'raisedBy' | 'raises'> & {
      readonly limit: number
      readonly raisedBy: number
      readonly raises: readonly { readonly amount: number; readonly until: Instant }[]
    }
    const { raisedBy, raises, thresholds } = document
    const limit = BigInt(document.limit)
    budget = {
      ...document,
      id: record.id,
      limit,
      raisedBy: BigInt(raisedBy),
      raises: raises.map(({ amount, until }) => ({ amount: BigInt(amount), until })),
      marks: marksOf(thresholds, limit),
    }
    BUDGETS.set(record, budget)
  }
  return budget
}

/** The amounts at which percentages of a limit are reached: exact, rounded up to the next micro-credit. */
export function marksOf(thresholds: readonly number[], limit: MicroCredits): readonly MicroCredits[] {
  return thresholds.map((percent) => (limit * BigInt(percent) + 99n) / 100n)
}
