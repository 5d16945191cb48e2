import type { Account } from '../ledger/account.js'
import type { Report } from '../ledger/audit-finding.js'
import { LATE_SETTLEMENT_MS } from '../ledger/reservation.js'
import { refundedBeyond } from '../ledger/settlement.js'
import type { Transaction } from '../ledger/transaction.js'
import { type MicroCredits, smaller } from '../money/credits.js'
import { calendarPeriod, monthPeriod } from '../time/calendar.js'
import { HOUR_MS, type Instant, NEVER } from '../time/instant.js'
import { type Budget, isLabel, type SpendFacts, subjectsOf } from './budget.js'
import type { Counter, CounterKey } from './counter.js'
import { originOf } from './window.js'

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

/** A movement, and the row that says whose it is. */
interface CountedMovement {
  readonly movement: Movement
  readonly of: Transaction
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
  /** What was refunded of a charge so far. */
  readonly #refunded = new Map<number, MicroCredits>()
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
      if (budget === undefined || counter.origin !== originOf(budget, input.account)) continue
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
    if (typeof detail['occasion'] === 'string') this.#hadPlans = true
    if (this.#input.budgets.length === 0) return
    for (const { movement, of } of this.#movementsOf(row)) if (movement.beganBy > this.#since) this.#count(movement, of)
  }

  #movementsOf({ transaction, refunded, refundedReserve }: CountedRow): readonly CountedMovement[] {
    const { kind, credits, at, sequence, refersTo, detail } = transaction
    const own = { sequence, at, began: at, beganBy: sequence, isOwn: true }
    // What is kept by the hour is owed, and no budget counts it.
    if (kind === 'charge' && detail['item'] !== undefined) return []
    if (kind === 'charge') return [{ movement: { ...own, used: credits, reserved: 0n }, of: transaction }]
    if (kind === 'reserve') {
      this.#held.set(sequence, { transaction, timedOutAt: null })
      return [{ movement: { ...own, used: 0n, reserved: credits }, of: transaction }]
    }
    if (kind === 'refund') return refunded === null ? [] : this.#refundOf(transaction, refunded, refundedReserve ?? refunded)
    const held = refersTo === null || (kind !== 'settle' && kind !== 'release') ? undefined : this.#held.get(refersTo)
    if (held === undefined) return []
    const freed = held.timedOutAt === null ? held.transaction.credits : 0n
    if (kind === 'release' && detail['reason'] === 'time_out') held.timedOutAt = at
    else this.#held.delete(held.transaction.sequence)
    const within = kind === 'settle' ? smaller(credits, freed) : 0n
    const { at: began, sequence: beganBy } = held.transaction
    const ofHeld = { sequence, used: within, reserved: -freed, at, began, beganBy, isOwn: false }
    // What is charged beyond what was held is spending of the settlement's own moment.
    const beyond = { ...own, used: kind === 'settle' ? credits - within : 0n, reserved: 0n }
    return [ofHeld, beyond].map((movement) => ({ movement, of: held.transaction }))
  }

  /** What was charged last is given back first: of a settlement what went beyond its reservation, in its own window. */
  #refundOf({ sequence, at, credits, refersTo }: Transaction, refunded: Transaction, began: Transaction): readonly CountedMovement[] {
    const before = this.#refunded.get(refersTo as number) ?? 0n
    this.#refunded.set(refersTo as number, before + credits)
    const beyond = refundedBeyond(refunded, before, credits)
    const shared = { sequence, reserved: 0n, at, isOwn: false }
    return [
      { ...shared, used: -beyond, began: refunded.at, beganBy: refunded.sequence },
      { ...shared, used: beyond - credits, began: began.at, beganBy: began.sequence },
    ].map((movement) => ({ movement, of: refunded }))
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
      if (movement.beganBy <= originOf(budget, this.#input.account)) continue
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
  readonly #sum: Part = { used: 0n, reserved: 0n }
  #overtaken: string | null = null

  constructor(budget: Budget, counter: Counter) {
    this.budget = budget
    this.counter = counter
  }

  add({ sequence, used, reserved, at, began, isOwn }: Movement): void {
    const { windowStart, windowEnd } = this.counter
    if (at >= windowEnd) {
      if (isOwn) this.#overtaken ??= `transaction ${sequence} counts for the window after it, and it was left in the one before`
      return
    }
    if (began < windowStart) return
    this.opened ??= { at, sequence }
    this.#sum.used += used
    this.#sum.reserved += reserved
  }

  difference(): string | null {
    if (this.#overtaken !== null) return this.#overtaken
    return differenceOf(this.counter, this.#sum.used, this.#sum.reserved)
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
