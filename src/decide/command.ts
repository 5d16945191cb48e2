import type { AccountState, NewAccount } from '../ledger/account.js'
import type { Holder, OverrunPolicy } from '../ledger/reservation.js'
import type { Labels } from '../ledger/transaction.js'
import type { MicroCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'

/** Who acts: the key presented, the member it belongs to, and in which role a reservation would be held. */
export interface Actor {
  readonly key: string | null
  readonly member: string | null
  readonly holder: Holder
}

interface Addressed {
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
  | { readonly kind: 'tool'; readonly tool: string; readonly args: Readonly<Record<string, unknown>> }

export interface CreateAccountCommand extends Addressed {
  readonly kind: 'create_account'
  readonly settings: NewAccount
  /** Null for the catalog's default plan, `none` for no plan at all. */
  readonly plan: string | null
}

export interface SubscribeCommand extends Addressed {
  readonly kind: 'subscribe'
  readonly plan: string
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

export interface ChargeCommand extends Addressed {
  readonly kind: 'charge'
  readonly subject: Subject
  readonly labels: Labels | null
}

export interface ReserveCommand extends Addressed {
  readonly kind: 'reserve'
  readonly subject: Subject
  readonly labels: Labels | null
  readonly ttlMs: number
  readonly overrun: OverrunPolicy
  /** The key of a metered call: charged at most once, and free to be tried again after a failure that cost nothing. */
  readonly call: { readonly key: string; readonly fingerprint: string } | null
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
  | ChargeCommand
  | ReserveCommand
  | ExtendCommand
  | SettleCommand
  | ReleaseCommand
  | RefundCommand
  | AdjustCommand
  | SetStateCommand
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
