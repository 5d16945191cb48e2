import type { z } from 'zod'
import { canonicalJson } from '../catalog/canonical-json.js'
import { CreditError } from '../errors.js'
import { sha256 } from '../ledger/chain.js'
import { InvalidAmount } from '../money/invalid-amount.js'
import { isTimeZone } from '../time/calendar.js'
import { type Instant, parseInstant } from '../time/instant.js'

/** Checks an input against its schema. @throws CreditError `invalid_request` that names each field and what was expected. */
export function readInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => ({ path: issue.path.join('.') || 'input', expected: issue.message }))
  throw new CreditError('invalid_request', problems.map(({ path, expected }) => `${path}: ${expected}`).join('; '), { details: { problems } })
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
  throw new CreditError('invalid_request', `${field} is no instant; expected ISO 8601 text, epoch milliseconds or a Date`, { details: { field } })
}

/** @throws CreditError `invalid_request` */
export function readTimeZone(value: string): string {
  if (isTimeZone(value)) return value
  throw new CreditError('invalid_request', `the time zone is ${JSON.stringify(value)}; expected a name like Europe/Berlin or UTC`, { details: { field: 'timeZone' } })
}

/**
 * What stands for an input when a key is used again: a digest of it without the key, the account that scopes it, and
 * whatever was left out, so that a default written out is the same request. Numbered, so that a later form can differ.
 */
export function fingerprintOf(kind: string, input: Readonly<Record<string, unknown>>): string {
  const { account: _account, idempotencyKey: _key, ...asked } = input
  return `1:${sha256(canonicalJson([kind, asked])).slice(0, 32)}`
}
