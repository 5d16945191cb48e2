/**
 * A number that somebody has computed, as far as amounts and quantities go: 0.1 + 0.2 has seventeen decimals, 100 / 60 has no
 * end of them, and the ledger takes six.
 */
export function toMillionth(number: number): number {
  return Number(number.toFixed(6)) + 0
}
