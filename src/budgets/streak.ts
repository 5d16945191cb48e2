import type { RecordDocument } from '../ledger/account-record.js'
import type { MicroCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'
import type { Guard, RunawayTerms } from './guard.js'

/** What a runaway guard has seen of one key's calls: small, because every one of them writes it. */
export interface Streak {
  /** The guard that it was seen for, by its `since`; what another one saw counts for nothing. */
  readonly guard: number
  /** Calls told apart by their digest, the one seen longest ago first. */
  readonly calls: readonly SeenCall[]
  /** What calls cost at most, by slices of the guard's time, in order. */
  readonly slices: readonly SpentSlice[]
  /** Set while all calls of the key are stopped. */
  readonly stop: Stop | null
}

export interface SeenCall {
  readonly digest: string
  /** When it was made, within the guard's time, in order. */
  readonly times: readonly Instant[]
  /** The sequence of the reservation that was made for it last; null where it was charged at once. */
  readonly reservation: number | null
  /** Set while this call is stopped. */
  readonly stop: Stop | null
}

interface SpentSlice {
  readonly index: number
  readonly amount: MicroCredits
}

/** What was stopped since, and what that saved. */
export interface Stop {
  readonly since: Instant
  readonly lastAt: Instant
  readonly refused: number
  readonly saved: MicroCredits
}

/** How many different calls of a key are told apart at once; the one seen longest ago makes room. */
const CALLS_MAX = 16
/** Spending within a time is summed in so many parts of it, and up to one part longer: never too little is seen. */
const SLICES = 20

export const NOTHING_SEEN: Omit<Streak, 'guard'> = { calls: [], slices: [], stop: null }

/** A call as it is about to be made. */
export interface Attempt {
  readonly digest: string
  /** The most that it can cost. */
  readonly amount: MicroCredits
  readonly at: Instant
}

/** Why a call is stopped: what was seen, and what the guard allows. */
export interface Stopped {
  readonly by: 'identical' | 'burn'
  readonly stop: Stop
  /** It has only now begun: people are to be told. */
  readonly isNew: boolean
  /** The identical calls, or what calls cost at most, within the guard's time. */
  readonly seen: number | MicroCredits
  /** When it lets go, unless it is tried again before. */
  readonly until: Instant
  /** What was seen, with this attempt. */
  readonly streak: Streak
}

/**
 * Whether a runaway guard stops a call. A stop holds as long as what it stops goes on: each further attempt, refused or
 * not, makes it last another while.
 */
export function stopping(guard: Guard<RunawayTerms>, streak: Streak, attempt: Attempt): Stopped | null {
  return stoppedAsIdentical(guard, streak, attempt) ?? stoppedByBurn(guard, streak, attempt)
}

function stoppedAsIdentical({ identical }: Guard<RunawayTerms>, streak: Streak, attempt: Attempt): Stopped | null {
  const call = identical === null ? undefined : streak.calls.find(({ digest }) => digest === attempt.digest)
  if (identical === null || call === undefined) return null
  const { calls, withinMs } = identical
  const holds = call.stop !== null && attempt.at < call.stop.lastAt + withinMs
  const seen = within(call.times, attempt.at, withinMs).length
  if (!holds && seen < calls) return null
  const stop = prolonged(holds ? call.stop : null, attempt)
  const others = streak.calls.filter((one) => one !== call)
  const next = { ...streak, calls: [...others, { ...call, stop }] }
  return { by: 'identical', stop, isNew: !holds, seen: calls, until: attempt.at + withinMs, streak: next }
}

function stoppedByBurn({ burn }: Guard<RunawayTerms>, streak: Streak, attempt: Attempt): Stopped | null {
  if (burn === null) return null
  const holds = streak.stop !== null && attempt.at < streak.stop.lastAt + burn.withinMs
  const seen = sumOf(slicesWithin(streak.slices, attempt.at, burn.withinMs))
  if (!holds && seen + attempt.amount <= burn.amount) return null
  const stop = prolonged(holds ? streak.stop : null, attempt)
  return { by: 'burn', stop, isNew: !holds, seen, until: attempt.at + burn.withinMs, streak: { ...streak, stop } }
}

function prolonged(stop: Stop | null, { at, amount }: Attempt): Stop {
  const before = stop ?? { since: at, refused: 0, saved: 0n }
  return { since: before.since, lastAt: at, refused: before.refused + 1, saved: before.saved + amount }
}

/** The streak with one more call that was made. What it held back is over then. */
export function withCall(guard: Guard<RunawayTerms>, streak: Streak, attempt: Attempt, reservation: number | null): Streak {
  const { identical } = guard
  const { digest, at } = attempt
  const known = streak.calls.find((call) => call.digest === digest)
  const times = identical === null ? [] : [...within(known?.times ?? [], at, identical.withinMs), at].slice(-identical.calls)
  const others = streak.calls.filter((call) => call !== known)
  const calls = [...others, { digest, times, reservation, stop: null }].slice(-CALLS_MAX)
  return { ...withSpending(guard, streak, attempt), calls, stop: null }
}

/** The streak with credits that were spent beyond what its calls were to cost at most; what it holds back stays so. */
export function withSpending({ burn }: Guard<RunawayTerms>, streak: Streak, spending: Pick<Attempt, 'at' | 'amount'>): Streak {
  return { ...streak, slices: burn === null ? [] : spent(streak.slices, spending, burn.withinMs) }
}

/** The reservation that was made last for a call; null for none. */
export function reservationFor({ calls }: Streak, digest: string): number | null {
  return calls.find((call) => call.digest === digest)?.reservation ?? null
}

/** The streak with the next round of a call that it has counted already. */
export function withRound(streak: Streak, digest: string, reservation: number | null): Streak {
  return { ...streak, calls: streak.calls.map((call) => (call.digest === digest ? { ...call, reservation } : call)) }
}

function within(times: readonly Instant[], at: Instant, withinMs: number): readonly Instant[] {
  return times.filter((time) => time > at - withinMs)
}

function sliceMs(withinMs: number): number {
  return Math.ceil(withinMs / SLICES)
}

function slicesWithin(slices: readonly SpentSlice[], at: Instant, withinMs: number): readonly SpentSlice[] {
  const first = Math.floor((at - withinMs) / sliceMs(withinMs))
  return slices.filter(({ index }) => index >= first)
}

function spent(slices: readonly SpentSlice[], { at, amount }: Pick<Attempt, 'at' | 'amount'>, withinMs: number): readonly SpentSlice[] {
  const index = Math.floor(at / sliceMs(withinMs))
  const kept = slicesWithin(slices, at, withinMs)
  const last = kept.at(-1)
  return last?.index === index ? [...kept.slice(0, -1), { index, amount: last.amount + amount }] : [...kept, { index, amount }]
}

function sumOf(slices: readonly SpentSlice[]): MicroCredits {
  return slices.reduce((sum, { amount }) => sum + amount, 0n)
}

type StoredStop = Omit<Stop, 'saved'> & { readonly saved: number }

export function streakDocument({ guard, calls, slices, stop }: Streak): RecordDocument {
  return {
    guard,
    calls: calls.map((call) => ({ ...call, stop: storedStop(call.stop) })),
    slices: slices.map(({ index, amount }) => [index, Number(amount)]),
    stop: storedStop(stop),
  }
}

export function streakOf(document: RecordDocument): Streak {
  const stored = document as unknown as {
    readonly guard: number
    readonly calls: readonly (Omit<SeenCall, 'stop'> & { readonly stop: StoredStop | null })[]
    readonly slices: readonly (readonly [number, number])[]
    readonly stop: StoredStop | null
  }
  return {
    guard: stored.guard,
    calls: stored.calls.map((call) => ({ ...call, stop: readStop(call.stop) })),
    slices: stored.slices.map(([index, amount]) => ({ index, amount: BigInt(amount) })),
    stop: readStop(stored.stop),
  }
}

function storedStop(stop: Stop | null): StoredStop | null {
  return stop === null ? null : { ...stop, saved: Number(stop.saved) }
}

function readStop(stop: StoredStop | null): Stop | null {
  return stop === null ? null : { ...stop, saved: BigInt(stop.saved) }
}
