/**
 * Every way in which this product says no, once: what each door makes of it. Doors look it up here and decide
 * nothing. Money is never 429 and never worth a blind retry; `rate_limited` is never about money (ND-18).
 */
export interface ErrorFacts {
  readonly status: 400 | 401 | 402 | 403 | 404 | 409 | 429 | 500 | 503
  readonly exit: 1 | 2 | 3 | 4 | 5 | 6
  /** Whether the very same call may succeed later with nobody doing anything. */
  readonly retryable: boolean
  readonly title: string
}

export const ERRORS = {
  out_of_credits: { status: 402, exit: 3, retryable: false, title: 'Out of credits' },
  budget_exceeded: { status: 402, exit: 4, retryable: false, title: 'A budget does not allow it' },
  spending_cap_reached: { status: 402, exit: 4, retryable: false, title: "The plan's spending cap is reached" },
  plan_required: { status: 402, exit: 4, retryable: false, title: 'A higher plan is required' },
  approval_required: { status: 402, exit: 5, retryable: false, title: 'A person has to approve it first' },
  price_unknown: { status: 402, exit: 4, retryable: false, title: 'It has no price' },
  runaway_stopped: { status: 402, exit: 4, retryable: false, title: 'A runaway loop was stopped' },
  account_suspended: { status: 403, exit: 4, retryable: false, title: 'The account does not spend' },
  purchases_unavailable: { status: 403, exit: 4, retryable: false, title: 'Credits cannot be bought here' },
  catalog_invalid: { status: 500, exit: 2, retryable: false, title: 'The catalog is not valid' },
  schema_too_new: { status: 500, exit: 2, retryable: false, title: 'The ledger was written by a newer version' },
  idempotency_conflict: { status: 409, exit: 1, retryable: false, title: 'The key was used for something else' },
  reservation_not_open: { status: 409, exit: 1, retryable: false, title: 'The reservation is not open' },
  quote_expired: { status: 409, exit: 1, retryable: false, title: 'The quote has expired' },
  quote_mismatch: { status: 409, exit: 1, retryable: false, title: 'The quote is for something else' },
  refund_not_allowed: { status: 409, exit: 1, retryable: false, title: 'This cannot be refunded' },
  purchase_pending: { status: 409, exit: 1, retryable: false, title: 'The purchase is not settled' },
  invalid_request: { status: 400, exit: 2, retryable: false, title: 'The request is not valid' },
  invalid_amount: { status: 400, exit: 2, retryable: false, title: 'The amount is not valid' },
  unknown_account: { status: 404, exit: 2, retryable: false, title: 'No such account' },
  unknown_operation: { status: 404, exit: 2, retryable: false, title: 'No such operation' },
  unknown_variant: { status: 404, exit: 2, retryable: false, title: 'No such variant' },
  unknown_plan: { status: 404, exit: 2, retryable: false, title: 'No such plan' },
  unknown_pack: { status: 404, exit: 2, retryable: false, title: 'No such pack' },
  unknown_purchase: { status: 404, exit: 2, retryable: false, title: 'No such purchase' },
  unknown_item: { status: 404, exit: 2, retryable: false, title: 'No such recurring item' },
  unknown_budget: { status: 404, exit: 2, retryable: false, title: 'No such budget' },
  unknown_alert: { status: 404, exit: 2, retryable: false, title: 'No such alert' },
  unknown_key: { status: 404, exit: 2, retryable: false, title: 'No such key' },
  unknown_member: { status: 404, exit: 2, retryable: false, title: 'No such member' },
  unknown_quote: { status: 404, exit: 2, retryable: false, title: 'No such quote' },
  unknown_approval: { status: 404, exit: 2, retryable: false, title: 'No such approval' },
  unknown_guard: { status: 404, exit: 2, retryable: false, title: 'No such guard' },
  unknown_reservation: { status: 404, exit: 2, retryable: false, title: 'No such reservation' },
  unknown_transaction: { status: 404, exit: 2, retryable: false, title: 'No such transaction' },
  unauthenticated: { status: 401, exit: 4, retryable: false, title: 'No valid key' },
  forbidden: { status: 403, exit: 4, retryable: false, title: 'The key does not allow it' },
  rate_limited: { status: 429, exit: 1, retryable: true, title: 'Too many requests' },
  ledger_unavailable: { status: 503, exit: 6, retryable: true, title: 'The ledger cannot be reached' },
  authorization_unavailable: { status: 503, exit: 6, retryable: true, title: 'The authorization server cannot be reached' },
  internal_error: { status: 500, exit: 1, retryable: false, title: 'Something went wrong inside' },
} as const satisfies Record<string, ErrorFacts>

export type ErrorCode = keyof typeof ERRORS

/** A way to have the same thing for less, and what it saves. */
export interface Cheaper {
  readonly change: string
  readonly minimum: number
  readonly maximum: number
  readonly saves: number
}

/** Refusals carry the facts an agent or a person needs to act; amounts are credits, instants ISO text, names camelCase. */
export interface CreditErrorFacts {
  readonly details?: Readonly<Record<string, unknown>>
  readonly advice?: readonly string[]
  readonly affordable?: { readonly units: number } | null
  readonly cheaper?: readonly Cheaper[]
  readonly topUpUrl?: string | null
  readonly approval?: Readonly<Record<string, unknown>> | null
  /** Overrides the code's default where the case is known better. */
  readonly retryable?: boolean
  readonly cause?: unknown
}

/** What the library rejects with. `code` is stable; `message` is for people and may carry the catalog's own words. */
export class CreditError extends Error {
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>
  readonly advice: readonly string[]
  readonly affordable: { readonly units: number } | null
  readonly cheaper: readonly Cheaper[]
  readonly topUpUrl: string | null
  readonly approval: Readonly<Record<string, unknown>> | null

  constructor(code: ErrorCode, message: string, facts: CreditErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.name = 'CreditError'
    this.code = code
    this.retryable = facts.retryable ?? ERRORS[code].retryable
    this.details = facts.details ?? {}
    this.advice = facts.advice ?? []
    this.affordable = facts.affordable ?? null
    this.cheaper = facts.cheaper ?? []
    this.topUpUrl = facts.topUpUrl ?? null
    this.approval = facts.approval ?? null
  }
}
