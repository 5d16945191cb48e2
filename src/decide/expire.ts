import { type Grant, hasExpired, isOpen } from '../ledger/grant.js'
import { type MicroCredits, toCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'
import { beyondCarried, hasEndedWithPlan, rememberEnd } from './carried.js'
import type { Draft, Move } from './draft.js'
import { passMoves, sumOf } from './moves.js'

/** Why credits expire before the date that their grant has. */
export type ExpiryReason = 'subscription_ended' | 'rollover_cap'

/** Less than all that a grant has left, or before its date. */
interface Expiring {
  readonly amount?: MicroCredits
  readonly reason?: ExpiryReason
}

/**
 * What a grant has left when its time is over expires, dated at that instant. What reservations still pin stays
 * theirs until they end. Due, not commanded: it happens in whichever write comes next.
 */
export function expireGrant(draft: Draft, grant: Grant, at: Instant, { amount = grant.remaining, reason }: Expiring = {}): void {
  draft.post(
    'expire',
    passMoves([{ grant: grant.sequence, amount }], 'available', 'expired'),
    {
      at,
      credits: amount,
      refersTo: grant.sequence,
      detail: { grant: grant.id, source: grant.source, ...(reason === undefined ? {} : { reason }) },
    },
  )
}

/** What lasts only as long as the subscription expires as that ends (SN-05). */
export function expireWithPlan(draft: Draft, at: Instant): void {
  const ending = everyOpenGrant(draft).filter((grant) => grant.endsWithPlan)
  for (const grant of ending) expireGrant(draft, grant, at, { reason: 'subscription_ended' })
  rememberEnd(draft)
}

export function everyOpenGrant(draft: Draft): readonly Grant[] {
  return draft.openGrants(draft.account.openGrants)
}

/** Credits that came back to grants whose time was over meanwhile expire at once, and so does what no longer rolls over. */
export function expireReturned(draft: Draft, sequences: readonly number[], at: Instant): void {
  const returned = [...new Set(sequences)]
  for (const sequence of returned) {
    const grant = draft.grant(sequence)
    if (isOpen(grant) && isOver(draft, grant, at)) {
      expireGrant(draft, grant, at, hasExpired(grant, at) ? {} : { reason: 'subscription_ended' })
    }
  }
  const open = () => everyOpenGrant(draft)
  for (const { grant, amount } of beyondCarried(draft, returned.map((sequence) => draft.grant(sequence)).filter(isOpen), open)) {
    expireGrant(draft, draft.grant(grant), at, { amount, reason: 'rollover_cap' })
  }
}

/** Whether a grant's time is over: its date has come, or the subscription that it ends with has ended. */
function isOver(draft: Draft, grant: Grant, at: Instant): boolean {
  return hasExpired(grant, at) || hasEndedWithPlan(draft, grant)
}

/**
 * What `moves` do to the balance for good: what comes back to grants whose time is over has expired by the time that the
 * command is answered. All of it does, for such a grant has nothing left from before; of what rolled over, all beyond the cap.
 */
export function lastingChange(draft: Draft, moves: readonly Move[]): MicroCredits {
  const lasting = moves.filter((move) => !expiresAtOnce(draft, move))
  return changeBy(lasting) - carriedTooFar(draft, lasting)
}

/** What of the allowances that rolled over would be beyond their cap after `moves`. */
function carriedTooFar(draft: Draft, moves: readonly Move[]): MicroCredits {
  const changes = new Map<number, MicroCredits>()
  for (const { book, grant, amount } of moves) {
    if (book === 'available' && grant !== null && grant !== draft.nextSequence) changes.set(grant, (changes.get(grant) ?? 0n) + amount)
  }
  const moved = [...changes].map(([sequence, amount]) => withMore(draft.grant(sequence), amount))
  const open = () => [...everyOpenGrant(draft).filter(({ sequence }) => !changes.has(sequence)), ...moved]
  return sumOf(beyondCarried(draft, moved.filter(({ sequence }) => (changes.get(sequence) as MicroCredits) > 0n), open))
}

/**
 * The balance that a command leaves, for the detail of its row, from which it is answered: the row's own balance is from
 * before what comes back expires. Nothing where the two are the same.
 */
export function balanceDetail(draft: Draft, moves: readonly Move[]): { readonly balanceAfterExpiry?: number } {
  const lasting = lastingChange(draft, moves)
  return lasting === changeBy(moves) ? {} : { balanceAfterExpiry: toCredits(draft.account.books.available + lasting) }
}

function withMore(grant: Grant, amount: MicroCredits): Grant {
  return { ...grant, remaining: grant.remaining + amount }
}

function expiresAtOnce(draft: Draft, { book, grant }: Move): boolean {
  const isReturned = book === 'available' && grant !== null && grant !== draft.nextSequence
  return isReturned && isOver(draft, draft.grant(grant), draft.at)
}

function changeBy(moves: readonly Move[]): MicroCredits {
  return moves.reduce((sum, move) => (move.book === 'available' ? sum + move.amount : sum), 0n)
}
