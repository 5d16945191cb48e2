import { AMOUNT_MAX, type MicroCredits, smaller } from '../money/credits.js'
import type { Draft, Move } from './draft.js'
import { hardRemaining } from './limits.js'
import { passMoves } from './moves.js'
import type { Spending } from './standings.js'

/** What was consumed without having been set aside: who pays for it, and what nobody does. */
export interface Overrun {
  readonly moves: readonly Move[]
  readonly paid: MicroCredits
  readonly unpaid: MicroCredits
}

export interface OverrunTerms {
  /** No more is paid than this, whatever there is. */
  readonly atMost: MicroCredits
  readonly mayOwe: boolean
}

/**
 * Pays from what is available within every hard limit, then from debt where the policy allows it; what nothing pays is
 * recorded, not forgotten (T31). A record of two billion uncollected credits is full: what is claimed beyond it by then
 * stands in no book, so that one absurd claim does not stop every settlement after it.
 */
export function payOverrun(draft: Draft, spending: Pick<Spending, 'tallies'>, amount: MicroCredits, { atMost, mayOwe }: OverrunTerms): Overrun {
  const { books, debt, debtMax } = draft.account
  const allowed = smaller(atMost, hardRemaining(spending) ?? atMost)
  const available = books.available > 0n ? books.available : 0n
  const fromGrants = smaller(allowed, available)
  // Owing adds to what was spent without having been issued, so that sum needs a bound of its own.
  const room = smaller(debtMax - debt, AMOUNT_MAX - books.spent - books.reserved - fromGrants)
  const owed = mayOwe && room > 0n ? smaller(allowed - fromGrants, room) : 0n
  const unpaid = smaller(amount - fromGrants - owed, AMOUNT_MAX - books.uncollected)
  return {
    moves: [
      ...passMoves(draft.take(fromGrants), 'available', 'spent'),
      { book: 'available', grant: null, amount: -owed },
      { book: 'spent', grant: null, amount: owed },
      { book: 'issued', grant: null, amount: -unpaid },
      { book: 'uncollected', grant: null, amount: unpaid },
    ],
    paid: fromGrants + owed,
    unpaid,
  }
}
