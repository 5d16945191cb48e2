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
