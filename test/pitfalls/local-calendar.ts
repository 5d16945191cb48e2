/**
 * Days, weeks and months of a zone for tests, found by asking `Intl` what date an instant has there: independent of how
 * the product counts them.
 */
export interface Period {
  readonly since: number
  readonly until: number
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const FORMATS = new Map<string, Intl.DateTimeFormat>()

/** The local date of an instant as `YYYY-MM-DD`. */
export function localDate(at: number, zone: string): string {
  let format = FORMATS.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, calendar: 'gregory', year: 'numeric', month: '2-digit', day: '2-digit' })
    FORMATS.set(zone, format)
  }
  return format.format(at)
}

/** The local time of day of an instant, as `HH:MM`. */
export function localTime(at: number, zone: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', hour: '2-digit', minute: '2-digit' }).format(at)
}

/** What distinguishes a period from its neighbours: the date, the date of the week's Monday, or the month. */
const NAMES = {
  day: (at: number, zone: string): string => localDate(at, zone),
  week: (at: number, zone: string): string => mondayOf(localDate(at, zone)),
  month: (at: number, zone: string): string => localDate(at, zone).slice(0, 7),
}
export type Unit = keyof typeof NAMES

function mondayOf(date: string): string {
  const noon = new Date(`${date}T12:00:00Z`)
  noon.setUTCDate(noon.getUTCDate() - ((noon.getUTCDay() + 6) % 7))
  return noon.toISOString().slice(0, 10)
}

/** The longest that each can last, with room for every change of a clock. */
const LONGEST_MS = { day: 26 * HOUR, week: 170 * HOUR, month: 746 * HOUR } as const

/** The first instant of the period that an instant lies in, and the first after it. */
export function localPeriod(at: number, unit: Unit, zone: string): Period {
  const name = NAMES[unit](at, zone)
  const isWithin = (one: number): boolean => NAMES[unit](one, zone) === name
  return { since: turn(at, at - LONGEST_MS[unit], isWithin), until: turn(at, at + LONGEST_MS[unit], isWithin) }
}

/** The earliest instant on the far side of where a period that `from` lies in ends towards `to`; backwards, its own first. */
function turn(from: number, to: number, isWithin: (at: number) => boolean): number {
  let [inside, outside] = [from, to]
  while (Math.abs(outside - inside) > 1) {
    const middle = Math.floor((inside + outside) / 2)
    if (isWithin(middle)) inside = middle
    else outside = middle
  }
  return to < from ? inside : outside
}
