import type { MicroCredits } from '../money/credits.js'

/** A share is a number of twelve decimals: finer than anybody reads, coarse enough that all of them add up to 1 again. */
const PARTS = 1_000_000_000_000n

/**
 * The share of each amount in their sum. Rounded by largest remainder, so that the shares, added as they are told, are 1
 * and not nearly 1. All are 0 where the sum is: nothing has no shares.
 */
export function sharesOf(amounts: readonly MicroCredits[]): readonly number[] {
  const total = amounts.reduce((sum, amount) => sum + amount, 0n)
  if (total <= 0n) return amounts.map(() => 0)
  const exact = amounts.map((amount, index) => ({ index, parts: (amount * PARTS) / total, remainder: (amount * PARTS) % total }))
  const missing = Number(PARTS - exact.reduce((sum, { parts }) => sum + parts, 0n))
  const largestFirst = exact.toSorted((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1))
  const roundedUp = new Set(largestFirst.slice(0, missing).map(({ index }) => index))
  return exact.map(({ index, parts }) => (Number(parts) + Number(roundedUp.has(index))) / Number(PARTS))
}
