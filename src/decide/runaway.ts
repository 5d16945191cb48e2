import type { SpendFacts } from '../budgets/budget.js'
import type { Guard, RunawayTerms } from '../budgets/guard.js'
import { NOTHING_SEEN, reservationFor, type Stopped, stopping, type Streak, streakDocument, streakOf, withCall, withRound, withSpending } from '../budgets/streak.js'
import type { AccountRecord } from '../ledger/account-record.js'
import type { Reservation } from '../ledger/reservation.js'
import { creditWords, formatCredits, type MicroCredits, toCredits } from '../money/credits.js'
import { formatInstant, type Instant, SECOND_MS } from '../time/instant.js'
import type { Draft } from './draft.js'
import { type GuardedCall, guardOn } from './guards.js'
import { tell } from './messages.js'
import { refuse, type Refused } from './outcome.js'
import { keyNamed } from './spend-facts.js'

/** What a runaway guard has seen so far of a key and of every one above it, of which a call that it lets pass is the next. */
export interface Running {
  readonly kind: 'running'
  readonly guard: Guard<RunawayTerms>
  /** Of the key itself first. What a key hands on counts for it: carving out another key is no way around a guard. */
  readonly watched: readonly Watched[]
  /** What makes it the same call, whoever makes it. */
  readonly digest: string
  /** It goes on with a call that was counted already. */
  readonly isRound: boolean
}

interface Watched {
  readonly id: string
  readonly streak: Streak
  readonly before: AccountRecord | null
}

type Spender = Pick<SpendFacts, 'key' | 'ancestors' | 'isDelegated'>

/** A call as a runaway guard looks at it. */
export interface RunawayCall extends GuardedCall {
  readonly by: Spender
}

/**
 * Stops a call that repeats itself or that spends too fast (AX-15). A refusal is kept in mind as well: whoever goes on
 * trying is held back for longer. The next round of a call that was let pass is no call of its own.
 */
export function stoppedAsRunaway(draft: Draft, guard: Guard<RunawayTerms>, call: RunawayCall): Running | Refused {
  const { digest, amount, by } = call
  const watched = watchedOf(draft, guard, by)
  const running: Running = { kind: 'running', guard, watched, digest, isRound: isNextRound(draft, watched, call) }
  if (running.isRound) return running
  for (const [index, { id, streak, before }] of watched.entries()) {
    const stopped = stopping(guard, streak, { digest, amount, at: draft.at })
    if (stopped === null) continue
    putStreak(draft, id, stopped.streak, before)
    if (stopped.isNew) tellStopped(draft, call, stopped)
    return index > 0 && by.isDelegated ? refuseFromAbove(draft, amount, stopped.until) : refuseRunaway(draft, guard, call, stopped)
  }
  return running
}

/** Why a key whose calls are all stopped hands nothing on, and neither does one below it; null where none is stopped. */
export function refusalToHandOn(draft: Draft, by: Spender): Refused | null {
  const guard = draft.account.rules === 0 ? null : guardOn(draft, 'runaway')
  if (guard === null || guard.burn === null) return null
  const { withinMs } = guard.burn
  const ends = watchedOf(draft, guard, by).map(({ streak: { stop } }) => (stop === null ? 0 : stop.lastAt + withinMs))
  const until = Math.max(...ends)
  if (until <= draft.at) return null
  return refuse('runaway_stopped', `Spending was stopped until ${formatInstant(until)}, and nothing of it is handed on`, {
    details: { until: formatInstant(until) },
    advice: ['Spend nothing for a while, and tell your user what the spending was for.', letGo(draft)],
  })
}

/** Counts a call that was let pass, in the write of its charge or reservation. */
export function noteCall(draft: Draft, { guard, watched, digest, isRound }: Running, { amount }: GuardedCall, reservation: Reservation | null): void {
  const made = reservation?.sequence ?? null
  for (const [index, { id, streak, before }] of watched.entries()) {
    const isOwn = index === 0
    if (isRound && !isOwn) continue
    // By its reservation a call's next round is known to whoever made it; keys above keep the one that they made themselves.
    const by = isOwn ? made : reservationFor(streak, digest)
    putStreak(draft, id, isRound ? withRound(streak, digest, by) : withCall(guard, streak, { digest, amount, at: draft.at }, by), before)
  }
}

/** Counts what was settled beyond a reservation, in the write of the settlement: reserving little and settling much is haste as well. */
export function noteBeyond(draft: Draft, by: Spender, amount: MicroCredits): void {
  const guard = guardOn(draft, 'runaway')
  if (guard === null || guard.burn === null) return
  for (const { id, streak, before } of watchedOf(draft, guard, by)) putStreak(draft, id, withSpending(guard, streak, { amount, at: draft.at }), before)
}

function watchedOf(draft: Draft, guard: Guard<RunawayTerms>, by: Spender): readonly Watched[] {
  return idsOf(draft, by).map((id) => {
    const before = draft.record('streak', id)
    const seen = before === null ? null : streakOf(before.document)
    return { id, before, streak: seen?.guard === guard.since ? seen : { ...NOTHING_SEEN, guard: guard.since } }
  })
}

/** Its own streak, and that of every key above; the last of those was perhaps handed out by a party without a key. */
function idsOf(draft: Draft, { key, ancestors, isDelegated }: Spender): readonly string[] {
  if (key === null) return [NO_KEY]
  const top = ancestors.at(-1)
  const isOfNoKey = top === undefined ? isDelegated : keyNamed(draft, top)?.isDelegated === true
  return [...[key, ...ancestors].map((id) => `key:${id}`), ...(isOfNoKey ? [NO_KEY] : [])]
}

const NO_KEY = 'none'

/** A client says of itself that it goes on with a call; that is believed where the round before it has cost nothing. */
function isNextRound(draft: Draft, watched: readonly Watched[], { digest, isRound }: Pick<GuardedCall, 'digest' | 'isRound'>): boolean {
  const [own] = watched
  const earlier = isRound && own !== undefined ? reservationFor(own.streak, digest) : null
  return earlier !== null && draft.reservation(earlier)?.state === 'released'
}

function putStreak(draft: Draft, id: string, streak: Streak, before: AccountRecord | null): void {
  const { sequence } = draft.account
  draft.putRecord({ kind: 'streak', id, sequence, isOpen: true, lookup: null, document: streakDocument(streak) }, before)
}

function tellStopped(draft: Draft, { key, operation, tool, digest }: GuardedCall, { by, stop, until }: Stopped): void {
  const facts = { key, operation, tool, by, credits: toCredits(stop.saved), until }
  tell(draft, { type: 'runaway_stopped', ...facts }, { name: `${by}.${key ?? ''}.${digest}`, at: draft.at })
}

function refuseRunaway(draft: Draft, guard: Guard<RunawayTerms>, { operation, tool, amount }: GuardedCall, stopped: Stopped): Refused {
  const { by, stop, until } = stopped
  const { why, figures, advice } = by === 'identical' ? asLoop(guard, stopped, tool ?? operation) : asHaste(guard, stopped, amount)
  return refuse('runaway_stopped', `${why}: stopped, which saved ${creditWords(stop.saved)} so far`, {
    details: {
      required: toCredits(amount),
      saved: toCredits(stop.saved),
      refused: stop.refused,
      since: formatInstant(stop.since),
      until: formatInstant(until),
      identical: null,
      burned: null,
      ...figures,
    },
    advice: [
      advice,
      `It lets go on ${formatInstant(until)} if nothing of the kind is tried until then`,
      letGo(draft),
    ],
  })
}

function letGo({ account }: Draft): string {
  return `An operator lets it go at once: npx mcp-credits guard reset runaway --account ${account.id}`
}

/** What was spent above a delegated key and beside it is not its to know: only that it is stopped, and until when. */
function refuseFromAbove(draft: Draft, amount: MicroCredits, until: Instant): Refused {
  return refuse('runaway_stopped', 'Calls above this key were stopped as running away, and its own with them', {
    details: { required: toCredits(amount), until: formatInstant(until) },
    advice: ['Spend nothing for a while, and tell whoever gave you this key.', `It lets go on ${formatInstant(until)} if nothing of the kind is tried until then`, letGo(draft)],
  })
}

/** Why something is stopped, what was seen of it, and what an agent does about it. */
interface Reason {
  readonly why: string
  readonly figures: Readonly<Record<string, unknown>>
  readonly advice: string
}

function asLoop({ identical }: Guard<RunawayTerms>, { seen }: Stopped, what: string): Reason {
  const withinSeconds = (identical?.withinMs ?? 0) / SECOND_MS
  return {
    why: `The same call of ${what} was made ${seen} times within ${withinSeconds} seconds`,
    figures: { identical: { calls: seen, limit: identical?.calls ?? null, withinSeconds } },
    advice: 'Do not make this call again: use what it answered, or do something else.',
  }
}

function asHaste({ burn }: Guard<RunawayTerms>, { seen }: Stopped, amount: MicroCredits): Reason {
  const spent = BigInt(seen)
  const withinSeconds = (burn?.withinMs ?? 0) / SECOND_MS
  const sums = `Calls for ${creditWords(spent)} were made within ${withinSeconds} seconds`
  return {
    why: `${sums}, and this is one for ${formatCredits(amount)} more`,
    figures: { burned: { credits: toCredits(spent), limit: toCredits(burn?.amount ?? 0n), withinSeconds } },
    advice: 'Spend nothing for a while, and tell your user what the spending was for.',
  }
}
