import { describe, expect, it } from 'vitest'
import { calendarPeriod, isTimeZone, monthBoundary } from '../../src/time/calendar.js'
import { formatInstant, HOUR_MS } from '../../src/time/instant.js'

const at = (text: string) => Date.parse(text)

describe('periods of the calendar', () => {
  it.each([
    ['UTC', 'day', '2026-03-10T23:59:59.999Z', '2026-03-10', '2026-03-10T00:00:00.000Z', '2026-03-11T00:00:00.000Z'],
    ['Europe/Berlin', 'day', '2026-03-10T23:00:00Z', '2026-03-11', '2026-03-10T23:00:00.000Z', '2026-03-11T23:00:00.000Z'],
    ['Asia/Kathmandu', 'day', '2026-03-10T18:15:00Z', '2026-03-11', '2026-03-10T18:15:00.000Z', '2026-03-11T18:15:00.000Z'],
    ['Pacific/Kiritimati', 'day', '2026-03-10T10:00:00Z', '2026-03-11', '2026-03-10T10:00:00.000Z', '2026-03-11T10:00:00.000Z'],
    ['Etc/GMT+12', 'day', '2026-03-10T11:59:59Z', '2026-03-09', '2026-03-09T12:00:00.000Z', '2026-03-10T12:00:00.000Z'],
    ['UTC', 'week', '2026-03-15T23:59:59Z', '2026-03-09', '2026-03-09T00:00:00.000Z', '2026-03-16T00:00:00.000Z'],
    ['UTC', 'week', '2026-01-01T00:00:00Z', '2025-12-29', '2025-12-29T00:00:00.000Z', '2026-01-05T00:00:00.000Z'],
    ['Asia/Shanghai', 'month', '2026-01-31T16:00:00Z', '2026-02', '2026-01-31T16:00:00.000Z', '2026-02-28T16:00:00.000Z'],
  ] as const)('in %s the %s of %s is %s', (zone, unit, instant, key, since, until) => {
    const period = calendarPeriod(at(instant), unit, zone)
    expect({ key: period.key, since: formatInstant(period.since), until: formatInstant(period.until) }).toEqual({ key, since, until })
  })

  it('a day of a clock change has 23 or 25 hours, and one whose midnight is skipped begins with its first instant', () => {
    const hours = (text: string, zone: string) => {
      const { since, until } = calendarPeriod(at(text), 'day', zone)
      return (until - since) / HOUR_MS
    }
    expect([hours('2026-03-29T12:00:00Z', 'Europe/Berlin'), hours('2026-10-25T12:00:00Z', 'Europe/Berlin')]).toEqual([23, 25])
    expect(hours('2026-03-08T12:00:00Z', 'America/Havana')).toBe(23)
    expect(formatInstant(calendarPeriod(at('2026-03-08T12:00:00Z'), 'day', 'America/Havana').since)).toBe('2026-03-08T05:00:00.000Z')
  })
})

describe('months', () => {
  it.each([
    ['a time that is skipped, as much later', '2013-01-31T01:30:00Z', 2, 'Europe/Berlin', '2013-03-31T01:30:00.000Z'],
    ['a time that comes twice, the first of the two', '2010-08-31T00:30:00Z', 2, 'Europe/Berlin', '2010-10-31T00:30:00.000Z'],
    ['a skipped half hour, half an hour later', '2004-08-30T15:45:00Z', 2, 'Australia/Lord_Howe', '2004-10-30T15:45:00.000Z'],
    ['a day that never was, a day later', '2011-10-30T20:00:00Z', 2, 'Pacific/Apia', '2011-12-30T20:00:00.000Z'],
    ['the month after that day, its own day', '2011-10-30T20:00:00Z', 3, 'Pacific/Apia', '2012-01-29T20:00:00.000Z'],
    ['the last day of a shorter month, as the zone counts days', '2026-01-30T23:00:00Z', 1, 'Pacific/Kiritimati', '2026-02-27T23:00:00.000Z'],
  ] as const)('come to %s', (_, anchor, months, zone, expected) => {
    expect(formatInstant(monthBoundary(at(anchor), months, zone))).toBe(expected)
  })

  it('are counted from the anchor, clamped to shorter months, and come back to its day', () => {
    const anchor = at('2026-01-31T09:00:00Z')
    const dates = [0, 1, 2, 3, 12, 25].map((months) => formatInstant(monthBoundary(anchor, months, 'UTC')).slice(0, 10))
    expect(dates).toEqual(['2026-01-31', '2026-02-28', '2026-03-31', '2026-04-30', '2027-01-31', '2028-02-29'])
  })

  it("keep the zone's time of day over a clock change", () => {
    expect(formatInstant(monthBoundary(at('2026-03-01T08:00:00Z'), 1, 'Europe/Berlin'))).toBe('2026-04-01T07:00:00.000Z')
  })
})

it('a zone is a name of the IANA database', () => {
  expect(['UTC', 'Europe/Berlin', 'Asia/Kolkata'].map(isTimeZone)).toEqual([true, true, true])
  expect(['+02:00', 'Nowhere/City', '', '../etc'].map(isTimeZone)).toEqual([false, false, false, false])
})
