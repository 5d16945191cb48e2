import { AMOUNT_MAX, type MicroCredits } from './credits.js'
import { InvalidAmount } from './invalid-amount.js'

/** A price per unit as a ratio, so that "3 credits per million tokens" is exact: `amount` for every `per` units. */
export interface Rate {
  readonly amount: MicroCredits
  readonly per: number
}

/** Quantities (minutes, tokens, languages) are numbers with at most six decimals, up to a thousand billion. */
export const QUANTITY_MAX = 1e12

const QUANTITY = /^(\d{1,13})(?:\.(\d{1,6}))?$/

/** Checks a quantity. @throws InvalidAmount for negative, -0, NaN, Infinity, more than six decimals, over QUANTITY_MAX. */
export function parseQuantity(value: unknown, field: string): number {
  if (typeof value !== 'number' || Object.is(value, -0)) throw new InvalidAmount(field, value, 'a number, zero or more')
  if (!QUANTITY.test(String(value)) || value > QUANTITY_MAX) {
    throw new InvalidAmount(field, value, `a number from 0 to ${QUANTITY_MAX} with at most six decimals`)
  }
  return value
}

/**
 * What `quantity` units cost at `rate`: multiplied first, divided once, rounded up to the next micro-credit once.
 * Rounding up means a vendor is never short and a line is at most a millionth of a credit too dear.
 *
 * @throws InvalidAmount when the product exceeds AMOUNT_MAX.
 */
export function amountFor(quantity: number, rate: Rate): MicroCredits {
  return amountForAll([{ quantity, rate }])
}

/** A quantity with the rate that holds for it: one tier's share, or one component of a usage. */
export interface Portion {
  readonly quantity: number
  readonly rate: Rate
}

/**
 * What all portions of one line cost together. The fractions are added before the one rounding, so that a line of
 * many portions is at most a millionth of a credit too dear, as a line of one is.
 *
 * @throws InvalidAmount when the sum exceeds AMOUNT_MAX.
 */
export function amountForAll(portions: readonly Portion[]): MicroCredits {
  let numerator = 0n
  let denominator = 1n
  for (const { quantity, rate } of portions) {
    const per = scaled(rate.per)
    numerator = numerator * per + scaled(quantity) * rate.amount * denominator
    denominator *= per
  }
  const amount = divideUp(numerator, denominator)
  if (amount > AMOUNT_MAX) {
    const quantity = portions.reduce((sum, portion) => sum + portion.quantity, 0)
    throw new InvalidAmount('quantity', quantity, 'a quantity whose price is at most 2000000000 credits')
  }
  return amount
}

/** `quantity` raised to the next multiple of `increment`: a started minute counts whole (SN-03). */
export function roundUpTo(quantity: number, increment: number): number {
  const steps = divideUp(scaled(quantity), scaled(increment))
  return unscaled(steps * scaled(increment))
}

const SCALE = 1_000_000n

/** A checked quantity times a million, exactly: by its decimal text, never by float multiplication. */
function scaled(quantity: number): bigint {
  if (Number.isInteger(quantity) && quantity >= 0 && quantity <= QUANTITY_MAX) return BigInt(quantity) * SCALE
  const match = QUANTITY.exec(String(quantity))
  if (match === null) throw new InvalidAmount('quantity', quantity, 'a number with at most six decimals')
  return BigInt(match[1] as string) * SCALE + BigInt((match[2] ?? '').padEnd(6, '0'))
}

function unscaled(value: bigint): number {
  return Number(value) / 1e6
}

function divideUp(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator
}
