import type { MicroCredits } from '../money/credits.js'
import { QUANTITY_MAX } from '../money/rate.js'
import type { Catalog } from './catalog.js'
import { quotePrice } from './quote-price.js'

/**
 * How many whole units of an operation `budget` pays for, by its maximum price: jobs where the quantity does not
 * change the price, units where it does. Null where a unit costs nothing or has no price before it is done.
 */
export function unitsWithin(
  catalog: Catalog,
  {
    operation,
    variant,
    budget,
  }: { readonly operation: string; readonly variant?: string | undefined; readonly budget: MicroCredits },
): number | null {
  const costOf = (quantity: number): MicroCredits | null => {
    const priced = quotePrice(catalog, { operation, variant, quantity })
    return priced.kind === 'priced' ? priced.maximum : null
  }
  const one = costOf(1)
  if (one === null || one === 0n) return null
  if (costOf(2) === one && costOf(QUANTITY_MAX) === one) return Number(budget / one)
  return largestWithin(costOf, budget, tierEnds(catalog, operation))
}

/** Within a stretch without a tier's end cost never falls as quantity rises, so halving finds the last affordable unit. */
function largestWithin(
  costOf: (quantity: number) => MicroCredits | null,
  budget: MicroCredits,
  ends: readonly number[],
): number {
  const starts = [1, ...ends.map((end) => end + 1)]
  for (let index = starts.length - 1; index >= 0; index -= 1) {
    let low = (starts[index] ?? 1) - 1
    let high = ends[index] ?? QUANTITY_MAX
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      // No price is a price beyond every amount.
      const cost = costOf(middle)
      if (cost !== null && cost <= budget) low = middle
      else high = middle - 1
    }
    if (low >= (starts[index] ?? 1)) return low
  }
  return 0
}

/** Whole quantities at which some tier of the operation ends: a cheaper tier may make more units cost less. */
function tierEnds({ operations }: Catalog, id: string): readonly number[] {
  const operation = operations[id]
  const offers =
    operation === undefined ? [] : operation.offer === null ? Object.values(operation.variants) : [operation.offer]
  const prices = offers.flatMap(({ price, surcharges }) => [price, ...surcharges.map((line) => line.price)])
  const ends = prices.flatMap((price) =>
    price.model === 'tiered' ? price.tiers.flatMap(({ upTo }) => (upTo === null ? [] : [Math.floor(upTo)])) : [],
  )
  return [...new Set(ends)].filter((end) => end >= 1).sort((a, b) => a - b)
}
