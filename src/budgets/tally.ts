import { type MicroCredits, smaller } from '../money/credits.js'
import type { Instant } from '../time/instant.js'
import { type Budget, nextRaiseEnd } from './budget.js'
import { type Change, counted } from './count.js'
import type { Counter } from './counter.js'
import type { BudgetGroup } from './group.js'
import { type Level, worse } from './level.js'
import { budgetLevel, marksAt, type Standing, standingOf, standingWith, thresholdsBeyond, untilNextLevel } from './standing.js'
import { counterAt, type Owner } from './window.js'

/**
 * The counters of all budgets that count the same spending, with what came to every one of them alike since: so that a
 * charge costs the same whether one budget counts it or a hundred, as long as no window ends, no limit is reached and
 * nothing is to be told.
 */
export interface Tally {
  readonly group: BudgetGroup
  readonly subject: string
  /** One a budget of the group, in its order, as they stood when the tally was made. */
  readonly counters: readonly Counter[]
  /** Which of them have counted something in their window; null for all. An empty window is no row and may begin otherwise. */
  readonly counting: readonly boolean[] | null
  /** Their limits, raised or not, in the same order. */
  readonly limits: readonly MicroCredits[]
  readonly moved: Moved
  readonly bounds: Bounds
}

export interface Moved {
  readonly used: MicroCredits
  readonly reserved: MicroCredits
}

/** How far the counters of a tally move alike, from how they stood when it was made. */
interface Bounds {
  /** The owner's subscription and zone, which windows depend on. */
  readonly subscription: Owner['subscription']
  readonly timeZone: string
  /** Exclusive: then a window ends, or a raise. */
  readonly until: Instant
  /** Only what began from then on, by a later transaction than this one, counts for all of them. */
  readonly since: Instant
  readonly origin: number
  /** What the tightest hard budget left, below zero where more was used than allowed; null where none is hard. */
  readonly room: MicroCredits | null
  readonly tightest: number
  readonly level: Level
  /** How much more may be claimed before the level is another; null where it is the last. */
  readonly untilLevel: MicroCredits | null
  /** How much more may be used before a threshold is to be told of. */
  readonly untilTold: MicroCredits | null
}

const NOTHING: Moved = { used: 0n, reserved: 0n }

export function tallyOf(group: BudgetGroup, subject: string, counters: readonly (Counter | null)[], at: Instant, owner: Owner): Tally {
  const current = group.budgets.map((budget, index) =>
    counterAt(budget, { budget: budget.id, subject }, counters[index] ?? null, at, owner),
  )
  const counting = current.map((counter, index) => (group.isRolling ? counters[index] != null : counters[index] === counter))
  return tallyWith({ group, subject, counters: current, counting }, at, owner)
}

function tallyWith(facts: Pick<Tally, 'group' | 'subject' | 'counters' | 'counting'>, at: Instant, owner: Owner): Tally {
  const { group, subject, counters, counting } = facts
  const standings = group.budgets.map((budget, index) => standingOf(budget, counters[index] as Counter, at))
  const limits = standings.map(({ limit }) => limit)
  return { group, subject, counters, counting, limits, moved: NOTHING, bounds: boundsOf(group, standings, at, owner) }
}

/** Whether a tally that was made earlier still tells how its budgets stand. */
export function holds({ bounds }: Tally, at: Instant, { subscription, timeZone }: Owner): boolean {
  return at < bounds.until && bounds.subscription === subscription && bounds.timeZone === timeZone
}

function boundsOf(group: BudgetGroup, standings: readonly Standing[], at: Instant, { subscription, timeZone }: Owner): Bounds {
  let room: MicroCredits | null = null
  let tightest = -1
  let level: Level = 'ok'
  let untilLevel: MicroCredits | null = null
  let untilTold: MicroCredits | null = null
  standings.forEach((standing, index) => {
    untilTold = least(untilTold, untilNextTold(standing))
    if (standing.budget.enforcement !== 'hard') return
    const left = standing.limit - standing.counter.used - standing.counter.reserved
    if (room === null || left < room) {
      room = left
      tightest = index
    }
    level = worse(level, budgetLevel(standing))
    untilLevel = least(untilLevel, untilNextLevel(standing))
  })
  return {
    subscription,
    timeZone,
    until: group.isRolling ? at : Math.min(...standings.map(({ budget, counter }) => Math.min(nextRaiseEnd(budget, at), counter.windowEnd))),
    since: Math.max(...standings.map(({ counter }) => counter.windowStart)),
    origin: Math.max(...standings.map(({ counter }) => counter.origin)),
    room,
    tightest,
    level,
    untilLevel,
    untilTold,
  }
}

function least(a: MicroCredits | null, b: MicroCredits | null): MicroCredits | null {
  if (a === null || b === null) return a ?? b
  return smaller(a, b)
}

function untilNextTold({ budget, counter, limit }: Standing): MicroCredits | null {
  const next = marksAt(budget, limit).find((_, index) => (budget.thresholds[index] as number) > counter.fired)
  return next === undefined ? null : next - counter.used
}

/** What is claimed since the tally was made: what is set aside counts, for it may be spent. */
function claimed({ moved }: Tally): MicroCredits {
  return moved.used + moved.reserved
}

/** What the tightest hard budget leaves; null where none is hard. */
export function roomIn(tally: Tally): MicroCredits | null {
  const { room } = tally.bounds
  if (room === null) return null
  const left = room - claimed(tally)
  return left > 0n ? left : 0n
}

/** How pressing the hard budgets are once `taken` more has come to them. */
export function levelIn(tally: Tally, taken: MicroCredits): Level {
  const { level, untilLevel, room } = tally.bounds
  const more = claimed(tally) + taken
  if (room === null) return 'ok'
  if (more >= 0n && (untilLevel === null || more < untilLevel)) return level
  return standingsIn(tally)
    .filter(({ budget }) => budget.enforcement === 'hard')
    .reduce<Level>((worst, standing) => worse(worst, budgetLevel(standing, taken)), 'ok')
}

/** The hard budget that leaves the least; null where none is hard. */
export function tightestIn(tally: Tally): Standing | null {
  const { tightest } = tally.bounds
  return tightest < 0 ? null : standingAt(tally, tightest)
}

/** Every budget of the group as it stands now. */
export function standingsIn(tally: Tally): readonly Standing[] {
  return tally.counters.map((_, index) => standingAt(tally, index))
}

function standingAt(tally: Tally, index: number): Standing {
  return standingWith(tally.group.budgets[index] as Budget, counterNow(tally, index), tally.limits[index] as MicroCredits)
}

/** Every counter as it stands now. */
export function countersNow(tally: Tally): readonly Counter[] {
  return tally.counters.map((_, index) => counterNow(tally, index))
}

/** The counters that have counted something, as they stand now: those that are kept. */
export function countingNow(tally: Tally): readonly Counter[] {
  const { counting } = tally
  return counting === null ? countersNow(tally) : countersNow(tally).filter((_, index) => counting[index])
}

function counterNow({ counters, moved }: Tally, index: number): Counter {
  const counter = counters[index] as Counter
  if (moved.used === 0n && moved.reserved === 0n) return counter
  const { budget, subject, origin, windowStart, windowEnd, used, reserved, fired, slices } = counter
  return { budget, subject, origin, windowStart, windowEnd, used: used + moved.used, reserved: reserved + moved.reserved, fired, slices }
}

/** A threshold that a change has reached, of a budget as it then stands. */
export interface Reached {
  readonly standing: Standing
  readonly threshold: number
}

export interface MovedTally {
  readonly tally: Tally
  readonly reached: readonly Reached[]
}

/** The tally with a change counted in it. */
export function moveTally(tally: Tally, change: Change, at: Instant, owner: Owner): MovedTally {
  if (movesAlike(tally, change)) {
    const moved = { used: tally.moved.used + change.used, reserved: tally.moved.reserved + change.reserved }
    const { group, subject, counters, limits, bounds } = tally
    return { tally: { group, subject, counters, counting: null, limits, moved, bounds }, reached: [] }
  }
  const before = standingsIn(tally)
  const reached: Reached[] = []
  const counting = before.map((_, index) => tally.counting === null || tally.counting[index] === true)
  const counters = before.map((standing, index) => {
    const moved = counted(standing.budget, standing.counter, change)
    if (moved === null) return standing.counter
    counting[index] = true
    const thresholds = thresholdsBeyond(standing, moved.fired, moved.used)
    const counter = thresholds.length === 0 ? moved : { ...moved, fired: Math.max(...thresholds) }
    const after = { ...standing, counter }
    reached.push(...thresholds.map((threshold) => ({ standing: after, threshold })))
    return counter
  })
  return { tally: tallyWith({ group: tally.group, subject: tally.subject, counters, counting }, at, owner), reached }
}

function movesAlike({ group, moved, bounds }: Tally, { used, began, beganBy }: Change): boolean {
  if (group.isRolling || began < bounds.since || beganBy <= bounds.origin) return false
  return bounds.untilTold === null || moved.used + used < bounds.untilTold
}
