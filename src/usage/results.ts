import type { Answerer } from '../budgets/approval.js'
import type { Level } from '../budgets/level.js'
import type { RecordedLine } from '../decide/price-subject.js'
import type { Cheaper } from '../errors.js'
import type { AccountState } from '../ledger/account.js'
import type { Labels, TransactionKind } from '../ledger/transaction.js'

export type * from './audit-results.js'
export type * from './party-results.js'
export type * from './sales-results.js'

/** What the library answers: credits as numbers of at most six decimals, instants as ISO 8601 text in UTC. */

/** An account as it is, plan and balance with it. */
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

/** The zone that a write gave an account; a replay tells the same. */
export interface TimeZoneResult extends WriteResult {
  /** The account. */
  readonly id: string
  readonly timeZone: string
}

/** How far a write moved a test account's clock; a replay tells the same. */
export interface ClockResult extends WriteResult {
  /** The account. */
  readonly id: string
  /** What time it is for the account from this write on. */
  readonly now: string
}

/** What a grant gave, and until when it can be spent. */
export interface GrantResult extends WriteResult {
  readonly granted: number
  readonly expiresAt: string | null
}

/** What a charge took at once, and by which variant. */
export interface ChargeResult extends WriteResult {
  readonly charged: number
  /** What was charged for; with `picked`, why, where the request left the choice of the variant to us. */
  readonly variant: string | null
  readonly picked: string | null
  readonly budgetLevel: Level
}

/** What is set aside, under which id and until when. */
export interface ReserveResult {
  /** Null for what costs nothing: there is nothing to settle. Of a plan the id of its quote, which stands for all of it. */
  readonly reservation: string | null
  readonly reserved: number
  readonly variant: string | null
  readonly picked: string | null
  readonly expiresAt: string | null
  readonly balance: number
  readonly replayed: boolean
  /** Of a plan: what is set aside for each call. */
  readonly calls?: readonly ReservedCallResult[]
}

/** One call of a plan, and its own reservation. */
export interface ReservedCallResult {
  readonly operation: string
  readonly variant: string | null
  readonly quantity: number
  /** The upstream tool; null for an operation of the catalog. */
  readonly tool: string | null
  readonly reservation: string
  readonly reserved: number
}

/** The new end of a reservation. */
export interface ExtendResult {
  readonly reservation: string
  readonly expiresAt: string
  readonly replayed: boolean
}

/** What a reservation came to: charged, given back, and what nothing could pay. */
export interface SettleResult extends WriteResult {
  readonly charged: number
  readonly released: number
  readonly uncollected: number
  /** Whether the reservation had timed out before: then what is available is charged, as far as it goes. */
  readonly late: boolean
}

/** What a reservation gave back; `charged` is more than 0 where the fault was the caller's. */
export interface ReleaseResult extends WriteResult {
  readonly released: number
  /** Nothing, but for a fault that the operation says is paid. */
  readonly charged: number
}

/** What was given back of a charge. */
export interface RefundResult extends WriteResult {
  readonly refunded: number
}

/** The whole state of an account at one moment. */
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

/** A budget, or one subject of it, as of now. */
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

/** The one that would stop first. Of a limit above a delegated key only what it leaves is told, and nothing by which the rest could be worked out. */
export interface TightestResult extends Omit<BudgetResult, UntoldAbove> {
  readonly limit: number | null
  readonly used: number | null
  readonly reserved: number | null
  readonly percentUsed: number | null
  readonly since: string | null
}

type UntoldAbove = 'limit' | 'used' | 'reserved' | 'percentUsed' | 'since'

/** What a write made of a budget. How much of it is used, the budgets themselves tell. */
export interface WrittenBudgetResult
  extends WriteResult, Pick<BudgetResult, 'id' | 'name' | 'scope' | 'window' | 'limit' | 'enforcement' | 'thresholds' | 'raisedUntil'> {}

/** A threshold of the balance that an account has set for itself. */
export interface AlertResult {
  readonly id: string
  readonly level: 'low' | 'critical'
  readonly when: 'at_or_below' | 'below'
  readonly credits: number | null
  readonly percent: number | null
}

/** A rule that asks or stops. What a kind does not have is null. */
export interface GuardResult {
  readonly id: 'approval' | 'runaway'
  /** A call that may cost more than so many credits is asked about. */
  readonly above: number | null
  /** How long a yes can be used, and how long a question waits for one. */
  readonly validSeconds: number | null
  readonly waitSeconds: number | null
  /** Whether the person at the client may answer. */
  readonly client: boolean | null
  readonly identical: { readonly calls: number; readonly withinSeconds: number } | null
  readonly burn: { readonly credits: number; readonly withinSeconds: number } | null
}

/** What a write made of a guard. */
export interface WrittenGuardResult extends WriteResult, GuardResult {}

/** A question to people: may this call be made, may this be given. */
export interface ApprovalResult {
  readonly id: string
  /** `call` was asked by a call; the others an agent asked by itself. */
  readonly asks: 'call' | 'budget' | 'top_up' | 'approval'
  /** `used`: the yes was spent. `granted`: what was asked for was given. `lapsed`: nobody answered or used it in time. */
  readonly status: 'pending' | 'approved' | 'denied' | 'granted' | 'used' | 'lapsed'
  /** What the call may cost at most, or what is asked for. */
  readonly credits: number
  readonly operation: string | null
  readonly variant: string | null
  readonly tool: string | null
  readonly quantity: number | null
  readonly labels: Readonly<Record<string, string>> | null
  readonly key: string | null
  readonly keyName: string | null
  readonly budget: string | null
  readonly reason: string | null
  readonly askedAt: string
  /** Who said yes or no; null for nobody yet. */
  readonly answeredBy: Answerer | null
  readonly expiresAt: string
}

/** What an answer made of a question. */
export interface ResolvedApprovalResult extends WriteResult, ApprovalResult {}

/** What became of asking for credits: nothing yet, and how a person answers. */
export interface RequestResult {
  readonly request: string
  readonly status: 'pending'
  readonly how: string
  readonly expiresAt: string
  readonly replayed: boolean
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

/** The budgets that bound a party's spending, and which of them would stop it first. */
export interface BudgetsResult {
  readonly budgets: readonly BudgetResult[]
  readonly tightest: TightestResult | null
  readonly run: BudgetResult | null
}

/** A line of a price, as an estimate and an explanation show it. */
export type EstimateLine = RecordedLine

/** What work would cost now, and what would stop it. */
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
  /** Of a quote: by which id its prices bind, and until when; null where all of it is free. Left out of an estimate. */
  readonly quoteId?: string | null
  readonly expiresAt?: string | null
}

/** What was spent in a period, by group. */
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

/** One group of a usage report; its key is null for what carries none. */
export interface UsageRow {
  readonly key: string | null
  readonly calls: number
  readonly credits: number
  readonly usd: number | null
  readonly share: number
}

/** One row of the journal. */
export interface TransactionResult {
  readonly id: string
  readonly type: TransactionKind
  readonly at: string
  readonly operation: string | null
  readonly variant: string | null
  readonly tool: string | null
  readonly credits: number
  /** Null for a delegated key where the row is of a key below it: what it had left itself is not known. */
  readonly balanceAfter: number | null
  readonly labels: Labels
  readonly reservation: string | null
  readonly idempotencyKey: string | null
}

/** A page of the journal, newest first. */
export interface TransactionsResult {
  readonly transactions: readonly TransactionResult[]
  readonly nextCursor: string | null
}

/** Why a transaction cost what it cost, or what became of a call. */
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
  /** The quote that it was charged under, and the most that its call could cost by it; null without one. */
  readonly quote: { readonly quoteId: string; readonly maximum: number; readonly expiresAt: string } | null
  /** The yes that it was spent on, and who said it; null where it took none. */
  readonly approval: { readonly id: string; readonly answeredBy: Answerer | null } | null
}

/** How many units of each operation so many credits pay for. */
export interface AffordResult {
  readonly credits: number
  readonly rows: readonly { readonly operation: string; readonly variant: string | null; readonly units: number }[]
}

/** What the catalog in force offers, and which changes of price are announced. */
export interface OperationsResult {
  readonly catalog: string
  readonly priceVersion: number
  readonly operations: readonly OperationResult[]
  readonly announcedChanges: readonly PriceChange[]
  /** What changed since the instant that was asked for, oldest first; null where none was. */
  readonly changes: readonly PriceChange[] | null
}

/** One place of the catalog that changes, or has changed, at an instant. */
export interface PriceChange {
  readonly effectiveAt: string
  readonly path: string
  readonly before: unknown
  readonly after: unknown
  /** Whether somebody could pay more by it. */
  readonly increase: boolean
}

/** One operation with its price in words. */
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
