import { z } from 'zod'
import { assumed, credits, label, operationId, positiveQuantity, quantity, slug, strict } from './schema-values.js'

const flat = strict({
  model: z.literal('flat'),
  credits: credits.describe('What one job costs, whatever its quantity.'),
  assumed,
}).describe('One price for the whole job; the quantity does not count.')

const perUnit = strict({
  model: z.literal('per_unit'),
  credits: credits.describe('What `per` units cost.'),
  per: positiveQuantity
    .optional()
    .describe('How many units `credits` buys; 1 unless given. 1000000 for a price per million tokens.'),
  increment: positiveQuantity
    .optional()
    .describe('The quantity is raised to the next multiple of this: 1 lets a started minute count whole.'),
  minimum: positiveQuantity.optional().describe('The least quantity that is billed.'),
  assumed,
}).describe('Quantity times a rate, rounded up once to a millionth of a credit.')

const tiered = strict({
  model: z.literal('tiered'),
  mode: z
    .enum(['graduated', 'volume'], { error: '"graduated" or "volume"' })
    .describe(
      'graduated: each tier prices the units inside it. volume: the tier that the quantity reaches prices all of it.',
    ),
  per: positiveQuantity.optional().describe("How many units a tier's `credits` buys; 1 unless given."),
  tiers: z
    .array(
      strict({
        up_to: positiveQuantity.nullable().describe('The last quantity in this tier; null for the last tier.'),
        credits: credits.describe('What `per` units in this tier cost.'),
      }),
      { error: 'a list of tiers' },
    )
    .min(1, 'at least one tier')
    .max(100, 'at most 100 tiers'),
  assumed,
}).describe('Rates that change with the quantity.')

const range = strict({
  model: z.literal('range'),
  minimum: credits.describe('The least that is charged.'),
  maximum: credits.describe('What is reserved. Above it the overrun policy decides, unless `hard`.'),
  per_unit: z.boolean({ error: 'true or false' }).optional().describe('Both bounds are for each unit of the quantity.'),
  hard: z
    .boolean({ error: 'true or false' })
    .optional()
    .describe('The maximum is a promise: an actual above it is charged as the maximum.'),
  assumed,
}).describe('The actual cost is known only afterwards and lies in a range.')

const passThrough = strict({
  model: z.literal('pass_through'),
  rates: z
    .record(
      z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'a component in lower case, such as "input_tokens"'),
      strict({
        credits: credits.describe('What `per` of this component cost.'),
        per: positiveQuantity.optional().describe('1 unless given; 1000000 for a price per million tokens.'),
        assumed,
      }),
      { error: 'an object of rates by component' },
    )
    .refine((rates) => Object.keys(rates).length > 0, 'at least one component')
    .describe('A rate for each component of a usage, by the names that callers report: input_tokens, output_tokens, …'),
  typical: strict({
    minimum: credits,
    maximum: credits.describe('What is reserved before the usage is known.'),
    assumed,
  })
    .optional()
    .describe('What a job usually costs, for estimates. Without it nothing can be reserved before the usage is known.'),
  assumed,
}).describe("The provider's own cost by what was used, added up and rounded up once.")

const MODELS = 'one of "flat", "per_unit", "tiered", "range", "pass_through"'

/** One price. Which model suits which kind of cost is told in the README beside this file. */
export const priceSchema = z
  .discriminatedUnion('model', [flat, perUnit, tiered, range, passThrough], {
    error: (issue) => (issue.code === 'invalid_union' ? MODELS : 'an object with a `model`'),
  })
  .meta({ id: 'price', description: 'A price by one of five models.' })

export type PriceDocument = z.infer<typeof priceSchema>

export const surchargeSchema = strict({
  name: label.describe('What this line is for, as people read it.'),
  operation: operationId
    .optional()
    .describe('The operation whose price is added. Its own surcharges come with it, its `requires_plan` does not.'),
  variant: slug.optional().describe('The variant of that operation; its default variant unless given.'),
  price: priceSchema.optional().describe("A price of the surcharge's own, instead of `operation`."),
  quantity: quantity
    .optional()
    .describe('A fixed quantity for this line. Unless given it has the quantity of the job.'),
}).describe('A priced line that comes with a job, in the same charge.')

/** What an operation and each of its variants can say; what a variant leaves out is taken from its operation. */
export const offerShape = {
  price: priceSchema.optional(),
  requires_plan: z
    .array(slug, { error: 'a list of plan ids' })
    .optional()
    .describe('Plans that may use this. Every plan may, unless given.'),
  surcharges: z.array(surchargeSchema, { error: 'a list of surcharges' }).max(20, 'at most 20 surcharges').optional(),
  capabilities: z
    .record(
      z.string(),
      z.union([z.string(), z.number(), z.boolean(), z.array(z.string())], {
        error: 'a text, a number, true, false or a list of texts',
      }),
      { error: 'an object of attributes' },
    )
    .optional()
    .describe('Attributes by which the cheapest variant that meets a request is chosen.'),
}
