import type { MicroCredits } from '../money/credits.js'
import { parseQuantity } from '../money/rate.js'
import { type Catalog, type Offer, offerOf, type Operation } from './catalog.js'
import type { Usage } from './evaluate-price.js'
import { readFound } from './found-value.js'
import type { Price } from './price.js'
import { chargedActual, fixedPrice, negativeActual, settledAt } from './price-actual.js'
import { problem, type PriceProblem, refusingBadAmounts } from './price-problem.js'
import { type LineRequest, type Priced, priceLines } from './priced.js'

export { type ActualConsumption, priceActual, type PricedActual, priceWithin } from './price-actual.js'
export type { PriceProblem } from './price-problem.js'
export type { Priced, PricedLine } from './priced.js'
export { pricedFromJson, pricedToJson } from './priced-json.js'

export interface PriceRequest {
  readonly operation: string
  readonly variant?: string | undefined
  readonly quantity?: number | undefined
  /** The job's own arguments, where its operation reads variant or quantity from them. */
  readonly args?: Readonly<Record<string, unknown>> | undefined
  readonly usage?: Usage | undefined
  readonly actual?: MicroCredits | undefined
}

/** Prices a request. Pure; what cannot be priced is a {@link PriceProblem}, never a price of zero. */
export function quotePrice(catalog: Catalog, request: PriceRequest): Priced | PriceProblem {
  const operation = catalog.operations[request.operation]
  if (operation === undefined) return unknownOperation(catalog, request.operation)
  return refusingBadAmounts(() => {
    const variant = chosenVariant(operation, request)
    if (typeof variant !== 'string' && variant !== null) return variant
    const offer = offerOf(operation, variant)
    if (offer === undefined) return unknownVariant(operation, variant ?? '')
    const quantity = chosenQuantity(operation, request)
    if (typeof quantity !== 'number') return quantity
    const { usage, actual } = request
    return priceOffer({ operation: operation.id, name: operation.name, variant, offer, quantity, usage, actual })
  })
}

/** Prices what a tool's own price says, under the operation it is recorded as. */
export function quoteOwnPrice(
  catalog: Catalog,
  own: { readonly operation: string; readonly price: Price; readonly quantity: number },
): Priced | PriceProblem {
  const { operation, price, quantity } = own
  const known = catalog.operations[operation]
  const name = known?.name ?? TOOL_NAME
  // A tool's own price is no way around the plan that its operation needs.
  const requiresPlan = known === undefined ? [] : (offerOf(known, null)?.requiresPlan ?? [])
  const offer: Offer = { price, requiresPlan, surcharges: [], capabilities: {} }
  return refusingBadAmounts(() => priceOffer({ operation, name, variant: null, offer, quantity }))
}

export const TOOL_NAME = 'Tool call'

interface Offered {
  readonly operation: string
  readonly name: string
  readonly variant: string | null
  readonly offer: Offer
  readonly quantity: number
  readonly usage?: Usage | undefined
  readonly actual?: MicroCredits | undefined
}

function priceOffer({ operation, name, variant, offer, quantity, usage, actual }: Offered): Priced | PriceProblem {
  if (usage !== undefined && actual !== undefined) {
    return problem('invalid_request', `${operation}: give usage or actual, not both`)
  }
  if (actual !== undefined && actual < 0n) return negativeActual(actual)
  const requests: readonly LineRequest[] = [
    { name, operation, variant, price: offer.price, quantity, hasOwnQuantity: false },
    ...offer.surcharges.map((line) => ({
      ...line,
      quantity: line.quantity ?? quantity,
      hasOwnQuantity: line.quantity !== null,
    })),
  ]
  const facts = { operation, variant, quantity, requiresPlan: offer.requiresPlan }
  const priced = priceLines(facts, requests, { usage, upTo: actual })
  if (actual === undefined || priced.kind === 'problem') return priced
  if (!priced.exact) return settledAt(priced, chargedActual(priced, actual))
  return fixedPrice(priced)
}

/** What a request comes to before it is priced. */
export interface Job {
  readonly kind: 'job'
  readonly variant: string | null
  readonly quantity: number
}

/** Which variant and how much of it a request is about, by the same rule by which it is priced. */
export function jobOf(catalog: Catalog, request: Omit<PriceRequest, 'usage' | 'actual'>): Job | PriceProblem {
  const operation = catalog.operations[request.operation]
  if (operation === undefined) return unknownOperation(catalog, request.operation)
  return refusingBadAmounts(() => {
    const variant = chosenVariant(operation, request)
    if (typeof variant !== 'string' && variant !== null) return variant
    const quantity = chosenQuantity(operation, request)
    return typeof quantity === 'number' ? { kind: 'job', variant, quantity } : quantity
  })
}

function chosenVariant(operation: Operation, { variant, args }: PriceRequest): string | null | PriceProblem {
  if (variant !== undefined) return variant in operation.variants ? variant : unknownVariant(operation, variant)
  const { variant: found } = operation.arguments
  if (found === null || args === undefined) return operation.defaultVariant
  const read = readFound(found, args)
  if (read.kind === 'missing') return operation.defaultVariant
  if (read.kind === 'refused') return problem('unknown_variant', `${operation.id}: ${read.message}`)
  return typeof read.value === 'string' && read.value in operation.variants
    ? read.value
    : unknownVariant(operation, String(read.value))
}

function chosenQuantity(operation: Operation, { quantity, args }: PriceRequest): number | PriceProblem {
  if (quantity !== undefined) return parseQuantity(quantity, 'quantity')
  const { quantity: found } = operation.arguments
  if (found === null || args === undefined) return 1
  const read = readFound(found, args)
  if (read.kind === 'missing') return 1
  if (read.kind === 'refused') return problem('invalid_request', `${operation.id}: ${read.message}`)
  return parseQuantity(read.value, `args${found.pointer}`)
}

/** How many ids a message names: enough to choose from, not a list to page through. */
const NAMED_IDS = 8

export function unknownOperation(catalog: Catalog, id: string): PriceProblem {
  const all = Object.keys(catalog.operations)
  const category = String(id).split('.')[0] ?? ''
  const similar = all.filter((known) => known.split('.').includes(category))
  const named = (similar.length > 0 ? similar : all).slice(0, NAMED_IDS)
  return problem(
    'unknown_operation',
    `The catalog ${catalog.id} has no operation ${JSON.stringify(String(id).slice(0, 100))}; expected ${named.length === 0 ? 'none: it has none' : named.join(', ')}${all.length > named.length ? ', …' : ''}`,
  )
}

function unknownVariant(operation: Operation, variant: string): PriceProblem {
  const known = Object.keys(operation.variants)
  const expected = known.length === 0 ? 'none: it has no variants' : known.join(', ')
  return problem(
    'unknown_variant',
    `${operation.id} has no variant ${JSON.stringify(variant.slice(0, 100))}; expected ${expected}`,
  )
}
