/**
 * A calendar for tests, by plain arithmetic on dates and what `Intl` says of an instant's local time: independent of how
 * the product counts months.
 */
export interface WallTime {
  readonly year: number
  /** From 1. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
}

const HOUR = 3_600_000

/** So many months later on the same day, or on the last day of a month that lacks it; a time of day is kept. */
export function monthsLater({ year, month, day, ...time }: WallTime, months: number): WallTime {
  const count = year * 12 + (month - 1) + months
  const later = { year: Math.floor(count / 12), month: (count % 12) + 1 }
  return { ...later, day: Math.min(day, daysIn(later)), ...time }
}

function daysIn({ year, month }: Pick<WallTime, 'year' | 'month'>): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

/** What a wall clock in a zone makes of a local time: once as usual, twice when clocks are set back, never when set forward. */
export interface Found {
  readonly at: number
  readonly occurs: 'once' | 'twice' | 'never'
}

/**
 * The instant of a local time. One that occurs twice is the first of the two; one that never occurs comes as much later
 * as the clocks were set forward, a whole day where a day was left out.
 */
export function instantOf({ year, month, day, hour, minute }: WallTime, zone: string): Found {
  const local = Date.UTC(year, month - 1, day, hour, minute)
  const before = offsetAt(local - 50 * HOUR, zone)
  const after = offsetAt(local + 50 * HOUR, zone)
  const instants = [...new Set([local - before, local - after])].filter((at) => at + offsetAt(at, zone) === local)
  if (instants.length === 0) return { at: local - before, occurs: 'never' }
  return { at: Math.min(...instants), occurs: instants.length === 1 ? 'once' : 'twice' }
}

const FORMATS = new Map<string, Intl.DateTimeFormat>()

/** How far a zone's wall clock is ahead of UTC at an instant, in milliseconds. */
function offsetAt(at: number, zone: string): number {
  let format = FORMATS.get(zone)
  if (format === undefined) {
    const numeric = 'numeric' as const
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone, calendar: 'gregory', hourCycle: 'h23',
      year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric,
    })
    FORMATS.set(zone, format)
  }
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) as number
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')) - at
}
