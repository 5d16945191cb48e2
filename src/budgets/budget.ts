import type { AccountRecord, RecordDocument } from '../ledger/account-record.js'
import type { Labels } from '../ledger/transaction.js'
import type { MicroCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'

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

/** The budget that a plan's spending cap is; its terms come with the plan. */
export const SPENDING_CAP = 'spending_cap'

export interface Budget extends BudgetTerms {
  readonly id: string
  /** When it was made. */
  readonly since: Instant
  /** The sequence of the transaction that made it: only what began after it counts (T25), in the same millisecond too. */
  readonly origin: number
  /** More than the limit, for a time. Null without an end holds for good and stands in the limit. */
  readonly raise: { readonly amount: MicroCredits; readonly until: Instant } | null
  /** The thresholds as amounts of the limit, in their order. */
  readonly marks: readonly MicroCredits[]
}

/** A budget as it is kept: what is not said of it otherwise. */
export type StoredBudget = Omit<Budget, 'id' | 'marks'>

/** Who and what one piece of spending is about, as budgets see it. */
export interface SpendFacts {
  readonly key: string | null
  /** The keys above the key: what it spends, each of them spends. */
  readonly ancestors: readonly string[]
  readonly environment: string | null
  readonly member: string | null
  readonly run: string | null
  readonly tool: string | null
  /** Null where no operation is named yet: only budgets that do not ask for one apply. */
  readonly operation: string | null
  readonly category: string | null
  readonly labels: Labels | null
}

/** The limit as raised at an instant. */
export function limitAt({ limit, raise }: Budget, at: Instant): MicroCredits {
  return raise !== null && at < raise.until ? limit + raise.amount : limit
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
  const { name, scope, window, limit, enforcement, thresholds, since, origin, raise } = budget
  return {
    name,
    scope,
    window,
    limit: Number(limit),
    enforcement,
    thresholds,
    since,
    origin,
    raise: raise === null ? null : { amount: Number(raise.amount), until: raise.until },
  }
}

const BUDGETS = new WeakMap<AccountRecord, Budget>()

/** Reads a budget's record; remembered for as long as the record itself is, for every charge asks. */
export function budgetOf(record: AccountRecord): Budget {
  let budget = BUDGETS.get(record)
  if (budget === undefined) {
    const document = record.document as unknown as Omit<StoredBudget, 'limit' | 'raise'> & {
      readonly limit: number
      readonly raise: { readonly amount: number; readonly until: Instant } | null
    }
    const { raise, thresholds } = document
    const limit = BigInt(document.limit)
    budget = {
      ...document,
      id: record.id,
      limit,
      raise: raise === null ? null : { amount: BigInt(raise.amount), until: raise.until },
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
