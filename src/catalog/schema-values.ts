import { z } from 'zod'
import { parseCredits } from '../money/credits.js'
import { parseUsd } from '../money/fiat.js'
import { InvalidAmount } from '../money/invalid-amount.js'
import { parseQuantity } from '../money/rate.js'

/**
 * An object that refuses fields it does not know. A misspelt `surcharge` would otherwise be a price that silently
 * is not charged, so the refusal names the fields that exist.
 */
export function strict<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape).join(', ')
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? `one of the fields ${known}` : 'an object'),
  })
}

const DECIMAL = /^(0|[1-9]\d{0,15})(\.\d{1,6})?$/
const DECIMAL_WORDS = 'decimal text in quotes, zero or more, at most six decimals, such as "5" or "0.13"'

/** Credits as decimal text. Text, because a reader of YAML or JSON may turn a number into a float before we see it. */
export const credits = z
  .string({ error: `credits as ${DECIMAL_WORDS}` })
  .regex(DECIMAL, `credits as ${DECIMAL_WORDS}`)
  .refine((text) => !DECIMAL.test(text) || accepts(() => parseCredits(text, 'credits')), 'at most "2000000000" credits')

const HOURLY_WORDS =
  'credits as decimal text in quotes, zero or more, at most nine decimals, such as "0.5" or "0.000000125"'

/** Credits for an hour of one unit. What is cheap by the month is far less than a millionth of a credit by the hour. */
export const creditsPerHour = z
  .string({ error: HOURLY_WORDS })
  .regex(/^(0|[1-9]\d{0,6})(\.\d{1,9})?$/, HOURLY_WORDS)
  .refine((text) => Number(text) <= 1_000_000, 'at most "1000000" credits an hour')

/** Dollars as decimal text. */
export const usd = z
  .string({ error: `dollars as ${DECIMAL_WORDS}` })
  .regex(DECIMAL, `dollars as ${DECIMAL_WORDS}`)
  .refine((text) => !DECIMAL.test(text) || accepts(() => parseUsd(text, 'usd')), 'at most "2000000000" dollars')

const QUANTITY_WORDS = 'a number from 0 to 1000000000000 with at most six decimals'

/** A count of units: a plain number, because quantities are what callers send as JSON numbers. */
export const quantity = z
  .number({ error: QUANTITY_WORDS })
  .refine((value) => accepts(() => parseQuantity(value, 'quantity')), QUANTITY_WORDS)

export const positiveQuantity = quantity.refine((value) => value > 0, 'a number above 0')

const SEGMENT = '[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*'

/** Dotted lower case, category first: `image.generate`. One word is enough where the category is the operation: `translate`. */
export const operationId = z
  .string({ error: 'the id of an operation' })
  .max(100, 'an id of at most 100 characters')
  .regex(
    new RegExp(`^${SEGMENT}(?:\\.${SEGMENT})*$`),
    'a dotted lower-case id, category first, such as "image.generate"',
  )

/** Ids of catalogs, plans, packs, recurring items, variants and categories. */
export const slug = z
  .string({ error: 'an id' })
  .max(100, 'an id of at most 100 characters')
  .regex(
    /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/,
    'a lower-case id of letters, digits and - _ . between them, such as "usd-20"',
  )

export const label = z
  .string({ error: 'a text' })
  .min(1, 'a text that is not empty')
  .max(1000, 'a text of at most 1000 characters')

export const assumed = z
  .literal(true, { error: 'true, or no such field' })
  .optional()
  .describe('This figure is ours: the document that the catalog follows does not give it.')

export const noun = strict({
  name: label.describe('One of it: "minute".'),
  plural: label.describe('Several of it: "minutes".'),
})

function accepts(read: () => unknown): boolean {
  try {
    read()
    return true
  } catch (error) {
    if (error instanceof InvalidAmount) return false
    throw error
  }
}
