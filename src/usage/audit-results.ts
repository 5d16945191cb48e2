/** Whether a ledger adds up, and every row that does not. */
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

/** The lines of a statement, which add up to its figures. */
export interface StatementLines {
  readonly grantedBy: readonly { readonly source: string; readonly credits: number }[]
  readonly spentBy: readonly { readonly operation: string | null; readonly calls: number; readonly credits: number }[]
}

/** One account's part of a statement. */
export interface AccountStatement extends StatementFigures, StatementLines {
  readonly account: string
  /** The sequences of the first and the last transaction in the month; null where there was none. */
  readonly transactions: { readonly first: number; readonly last: number } | null
  /** The hash of the account's last transaction up to the end of the month: what comes before can be proven by it. */
  readonly head: string | null
}

/** A calendar month of an account and of those that report to it. */
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

/** Calls that a draft catalog cannot price; they are in no sum. */
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

/** What history cost, and what it would have cost by a draft catalog. */
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
