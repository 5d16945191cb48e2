import { type MicroCredits, toCredits } from '../money/credits.js'
import type { AccountRecord } from '../ledger/account-record.js'
import type { Draft } from './draft.js'

/** What a message is about; the facts of each type are in its document, the words are the reader's door's. */
export const MESSAGE_TYPES = [
  'balance_low', 'balance_critical', 'balance_exhausted', 'budget_threshold', 'uncollected', 'purchase_pending', 'subscription_ended',
] as const
export type MessageType = (typeof MESSAGE_TYPES)[number]

export type MessageFacts = { readonly type: MessageType } & Readonly<Record<string, string | number | boolean | null>>

/**
 * Leaves word for people, in the very write of what it tells about: whoever delivers it later finds it if and only if
 * that was committed, so that a crash in between neither loses nor repeats it (T38). Open until it is delivered.
 */
export function tell(draft: Draft, facts: MessageFacts): AccountRecord {
  const { sequence } = draft.account
  const number = draft.nextMessage()
  return draft.putRecord(
    {
      kind: 'message',
      id: `${sequence}.${number}`,
      sequence,
      isOpen: true,
      lookup: null,
      document: { ...facts, at: draft.account.lastAt },
    },
    null,
  )
}

/** Says that something was consumed that nothing could pay (T30). */
export function tellUncollected(draft: Draft, operation: string, amount: MicroCredits): void {
  tell(draft, { type: 'uncollected', operation, credits: toCredits(amount) })
}
