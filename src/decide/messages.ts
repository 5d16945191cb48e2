import { type MicroCredits, toCredits } from '../money/credits.js'
import type { AccountRecord } from '../ledger/account-record.js'
import type { Instant } from '../time/instant.js'
import type { Draft } from './draft.js'

/** What a message is about; the facts of each type are in its document, the words are the reader's door's. */
export const MESSAGE_TYPES = [
  'balance_low', 'balance_critical', 'balance_exhausted', 'budget_threshold', 'uncollected', 'purchase_pending', 'subscription_ended',
  'approval_requested', 'runaway_stopped',
] as const
export type MessageType = (typeof MESSAGE_TYPES)[number]

export type MessageFacts = { readonly type: MessageType } & Readonly<Record<string, string | number | boolean | null>>

/**
 * Leaves word for people, in the very write of what it tells about: whoever delivers it later finds it if and only if
 * that was committed, so that a crash in between neither loses nor repeats it (T38). Open until it is delivered.
 */
export function tell(draft: Draft, facts: MessageFacts, named?: Named): AccountRecord {
  const { sequence } = draft.account
  const id = named === undefined ? `${sequence}.${draft.nextMessage()}` : `${named.at}.${named.name}`
  const document = { ...facts, at: named?.at ?? draft.account.lastAt }
  return draft.putRecord({ kind: 'message', id, sequence, isOpen: true, lookup: null, document }, null)
}

/** A refusal leaves no row of the journal, whose number would name its message and whose time would date it. */
interface Named {
  readonly name: string
  readonly at: Instant
}

/** Says that something was consumed that nothing could pay (T30). */
export function tellUncollected(draft: Draft, operation: string, amount: MicroCredits): void {
  tell(draft, { type: 'uncollected', operation, credits: toCredits(amount) })
}
