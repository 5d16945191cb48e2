import { InvalidAmount } from './invalid-amount.js'

/**
 * Money is integer micro-credits. In a signature, a field or a row type a `bigint` is micro-credits and
 * nothing else is one, so that no float and no other integer can be mistaken for an amount.
 */
export type MicroCredits = bigint

export const MICRO_PER_CREDIT = 1_000_000n

/**
 * Two billion credits bounds every amount, balance and lifetime counter. Below it a JSON number of credits with
 * six decimals is exact in both directions (2·10¹⁵ < 2⁵³), so that doors need no strings for money.
 */
export const AMOUNT_MAX: MicroCredits = 2_000_000_000n * MICRO_PER_CREDIT

const DECIMAL = /^(-?)(\d{1,16})(?:\.(\d{1,6}))?$/

/**
 * Reads an amount of credits, a number or a decimal text of at most six decimals, as micro-credits.
 *
 * Numbers are read by their shortest decimal form, never by multiplication: 1.005 is 1005000, and 0.1 + 0.2 is
 * refused because it is not a number of at most six decimals.
 *
 * @throws InvalidAmount for anything that is not such a number: -0, NaN, Infinity, more decimals, over AMOUNT_MAX.
 */
export function parseSignedCredits(value: unknown, field: string): MicroCredits {
  if (Object.is(value, -0)) throw new InvalidAmount(field, value, 'a number of credits; -0 is not one')
  if (typeof value !== 'number' && typeof value !== 'string') throw new InvalidAmount(field, value, 'a number of credits')
  const match = DECIMAL.exec(String(value))
  if (match === null) throw new InvalidAmount(field, value, 'a number of credits with at most six decimals')
  const [, sign, whole, fraction = ''] = match
  const magnitude = BigInt(whole as string) * MICRO_PER_CREDIT + BigInt(fraction.padEnd(6, '0'))
  if (magnitude > AMOUNT_MAX) throw new InvalidAmount(field, value, 'at most 2000000000 credits')
  if (sign === '-' && magnitude === 0n) throw new InvalidAmount(field, value, 'a number of credits; -0 is not one')
  return sign === '-' ? -magnitude : magnitude
}

/** Reads an amount that may be zero but not negative. See {@link parseSignedCredits}. */
export function parseCredits(value: unknown, field: string): MicroCredits {
  const amount = parseSignedCredits(value, field)
  if (amount < 0n) throw new InvalidAmount(field, value, 'zero or more credits')
  return amount
}

/** Reads an amount above zero. See {@link parseSignedCredits}. */
export function parsePositiveCredits(value: unknown, field: string): MicroCredits {
  const amount = parseSignedCredits(value, field)
  if (amount <= 0n) throw new InvalidAmount(field, value, 'more than zero credits')
  return amount
}

/** Credits as a JSON number, exact because no amount exceeds {@link AMOUNT_MAX}; a larger one is a bug or a report's overflow. */
export function toCredits(amount: MicroCredits): number {
  if (amount > AMOUNT_MAX || amount < -AMOUNT_MAX) {
    throw new RangeError(`${amount} micro-credits exceed what a JSON number holds exactly; narrow the report`)
  }
  return Number(amount) / 1e6
}

/** Credits as decimal text without trailing zeros: `12`, `0.02`, `-3.5`. */
export function formatCredits(amount: MicroCredits): string {
  const sign = amount < 0n ? '-' : ''
  const magnitude = amount < 0n ? -amount : amount
  const fraction = String(magnitude % MICRO_PER_CREDIT).padStart(6, '0').replace(/0+$/, '')
  return `${sign}${magnitude / MICRO_PER_CREDIT}${fraction === '' ? '' : `.${fraction}`}`
}

export function smaller(a: MicroCredits, b: MicroCredits): MicroCredits {
  return a < b ? a : b
}

/** An amount in a sentence: `1 credit`, `0.5 credits`. */
export function creditWords(amount: MicroCredits): string {
  return `${formatCredits(amount)} ${amount === MICRO_PER_CREDIT ? 'credit' : 'credits'}`
}
