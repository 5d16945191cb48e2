import { z } from 'zod'
import { formatCredits, type MicroCredits, parseCredits } from '../money/credits.js'
import { priceFromDocument, priceToDocument } from './price.js'
import type { Priced, PricedLine } from './priced.js'
import { priceSchema } from './schema-price.js'
import { credits, quantity } from './schema-values.js'

const lineSchema = z.strictObject({
  name: z.string(),
  operation: z.string(),
  variant: z.string().nullable(),
  quantity,
  unit_price: credits.nullable(),
  minimum: credits,
  maximum: credits,
  exact: z.boolean(),
  price: priceSchema,
  has_own_quantity: z.boolean(),
})

const pricedSchema = z.strictObject({
  operation: z.string(),
  variant: z.string().nullable(),
  quantity,
  minimum: credits,
  maximum: credits,
  exact: z.boolean(),
  lines: z.array(lineSchema),
  requires_plan: z.array(z.string()),
})

export type PricedJson = z.infer<typeof pricedSchema>

/** A price as JSON, amounts as decimal text: what a reservation keeps, and settles by whatever the catalog has become. */
export function pricedToJson(priced: Priced): PricedJson {
  return {
    operation: priced.operation,
    variant: priced.variant,
    quantity: priced.quantity,
    minimum: formatCredits(priced.minimum),
    maximum: formatCredits(priced.maximum),
    exact: priced.exact,
    lines: priced.lines.map(lineToJson),
    requires_plan: [...priced.requiresPlan],
  }
}

/** The inverse of {@link pricedToJson}. @throws ZodError for a value that it did not write: a damaged row must not price. */
export function pricedFromJson(json: unknown): Priced {
  const stored = pricedSchema.parse(json)
  return {
    kind: 'priced',
    operation: stored.operation,
    variant: stored.variant,
    quantity: stored.quantity,
    minimum: read(stored.minimum),
    maximum: read(stored.maximum),
    exact: stored.exact,
    lines: stored.lines.map(lineFromJson),
    requiresPlan: stored.requires_plan,
  }
}

function lineToJson(line: PricedLine): PricedJson['lines'][number] {
  return {
    name: line.name,
    operation: line.operation,
    variant: line.variant,
    quantity: line.quantity,
    unit_price: line.unitPrice === null ? null : formatCredits(line.unitPrice),
    minimum: formatCredits(line.minimum),
    maximum: formatCredits(line.maximum),
    exact: line.exact,
    price: priceToDocument(line.price),
    has_own_quantity: line.hasOwnQuantity,
  }
}

function lineFromJson(line: PricedJson['lines'][number]): PricedLine {
  return {
    name: line.name,
    operation: line.operation,
    variant: line.variant,
    quantity: line.quantity,
    unitPrice: line.unit_price === null ? null : read(line.unit_price),
    minimum: read(line.minimum),
    maximum: read(line.maximum),
    exact: line.exact,
    price: priceFromDocument(line.price),
    hasOwnQuantity: line.has_own_quantity,
  }
}

function read(text: string): MicroCredits {
  return parseCredits(text, 'credits')
}
