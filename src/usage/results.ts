import type { Level } from '../budgets/level.js'
import type { RecordedLine } from '../decide/price-subject.js'
import type { Cheaper } from '../errors.js'
import type { AccountState } from '../ledger/account.js'
import type { Labels, TransactionKind } from '../ledger/transaction.js'

export type * from './sales-results.js'

/** What the library answers: credits as numbers of at most six decimals, instants as ISO 8601 text in UTC. */

export interface AccountResult {
  readonly id: string
  readonly state: AccountState
  readonly plan: string | null
  readonly timeZone: string
  readonly parent: string | null
  readonly test: boolean
  readonly balance: number
  readonly createdAt: string
  readonly replayed: boolean
}

/** The answer to a write that has nothing more to tell than its row and the balance after it. */
export interface WriteResult {
  /** Null where nothing had to be written. */
  readonly transaction: string | null
  readonly balance: number
  readonly replayed: boolean
}

export interface GrantResult extends WriteResult {
  readonly granted: number
  readonly expiresAt: string | null
}

export interface ChargeResult extends WriteResult {
  readonly charged: number
  /** What was charged for; with `picked`, why, where the request left the choice of the variant to us. */
  readonly variant: string | null
  readonly picked: string | null
  readonly budgetLevel: Level
}

export interface ReserveResult {
  /** Null for what costs nothing: there is nothing to settle. */
  readonly reservation: string | null
  readonly reserved: number
  readonly variant: string | null
  readonly picked: string | null
  readonly expiresAt: string | null
  readonly balance: number
  readonly replayed: boolean
}

export interface ExtendResult {
  readonly reservation: string
  readonly expiresAt: string
  readonly replayed: boolean
}

export interface SettleResult extends WriteResult {
  readonly charged: number
  readonly released: number
  readonly uncollected: number
}

export interface ReleaseResult extends WriteResult {
  readonly released: number
  /** Nothing, but for a fault that the operation says is paid. */
  readonly charged: number
}

export interface RefundResult extends WriteResult {
  readonly refunded: number
}

export interface BalanceResult {
  readonly account: string
  readonly state: AccountState
  readonly balance: number
  readonly spendable: number
  readonly reserved: number
  readonly pending: number
  readonly unit: { readonly name: string; readonly plural: string; readonly creditUsd: number | null }
  readonly plan: {
    readonly id: string
    readonly name: string
    readonly monthlyCredits: number | null
    /** The exact instant of the next grant; null where none will come. */
    readonly renewsAt: string | null
    /** The plan of the next period where it is another one, `none` for no plan any more. */
    readonly nextPlan: string | null
    readonly entitlements: Readonly<Record<string, string | number | boolean>>
  } | null
  readonly lifetimeUsed: number
  readonly lastTransaction: TransactionResult | null
  readonly level: Level
  readonly spendingCap: { readonly limit: number; readonly used: number; readonly resetsAt: string | null } | null
  readonly grants: readonly { readonly id: string; readonly source: string; readonly remaining: number; readonly expiresAt: string | null }[]
}

export interface BudgetResult {
  readonly id: string
  readonly name: string
  readonly scope: Readonly<Record<string, unknown>>
  /** The one that a budget for each of something counted here; null for a budget that counts all together. */
  readonly subject: string | null
  readonly window: string
  readonly limit: number
  readonly used: number
  readonly reserved: number
  readonly remaining: number
  /** Used and reserved, of the limit. */
  readonly percentUsed: number
  /** From when on it has counted. */
  readonly since: string
  readonly resetsAt: string | null
  readonly enforcement: 'hard' | 'alert'
  readonly thresholds: readonly number[]
  readonly raisedUntil: string | null
  readonly level: Level
}

/** A threshold of the balance that an account has set for itself. */
export interface AlertResult {
  readonly id: string
  readonly level: 'low' | 'critical'
  readonly when: 'at_or_below' | 'below'
  readonly credits: number | null
  readonly percent: number | null
}

/** What a person is to be told, newest first. */
export interface MessageResult {
  readonly id: string
  readonly type: string
  readonly at: string
  readonly text: string
  /** The figures, by name. */
  readonly facts: Readonly<Record<string, unknown>>
}

export interface MemberResult {
  readonly id: string
  readonly name: string | null
  readonly role: 'owner' | 'admin' | 'member' | 'viewer'
}

export interface KeyResult {
  readonly id: string
  readonly name: string | null
  readonly prefix: string
  readonly scopes: readonly string[]
  readonly environment: string | null
  readonly member: string | null
  readonly parent: string | null
  readonly createdAt: string
  readonly expiresAt: string | null
  readonly lastUsedAt: string | null
  readonly state: 'active' | 'revoked' | 'expired'
}

/** A key that was just made, with its secret: shown this once and kept nowhere. */
export interface CreatedKeyResult extends KeyResult {
  /** Null where the same call was answered before: the secret was shown then. */
  readonly key: string | null
  readonly replayed: boolean
}

/** Whose key a secret is, and what it may do. */
export interface AuthenticatedResult {
  readonly account: string
  readonly key: string
  readonly scopes: readonly string[]
  readonly environment: string | null
  /** The member in whose name it spends. */
  readonly member: string | null
}

export interface BudgetsResult {
  readonly budgets: readonly BudgetResult[]
  readonly tightest: BudgetResult | null
  readonly run: BudgetResult | null
}

/** A line of a price, as an estimate and an explanation show it. */
export type EstimateLine = RecordedLine

export interface EstimateResult {
  readonly minimum: number
  readonly maximum: number
  readonly usd: number | null
  readonly lines: readonly EstimateLine[]
  /** The variants that were chosen where the request left the choice to us, and why. */
  readonly picked: readonly { readonly operation: string; readonly variant: string | null; readonly reason: string }[]
  readonly affordable: boolean
  readonly balanceAfter: number
  /** What would stop it now; empty when nothing would. */
  readonly blockedBy: readonly { readonly code: string; readonly message: string; readonly details: Readonly<Record<string, unknown>> }[]
  readonly cheaper: readonly Cheaper[]
  readonly priceVersion: number
}

export interface UsageResult {
  readonly period: { readonly since: string; readonly until: string; readonly timeZone: string }
  readonly rows: readonly UsageRow[]
  readonly totalCalls: number
  readonly totalCredits: number
  /** The period of the same length just before as much of this one as has passed; null where nothing was spent in it. */
  readonly previous: { readonly calls: number; readonly credits: number } | null
  /** How much more was spent than in the period before, as a part of that: 0.5 is half as much again; null where there is nothing to compare with. */
  readonly change: number | null
  readonly burnRatePerDay: number
  readonly runsOutAt: string | null
}

export interface UsageRow {
  readonly key: string | null
  readonly calls: number
  readonly credits: number
  readonly usd: number | null
  readonly share: number
}

export interface TransactionResult {
  readonly id: string
  readonly type: TransactionKind
  readonly at: string
  readonly operation: string | null
  readonly variant: string | null
  readonly tool: string | null
  readonly credits: number
  readonly balanceAfter: number
  readonly labels: Labels
  readonly reservation: string | null
  readonly idempotencyKey: string | null
}

export interface TransactionsResult {
  readonly transactions: readonly TransactionResult[]
  readonly nextCursor: string | null
}

export interface ExplainResult {
  readonly outcome: 'charged' | 'not_charged' | 'in_progress' | 'unknown'
  readonly explanation: string
  readonly transaction: TransactionResult | null
  readonly priceVersion: number | null
  readonly lines: readonly EstimateLine[]
  readonly reserved: number | null
  readonly charged: number
  readonly released: number
  readonly uncollected: number
  readonly refunded: number
  readonly grants: readonly { readonly id: string | null; readonly source: string; readonly credits: number }[]
  readonly budgets: readonly BudgetResult[]
  readonly attempts: readonly { readonly at: string; readonly outcome: string }[]
  readonly refunds: readonly TransactionResult[]
}

export interface AffordResult {
  readonly credits: number
  readonly rows: readonly { readonly operation: string; readonly variant: string | null; readonly units: number }[]
}

export interface OperationsResult {
  readonly catalog: string
  readonly priceVersion: number
  readonly operations: readonly OperationResult[]
  readonly announcedChanges: readonly { readonly effectiveAt: string; readonly path: string; readonly before: unknown; readonly after: unknown }[]
}

export interface OperationResult {
  readonly id: string
  readonly name: string
  readonly category: string
  /** What its quantity counts. */
  readonly unit: string
  readonly variants: readonly { readonly id: string; readonly price: string; readonly requiresPlan: readonly string[] }[]
  /** The price in words; null where each variant has its own. */
  readonly price: string | null
  readonly requiresPlan: readonly string[]
}

export interface VerifyResult {
  readonly ok: boolean
  readonly problems: readonly { readonly account: string; readonly row: string; readonly invariant: string; readonly message: string }[]
  /** The hash of the newest transaction; null over several accounts. */
  readonly head: string | null
  readonly accounts: number
  readonly transactions: number
}

/** What an account owned at the beginning and at the end of a month, and what happened in between. */
export interface StatementFigures {
  /** Available and reserved credits together, for what is reserved is still the customer's. */
  readonly opening: number
  readonly granted: number
  readonly spent: number
  /** By the time of the refund, whenever the charge was. */
  readonly refunded: number
  readonly expired: number
  readonly revoked: number
  /** Corrections, signed. */
  readonly adjusted: number
  /** `opening + granted + refunded + adjusted - spent - expired - revoked`, exactly. */
  readonly closing: number
  /** What of `closing` was reserved at the end. */
  readonly reserved: number
  /** What was consumed and nothing could pay: no part of the balance. */
  readonly uncollected: number
}

export interface StatementLines {
  readonly grantedBy: readonly { readonly source: string; readonly credits: number }[]
  readonly spentBy: readonly { readonly operation: string | null; readonly calls: number; readonly credits: number }[]
}

export interface AccountStatement extends StatementFigures, StatementLines {
  readonly account: string
  /** The sequences of the first and the last transaction in the month; null where there was none. */
  readonly transactions: { readonly first: number; readonly last: number } | null
  /** The hash of the account's last transaction up to the end of the month: what comes before can be proven by it. */
  readonly head: string | null
}

export interface StatementResult extends AccountStatement {
  readonly period: { readonly month: string; readonly since: string; readonly until: string; readonly timeZone: string }
  readonly unit: { readonly name: string; readonly plural: string }
  readonly test: boolean
  /** The accounts that report to this one: empty for one that has none. */
  readonly children: readonly AccountStatement[]
  /** Of the account and all that report to it; null for one that has none. */
  readonly total: (StatementFigures & StatementLines) | null
}

/** History priced anew: one line for each operation of each account. */
export interface WhatIfRow {
  readonly account: string
  readonly operation: string
  readonly calls: number
  /** What was charged; refunds change neither this nor what would have been charged. */
  readonly creditsNow: number
  readonly creditsThen: number
  readonly difference: number
}

export interface WhatIfUnpriced {
  readonly account: string
  readonly operation: string
  readonly variant: string | null
  readonly tool: string | null
  readonly calls: number
  readonly creditsNow: number
  /** Why the draft has no price for it. */
  readonly reason: string
}

export interface WhatIfResult {
  readonly period: { readonly since: string; readonly until: string }
  readonly rows: readonly WhatIfRow[]
  /** What the draft cannot price: in no row and in no sum, and never counted as 0. */
  readonly unpriced: readonly WhatIfUnpriced[]
  readonly totalCalls: number
  readonly creditsNow: number
  readonly creditsThen: number
  readonly difference: number
}
