import { AMOUNT_MAX, type MicroCredits } from '../money/credits.js'
import { InvalidAmount } from '../money/invalid-amount.js'
import { amountFor, amountForAll, parseQuantity, type Portion, type Rate, roundUpTo } from '../money/rate.js'
import type { Price, Tier } from './price.js'

export interface Usage {
  readonly [component: string]: number
}

/** What one line costs: exactly, between two bounds, or not to be told yet. */
export type Evaluation =
  | { readonly kind: 'exact'; readonly amount: MicroCredits }
  | {
      readonly kind: 'between'
      readonly minimum: MicroCredits
      readonly maximum: MicroCredits
    }
  | { readonly kind: 'unknown'; readonly code: 'invalid_request' | 'price_unknown'; readonly expected: string }

/**
 * What a price comes to for a quantity, or for a usage where it is passed through. Rounded up once, at the end of
 * the line.
 *
 * @throws InvalidAmount for a quantity or usage that is none, or a price over AMOUNT_MAX.
 */
export function evaluatePrice(price: Price, quantity: number, usage: Usage | null): Evaluation {
  switch (price.model) {
    case 'flat':
      return { kind: 'exact', amount: price.credits }
    case 'per_unit':
      return { kind: 'exact', amount: amountFor(billedQuantity(price, quantity), price.rate) }
    case 'tiered':
      return {
        kind: 'exact',
        amount: price.mode === 'volume' ? volume(price.tiers, quantity) : graduated(price.tiers, quantity),
      }
    case 'range': {
      const minimum = price.perUnit ? amountFor(quantity, { amount: price.minimum, per: 1 }) : price.minimum
      const maximum = price.perUnit ? amountFor(quantity, { amount: price.maximum, per: 1 }) : price.maximum
      return minimum === maximum ? { kind: 'exact', amount: minimum } : { kind: 'between', minimum, maximum }
    }
    case 'pass_through':
      if (usage !== null) return passThrough(price.rates, usage)
      if (price.typical !== null) return { kind: 'between', ...price.typical }
      return usageMissing(price.rates)
  }
}

/** The quantity that a per-unit price bills: at least its minimum, and whole increments (SN-03). */
export function billedQuantity(price: Extract<Price, { model: 'per_unit' }>, quantity: number): number {
  const atLeast = Math.max(quantity, price.minimum ?? 0)
  return price.increment === null ? atLeast : roundUpTo(atLeast, price.increment)
}

function graduated(tiers: readonly Tier[], quantity: number): MicroCredits {
  const portions: Portion[] = []
  let below = 0
  for (const { upTo, rate } of tiers) {
    if (quantity <= below) break
    const end = upTo === null ? quantity : Math.min(quantity, upTo)
    portions.push({ quantity: difference(end, below), rate })
    below = end
  }
  return amountForAll(portions)
}

/** Both have at most six decimals, and so has what lies between them; a float's own difference may not. */
function difference(end: number, start: number): number {
  return Number((end - start).toFixed(6))
}

function volume(tiers: readonly Tier[], quantity: number): MicroCredits {
  const reached = tiers.find((tier) => tier.upTo === null || quantity <= tier.upTo)
  // The parser demands a last tier without end.
  if (reached === undefined) throw new Error('a tiered price ends with a tier that has no `up_to`')
  return amountFor(quantity, reached.rate)
}

/** A component without a rate is refused rather than counted as free (T32); one that was not used needs none. */
function passThrough(rates: Readonly<Record<string, Rate>>, usage: Usage): Evaluation {
  const portions: Portion[] = []
  for (const [component, value] of Object.entries(usage)) {
    const quantity = parseQuantity(value, `usage.${component}`)
    const rate = Object.hasOwn(rates, component) ? rates[component] : undefined
    if (rate !== undefined) portions.push({ quantity, rate })
    else if (quantity > 0) {
      const expected = `usage of ${Object.keys(rates).join(', ')}, without ${component}`
      return { kind: 'unknown', code: 'price_unknown', expected }
    }
  }
  if (portions.length === 0) return usageMissing(rates)
  return { kind: 'exact', amount: amountForAll(portions) }
}

function usageMissing(rates: Readonly<Record<string, Rate>>): Evaluation {
  return { kind: 'unknown', code: 'invalid_request', expected: `usage of ${Object.keys(rates).join(', ')}` }
}

/** Adds lines up. @throws InvalidAmount when the sum exceeds AMOUNT_MAX. */
export function sumOf(amounts: readonly MicroCredits[]): MicroCredits {
  const sum = amounts.reduce((total, amount) => total + amount, 0n)
  if (sum > AMOUNT_MAX) throw new InvalidAmount('quantity', 'of all lines', 'a price of at most 2000000000 credits')
  return sum
}
