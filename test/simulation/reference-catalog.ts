import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

/** The catalogs' documents as anybody can read them; none of our code reads them here. */

type Decimal = string

interface RateDocument {
  readonly credits: Decimal
  readonly per?: number
}

export type PriceDocument =
  | { readonly model: 'flat'; readonly credits: Decimal }
  | { readonly model: 'per_unit'; readonly credits: Decimal; readonly per?: number; readonly increment?: number; readonly minimum?: number }
  | { readonly model: 'tiered'; readonly mode: 'graduated' | 'volume'; readonly per?: number; readonly tiers: readonly { readonly up_to: number | null; readonly credits: Decimal }[] }
  | { readonly model: 'range'; readonly minimum: Decimal; readonly maximum: Decimal; readonly per_unit?: boolean; readonly hard?: boolean }
  | { readonly model: 'pass_through'; readonly rates: Readonly<Record<string, RateDocument>>; readonly typical?: { readonly minimum: Decimal; readonly maximum: Decimal } }

interface OfferDocument {
  readonly price?: PriceDocument
  readonly requires_plan?: readonly string[]
  readonly surcharges?: readonly { readonly operation?: string; readonly variant?: string; readonly price?: PriceDocument; readonly quantity?: number }[]
}

export interface OperationDocument extends OfferDocument {
  readonly category?: string
  readonly variants?: Readonly<Record<string, OfferDocument>>
  readonly default_variant?: string
}

type Bonus = { readonly credits: Decimal }

export interface PlanDocument {
  readonly monthly_credits: Decimal | null
  readonly price_usd: Decimal | null
  readonly rollover: { readonly kind: 'none' | 'unlimited' | 'while_active' | 'capped'; readonly cap?: Decimal }
  readonly grants?: { readonly sign_up?: Bonus; readonly purchase?: Bonus; readonly renewal?: Bonus }
  readonly trial?: boolean
  readonly spending_cap?: { readonly credits: Decimal; readonly window: 'period' | 'lifetime' }
}

export interface PackDocument {
  readonly price_usd: Decimal
  readonly parts: readonly { readonly kind: 'paid' | 'bonus'; readonly credits: Decimal }[]
  readonly expiry: { readonly kind: 'never' | 'while_active' | 'months'; readonly months?: number }
  readonly refund?: { readonly days?: number; readonly max_used_percent?: number }
}

export interface CatalogDocument {
  readonly id: string
  readonly operations: Readonly<Record<string, OperationDocument>>
  readonly default_tool_price?: Decimal | null
  readonly plans: Readonly<Record<string, PlanDocument>>
  readonly default_plan?: string | null
  readonly packs?: Readonly<Record<string, PackDocument>>
  readonly purchases?: { readonly self_service: 'enabled' | 'hidden' | 'none' }
  readonly recurring_items?: Readonly<Record<string, { readonly price_per_unit_hour: Decimal }>>
  readonly thresholds?: readonly { readonly kind: 'absolute' | 'percent_of_period'; readonly level: 'low' | 'critical'; readonly value: Decimal; readonly when?: 'at_or_below' | 'below' }[]
}

const BUNDLED = ['neural-draft', 'social-neuron', 'soku', 'starter', 'synfluencer', 'workspace-credits']
const EXAMPLE = 'lingua-studio'

function textOf(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../src/catalog/${path}`, import.meta.url)), 'utf8')
}

/** The documents of every bundled catalog and of the example, by id. */
export const CATALOGS: ReadonlyMap<string, CatalogDocument> = new Map([
  ...BUNDLED.map((id): [string, CatalogDocument] => [id, JSON.parse(textOf(`bundled/${id}.json`)) as CatalogDocument]),
  [EXAMPLE, parse(textOf(`examples/${EXAMPLE}.yaml`)) as CatalogDocument],
])

/** The catalogs that sell anything by operation: `starter` prices calls of tools alone. */
export const PLAYED = [...CATALOGS.keys()].filter((id) => id !== 'starter')

/** Credits, a number or a text of at most six decimals, as millionths. */
export function micro(credits: number | string): bigint {
  const [whole = '0', fraction = ''] = (typeof credits === 'number' ? credits.toFixed(6) : credits).split('.')
  const magnitude = BigInt(whole.replace('-', '')) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
  return whole.startsWith('-') ? -magnitude : magnitude
}

/** A category is the operation's own word for it, or the first part of its id. */
export function categoryOf(catalog: CatalogDocument, operation: string): string | null {
  const known = catalog.operations[operation]
  return known === undefined ? null : (known.category ?? (operation.split('.')[0] as string))
}

/** Whether a plan is bought: it has a price, or one agreed per customer, is no trial and not what everybody begins with for nothing. */
export function isPaidPlan(catalog: CatalogDocument, id: string): boolean {
  const plan = catalog.plans[id]
  if (plan === undefined || plan.trial === true) return false
  return plan.price_usd === null ? id !== catalog.default_plan : Number(plan.price_usd) > 0
}
