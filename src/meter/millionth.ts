/**
 * A number that somebody has computed, as far as amounts and quantities go: 0.1 + 0.2 has seventeen decimals, 100 / 60 has no
 * end of them, and the ledger takes six. Rounded up as every price is, so that something is never nothing; what floats add by
 * themselves is no more of it. What is below zero stays what it is, and is refused.
 */
export function toMillionth(number: number): number {
  if (number <= 0) return number + 0
  const nearest = Number(number.toFixed(6))
  return number - nearest <= number * FLOAT_NOISE ? nearest : Number((nearest + 1e-6).toFixed(6))
}

/** What thousands of sums of floats may be off, as a part of what they come to. */
const FLOAT_NOISE = 1e-12
