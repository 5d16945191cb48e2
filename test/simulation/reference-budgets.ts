import { calendarSpan, rhythmSpan, type Span } from './reference-calendar.js'

/** Who spends on what. */
export interface Spender {
  /** The key and those above it. */
  readonly keys: readonly string[]
  readonly environment: string | null
  readonly member: string | null
  readonly run: string | null
  readonly operation: string | null
  readonly category: string | null
  readonly labels: Readonly<Record<string, string>>
}

export interface ReferenceBudget {
  readonly id: string
  readonly scope: Readonly<Record<string, unknown>>
  readonly window: string
  limit: bigint
  readonly enforcement: 'hard' | 'alert'
  readonly thresholds: readonly number[]
  readonly since: number
  /** The row after which it counts. */
  readonly origin: number
  /** The row that said its terms last, and what was added to them for good since. */
  readonly setBy: number
  raisedBy: bigint
  raises: readonly { readonly amount: bigint; readonly until: number }[]
}

/** What windows depend on. */
export interface Owner {
  readonly zone: string
  readonly createdAt: number
  readonly period: Span | null
  /** The period after the running one. */
  readonly nextPeriod: Span | null
  /** The newest row when the plan last began or ended. */
  readonly planChangedBy: number
}

export interface Moved {
  readonly used: bigint
  readonly reserved: bigint
  readonly at: number
  readonly began: number
  readonly beganBy: number
}

export interface Standing {
  readonly budget: ReferenceBudget
  readonly subject: string
  readonly used: bigint
  readonly reserved: bigint
  readonly limit: bigint
  readonly remaining: bigint
  readonly until: number
}

const HOUR_MS = 3_600_000
/** A rolling window moves on in so many steps. */
const STEPS = 60

/** What one budget has counted of one subject: its running window, or the steps of a rolling one. */
interface Counted {
  span: Span
  used: bigint
  reserved: bigint
  readonly steps: Map<number, { used: bigint; reserved: bigint }>
}

/** Every budget of an account, with what each has counted. */
export class ReferenceBudgets {
  readonly open = new Map<string, ReferenceBudget>()
  readonly #counted = new Map<string, Counted>()

  set(budget: ReferenceBudget): void {
    this.open.set(budget.id, budget)
  }

  /** By id, as they are asked in turn. */
  get sorted(): readonly ReferenceBudget[] {
    return [...this.open.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  standings(spender: Spender, at: number, owner: Owner): readonly Standing[] {
    return this.sorted.flatMap((budget) => subjectsOf(budget, spender).map((subject) => this.standing(budget, subject, at, owner)))
  }

  standing(budget: ReferenceBudget, subject: string, at: number, owner: Owner): Standing {
    const { used, reserved, span } = this.#asOf(budget, subject, at, owner)
    const limit = budget.raises.reduce((sum, { amount, until }) => (at < until ? sum + amount : sum), budget.limit)
    const left = limit - used - reserved
    return { budget, subject, used, reserved, limit, remaining: left > 0n ? left : 0n, until: span.until }
  }

  count(spender: Spender, moved: Moved, owner: Owner): void {
    if (moved.used === 0n && moved.reserved === 0n) return
    for (const budget of this.open.values()) {
      if (moved.beganBy <= originOf(budget, owner)) continue
      for (const subject of subjectsOf(budget, spender)) this.#countIn(budget, subject, moved, owner)
    }
  }

  #countIn(budget: ReferenceBudget, subject: string, { used, reserved, at, began }: Moved, owner: Owner): void {
    const counted = this.#asOf(budget, subject, at, owner)
    const length = rollingLength(budget)
    if (length !== null) {
      const start = Math.floor(began / (length / STEPS)) * (length / STEPS)
      const step = counted.steps.get(start)
      if (step === undefined && began < at - length) return
      counted.steps.set(start, { used: (step?.used ?? 0n) + used, reserved: (step?.reserved ?? 0n) + reserved })
    } else if (began < counted.span.since) return
    counted.used += used
    counted.reserved += reserved
    this.#counted.set(nameOf(budget, subject, owner), counted)
  }

  /** What is counted as of an instant. A window that has begun runs to its end; a rolling one has let go of what left it. */
  #asOf(budget: ReferenceBudget, subject: string, at: number, owner: Owner): Counted {
    const known = this.#counted.get(nameOf(budget, subject, owner))
    const length = rollingLength(budget)
    if (length !== null) return rolled(known, at, length)
    const isBeforePeriod = budget.window === 'billing_period' && owner.period !== null && (known?.span.since ?? 0) < owner.period.since
    if (known !== undefined && at < known.span.until && !isBeforePeriod) return { ...known }
    const { since, until } = spanOf(budget, at, owner)
    const after = known !== undefined && known.span.until <= at ? known.span.until : 0
    return { span: { since: Math.max(since, budget.since, after), until }, used: 0n, reserved: 0n, steps: new Map() }
  }
}

function rolled(known: Counted | undefined, at: number, length: number): Counted {
  const steps = new Map([...(known?.steps ?? [])].filter(([start]) => start + length / STEPS + length > at))
  const sums = [...steps.values()]
  const until = steps.size === 0 ? Infinity : Math.min(...steps.keys()) + length / STEPS + length
  return {
    span: { since: at - length, until },
    used: sums.reduce((sum, step) => sum + step.used, 0n),
    reserved: sums.reduce((sum, step) => sum + step.reserved, 0n),
    steps,
  }
}

function rollingLength({ window }: ReferenceBudget): number | null {
  return window.startsWith('rolling:') ? Number(window.slice('rolling:'.length, -1)) * HOUR_MS : null
}

function spanOf({ window, since }: ReferenceBudget, at: number, { zone, createdAt, period, nextPeriod }: Owner): Span {
  if (window === 'day' || window === 'week' || window === 'month') return calendarSpan(at, window, zone)
  if (window === 'billing_period') return (period !== null && at >= period.until ? nextPeriod : period) ?? rhythmSpan(createdAt, at, zone)
  return { since, until: Infinity }
}

/** Billing periods are counted anew once the plan begins or ends. */
function originOf({ window, origin }: ReferenceBudget, { planChangedBy }: Owner): number {
  return window === 'billing_period' ? Math.max(origin, planChangedBy) : origin
}

/** A budget of another beginning has counted nothing yet. */
function nameOf(budget: ReferenceBudget, subject: string, owner: Owner): string {
  return JSON.stringify([budget.id, originOf(budget, owner), subject])
}

export function subjectsOf({ scope, window }: ReferenceBudget, spender: Spender): readonly string[] {
  const { each, label, ...values } = scope as { each?: string; label?: { name: string; value: string } } & Record<string, string>
  const isMet = Object.entries(values).every(([dimension, value]) => valuesOf(spender, dimension).includes(value))
  if (!isMet || (label !== undefined && spender.labels[label.name] !== label.value)) return []
  const apart = window === 'run' ? 'run' : each
  return apart === undefined ? [''] : valuesOf(spender, apart)
}

function valuesOf(spender: Spender, dimension: string): readonly string[] {
  if (dimension === 'key') return spender.keys
  const value = dimension.startsWith('label:') ? spender.labels[dimension.slice('label:'.length)] : spender[dimension as 'member']
  return value === undefined || value === null ? [] : [value]
}

/** `ok`, or how pressing a limit is. */
export function budgetLevel({ budget, used, reserved, limit, remaining }: Standing, more = 0n): string {
  if (remaining - more <= 0n) return 'exhausted'
  const reached = budget.thresholds.filter((percent) => (used + reserved + more) * 100n >= limit * BigInt(percent))
  if (reached.length === 0) return 'ok'
  return reached.length === budget.thresholds.length && budget.thresholds.length > 1 ? 'critical' : 'low'
}
