import { windowName } from '../budgets/budget.js'
import { nextGrantAt } from '../plans/next-grant.js'
import type { Command } from './command.js'
import type { Draft } from './draft.js'
import { pressureAfter } from './level.js'
import { ABOVE, spendableOn } from './limits.js'
import type { Done, Pressure } from './outcome.js'
import { isAbove, resetToldOf } from './own-part.js'
import { ANYTHING, factsOfTransaction, spendFacts } from './spend-facts.js'
import { type Spending, spendingOn, tightestOn } from './standings.js'

/** The commands whose answer says what is left to spend. */
const TOLD: ReadonlySet<Command['kind']> = new Set(['charge', 'reserve', 'settle'])

/** What is left to spend once a command is decided (AX-09): a replay and what was free are told what is left by now. */
export function pressureAfterCommand(draft: Draft, { kind, actor }: Command, { transaction, pressure }: Done): Pressure | null {
  if (pressure !== null || !TOLD.has(kind)) return pressure
  const facts = transaction === null ? spendFacts(draft, actor, ANYTHING) : factsOfTransaction(draft, transaction)
  return pressureOf(draft, spendingOn(draft, facts))
}

/** What is left to spend on the like, with budgets as they stand. */
export function pressureOf(draft: Draft, spending: Spending): Pressure {
  const tightest = tightestOn(spending)
  return {
    spendable: draft.account.state === 'active' ? spendableOn(draft, spending) : 0n,
    level: pressureAfter(draft, spending, 0n, 0n),
    nextGrantAt: spending.facts.isDelegated ? null : nextGrantAt(draft.account.subscription, draft.view.catalogs),
    budget:
      tightest === null || tightest.remaining >= draft.account.books.available
        ? null
        : {
            id: isAbove(spending.facts, tightest) ? ABOVE : tightest.budget.id,
            remaining: tightest.remaining,
            limit: isAbove(spending.facts, tightest) ? null : tightest.limit,
            window: windowName(tightest.budget.window),
            resetsAt: resetToldOf(spending.facts, tightest),
          },
  }
}
