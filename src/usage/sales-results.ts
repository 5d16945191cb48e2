import type { PurchaseState } from '../plans/purchase.js'
import type { WriteResult } from './results.js'

/** A purchase as it was answered, and what it is by now. */
export interface PurchaseResult extends WriteResult {
  readonly purchase: string
  readonly pack: string
  readonly state: PurchaseState
  /** What the pack gives; `granted` is what it has given, nothing while it is pending. */
  readonly credits: number
  readonly granted: number
  readonly priceUsd: number
  /** Where the payment is to be made; null where nothing is left to be paid. */
  readonly payUrl: string | null
}

export interface PurchaseRefundResult extends WriteResult {
  readonly purchase: string
  /** Unused credits that were taken back, and the money for them. */
  readonly revoked: number
  readonly refundedUsd: number
}

/** One line of the payment history. */
export interface PaymentResult {
  readonly id: string
  readonly pack: string
  readonly name: string
  readonly state: PurchaseState
  readonly credits: number
  readonly priceUsd: number
  readonly refundedUsd: number | null
  readonly orderedAt: string
  readonly settledAt: string | null
  readonly provider: string
  readonly reference: string | null
  readonly budget: string | null
}

export interface PackResult {
  readonly id: string
  readonly name: string
  readonly credits: number
  readonly parts: readonly { readonly kind: 'paid' | 'bonus'; readonly credits: number }[]
  readonly priceUsd: number
  /** What one credit costs in it, in dollars, as people write it; null for a pack that costs nothing. */
  readonly pricePerCredit: number | null
  /** How many months it is valid; null where it does not expire while the account is active. */
  readonly validMonths: number | null
  readonly refund: { readonly days: number | null; readonly maxUsedPercent: number | null } | null
}

export interface PlanResult {
  readonly id: string
  readonly name: string
  /** Null where it is agreed per customer. */
  readonly monthlyCredits: number | null
  readonly priceUsd: number | null
  readonly pricePerCredit: number | null
  /** How much cheaper a credit is than in the dearest plan, in whole percent; null without a price per credit. */
  readonly discountPercent: number | null
  readonly rollover: string
  readonly trial: boolean
  readonly spendingCap: { readonly credits: number; readonly window: 'period' | 'lifetime' } | null
  readonly entitlements: Readonly<Record<string, string | number | boolean>>
}

export interface ItemResult {
  readonly id: string
  readonly name: string
  readonly unit: string
  readonly quantity: number
  /** The beginning of what is charged next, when that is, and what it has come to. */
  readonly since: string
  readonly chargedAt: string | null
  readonly unitHours: number
  readonly accrued: number
}

export interface SetItemResult extends WriteResult {
  readonly item: string
  readonly quantity: number
}
