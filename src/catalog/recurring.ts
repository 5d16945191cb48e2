import type { MicroCredits } from '../money/credits.js'
import { InvalidAmount } from '../money/invalid-amount.js'
import { amountForAll, parseQuantity } from '../money/rate.js'
import type { RecurringItem } from './catalog.js'

/** A stretch of time through which a quantity did not change. */
export interface RecurringSegment {
  readonly quantity: number
  readonly ms: number
}

const HOUR_MS = 3_600_000

/**
 * What was kept costs for all segments together (ND-21). Exact to the millisecond and rounded up to the next micro-credit
 * once, so that it does not matter how often a quantity changed and changed back.
 *
 * @throws InvalidAmount for a quantity or a time that is none, and where the sum exceeds AMOUNT_MAX.
 */
export function recurringCost(
  { pricePerUnitHour }: Pick<RecurringItem, 'pricePerUnitHour'>,
  segments: readonly RecurringSegment[],
): MicroCredits {
  const portions = [...timeByQuantity(segments)].map(([quantity, ms]) => ({
    quantity,
    // The price of one unit for so many milliseconds, of which there are `per` to the hours that the price is for.
    rate: { amount: pricePerUnitHour.amount * BigInt(ms), per: pricePerUnitHour.per * HOUR_MS },
  }))
  return amountForAll(portions)
}

/** Equal quantities are one portion, so that the work grows with the quantities there were and not with the changes. */
function timeByQuantity(segments: readonly RecurringSegment[]): ReadonlyMap<number, number> {
  const times = new Map<number, number>()
  for (const { quantity, ms } of segments) {
    const counted = parseQuantity(quantity, 'quantity')
    if (!Number.isSafeInteger(ms) || ms < 0) throw new InvalidAmount('ms', ms, 'whole milliseconds, zero or more')
    times.set(counted, (times.get(counted) ?? 0) + ms)
  }
  return times
}
