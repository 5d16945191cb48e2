import type { Pack } from '../catalog/catalog.js'
import type { AccountRecord, RecordDocument } from '../ledger/account-record.js'
import { toCredits, type MicroCredits } from '../money/credits.js'
import { type Fiat, formatUsd, parseUsd } from '../money/fiat.js'
import { monthBoundary } from '../time/calendar.js'
import { DAY_MS, type Instant, NEVER } from '../time/instant.js'

/** A purchase is paid for at once or is pending until it is; one that never was is cancelled. */
export const PURCHASE_STATES = ['pending', 'settled', 'cancelled', 'refunded'] as const
export type PurchaseState = (typeof PURCHASE_STATES)[number]

/** A pack as it was bought: what was agreed then holds, whatever the catalog says later. */
export interface Purchase {
  readonly id: string
  readonly state: PurchaseState
  readonly pack: string
  readonly name: string
  readonly price: Fiat
  /** All parts together. */
  readonly credits: MicroCredits
  /** The catalog version that the pack was bought by: its parts, expiry and refund rule are read there. */
  readonly priceVersion: number
  readonly orderedAt: Instant
  /** The sequence of the transaction that ordered it. */
  readonly orderedBy: number
  readonly settledAt: Instant | null
  readonly settledBy: number | null
  /** The sequences of the grants that it became. */
  readonly grants: readonly number[]
  /** Who took the money, and what it calls the payment. */
  readonly provider: string
  readonly reference: string | null
  /** The money that a refund gives back; null without one. */
  readonly refunded: Fiat | null
  /** The budget whose limit its credits raise (ND-12). */
  readonly budget: string | null
  /** By how much its settlement raised that limit; a refund lowers it by no more. */
  readonly raised: MicroCredits
  /** Whether it was ordered by a customer rather than by an operator. */
  readonly isSelfService: boolean
}

/** How many orders of customers may wait to be paid in one account, so that they cannot keep its operator from ordering. */
export const SELF_SERVICE_PENDING_MAX = 20

export function purchaseDocument({ id: _, ...purchase }: Purchase): RecordDocument {
  const { price, credits, refunded, raised, ...facts } = purchase
  return {
    ...facts,
    priceUsd: usdText(price),
    credits: Number(credits),
    refundedUsd: refunded === null ? null : usdText(refunded),
    raised: Number(raised),
  }
}

export function purchaseOf({ id, document }: AccountRecord): Purchase {
  type Told = Omit<Purchase, 'id' | 'price' | 'credits' | 'refunded' | 'raised'>
  const { priceUsd, credits, refundedUsd, raised, ...facts } = document as unknown as Told & {
    readonly priceUsd: string
    readonly credits: number
    readonly refundedUsd: string | null
    readonly raised: number
  }
  return {
    ...facts,
    id,
    price: parseUsd(priceUsd, 'priceUsd'),
    credits: BigInt(credits),
    refunded: refundedUsd === null ? null : parseUsd(refundedUsd, 'refundedUsd'),
    raised: BigInt(raised),
  }
}

/** Dollars as decimal text, as a document keeps them. */
export function usdText(value: Fiat): string {
  return formatUsd(value).slice(1)
}

/** How payment providers are called, so that a lookup has one reading. */
export const PROVIDER_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/

/** Finds a purchase by its payment. Unique in the ledger, so that one payment is one purchase, of one account (I6, T10). */
export function paymentLookup(provider: string, reference: string): string {
  return `payment:${provider}:${reference}`
}

/** When what was bought at `at` expires: after so many months at the same wall-clock time of the account's zone (WC-02), or never. */
export function packExpiry({ expiry }: Pick<Pack, 'expiry'>, at: Instant, timeZone: string): Instant {
  return expiry.kind === 'months' ? monthBoundary(at, expiry.months, timeZone) : NEVER
}

/** What stands against giving the money for a purchase back: the rule, and its figures for who asked. */
export interface RefundObstacle {
  readonly rule: 'no_refunds' | 'age' | 'used' | 'standing'
  readonly message: string
}

export interface RefundFacts {
  readonly at: Instant
  /** What the purchase's grants have left; what reservations pin counts as used. */
  readonly left: MicroCredits
  /** The account is active and owes nothing. */
  readonly isInGoodStanding: boolean
}

/** The pack's rule on refunds (ND-15), which only screens. Null where it allows one. */
export function refundObstacle(
  purchase: Purchase,
  rule: Pack['refund'],
  { at, left, isInGoodStanding }: RefundFacts,
): RefundObstacle | null {
  if (rule === null) return { rule: 'no_refunds', message: `Purchases of ${purchase.name} are not refunded` }
  const { days, maxUsedPercent } = rule
  if (days !== null && at - (purchase.settledAt ?? purchase.orderedAt) > days * DAY_MS) {
    return { rule: 'age', message: `It was bought more than ${days} days ago` }
  }
  if (maxUsedPercent !== null && isAbove(purchase.credits - left, purchase.credits, maxUsedPercent)) {
    const used = `${toCredits(purchase.credits - left)} of ${toCredits(purchase.credits)} credits`
    return { rule: 'used', message: `${used} are used or reserved, more than ${maxUsedPercent} %` }
  }
  return isInGoodStanding ? null : { rule: 'standing', message: 'The account is not in good standing: it has to be active and owe nothing' }
}

/** Whether `part` is more than so many percent of `whole`, by cross multiplication, so that no division rounds. */
function isAbove(part: MicroCredits, whole: MicroCredits, percent: number): boolean {
  return part * 100_000_000n > whole * BigInt(Math.round(percent * 1e6))
}

/** The share of a purchase that is used, in percent to two decimals, for people to read. */
export function usedPercent({ credits }: Purchase, left: MicroCredits): number {
  return credits === 0n ? 0 : Number(((credits - left) * 10_000n) / credits) / 100
}
