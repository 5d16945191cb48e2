import { MICRO_PER_CREDIT, type MicroCredits } from './credits.js'
import { InvalidAmount } from './invalid-amount.js'

/**
 * Real money, kept apart from credits by its type: whole millionths of a dollar as a number, never a bigint,
 * because a bigint is micro-credits everywhere.
 */
export interface Fiat {
  readonly currency: 'USD'
  readonly millionths: number
}

const USD = /^(0|[1-9]\d{0,9})(?:\.(\d{1,6}))?$/

/** Two billion dollars: as many millionths as a number still counts exactly. */
const USD_MAX_MILLIONTHS = 2_000_000_000 * 1e6

/** Reads dollars from decimal text of at most six decimals. @throws InvalidAmount for anything else, and over two billion. */
export function parseUsd(value: unknown, field: string): Fiat {
  const match = typeof value === 'string' ? USD.exec(value) : null
  if (match === null) throw new InvalidAmount(field, value, 'dollars as decimal text with at most six decimals')
  const millionths = Number(match[1]) * 1e6 + Number((match[2] ?? '').padEnd(6, '0'))
  if (millionths > USD_MAX_MILLIONTHS) throw new InvalidAmount(field, value, 'at most 2000000000 dollars')
  return { currency: 'USD', millionths }
}

/** What `amount` is worth where a credit is worth `creditUsd`, to the nearest millionth of a dollar. For showing, never for charging. */
export function usdFor(amount: MicroCredits, creditUsd: Fiat): Fiat {
  return fiat(nearest(amount * BigInt(creditUsd.millionths), MICRO_PER_CREDIT))
}

const MILLIONTHS_PER_CENT = 10_000n

/** What `part` of `whole` is of a price: exact, then rounded down to the cent, so that nobody is given back more than they paid for it. */
export function shareOfUsd(price: Fiat, { part, whole }: { readonly part: MicroCredits; readonly whole: MicroCredits }): Fiat {
  return fiat(((BigInt(price.millionths) * part) / (whole * MILLIONTHS_PER_CENT)) * MILLIONTHS_PER_CENT)
}

/** A price of one credit is written as short as it stays within this part of the exact one: $9.99 for 1,000 is $0.01 each. */
const SHORTENED_BY_AT_MOST = 500n
const DECIMALS_MAX = 12

/**
 * What one credit costs where `credits` cost `price`, in dollars: the shortest decimal within two thousandths of the exact
 * figure, as people write it. For showing, never for charging. Null where nothing is paid or nothing is given.
 */
export function usdPerCredit(price: Fiat, credits: MicroCredits): number | null {
  if (price.millionths === 0 || credits === 0n) return null
  for (let decimals = 0; decimals <= DECIMALS_MAX; decimals += 1) {
    // A millionth of a dollar for a micro-credit is a dollar for a credit, so that the two scales cancel out.
    const exact = BigInt(price.millionths) * 10n ** BigInt(decimals)
    const rounded = nearest(exact, credits)
    const error = rounded * credits - exact
    if ((error < 0n ? -error : error) * SHORTENED_BY_AT_MOST <= exact) return Number(`${rounded}e-${decimals}`)
  }
  return price.millionths / Number(credits)
}

/** Dollars as a JSON number. */
export function toUsd(value: Fiat): number {
  return value.millionths / 1e6
}

/** Dollars for people: at least two decimals, more only where the value has them: `$0.05`, `$10.00`, `$0.00476`. */
export function formatUsd(value: Fiat): string {
  const fraction = String(value.millionths % 1e6)
    .padStart(6, '0')
    .replace(/0{1,4}$/, '')
  return `$${Math.floor(value.millionths / 1e6)}.${fraction}`
}

function nearest(numerator: bigint, denominator: bigint): bigint {
  return (2n * numerator + denominator) / (2n * denominator)
}

function fiat(millionths: bigint): Fiat {
  if (millionths > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new RangeError(`${millionths} millionths of a dollar exceed what a number holds exactly; narrow the report`)
  }
  return { currency: 'USD', millionths: Number(millionths) }
}
