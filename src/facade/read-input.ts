import type { z } from 'zod'
import { canonicalJson } from '../catalog/canonical-json.js'
import { CreditError } from '../errors.js'
import { InvalidAmount } from '../money/invalid-amount.js'
import { isTimeZone } from '../time/calendar.js'
import { DAY_MS, HOUR_MS, type Instant, MINUTE_MS, parseInstant, SECOND_MS } from '../time/instant.js'
import { LOST_NAME } from './json-value.js'
import { fieldOf, foundWords, problemWords } from './problem-words.js'

/** Somebody mends a handful of fields at a time; an input of a million bad ones must not make an answer as long. */
const PROBLEMS_MAX = 10

/**
 * Checks an input against its schema.
 *
 * @param of the field that the input is, where it is part of another
 * @throws CreditError `invalid_request` that names each field, what was expected and what was found
 */
export function readInput<Schema extends z.ZodType>(schema: Schema, input: unknown, of: string | null = null): z.output<Schema> {
  refuseLostNames(input)
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.slice(0, PROBLEMS_MAX).map((issue) => ({ path: fieldOf(issue, of), expected: problemWords(issue, input) }))
  throw new CreditError('invalid_request', problems.map(({ path, expected }) => `${path}: ${expected}`).join('; '), { details: { problems } })
}

/** A label of this name would be left out by every copy that is made of it. @throws CreditError `invalid_request` */
function refuseLostNames(input: unknown): void {
  if (typeof input !== 'object' || input === null) return
  for (const [field, member] of Object.entries(input)) {
    if (typeof member !== 'object' || member === null || !Object.hasOwn(member, LOST_NAME)) continue
    throw new CreditError('invalid_request', `${field}: expected names other than ${LOST_NAME}`, { details: { field } })
  }
}

/** Reads an amount by one of the money room's readers. @throws CreditError `invalid_amount` */
export function readAmount<T>(read: (value: unknown, field: string) => T, value: unknown, field: string): T {
  try {
    return read(value, field)
  } catch (error) {
    if (error instanceof InvalidAmount) throw new CreditError('invalid_amount', error.message, { details: { field }, cause: error })
    throw error
  }
}

/** An instant that may be left out. @throws CreditError `invalid_request` */
export function readInstant(value: unknown, field: string): Instant | null {
  if (value === undefined || value === null) return null
  const at = parseInstant(value)
  if (at !== null) return at
  throw new CreditError('invalid_request', `${field} is ${foundWords(value)}; expected an instant: ISO 8601 text with a zone, epoch milliseconds or a Date`, { details: { field } })
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS }

/** A length of time: `30d`, `12h`, or milliseconds as a number. @throws CreditError `invalid_request` */
export function readDuration(value: string | number, field: string): number {
  const [, count, unit] = /^(\d{1,12})(ms|s|m|h|d|w)$/.exec(String(value)) ?? []
  const ms = typeof value === 'number' ? value : Number(count) * (UNIT_MS[unit ?? ''] ?? Number.NaN)
  if (Number.isSafeInteger(ms) && ms > 0) return ms
  throw new CreditError('invalid_request', `${field} is ${foundWords(value)}; expected a length of time such as 30d, 12h or 15m`, { details: { field } })
}

/** @throws CreditError `invalid_request` */
export function readTimeZone(value: string): string {
  if (isTimeZone(value)) return value
  throw new CreditError('invalid_request', `timeZone is ${foundWords(value)}; expected a name like Europe/Berlin or UTC`, { details: { field: 'timeZone' } })
}

/**
 * What a command asks for, as one text: the same text for the same request however it was written (`10` or `'10'`, an
 * instant as a `Date` or as ISO text, a default left out or written out). The account is not in it, for it scopes the
 * key. The core keeps a digest of it. Facts stand in the order in which they are read; what a caller wrote is sorted.
 */
export function fingerprintOf(kind: string, facts: object): string {
  return kind + textOf(facts)
}

/** As JSON with amounts as text. By hand, for a function that is asked about every member costs more than a charge's decision. */
function textOf(value: unknown): string {
  if (typeof value === 'bigint') return `"${value}"`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`
  let members = ''
  for (const name of Object.keys(value)) {
    const member = (value as Readonly<Record<string, unknown>>)[name]
    if (member === undefined) continue
    const text = CALLERS_OWN.has(name) && member !== null ? JSON.stringify(canonicalJson(member)) : textOf(member)
    members += `${members === '' ? '' : ','}${PLAIN.test(name) ? `"${name}"` : JSON.stringify(name)}:${text}`
  }
  return `{${members}}`
}

/** A name that needs no escaping, as those of all our own fields. */
const PLAIN = /^\w+$/

const CALLERS_OWN: ReadonlySet<string> = new Set(['args', 'labels', 'usage'])
