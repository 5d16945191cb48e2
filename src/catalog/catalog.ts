import type { MicroCredits } from '../money/credits.js'
import type { Fiat } from '../money/fiat.js'
import type { Rate } from '../money/rate.js'
import type { Price } from './price.js'
import type { SelfService, TextName } from './schema-plan.js'
import type { Fault } from './schema.js'

/**
 * The operation under which a call is recorded whose tool has a price but no operation of its own. A catalog with a
 * default tool price has it among its operations, at that price; a document cannot define it otherwise.
 */
export const TOOL_OPERATION = 'tool.call'

/** What a request says instead of a variant to have one picked for it; no variant of a catalog has this id. */
export const AUTO = 'auto'

/**
 * A catalog as the code reads it. Records have no prototype, so that a name from outside finds nothing that the
 * document did not say, and stand in the order in which they are shown.
 */
export interface Catalog {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly unit: CatalogUnit
  readonly priceIncreaseNoticeDays: number
  readonly categories: readonly Category[]
  readonly operations: Readonly<Record<string, Operation>>
  readonly tools: Readonly<Record<string, ToolMapping>>
  /** What a call costs whose tool is not listed; null refuses it (AX-14). */
  readonly defaultToolPrice: MicroCredits | null
  readonly plans: Readonly<Record<string, Plan>>
  readonly defaultPlan: string | null
  readonly packs: Readonly<Record<string, Pack>>
  /** Who sees that packs can be bought; `none` exactly where there are no packs. */
  readonly selfService: SelfService
  readonly recurringItems: Readonly<Record<string, RecurringItem>>
  /** How a campaign of posts is priced; null where the product has no such estimate. */
  readonly campaign: Campaign | null
  readonly thresholds: readonly Threshold[]
  readonly texts: Readonly<Partial<Record<CamelCase<TextName>, string>>>
  /** The document as canonical JSON: the same bytes for the same content. What the ledger keeps of a version. */
  readonly source: string
}

export interface Noun {
  readonly name: string
  readonly plural: string
}

export interface CatalogUnit extends Noun {
  /** What one credit is worth; null where the product fixes no rate. */
  readonly creditUsd: Fiat | null
}

export interface Category {
  readonly id: string
  readonly name: string
}

export interface Operation {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly category: string
  /** What its quantity counts. */
  readonly unit: Noun
  /** What holds without a variant; null exactly where there are variants. */
  readonly offer: Offer | null
  readonly variants: Readonly<Record<string, Variant>>
  /** Null exactly where there are no variants. */
  readonly defaultVariant: string | null
  readonly arguments: { readonly variant: Found<string> | null; readonly quantity: Found<number> | null }
  readonly chargeOnFault: readonly Fault[]
  readonly reserveSeconds: number | null
}

export interface Offer {
  readonly price: Price
  /** Plans that may use it; empty for every plan. */
  readonly requiresPlan: readonly string[]
  /** Flattened: a surcharge of a surcharge stands here too. */
  readonly surcharges: readonly Surcharge[]
  readonly capabilities: Readonly<Record<string, Capability>>
}

export type Capability = string | number | boolean | readonly string[]

export interface Variant extends Offer {
  readonly id: string
  readonly name: string
}

export interface Surcharge {
  readonly name: string
  readonly operation: string
  readonly variant: string | null
  readonly price: Price
  /** A quantity of its own; null for the quantity of the job. */
  readonly quantity: number | null
}

/** A value that is read from the arguments or the result of a call. */
export interface Found<Value> {
  readonly from: 'arguments' | 'result'
  readonly pointer: string
  readonly default: Value | null
  readonly map: Readonly<Record<string, Value>> | null
  readonly count: boolean
  /** The most that is reserved for a value that only the result tells. */
  readonly atMost: number | null
}

export type ToolMapping =
  | { readonly kind: 'free' }
  | {
      readonly kind: 'priced'
      readonly operation: string
      /** A price of the tool's own, instead of its operation's. */
      readonly price: Price | null
      readonly variant: string | Found<string> | null
      readonly quantity: number | Found<number>
      readonly usage: Readonly<Record<string, { readonly pointer: string; readonly default: number | null }>> | null
      readonly actual: { readonly pointer: string } | null
    }

export interface Plan {
  readonly id: string
  readonly name: string
  /** Null where it is agreed per customer. */
  readonly monthlyCredits: MicroCredits | null
  readonly price: Fiat | null
  readonly rollover: Rollover
  /** On top of the allowance. */
  readonly grants: { readonly signUp: MicroCredits; readonly purchase: MicroCredits; readonly renewal: MicroCredits }
  /** The allowance is granted once and never renewed. */
  readonly trial: boolean
  /**
   * Whether a subscription to it is bought: it has a price, or one that is agreed per customer, and is no trial. A
   * default plan without a price is what every new account begins with, and bought by nobody.
   */
  readonly isPaid: boolean
  readonly spendingCap: { readonly credits: MicroCredits; readonly window: 'period' | 'lifetime' } | null
  readonly entitlements: Readonly<Record<string, string | number | boolean>>
}

export type Rollover =
  { readonly kind: 'none' | 'unlimited' | 'while_active' } | { readonly kind: 'capped'; readonly cap: MicroCredits }

export interface Pack {
  readonly id: string
  readonly name: string
  readonly price: Fiat
  readonly parts: readonly { readonly kind: 'paid' | 'bonus'; readonly credits: MicroCredits }[]
  /** All parts together. */
  readonly credits: MicroCredits
  readonly expiry: { readonly kind: 'never' | 'while_active' } | { readonly kind: 'months'; readonly months: number }
  /** Which purchases an operator may refund; null where none, a null member where that does not matter. */
  readonly refund: { readonly days: number | null; readonly maxUsedPercent: number | null } | null
}

/** Something that is paid by the hour for as long as it is kept. */
export interface RecurringItem {
  readonly id: string
  readonly name: string
  readonly unit: Noun
  /** Micro-credits for `per` hours of one unit: an hour alone may cost less than a micro-credit. */
  readonly pricePerUnitHour: Rate
}

export interface Campaign {
  /** What one post is, by the complexity of the campaign; `standard` is always there. */
  readonly complexities: Readonly<Record<string, { readonly operation: string; readonly variant: string | null }>>
}

export interface Threshold {
  readonly level: 'low' | 'critical'
  readonly when: 'at_or_below' | 'below'
  readonly limit:
    | { readonly kind: 'absolute'; readonly credits: MicroCredits }
    | { readonly kind: 'percent_of_period'; readonly percent: number }
  /** The product's own name for the event. */
  readonly event: string | null
}

export type CamelCase<Text extends string> = Text extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Text

/** What holds for a variant, the default one where none is named; undefined where the operation has no such variant. */
export function offerOf(operation: Operation, variant: string | null): Offer | undefined {
  if (operation.offer !== null) return variant === null ? operation.offer : undefined
  return operation.variants[variant ?? operation.defaultVariant ?? '']
}
