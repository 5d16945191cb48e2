import type { AlertThreshold } from '../budgets/alert.js'
import type { BudgetTerms } from '../budgets/budget.js'
import type { KeyTerms } from '../keys/key.js'
import type { Role } from '../keys/member.js'
import type { AccountState, NewAccount } from '../ledger/account.js'
import type { Holder, OverrunPolicy } from '../ledger/reservation.js'
import type { Labels } from '../ledger/transaction.js'
import type { MicroCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'
import type { GuardCommand } from './guard-command.js'

/** On whose account of spending something is done: the key presented, the member in whose name, the run it belongs to. */
export interface Party {
  readonly key: string | null
  readonly member: string | null
  /** As whoever started the run named it; null outside of any. */
  readonly run: string | null
}

/** Who acts, and in which role a reservation would be held. */
export interface Actor extends Party {
  readonly holder: Holder
  /**
   * The account that the key is of, where it is another than the one acted in: the key of an operator, whose right the
   * door has looked at in its own account. Here the key only names who it was.
   */
  readonly keyOf?: string
}

/** What every command says. */
export interface Addressed {
  readonly account: string
  readonly actor: Actor
  /** The caller's key and what was asked with it, as one text of which the journal keeps a digest; both null for a write of its own. */
  readonly idempotencyKey: string | null
  readonly fingerprint: string | null
}

/** What was consumed, in one of three ways; none means "as reserved". */
export interface Actual {
  readonly actual?: MicroCredits | undefined
  readonly quantity?: number | undefined
  readonly usage?: Readonly<Record<string, number>> | undefined
}

/** What is to be priced: an operation named outright, or an upstream tool's call that the catalog maps to one. */
export type Subject =
  | {
      readonly kind: 'operation'
      readonly operation: string
      readonly variant: string | null
      readonly quantity: number | null
      readonly args: Readonly<Record<string, unknown>> | null
      readonly actual: Actual
    }
  | {
      readonly kind: 'tool'
      readonly tool: string
      readonly args: Readonly<Record<string, unknown>>
      /** What the tool's own server prices this call as; left out, what the catalog maps the tool to. */
      readonly as?: NamedOperation
    }
  /** The one call that is left of the quote that the command names. */
  | { readonly kind: 'quoted'; readonly actual: Actual }

/** An operation that a tool's call counts as, and as how much of it. */
export interface NamedOperation {
  readonly operation: string
  readonly variant: string | null
  readonly quantity: number | null
  readonly args: Readonly<Record<string, unknown>> | null
}

export interface CreateAccountCommand extends Addressed {
  readonly kind: 'create_account'
  readonly settings: NewAccount
  /** Null for the catalog's default plan, `none` for no plan at all. */
  readonly plan: string | null
}

export interface SubscribeCommand extends Addressed {
  readonly kind: 'subscribe'
  readonly plan: string
  /** When a change from one paid plan to another acts: at the next renewal, or now with a part of the difference. */
  readonly when: 'renewal' | 'now'
}

/** Ends the plan at the end of its running period. */
export interface UnsubscribeCommand extends Addressed {
  readonly kind: 'unsubscribe'
}

export interface PurchaseCommand extends Addressed {
  readonly kind: 'purchase'
  readonly pack: string
  /** Whether it is paid already; otherwise it is pending until it is settled or cancelled. */
  readonly isSettled: boolean
  /** Bought by the customer, which the catalog or a setting may have hidden; an operator may always. */
  readonly isSelfService: boolean
  /** A budget whose limit the credits raise (ND-12); null for none. */
  readonly budget: string | null
  /** Who took the money, and what it calls the payment: one payment is one purchase. */
  readonly provider: string
  readonly reference: string | null
}

export interface SettlePurchaseCommand extends Addressed {
  readonly kind: 'settle_purchase'
  readonly purchase: string
}

/** Drops a purchase that was never paid. */
export interface CancelPurchaseCommand extends Addressed {
  readonly kind: 'cancel_purchase'
  readonly purchase: string
}

export interface RefundPurchaseCommand extends Addressed {
  readonly kind: 'refund_purchase'
  readonly purchase: string
  /** Against the pack's rule, which only screens: an operator decides (ND-15). */
  readonly isForced: boolean
  readonly reason: string | null
}

export interface SetBudgetCommand extends Addressed {
  readonly kind: 'set_budget'
  readonly id: string
  readonly terms: BudgetTerms
}

export interface RemoveBudgetCommand extends Addressed {
  readonly kind: 'remove_budget'
  readonly id: string
}

/** Raises a budget's limit by `amount` until an instant; null for good. */
export interface RaiseBudgetCommand extends Addressed {
  readonly kind: 'raise_budget'
  readonly id: string
  readonly amount: MicroCredits
  readonly until: Instant | null
}

export interface SetAlertCommand extends Addressed {
  readonly kind: 'set_alert'
  readonly id: string
  readonly threshold: AlertThreshold
}

export interface RemoveAlertCommand extends Addressed {
  readonly kind: 'remove_alert'
  readonly id: string
}

export interface PutMemberCommand extends Addressed {
  readonly kind: 'put_member'
  readonly id: string
  readonly name: string | null
  readonly role: Role
}

export interface RemoveMemberCommand extends Addressed {
  readonly kind: 'remove_member'
  readonly id: string
}

export interface CreateKeyCommand extends Addressed {
  readonly kind: 'create_key'
  readonly id: string
  /** The digest of the secret, by which a key is found; the secret itself is nowhere. */
  readonly digest: string
  readonly terms: KeyTerms
  /** Finds the key instead of a secret: whom an authorization server has named in a token of its own. */
  readonly subject?: { readonly issuer: string; readonly subject: string }
}

/** Carves a key with a limit out of what the party may spend. */
export interface DelegateCommand extends Addressed {
  readonly kind: 'delegate'
  readonly id: string
  readonly digest: string
  /** The beginning of the secret. */
  readonly prefix: string
  readonly name: string | null
  readonly amount: MicroCredits
  readonly lifeMs: number
  /** Operations and categories (`x:*`) that it may spend on; null for all that the party may. */
  readonly operations: readonly string[] | null
  readonly mayDelegate: boolean
}

export interface RevokeKeyCommand extends Addressed {
  readonly kind: 'revoke_key'
  readonly id: string
}

/** So many units of a recurring item from now on. */
export interface SetItemCommand extends Addressed {
  readonly kind: 'set_item'
  readonly item: string
  readonly quantity: number
}

/** Moves a test account's own time forward. */
export interface AdvanceClockCommand extends Addressed {
  readonly kind: 'advance_clock'
  readonly byMs: number
}

export interface SetTimeZoneCommand extends Addressed {
  readonly kind: 'set_time_zone'
  readonly timeZone: string
}

/** Shows or hides self-service purchases of this account, whatever the catalog says (SF-11). */
export interface SetSelfServiceCommand extends Addressed {
  readonly kind: 'set_self_service'
  readonly isEnabled: boolean
}

export interface GrantCommand extends Addressed {
  readonly kind: 'grant'
  readonly amount: MicroCredits
  readonly source: string
  readonly priority: number
  readonly isPaid: boolean
  readonly effectiveAt: Instant | null
  readonly expiresAt: Instant | null
  readonly reason: string | null
}

/** Binds the prices of calls for a time (AX-01). */
export interface QuoteCommand extends Addressed {
  readonly kind: 'quote'
  readonly calls: readonly Subject[]
  /** Whether they are to be reserved and ended as one (AX-02). */
  readonly isPlan: boolean
  readonly ttlMs: number
}

export interface ChargeCommand extends Addressed {
  readonly kind: 'charge'
  readonly subject: Subject
  readonly labels: Labels | null
  /** The quote at whose price it is charged. Left out or null: the catalog's. */
  readonly quote?: string | null
}

export interface ReserveCommand extends Addressed {
  readonly kind: 'reserve'
  readonly subject: Subject
  readonly labels: Labels | null
  readonly ttlMs: number
  readonly overrun: OverrunPolicy
  /** The quote at whose price it is set aside, and never charged beyond. Left out or null: the catalog's. */
  readonly quote?: string | null
  /** The key of a metered call: charged at most once, and free to be tried again after a failure that cost nothing. */
  readonly call: { readonly key: string; readonly fingerprint: string } | null
  /** Says that it is the next round of a call that was begun before; left out, it is a call of its own. */
  readonly isRound?: boolean
}

/** Sets aside all that is left of a quote, or of calls that are quoted in the same write: all of them or none (AX-02). */
export interface ReserveQuotedCommand extends Addressed {
  readonly kind: 'reserve_quoted'
  readonly of: { readonly quote: string } | { readonly calls: readonly Subject[] }
  readonly labels: Labels | null
  readonly ttlMs: number
}

export interface ExtendCommand extends Addressed {
  readonly kind: 'extend'
  readonly reservation: string
  readonly ttlMs: number
  /** A holder's automatic sign of life: it moves the end without a row in the journal. */
  readonly isHeartbeat: boolean
}

export const FAULTS = ['caller', 'provider', 'platform'] as const
/** Whose fault a failure was: what a failed job costs depends on it (ND-16). */
export type Fault = (typeof FAULTS)[number]

export interface SettleCommand extends Addressed {
  readonly kind: 'settle'
  readonly reservation: string
  readonly actual: Actual
  readonly fault: Fault | null
  /**
   * The figure is the word of a server that is somebody else's: nothing is charged beyond what was set aside, and the rest
   * is uncollected (AX-13).
   */
  readonly isHearsay?: true
}

export interface ReleaseCommand extends Addressed {
  readonly kind: 'release'
  readonly reservation: string
  readonly fault: Fault | null
}

export interface RefundCommand extends Addressed {
  readonly kind: 'refund'
  readonly transaction: string
  /** Null refunds all that is left of the charge. */
  readonly amount: MicroCredits | null
  readonly reason: string | null
}

export interface AdjustCommand extends Addressed {
  readonly kind: 'adjust'
  readonly amount: MicroCredits
  readonly reason: string | null
}

export interface SetStateCommand extends Addressed {
  readonly kind: 'set_state'
  readonly state: AccountState
  readonly reason: string | null
}

/** Decides nothing but what time has made necessary. */
export interface SweepCommand extends Addressed {
  readonly kind: 'sweep'
}

export type Command =
  | CreateAccountCommand
  | SubscribeCommand
  | GrantCommand
  | QuoteCommand
  | ChargeCommand
  | ReserveCommand
  | ReserveQuotedCommand
  | ExtendCommand
  | SettleCommand
  | ReleaseCommand
  | RefundCommand
  | AdjustCommand
  | SetStateCommand
  | UnsubscribeCommand
  | PurchaseCommand
  | SettlePurchaseCommand
  | CancelPurchaseCommand
  | RefundPurchaseCommand
  | SetBudgetCommand
  | RemoveBudgetCommand
  | RaiseBudgetCommand
  | SetAlertCommand
  | RemoveAlertCommand
  | GuardCommand
  | PutMemberCommand
  | RemoveMemberCommand
  | CreateKeyCommand
  | RevokeKeyCommand
  | DelegateCommand
  | SetItemCommand
  | AdvanceClockCommand
  | SetTimeZoneCommand
  | SetSelfServiceCommand
  | SweepCommand

export type CommandOf<K extends Command['kind']> = Extract<Command, { readonly kind: K }>

/**
 * Whether a command has to be on the disk before it is answered. Everything has, but for what the meter does with its
 * own reservation before the call is settled: other processes must see it, and lost with the power it was never spent.
 * A later synced commit takes it along.
 */
export function mustBeSynced(command: Command): boolean {
  const isReservation = command.kind === 'reserve' || command.kind === 'extend' || command.kind === 'release'
  return !(isReservation && command.actor.holder === 'meter')
}
