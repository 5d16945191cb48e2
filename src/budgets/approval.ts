import type { AccountRecord, RecordDocument } from '../ledger/account-record.js'
import type { MicroCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'

/**
 * What a person is asked for. `call` is asked by a call that a guard stopped, and a yes is for that very call; the others
 * an agent asks by itself: for any one call up to a sum (`approval`), for a higher limit (`budget`), for more credits
 * (`top_up`).
 */
export const REQUEST_KINDS = ['budget', 'top_up', 'approval'] as const
export type RequestKind = (typeof REQUEST_KINDS)[number]
export type ApprovalSubject = 'call' | RequestKind

/** Who said yes or no: an operator, or whoever sits at the client whose own call asked. */
export type Answerer = 'operator' | 'client'

/** `granted`: what was asked for was given with the yes. `used`: a yes to spend was spent. */
export type ApprovalState = 'pending' | 'approved' | 'denied' | 'granted' | 'used'
/** As of an instant: what nobody answered or used in time has lapsed. */
export type ApprovalStatus = ApprovalState | 'lapsed'

export interface Approval {
  readonly id: string
  readonly asks: ApprovalSubject
  readonly state: ApprovalState
  /** Whose call or request it is: nobody else can use a yes to it. */
  readonly key: string | null
  readonly operation: string | null
  readonly variant: string | null
  readonly tool: string | null
  /** How much of it, where it is one operation's; the labels that it would carry. No argument is kept (T46). */
  readonly quantity: number | null
  readonly labels: Readonly<Record<string, string>> | null
  /** The name that somebody gave the key. */
  readonly keyName: string | null
  /** The most that a yes lets be spent, or what is asked for. */
  readonly maximum: MicroCredits
  /** The budget that is to be raised. */
  readonly budget: string | null
  /** In the words of whoever asks; a call says nothing. */
  readonly reason: string | null
  /** How often the same was asked, this time included. */
  readonly asked: number
  readonly askedAt: Instant
  /** Exclusive: until then a question waits, a yes can be used and a no holds. */
  readonly expiresAt: Instant
  /** Null for nobody yet. */
  readonly answeredBy: Answerer | null
  /** The sequence of the reservation or charge that the yes went into; null for none yet. */
  readonly usedBy: number | null
}

export function approvalDocument({ id: _, maximum, ...rest }: Approval): RecordDocument {
  return { ...rest, maximum: Number(maximum) }
}

export function approvalOf({ id, document }: Pick<AccountRecord, 'id' | 'document'>): Approval {
  const stored = document as unknown as Omit<Approval, 'id' | 'maximum'> & { readonly maximum: number }
  const { quantity = null, labels = null, keyName = null, answeredBy = null } = stored as Partial<typeof stored>
  return { ...stored, quantity, labels, keyName, answeredBy, id, maximum: BigInt(stored.maximum) }
}

export function statusAt({ state, expiresAt, usedBy }: Approval, at: Instant): ApprovalStatus {
  const isOver = state === 'granted' || state === 'used'
  if (isOver || at < expiresAt) return state
  // What a yes went into is told for good; a question without an answer, and an answer without a use, are over.
  return state === 'approved' && usedBy !== null ? 'used' : 'lapsed'
}

/** How many questions one key may have waiting: a person reads no more, and one agent must not crowd out the others. */
export const PENDING_BY_KEY_MAX = 20
