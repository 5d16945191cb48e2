/** An instant is epoch milliseconds. The clock is asked once a call, by the facade, and passed on as a value. */
export type Instant = number

/** The last instant that a `Date` can hold stands for "never": it sorts after every real instant, in code and in SQL. */
export const NEVER: Instant = 8_640_000_000_000_000

export const SECOND_MS = 1_000
export const MINUTE_MS = 60 * SECOND_MS
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

/** ISO 8601 in UTC with milliseconds; null for {@link NEVER}. */
export function formatInstant(at: Instant): string {
  return new Date(at).toISOString()
}

export function formatInstantOrNull(at: Instant | null): string | null {
  return at === null || at === NEVER ? null : formatInstant(at)
}

const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2}))?$/

/**
 * Reads an instant: ISO 8601 text with an offset (or a bare date, meaning its midnight in UTC), epoch milliseconds
 * or a `Date`. Returns null for anything else: years before 1970, "never" and days that no month has included.
 */
export function parseInstant(value: unknown): Instant | null {
  const at = value instanceof Date ? value.getTime() : typeof value === 'string' ? parseIso(value) : value
  return typeof at === 'number' && Number.isInteger(at) && at >= 0 && at < NEVER ? at : null
}

/** `Date` takes 30 February for 2 March. */
function parseIso(text: string): number | null {
  const [, year, month, day] = ISO.exec(text) ?? []
  const isDay = year !== undefined && new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day)
  return isDay ? Date.parse(text) : null
}
