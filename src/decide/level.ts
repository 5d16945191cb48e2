import { versionAt } from '../catalog/version.js'
import { type Level, levelOf } from '../budgets/level.js'
import type { MicroCredits } from '../money/credits.js'
import type { Draft } from './draft.js'

/** How much is left, in one word, once `change` has come to the balance. */
export function levelAfter(draft: Draft, change: MicroCredits): Level {
  const { account, at, view } = draft
  const { thresholds } = versionAt(view.catalogs, at).catalog
  return levelOf(account.books.available + change, account.subscription?.periodBase ?? null, thresholds)
}

/** The level as a journal row keeps it: only when there is something to say, for every row carries its own bytes. */
export function levelDetail(draft: Draft, change: MicroCredits): { readonly level?: Level } {
  const level = levelAfter(draft, change)
  return level === 'ok' ? {} : { level }
}
