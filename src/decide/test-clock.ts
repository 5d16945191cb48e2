import type { Account } from '../ledger/account.js'
import { DAY_MS, formatInstant, type Instant } from '../time/instant.js'
import { refusalByKey } from './authorise.js'
import type { AdvanceClockCommand, Command } from './command.js'
import { Draft } from './draft.js'
import { refusalByName } from './idempotency.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { done } from './result.js'
import type { AccountView } from './view.js'

/** Bounds what one command may have to catch up with. */
const ADVANCE_MAX_MS = 3_653 * DAY_MS
/** Bounds how far a test goes in all, so that every boundary that its account may have is an instant. */
const AHEAD_MAX_MS = 36_525 * DAY_MS

/** What time it is for an account: a test account's own clock is ahead of ours, and none goes back behind its ledger. */
export function accountTime({ clockAheadMs, lastAt }: Account, now: Instant): Instant {
  return Math.max(now + clockAheadMs, lastAt)
}

/**
 * How far a command moves its account's clock before it is decided; zero for every other. Whatever becomes due on the way
 * is then decided before it, as before any command and in as many writes as it takes, and the clock itself moves only with
 * the command's own row, once. So who may not move it is told so here, and a replay moves nothing.
 */
export function leapOf(view: AccountView, account: Account, command: Command, now: Instant): number {
  if (command.kind !== 'advance_clock') return 0
  // Asked by the time at which it is given: what was decided on the way must not refuse it half done.
  const asked = new Draft(view, account, now + account.clockAheadMs)
  if ((refusalByKey(asked, command) ?? refusalByName(asked, command) ?? refusalToAdvance(account, command)) !== null) return 0
  const { idempotencyKey, byMs } = command
  return idempotencyKey !== null && view.transactionByKey(idempotencyKey) !== null ? 0 : byMs
}

/** Moves a test account's clock forward (AX-24); what became due on the way is decided by now. */
export function decideAdvanceClock(draft: Draft, command: AdvanceClockCommand): Outcome {
  const { account } = draft
  const refused = refusalToAdvance(account, command)
  if (refused !== null) return refused
  const { byMs, actor, idempotencyKey, fingerprint } = command
  const detail = { change: 'clock_advanced', byMs, to: formatInstant(draft.at) }
  const transaction = draft.post('amend', [], { credits: 0n, actor, idempotencyKey, fingerprint, detail })
  draft.change({ clockAheadMs: account.clockAheadMs + byMs })
  return done(draft, transaction)
}

function refusalToAdvance({ id, isTest, clockAheadMs }: Account, { byMs }: AdvanceClockCommand): Refused | null {
  if (!isTest) {
    return refuse('invalid_request', `The account ${id} is a live one; only a test account has a clock that can be advanced`, {
      details: { account: id, test: false },
      advice: ['Make a test account and try it there: npx mcp-credits account create <id> --test'],
    })
  }
  if (!Number.isSafeInteger(byMs) || byMs <= 0 || byMs > ADVANCE_MAX_MS) {
    const words = 'A clock is advanced by more than nothing and at most ten years at a time'
    return refuse('invalid_request', words, { details: { account: id, byMs } })
  }
  if (clockAheadMs + byMs > AHEAD_MAX_MS) {
    return refuse('invalid_request', 'The clock of a test account is advanced by a hundred years in all at most', {
      details: { account: id, byMs, aheadMs: clockAheadMs },
      advice: ['Make a new test account for a new try.'],
    })
  }
  return null
}
