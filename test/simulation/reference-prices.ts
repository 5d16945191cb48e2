import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The document as anybody can read it; none of our code reads it here. */
interface PriceDocument {
  readonly model: 'flat' | 'per_unit'
  readonly credits: string
}

interface OfferDocument {
  readonly price?: PriceDocument
  readonly requires_plan?: readonly string[]
  readonly surcharges?: readonly { readonly operation: string; readonly variant?: string }[]
}

interface OperationDocument extends OfferDocument {
  readonly variants?: Readonly<Record<string, OfferDocument>>
  readonly default_variant?: string
}

interface CatalogDocument {
  readonly operations: Readonly<Record<string, OperationDocument>>
  readonly plans: Readonly<Record<string, { readonly monthly_credits: string | null }>>
}

const path = fileURLToPath(new URL('../../src/catalog/bundled/neural-draft.json', import.meta.url))
export const CATALOG = JSON.parse(readFileSync(path, 'utf8')) as CatalogDocument

/** Credits, a number or a text of at most six decimals, as millionths. */
export function micro(credits: number | string): bigint {
  const [whole = '0', fraction = ''] = Number(credits).toFixed(6).split('.')
  const magnitude = BigInt(whole.replace('-', '')) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
  return whole.startsWith('-') ? -magnitude : magnitude
}

export type ReferencePrice = { readonly amount: bigint; readonly plans: readonly string[] } | { readonly code: string }

/** What `quantity` of an operation costs, each line rounded up once, and the plans that may have it (none named: all). */
export function referencePrice(operation: string, variant: string | undefined, quantity: number): ReferencePrice {
  const known = CATALOG.operations[operation]
  if (known === undefined) return { code: 'unknown_operation' }
  const chosen = variant ?? known.default_variant
  const offer = chosen === undefined ? known : known.variants?.[chosen]
  if (offer === undefined) return { code: 'unknown_variant' }
  let amount = line(offer.price ?? known.price, quantity)
  for (const surcharge of offer.surcharges ?? known.surcharges ?? []) {
    const other = CATALOG.operations[surcharge.operation]
    const otherVariant = surcharge.variant ?? other?.default_variant
    const price = (otherVariant === undefined ? undefined : other?.variants?.[otherVariant]?.price) ?? other?.price
    amount += line(price, quantity)
  }
  return { amount, plans: offer.requires_plan ?? known.requires_plan ?? [] }
}

function line(price: PriceDocument | undefined, quantity: number): bigint {
  if (price === undefined) throw new Error('a price is missing in the document')
  if (price.model === 'flat') return micro(price.credits)
  return (micro(price.credits) * micro(quantity) + 999_999n) / 1_000_000n
}

export function monthlyCredits(plan: string): bigint {
  return micro(CATALOG.plans[plan]?.monthly_credits ?? '0')
}

/** `months` after an anchor, at the same time of day in UTC, on the last day of months that are too short. */
export function monthsAfter(anchor: number, months: number): number {
  const date = new Date(anchor)
  const year = date.getUTCFullYear()
  const month = date.getUTCMonth() + months
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  const timeOfDay = anchor % 86_400_000
  return Date.UTC(year, month, Math.min(date.getUTCDate(), lastDay)) + timeOfDay
}
