import { AMOUNT_MAX, type MicroCredits } from '../money/credits.js'
import type { Rate } from '../money/rate.js'
import type { Offer } from './catalog.js'
import { isFreePrice, type Price, type Tier } from './price.js'

/**
 * Whether anybody could pay more by `after` than by `before`: whatever is not provably as cheap counts as dearer,
 * because customers are promised notice of an increase (ND-13) and none of a decrease.
 */
export function isDearerOffer(before: Offer, after: Offer): boolean {
  if (isDearer(before.price, after.price)) return true
  const remaining = [...before.surcharges]
  return after.surcharges.some((line) => {
    const index = remaining.findIndex(({ name, quantity }) => name === line.name && quantity === line.quantity)
    const former = remaining.splice(index === -1 ? remaining.length : index, 1)[0]
    return former === undefined ? !isFreePrice(line.price) : isDearer(former.price, line.price)
  })
}

/** {@link isDearerOffer} for a price alone. */
export function isDearer(before: Price, after: Price): boolean {
  if (isFreePrice(after)) return false
  switch (after.model) {
    case 'flat':
      return before.model === 'flat' ? after.credits > before.credits : isBeyondBounds(before, after)
    case 'per_unit':
      return before.model === 'per_unit'
        ? isHigherRate(before.rate, after.rate) ||
            (after.minimum ?? 0) > (before.minimum ?? 0) ||
            !isFinerIncrement(before.increment, after.increment)
        : true
    case 'tiered':
      return before.model === 'tiered' && before.mode === after.mode ? isDearerTiers(before.tiers, after.tiers) : true
    case 'range':
      return before.model === 'range' && before.perUnit === after.perUnit
        ? after.minimum > before.minimum || after.maximum > before.maximum || (before.hard && !after.hard)
        : isBeyondBounds(before, after)
    case 'pass_through':
      return before.model === 'pass_through'
        ? Object.entries(after.rates).some(([component, rate]) => {
            const former = before.rates[component]
            return former === undefined ? rate.amount > 0n : isHigherRate(former, rate)
          })
        : true
  }
}

/** Of two models only those are comparable that cost the same whatever the quantity: the most of one, the least of the other. */
function isBeyondBounds(before: Price, after: Price): boolean {
  const least = bounds(before)?.minimum
  const most = bounds(after)?.maximum
  return least === undefined || most === undefined || most > least
}

function bounds(price: Price): { readonly minimum: MicroCredits; readonly maximum: MicroCredits } | undefined {
  if (price.model === 'flat') return { minimum: price.credits, maximum: price.credits }
  if (price.model !== 'range' || price.perUnit) return undefined
  return { minimum: price.minimum, maximum: price.hard ? price.maximum : AMOUNT_MAX }
}

/** Whether more is paid by `after` for the same; exactly, by cross-multiplication. */
export function isHigherRate(before: Rate, after: Rate): boolean {
  return after.amount * per(before) > before.amount * per(after)
}

/** A rate's denominator as an integer; quantities have at most six decimals. */
function per(rate: Rate): bigint {
  return BigInt(Math.round(rate.per * 1e6))
}

/** An increment that divides the one before never bills more. */
function isFinerIncrement(before: number | null, after: number | null): boolean {
  if (after === null) return true
  if (before === null) return false
  return BigInt(Math.round(before * 1e6)) % BigInt(Math.round(after * 1e6)) === 0n
}

/** The rate inside each stretch between the ends of either's tiers. */
function isDearerTiers(before: readonly Tier[], after: readonly Tier[]): boolean {
  const ends = [...before, ...after].map(({ upTo }) => upTo ?? Infinity)
  return ends.some((end) => isHigherRate(rateAt(before, end), rateAt(after, end)))
}

function rateAt(tiers: readonly Tier[], quantity: number): Rate {
  const tier = tiers.find(({ upTo }) => upTo === null || quantity <= upTo)
  if (tier === undefined) throw new Error('a tiered price ends with a tier that has no `up_to`')
  return tier.rate
}
