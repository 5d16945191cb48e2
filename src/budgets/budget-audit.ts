import type { Account } from '../ledger/account.js'
import type { Report } from '../ledger/audit-finding.js'
import { LATE_SETTLEMENT_MS } from '../ledger/reservation.js'
import type { Transaction } from '../ledger/transaction.js'
import type { MicroCredits } from '../money/credits.js'
import { calendarPeriod, monthPeriod } from '../time/calendar.js'
import { HOUR_MS, type Instant, NEVER } from '../time/instant.js'
import { type Budget, isLabel, type SpendFacts, subjectsOf } from './budget.js'
import type { Counter, CounterKey } from './counter.js'

/** A row of the journal that moves what budgets count, and what tells whose it is. */
export interface CountedRow {
  readonly transaction: Transaction
  /** Of a refund: what it gives back, and of a settlement the reservation behind that. */
  readonly refunded: Transaction | null
  readonly refundedReserve: Transaction | null
}

export interface BudgetAuditInput {
  readonly account: Account
  /** The open budgets and their counters, of the account's own moment. */
  readonly budgets: readonly Budget[]
  readonly counters: readonly Counter[]
  /** Who and what a charge or reservation in the journal is about. */
  readonly factsOf: (transaction: Transaction) => SpendFacts
}

/** What a row moves: spending and what is set aside, in the window in which its work began. */
interface Movement {
  /** The row itself. */
  readonly sequence: number
  readonly used: MicroCredits
  readonly reserved: MicroCredits
  readonly at: Instant
  readonly began: Instant
  readonly beganBy: number
  /** It began by this very row: wherever it counts there must be a counter. */
  readonly isOwn: boolean
}

/** Work under way: the row that began it, and when its reservation timed out, for then it may still be settled late. */
interface Held {
  readonly transaction: Transaction
  timedOutAt: Instant | null
}

/**
 * Counts a second time what every open budget has counted, from the journal alone, and compares. The scope rule is the
 * one that charges use; sums and windows are made here anew. Charges count when they are made, settlements in the window
 * of their reservation, refunds in that of their charge; whatever comes after a window has ended moves nothing in it.
 *
 * Remembers one sum for each counter, the slices of rolling windows, and work under way.
 */
export class BudgetAudit {
  readonly #report: Report
  readonly #input: BudgetAuditInput
  readonly #sums: ReadonlyMap<string, readonly Sum[]>
  readonly #byKey = new Map<string, Sum>()
  readonly #held = new Map<number, Held>()
  readonly #missing = new Map<string, CounterKey>()
  readonly #zones: { readonly sequence: number; readonly from: string }[] = []
  readonly #since: number
  #hadPlans = false

  constructor(input: BudgetAuditInput, report: Report) {
    this.#input = input
    this.#report = report
    this.#since = Math.min(...input.budgets.map(({ origin }) => origin))
    const sums = new Map<string, Sum[]>(input.budgets.map(({ id }) => [id, []]))
    const known = new Map(input.budgets.map((budget) => [budget.id, budget]))
    for (const counter of input.counters) {
      const budget = known.get(counter.budget)
      if (budget === undefined || counter.origin !== budget.origin) continue
      const sum = budget.window.kind === 'rolling' ? new RollingSum(budget, counter) : new WindowSum(budget, counter)
      this.#byKey.set(keyName(counter), sum)
      sums.get(budget.id)?.push(sum)
    }
    this.#sums = sums
  }

  /** Counters that the journal asks for and that were not among those given. One may have come into being since they were listed. */
  get missing(): readonly CounterKey[] {
    return [...this.#missing.values()]
  }

  add(row: CountedRow): void {
    const { transaction } = row
    const { kind, detail, sequence, at } = transaction
    this.#forget(at)
    if (kind === 'amend' && detail['change'] === 'time_zone') this.#zones.push({ sequence, from: String(detail['from']) })
    if (kind === 'amend' && detail['change'] === 'plan_begun') this.#beginPlan(at)
    if (typeof detail['occasion'] === 'string') this.#hadPlans = true
    if (this.#input.budgets.length === 0) return
    const moved = this.#movementOf(row)
    if (moved === null || moved.movement.beganBy <= this.#since) return
    this.#count(moved.movement, moved.of)
  }

  #beginPlan(at: Instant): void {
    this.#hadPlans = true
    for (const budget of this.#input.budgets) {
      if (budget.window.kind === 'billing_period') for (const sum of this.#sums.get(budget.id) ?? []) sum.end(at)
    }
  }

  #movementOf({ transaction, refunded, refundedReserve }: CountedRow): { readonly movement: Movement; readonly of: Transaction } | null {
    const { kind, credits, at, sequence, refersTo, detail } = transaction
    const own = { sequence, at, began: at, beganBy: sequence, isOwn: true }
    if (kind === 'charge') return { movement: { ...own, used: credits, reserved: 0n }, of: transaction }
    if (kind === 'reserve') {
      this.#held.set(sequence, { transaction, timedOutAt: null })
      return { movement: { ...own, used: 0n, reserved: credits }, of: transaction }
    }
    if (kind === 'refund') {
      const began = refundedReserve ?? refunded
      if (refunded === null || began === null) return null
      return { movement: { sequence, used: -credits, reserved: 0n, at, began: began.at, beganBy: began.sequence, isOwn: false }, of: refunded }
    }
    const held = refersTo === null || (kind !== 'settle' && kind !== 'release') ? undefined : this.#held.get(refersTo)
    if (held === undefined) return null
    const freed = held.timedOutAt === null ? held.transaction.credits : 0n
    if (kind === 'release' && detail['reason'] === 'time_out') held.timedOutAt = at
    else this.#held.delete(held.transaction.sequence)
    const used = kind === 'settle' ? credits : 0n
    const { at: began, sequence: beganBy } = held.transaction
    return { movement: { sequence, used, reserved: -freed, at, began, beganBy, isOwn: false }, of: held.transaction }
  }

  /** What timed out more than a day ago is settled no more. */
  #forget(now: Instant): void {
    for (const [sequence, { timedOutAt }] of this.#held) {
      if (timedOutAt !== null && timedOutAt + LATE_SETTLEMENT_MS <= now) this.#held.delete(sequence)
    }
  }

  #count(movement: Movement, of: Transaction): void {
    if (movement.used === 0n && movement.reserved === 0n) return
    const facts = this.#input.factsOf(of)
    const isErased = of.labels === null && of.labelsDigest !== null
    for (const budget of this.#input.budgets) {
      if (movement.beganBy <= budget.origin) continue
      if (isErased && asksForLabels(budget)) {
        for (const sum of this.#sums.get(budget.id) ?? []) sum.isUnknown = true
        continue
      }
      for (const subject of subjectsOf(budget, facts)) this.#countFor({ budget: budget.id, subject }, movement)
    }
  }

  #countFor(key: CounterKey, movement: Movement): void {
    const sum = this.#byKey.get(keyName(key))
    if (sum !== undefined) sum.add(movement)
    else if (movement.isOwn) this.#missing.set(keyName(key), key)
  }

  /** `absent`: those of {@link missing} that are not there now either. */
  finish(absent: readonly CounterKey[]): void {
    for (const key of absent) this.#report(rowName(key), 'counters', 'the journal has spending that counts for it, and it is missing')
    for (const [, sum] of this.#byKey) {
      if (sum.isUnknown) continue
      const message = sum.difference(this.#input.account.lastAt) ?? this.#windowProblem(sum)
      if (message !== null) this.#report(rowName(sum.counter), 'counters', message)
    }
  }

  /** Whether a window is that of the calendar, as far as the journal tells: of one that began in another zone only its end is known. */
  #windowProblem({ budget, counter, opened }: Sum): string | null {
    if (opened === null) return null
    const zone = this.#zones.find(({ sequence }) => sequence > opened.sequence)?.from ?? this.#input.account.timeZone
    const expected = this.#windowOf(budget, opened.at, zone)
    if (expected === null) return null
    const since = Math.max(expected.since, budget.since)
    const isSame = counter.windowStart === since && counter.windowEnd === expected.until
    const isMoved = this.#zones.length > 0 && counter.windowStart >= since && counter.windowStart <= opened.at && counter.windowEnd === expected.until
    return isSame || isMoved
      ? null
      : `its window is ${counter.windowStart} to ${counter.windowEnd}; what was counted in it is of the window ${since} to ${expected.until}`
  }

  #windowOf({ window, since }: Budget, at: Instant, zone: string): { readonly since: Instant; readonly until: Instant } | null {
    const { subscription, createdAt } = this.#input.account
    switch (window.kind) {
      case 'day':
      case 'week':
      case 'month':
        return calendarPeriod(at, window.kind, zone)
      case 'total':
      case 'run':
        return { since, until: NEVER }
      case 'billing_period':
        if (subscription !== null) return at < subscription.periodStart ? null : { since: subscription.periodStart, until: subscription.periodEnd }
        return this.#hadPlans || this.#zones.length > 0 ? null : monthPeriod(createdAt, at, zone)
      case 'rolling':
        return null
    }
  }
}

function asksForLabels({ scope }: Budget): boolean {
  return (scope.each !== null && isLabel(scope.each)) || Object.keys(scope.values).some((dimension) => dimension.startsWith('label:'))
}

function keyName({ budget, subject }: CounterKey): string {
  return JSON.stringify([budget, subject])
}

function rowName({ budget, subject }: CounterKey): string {
  return subject === '' ? `counter ${budget}` : `counter ${budget}/${subject}`
}

/** What the journal says of one counter, made as its rows come by. */
interface Sum {
  readonly budget: Budget
  readonly counter: Counter
  /** What was counted in the window first; null while nothing was. */
  readonly opened: { readonly at: Instant; readonly sequence: number } | null
  /** The labels that tell whether something counts were erased. */
  isUnknown: boolean
  add(movement: Movement): void
  /** The plan begins anew, and with it a window that goes by its periods. */
  end(at: Instant): void
  /** How the counter differs from the journal; null where it does not. */
  difference(lastAt: Instant): string | null
}

interface Part {
  used: MicroCredits
  reserved: MicroCredits
}

/** The counter's own window: what was counted while it ran and began in it. */
class WindowSum implements Sum {
  readonly budget: Budget
  readonly counter: Counter
  opened: Sum['opened'] = null
  isUnknown = false
  /** One sum, and another from each plan on that began at the very instant of the window, after what is counted there. */
  readonly #sums: Part[] = [{ used: 0n, reserved: 0n }]
  #hasEnded = false
  #overtaken: string | null = null

  constructor(budget: Budget, counter: Counter) {
    this.budget = budget
    this.counter = counter
  }

  end(at: Instant): void {
    if (at > this.counter.windowStart) this.#hasEnded = true
    // Whether the window began with this plan or ran already, nothing tells: one millisecond holds both.
    if (at === this.counter.windowStart) this.#sums.push({ used: 0n, reserved: 0n })
  }

  add({ sequence, used, reserved, at, began, isOwn }: Movement): void {
    const { windowStart, windowEnd } = this.counter
    if (this.#hasEnded || at >= windowEnd) {
      if (isOwn) this.#overtaken ??= `transaction ${sequence} counts for the window after it, and it was left in the one before`
      return
    }
    if (began < windowStart) return
    this.opened ??= { at, sequence }
    for (const sum of this.#sums) {
      // What counted before a sum began is not given back in it.
      if (sum.used + used < 0n || sum.reserved + reserved < 0n) continue
      sum.used += used
      sum.reserved += reserved
    }
  }

  difference(): string | null {
    if (this.#overtaken !== null) return this.#overtaken
    const differences = this.#sums.map((sum) => differenceOf(this.counter, sum.used, sum.reserved))
    return differences.includes(null) ? null : (differences[0] as string)
  }
}

function differenceOf({ used, reserved }: Pick<Counter, 'used' | 'reserved'>, usedThere: MicroCredits, reservedThere: MicroCredits): string | null {
  if (used === usedThere && reserved === reservedThere) return null
  return `it says ${used} used and ${reserved} reserved; the journal says ${usedThere} used and ${reservedThere} reserved`
}

/** A rolling window moves on by sixtieths of itself. */
const PARTS = 60

/** A rolling window: its parts, each until the window has left it behind. */
class RollingSum implements Sum {
  readonly budget: Budget
  readonly counter: Counter
  readonly opened = null
  isUnknown = false
  readonly #parts = new Map<Instant, Part>()
  readonly #lengthMs: number

  constructor(budget: Budget, counter: Counter) {
    this.budget = budget
    this.counter = counter
    this.#lengthMs = budget.window.kind === 'rolling' ? budget.window.hours * HOUR_MS : 0
  }

  end(): void {
    // Knows no periods.
  }

  add({ used, reserved, at, began }: Movement): void {
    for (const start of this.#parts.keys()) if (this.#isLeft(start, at)) this.#parts.delete(start)
    const start = Math.floor(began / this.#widthMs) * this.#widthMs
    const part = this.#parts.get(start)
    if (part === undefined && began < at - this.#lengthMs) return
    this.#parts.set(start, { used: (part?.used ?? 0n) + used, reserved: (part?.reserved ?? 0n) + reserved })
  }

  get #widthMs(): number {
    return this.#lengthMs / PARTS
  }

  #isLeft(start: Instant, at: Instant): boolean {
    return start + this.#widthMs + this.#lengthMs <= at
  }

  difference(lastAt: Instant): string | null {
    const { slices } = this.counter
    const sum = slices.reduce((total, slice) => ({ used: total.used + slice.used, reserved: total.reserved + slice.reserved }), NOTHING)
    const asSlices = differenceOf(this.counter, sum.used, sum.reserved)
    if (asSlices !== null) return asSlices
    for (const slice of slices) {
      const part = this.#parts.get(slice.start) ?? NOTHING
      const other = differenceOf(slice, part.used, part.reserved)
      if (other !== null) return `in its part from ${slice.start} ${other}`
    }
    const stored = new Set(slices.map(({ start }) => start))
    const lost = [...this.#parts.keys()].find((start) => !stored.has(start) && !this.#isLeft(start, lastAt))
    return lost === undefined ? null : `its part from ${lost} is missing; the journal has spending in it`
  }
}

const NOTHING = { used: 0n, reserved: 0n }

/** The transactions whose rows an audit of budgets needs beside a refund: what it gives back is enough unless that was a settlement. */
export function isOfReservation(refunded: Transaction | null): refunded is Transaction & { readonly refersTo: number } {
  return refunded !== null && refunded.kind === 'settle' && refunded.refersTo !== null
}
