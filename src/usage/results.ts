import type { Level } from '../budgets/level.js'
import type { RecordedLine } from '../decide/price-subject.js'
import type { Cheaper } from '../errors.js'
import type { AccountState } from '../ledger/account.js'
import type { Labels, TransactionKind } from '../ledger/transaction.js'

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
  readonly budgetLevel: Level
}

export interface ReserveResult {
  /** Null for what costs nothing: there is nothing to settle. */
  readonly reservation: string | null
  readonly reserved: number
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
    readonly renewsAt: string
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
  readonly window: string
  readonly limit: number
  readonly used: number
  readonly reserved: number
  readonly remaining: number
  readonly percentUsed: number
  readonly resetsAt: string | null
  readonly enforcement: 'hard' | 'alert'
  readonly level: Level
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
