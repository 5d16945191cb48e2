/**
 * The calendar of a zone by nothing but what `Intl` says an instant reads on a wall there. Slow and plain: an instant is
 * found from a wall's reading by trying the offsets around it.
 */

export interface Wall {
  readonly year: number
  readonly month: number
  readonly day: number
  /** Milliseconds since the wall's midnight. */
  readonly time: number
}

const DAY_MS = 86_400_000

const FORMATS = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = FORMATS.get(zone)
  if (format === undefined) {
    const numeric = 'numeric' as const
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone, hourCycle: 'h23', era: 'short', year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric,
    })
    FORMATS.set(zone, format)
  }
  return format
}

/** What a wall in the zone reads, as if the wall were in UTC. */
function readingAt(at: number, zone: string): number {
  if (zone === 'UTC') return at
  const whole = Math.floor(at / 1_000) * 1_000
  const parts: Record<string, number> = {}
  for (const { type, value } of formatOf(zone).formatToParts(whole)) parts[type] = Number(value)
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts
  return Date.UTC(year, month - 1, day, hour, minute, second) + (at - whole)
}

export function wallAt(at: number, zone: string): Wall {
  const reading = readingAt(at, zone)
  const date = new Date(reading)
  return { year: date.getUTCFullYear(), month: date.getUTCMonth(), day: date.getUTCDate(), time: reading - Math.floor(reading / DAY_MS) * DAY_MS }
}

/** The instant at which a wall reads so: the earlier where it does twice, as much later as the clock jumps where it never does. */
export function instantOf({ year, month, day, time }: Wall, zone: string): number {
  const reading = Date.UTC(year, month, day) + time
  if (zone === 'UTC') return reading
  const offsets = [...new Set([reading - DAY_MS, reading + DAY_MS].map((at) => readingAt(at, zone) - at))]
  const found = offsets.map((offset) => reading - offset).filter((at) => readingAt(at, zone) === reading)
  if (found.length > 0) return Math.min(...found)
  const before = readingAt(reading - DAY_MS, zone) - (reading - DAY_MS)
  return reading - before
}

/** So many months after an anchor, at the same reading, on the last day of months that are too short. */
export function monthsAfter(anchor: number, months: number, zone: string): number {
  const { year, month, day, time } = wallAt(anchor, zone)
  const lastDay = new Date(Date.UTC(year, month + months + 1, 0)).getUTCDate()
  const first = new Date(Date.UTC(year, month + months, 1))
  return instantOf({ year: first.getUTCFullYear(), month: first.getUTCMonth(), day: Math.min(day, lastDay), time }, zone)
}

export interface Span {
  readonly since: number
  readonly until: number
}

/** The day, week (from Monday on) or month of the zone that an instant is in. */
export function calendarSpan(at: number, unit: 'day' | 'week' | 'month', zone: string): Span {
  const { year, month, day } = wallAt(at, zone)
  const midnight = (date: number, ofMonth: number): number => {
    const first = new Date(Date.UTC(year, ofMonth, date))
    return instantOf({ year: first.getUTCFullYear(), month: first.getUTCMonth(), day: first.getUTCDate(), time: 0 }, zone)
  }
  if (unit === 'month') return { since: midnight(1, month), until: midnight(1, month + 1) }
  const back = unit === 'day' ? 0 : (new Date(Date.UTC(year, month, day)).getUTCDay() + 6) % 7
  return { since: midnight(day - back, month), until: midnight(day - back + (unit === 'day' ? 1 : 7), month) }
}

/** The month of a rhythm that an instant is in. */
export function rhythmSpan(anchor: number, at: number, zone: string): Span {
  let months = 0
  while (monthsAfter(anchor, months + 1, zone) <= at) months += 1
  return { since: monthsAfter(anchor, months, zone), until: monthsAfter(anchor, months + 1, zone) }
}
