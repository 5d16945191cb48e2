import type { Guard, RunawayTerms } from '../budgets/guard.js'
import { NOTHING_SEEN, type Stopped, stopping, type Streak, streakDocument, streakOf, withCall, withRound } from '../budgets/streak.js'
import type { AccountRecord } from '../ledger/account-record.js'
import type { Reservation } from '../ledger/reservation.js'
import { formatCredits, type MicroCredits, toCredits } from '../money/credits.js'
import { formatInstant, SECOND_MS } from '../time/instant.js'
import type { Draft } from './draft.js'
import type { GuardedCall } from './guards.js'
import { tell } from './messages.js'
import { refuse, type Refused } from './outcome.js'

/** What a runaway guard has seen of a key so far, of which a call that it lets pass is the next. */
export interface Running {
  readonly kind: 'running'
  readonly guard: Guard<RunawayTerms>
  readonly streak: Streak
  readonly before: AccountRecord | null
  readonly id: string
}

/**
 * Stops a call that repeats itself or that spends too fast (AX-15). A refusal is kept in mind as well: whoever goes on
 * trying is held back for longer. The next round of a call that was let pass is no call of its own.
 */
export function stoppedAsRunaway(draft: Draft, guard: Guard<RunawayTerms>, call: GuardedCall): Running | Refused {
  const id = call.key === null ? 'none' : `key:${call.key}`
  const before = draft.record('streak', id)
  const seen = before === null ? null : streakOf(before.document)
  const streak = seen?.guard === guard.since ? seen : { ...NOTHING_SEEN, guard: guard.since }
  const running: Running = { kind: 'running', guard, streak, before, id }
  if (isNextRound(draft, streak, call)) return running
  const stopped = stopping(guard, streak, { digest: call.digest, amount: call.amount, at: draft.at })
  if (stopped === null) return running
  putStreak(draft, running, stopped.streak)
  if (stopped.isNew) tellStopped(draft, call, stopped)
  return refuseRunaway(draft, guard, call, stopped)
}

/** Counts a call that was let pass, in the write of its charge or reservation. */
export function noteCall(draft: Draft, running: Running, call: GuardedCall, reservation: Reservation | null): void {
  const { guard, streak } = running
  const { digest, amount } = call
  const made = reservation?.sequence ?? null
  const isRound = made !== null && isNextRound(draft, streak, call)
  const next = isRound ? withRound(streak, digest, made) : withCall(guard, streak, { digest, amount, at: draft.at }, made)
  putStreak(draft, running, next)
}

/** A client says of itself that it goes on with a call; that is believed where the round before it has cost nothing. */
function isNextRound(draft: Draft, { calls }: Streak, { digest, isRound }: GuardedCall): boolean {
  const earlier = isRound ? (calls.find((call) => call.digest === digest)?.reservation ?? null) : null
  return earlier !== null && draft.reservation(earlier)?.state === 'released'
}

function putStreak(draft: Draft, { id, before }: Running, streak: Streak): void {
  const { sequence } = draft.account
  draft.putRecord({ kind: 'streak', id, sequence, isOpen: true, lookup: null, document: streakDocument(streak) }, before)
}

function tellStopped(draft: Draft, { key, operation, tool, digest }: GuardedCall, { by, stop, until }: Stopped): void {
  const facts = { key, operation, tool, by, credits: toCredits(stop.saved), until }
  tell(draft, { type: 'runaway_stopped', ...facts }, { name: `${by}.${digest}`, at: draft.at })
}

function refuseRunaway(draft: Draft, guard: Guard<RunawayTerms>, { operation, tool, amount }: GuardedCall, stopped: Stopped): Refused {
  const { by, stop, until } = stopped
  const { why, figures, advice } = by === 'identical' ? asLoop(guard, stopped, tool ?? operation) : asHaste(guard, stopped, amount)
  return refuse('runaway_stopped', `${why}: stopped, which saved ${formatCredits(stop.saved)} credits so far`, {
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
      `An operator lets it go at once: npx mcp-credits guard reset runaway --account ${draft.account.id}`,
    ],
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
  const sums = `Calls for ${formatCredits(spent)} credits were made within ${withinSeconds} seconds`
  return {
    why: `${sums}, and this is one for ${formatCredits(amount)} more`,
    figures: { burned: { credits: toCredits(spent), limit: toCredits(burn?.amount ?? 0n), withinSeconds } },
    advice: 'Spend nothing for a while, and tell your user what the spending was for.',
  }
}
