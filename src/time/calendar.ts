import { Temporal } from 'temporal-polyfill'
import { DAY_MS, type Instant } from './instant.js'

/** Whether `zone` is a time zone of the IANA database, the only zones that know their own history and rules. */
export function isTimeZone(zone: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone)
    return !/^[+-]/.test(zone)
  } catch {
    return false
  }
}

/**
 * Boundary n of a monthly rhythm: the anchor's local date and time plus n months, clamped to the last day of shorter
 * months. Always counted from the original anchor, never from the boundary before, so that the 31st comes back after
 * February (ND-20, T22). A local time skipped by a clock change moves forward, a repeated one is the earlier.
 */
export function monthBoundary(anchorAt: Instant, months: number, timeZone: string): Instant {
  const anchor = Temporal.Instant.fromEpochMilliseconds(anchorAt).toZonedDateTimeISO(timeZone)
  const local = anchor.toPlainDateTime().add({ months }, { overflow: 'constrain' })
  return local.toZonedDateTime(timeZone, { disambiguation: 'compatible' }).epochMilliseconds
}

/**
 * The period of a monthly rhythm that an instant falls in, from an anchor at or before it: for whatever has months of
 * its own and keeps no boundaries.
 */
export function monthPeriod(anchorAt: Instant, at: Instant, timeZone: string): { readonly since: Instant; readonly until: Instant } {
  // At least so many have passed; the rest is a few steps, one for every two years and a half.
  let months = Math.floor((at - anchorAt) / LONGEST_MONTH_MS)
  let until = monthBoundary(anchorAt, months + 1, timeZone)
  while (until <= at) {
    months += 1
    until = monthBoundary(anchorAt, months + 1, timeZone)
  }
  return { since: monthBoundary(anchorAt, months, timeZone), until }
}

/** With a day more than any month has, so that no change of a clock or calendar makes a month longer. */
const LONGEST_MONTH_MS = 32 * DAY_MS

/** An instant as a person in `timeZone` would write it: `2026-12-01 00:00 Europe/Berlin`. */
export function formatLocal(at: Instant, timeZone: string): string {
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone)
  return `${local.toPlainDate().toString()} ${local.toPlainTime().toString({ smallestUnit: 'minute' })} ${timeZone}`
}

export const CALENDAR_UNITS = ['day', 'week', 'month'] as const
export type CalendarUnit = (typeof CALENDAR_UNITS)[number]

/** A day, ISO week or month of a zone's calendar: `YYYY-MM-DD` of the day, of the week's Monday, or `YYYY-MM`. */
export interface CalendarPeriod {
  readonly key: string
  readonly since: Instant
  /** Exclusive: the next period's first instant. */
  readonly until: Instant
}

/**
 * The period of the calendar that an instant falls in. Days run from one local midnight to the next, so that the days of
 * a clock change have 23 or 25 hours (T21); where midnight itself is skipped, the day begins with its first instant.
 */
export function calendarPeriod(at: Instant, unit: CalendarUnit, timeZone: string): CalendarPeriod {
  const date = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone).toPlainDate()
  const first = unit === 'day' ? date : unit === 'week' ? date.subtract({ days: date.dayOfWeek - 1 }) : date.with({ day: 1 })
  const next = first.add(unit === 'day' ? { days: 1 } : unit === 'week' ? { days: 7 } : { months: 1 })
  return {
    key: unit === 'month' ? first.toPlainYearMonth().toString() : first.toString(),
    since: first.toZonedDateTime(timeZone).epochMilliseconds,
    until: next.toZonedDateTime(timeZone).epochMilliseconds,
  }
}

/**
 * A period by its name: the running `day`, `week` or `month`, a month `YYYY-MM` or a day `YYYY-MM-DD`, in a zone's
 * calendar. Null for what names none.
 */
export function namedPeriod(name: string, at: Instant, timeZone: string): CalendarPeriod | null {
  const unit = CALENDAR_UNITS.find((one) => one === name)
  if (unit !== undefined) return calendarPeriod(at, unit, timeZone)
  const [, month, day] = /^(\d{4}-\d{2})(-\d{2})?$/.exec(name) ?? []
  if (month === undefined) return null
  try {
    const date = Temporal.PlainDate.from(`${month}${day ?? '-01'}`)
    return calendarPeriod(date.toZonedDateTime(timeZone).epochMilliseconds, day === undefined ? 'month' : 'day', timeZone)
  } catch {
    return null
  }
}
