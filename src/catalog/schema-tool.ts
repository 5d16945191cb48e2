import { z } from 'zod'
import { priceSchema } from './schema-price.js'
import { assumed, credits, operationId, quantity, slug, strict } from './schema-values.js'

const pointer = z
  .string({ error: 'a JSON Pointer, such as "/options/minutes"' })
  .regex(/^(?:\/(?:[^~/]|~[01])*)*$/, 'a JSON Pointer (RFC 6901), such as "/options/minutes"')
  .describe('Where the value stands, as a JSON Pointer (RFC 6901).')

const where = z.enum(['arguments', 'result'], { error: '"arguments" or "result"' })

const foundVariant = strict({
  from: z.literal('arguments', {
    error: '"arguments": a variant is needed before the call, to reserve its price and check its plan',
  }),
  pointer,
  default: slug.optional().describe('The variant where the arguments have nothing there.'),
  map: z
    .record(z.string(), slug)
    .optional()
    .describe('From what is found there to a variant. Anything else found is refused.'),
})

const foundQuantity = strict({
  from: where.describe('"arguments" is read before the call, "result" after it.'),
  pointer,
  default: quantity.optional().describe('The quantity where nothing stands there.'),
  map: z
    .record(z.string(), quantity)
    .optional()
    .describe('From what is found there to a quantity. Anything else found is refused.'),
  count: z
    .literal(true, { error: 'true, or no such field' })
    .optional()
    .describe('A list is expected there; the quantity is its length.'),
  at_most: quantity.optional().describe('For "result": the quantity that is reserved before the result is known.'),
})

const variantOf = z.union([slug, foundVariant], {
  error: 'the id of a variant, or an object with `from` and `pointer`',
})
const quantityOf = z.union([quantity, foundQuantity], { error: 'a number, or an object with `from` and `pointer`' })

export type FoundVariantDocument = z.infer<typeof foundVariant>
export type FoundQuantityDocument = z.infer<typeof foundQuantity>

/** How an operation reads its variant and quantity from the arguments of a request that names neither. */
export const argumentsSchema = strict({
  variant: strict({ pointer, map: foundVariant.shape.map }).optional(),
  quantity: strict({ pointer, map: foundQuantity.shape.map, count: foundQuantity.shape.count }).optional(),
}).describe('Where the variant and the quantity stand in the arguments of a request that does not name them.')

export const toolSchema = strict({
  free: z
    .literal(true, { error: 'true, or no such field' })
    .optional()
    .describe('The tool costs nothing and is never blocked.'),
  credits: credits.optional().describe('Short for a flat price of this tool alone.'),
  operation: operationId.optional().describe('The operation that a call of this tool is.'),
  variant: variantOf.optional(),
  quantity: quantityOf.optional().describe('1 unless given.'),
  price: priceSchema.optional().describe("A price of this tool alone, instead of its operation's."),
  usage: z
    .record(
      z.string(),
      strict({ pointer, default: quantity.optional().describe('The count where nothing stands there.') }),
      {
        error: 'an object of pointers by component',
      },
    )
    .optional()
    .describe('For a pass_through price: where the result tells how much of each component was used.'),
  actual: strict({ pointer })
    .optional()
    .describe(
      'For a range or pass_through price: where the result tells its cost in credits. Only for a server that is trusted to say so, and never beyond what was reserved.',
    ),
  assumed,
}).meta({ id: 'tool', description: 'What a call of one upstream tool costs.' })

export type ToolDocument = z.infer<typeof toolSchema>
