import type { Threshold } from '../catalog/catalog.js'
import type { MicroCredits } from '../money/credits.js'

/** How pressing it is, in one word that an agent can act on (AX-09). */
export const LEVELS = ['ok', 'low', 'critical', 'exhausted'] as const
export type Level = (typeof LEVELS)[number]

/**
 * The level of a balance by the catalog's thresholds. `base` is the whole of which percentages are said: the period's
 * allowance and what else was held at its start; without a period no percentage applies.
 */
export function levelOf(balance: MicroCredits, base: MicroCredits | null, thresholds: readonly Threshold[]): Level {
  if (balance <= 0n) return 'exhausted'
  let level: Level = 'ok'
  for (const threshold of thresholds) if (isReached(balance, base, threshold)) level = worse(level, threshold.level)
  return level
}

/** The more pressing of two levels. */
export function worse(a: Level, b: Level): Level {
  return LEVELS.indexOf(a) >= LEVELS.indexOf(b) ? a : b
}

/** Whether a balance has fallen to a threshold. */
export function isReached(balance: MicroCredits, base: MicroCredits | null, { limit, when }: Pick<Threshold, 'limit' | 'when'>): boolean {
  if (limit.kind === 'absolute') return when === 'below' ? balance < limit.credits : balance <= limit.credits
  if (base === null || base === 0n) return false
  // Compared by cross multiplication with hundredths of a percent, so that no division rounds.
  const left = balance * 10_000n
  const right = base * BigInt(Math.round(limit.percent * 100))
  return when === 'below' ? left < right : left <= right
}
