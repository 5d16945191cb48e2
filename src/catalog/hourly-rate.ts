import { parseCredits } from '../money/credits.js'
import type { Rate } from '../money/rate.js'

const DECIMALS_OF_CREDITS = 6

/**
 * A checked price of an hour as a rate: what stands beyond the sixth decimal makes it the price of ten, a hundred or a
 * thousand hours, so that the amount is whole micro-credits and nothing is rounded before the hours are known.
 */
export function hourlyRate(text: string): Rate {
  const [whole = '', decimals = ''] = text.split('.')
  const fraction = decimals.replace(/0+$/, '')
  const shift = Math.max(fraction.length - DECIMALS_OF_CREDITS, 0)
  const shifted = `${whole}${fraction.slice(0, shift)}.${fraction.slice(shift).padEnd(1, '0')}`
  return { amount: parseCredits(shifted, 'price_per_unit_hour'), per: 10 ** shift }
}
