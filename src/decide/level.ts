import { levelIn } from '../budgets/tally.js'
import { type Level, levelOf, worse } from '../budgets/level.js'
import { versionAt } from '../catalog/version.js'
import type { MicroCredits } from '../money/credits.js'
import type { Draft } from './draft.js'
import { leftDetail } from './own-part.js'
import type { Spending } from './standings.js'

/** How much is left of the balance, in one word, once `change` has come to it. */
export function levelAfter(draft: Draft, change: MicroCredits): Level {
  const { account, at, view } = draft
  const { thresholds } = versionAt(view.catalogs, at).catalog
  return levelOf(account.books.available + change, account.subscription?.periodBase ?? null, thresholds)
}

/** How much is left to spend: the balance's level, or that of a hard budget that is more pressing. */
export function pressureAfter(draft: Draft, { tallies }: Pick<Spending, 'tallies'>, change: MicroCredits, taken: MicroCredits): Level {
  let level = levelAfter(draft, change)
  for (const tally of tallies) level = worse(level, levelIn(tally, taken))
  return level
}

/**
 * How much is left as a journal row keeps it: the level, and of a delegated key what it has left itself. Only when there is
 * something to say, for every row carries its own bytes.
 */
export function levelDetail(draft: Draft, spending: Pick<Spending, 'tallies'> & Partial<Spending>, change: MicroCredits, taken: MicroCredits): { readonly level?: Level; readonly left?: number } {
  const level = pressureAfter(draft, spending, change, taken)
  return { ...(level === 'ok' ? {} : { level }), ...(spending.facts === undefined ? {} : leftDetail(draft, { ...spending, facts: spending.facts }, change, { taken })) }
}
