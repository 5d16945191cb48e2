import { QUANTITY_MAX } from './rate.js'

/**
 * So much for so long: unit-milliseconds, as decimal text of six decimals. Text, because a month of a large quantity is
 * beyond what a number counts exactly.
 */
export type UnitTime = string

export const NO_TIME: UnitTime = '0.000000'

const MICRO = 1_000_000n
const DECIMALS = 6
const HOUR_MS = 3_600_000n

/** `time` and so many units for so many milliseconds more. The quantity has been checked: at most six decimals. */
export function addUnitTime(time: UnitTime, { quantity, ms }: { readonly quantity: number; readonly ms: number }): UnitTime {
  const sum = micro(time) + micro(String(quantity)) * BigInt(ms)
  return `${sum / MICRO}.${String(sum % MICRO).padStart(DECIMALS, '0')}`
}

/**
 * Parts that come to exactly as much, each a quantity that can be priced: whole unit-hours, what is left of one, and what
 * is left of a unit-millisecond. @throws RangeError beyond the largest quantity.
 */
export function partsOfUnitTime(time: UnitTime): readonly { readonly quantity: number; readonly ms: number }[] {
  const whole = micro(time) / MICRO
  if (whole / HOUR_MS > BigInt(QUANTITY_MAX)) throw new RangeError(`${time} unit-milliseconds are more than ${QUANTITY_MAX} unit-hours`)
  return [
    { quantity: Number(whole / HOUR_MS), ms: Number(HOUR_MS) },
    { quantity: 1, ms: Number(whole % HOUR_MS) },
    { quantity: Number(micro(time) % MICRO) / Number(MICRO), ms: 1 },
  ]
}

/** Unit-hours to the nearest of six decimals, for people to read. */
export function unitHours(time: UnitTime): number {
  return Number((2n * micro(time) + HOUR_MS) / (2n * HOUR_MS)) / Number(MICRO)
}

function micro(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.')
  return BigInt(whole) * MICRO + BigInt(fraction.padEnd(DECIMALS, '0'))
}
