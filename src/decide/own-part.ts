import type { SpendFacts } from '../budgets/budget.js'
import type { Standing } from '../budgets/standing.js'
import { whyInvalid } from '../keys/key.js'
import type { Reservation } from '../ledger/reservation.js'
import { type MicroCredits, parseCredits, smaller, toCredits } from '../money/credits.js'
import { type Instant, NEVER } from '../time/instant.js'
import type { Command, Party } from './command.js'
import type { Draft } from './draft.js'
import type { Done } from './outcome.js'
import { ANYTHING, factsOfReservation, keyNamed, spendFacts } from './spend-facts.js'
import { type Spending, spendingOn, standingsOn } from './standings.js'

/*
 * A delegated key sees of its account the part that was carved out for it: the budgets of its own key bound what it is told
 * of as a balance. What stands above it, the account's own credits among it, it learns only as a figure where that is less.
 */

/** Whether a budget counts a key by name: the limit with which it was carved out, and others that were set on it since. */
export function isOwnOf(key: string | null, { budget, counter }: Standing): boolean {
  if (key === null) return false
  return budget.scope.values.key === key || (budget.scope.each === 'key' && counter.subject === key)
}

/** Whether a budget stands above a delegated key, which is told what it leaves and no more of it. */
export function isAbove({ key, isDelegated }: Pick<SpendFacts, 'key' | 'isDelegated'>, standing: Standing): boolean {
  return isDelegated && !isOwnOf(key, standing)
}

/** When a limit begins anew, as far as it is told: of a plan that stands above a delegated key it learns nothing, nor when that renews. */
export function resetToldOf(facts: Pick<SpendFacts, 'key' | 'isDelegated'>, standing: Standing): Instant {
  return standing.budget.window.kind === 'billing_period' && isAbove(facts, standing) ? NEVER : standing.counter.windowEnd
}

/** The hard limits that are a delegated key's own. */
export function ownLimits(spending: Spending): readonly Standing[] {
  return standingsOn(spending).filter((standing) => standing.budget.enforcement === 'hard' && isOwnOf(spending.facts.key, standing))
}

interface Change {
  /** What is spent or set aside by it; negative for what comes back. */
  readonly taken?: MicroCredits
  /** When the work began to which it comes back: a window that is over by now has it no more. */
  readonly began?: Instant
}

/** What a key has left of its own part after a change of the balance: nothing, once it holds no more and its limits are gone. */
export function leftOf(draft: Draft, spending: Spending, change: MicroCredits = 0n, { taken = 0n, began = draft.at }: Change = {}): MicroCredits {
  const key = spending.facts.key === null ? null : keyNamed(draft, spending.facts.key)
  if (key === null || whyInvalid(key, draft.at) !== null) return 0n
  const left = ownLimits(spending).reduce((least, { limit, counter }) => {
    const counted = began >= counter.windowStart ? taken : 0n
    return smaller(least, limit - counter.used - counter.reserved - counted)
  }, draft.account.books.available + change)
  return left > 0n ? left : 0n
}

/** What a delegated key has left after its row, for the row itself, from which it is answered; nothing of any other key. */
export function leftDetail(draft: Draft, spending: Spending, change: MicroCredits, moved: Change): { readonly left?: number } {
  return spending.facts.isDelegated ? { left: toCredits(leftOf(draft, spending, change, moved)) } : {}
}

/** The same for a row that moves nothing itself and is answered with the balance. */
export function leftNow(draft: Draft, party: Party): { readonly left?: number } {
  const own = ownBalance(draft, party)
  return own === null ? {} : { left: toCredits(own) }
}

/** The same for a row that gives back what a reservation held, at the instant of that row. */
export function leftAfterReturn(draft: Draft, reservation: Reservation, change: MicroCredits, at: Instant = draft.at): { readonly left?: number } {
  const facts = factsOfReservation(draft, reservation)
  if (!facts.isDelegated) return {}
  return leftDetail(draft, spendingOn(draft, facts, at), change, { taken: -reservation.amount, began: reservation.openedAt })
}

/** What a party has left of its own part now; null where the whole account is its own. */
export function ownBalance(draft: Draft, party: Party): MicroCredits | null {
  if (party.key === null) return null
  const facts = spendFacts(draft, party, ANYTHING)
  return facts.isDelegated ? leftOf(draft, spendingOn(draft, facts)) : null
}

/** The same once a command of its is decided: as its row tells it, so that a replay tells the same. */
export function balanceOfParty(draft: Draft, { actor }: Pick<Command, 'actor'>, { transaction }: Done): MicroCredits | null {
  if (actor.key === null || keyNamed(draft, actor.key)?.isDelegated !== true) return null
  const left = transaction?.key === actor.key ? transaction.detail['left'] : undefined
  return left === undefined ? ownBalance(draft, actor) : parseCredits(left, 'left')
}
