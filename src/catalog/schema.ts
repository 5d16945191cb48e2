import { z } from 'zod'
import { campaignSchema } from './schema-campaign.js'
import { packSchema, planSchema, purchasesSchema, textsSchema, thresholdSchema } from './schema-plan.js'
import { offerShape } from './schema-price.js'
import { recurringItemSchema } from './schema-recurring.js'
import { argumentsSchema, toolSchema } from './schema-tool.js'
import { assumed, credits, label, noun, operationId, slug, strict, usd } from './schema-values.js'

const variant = strict({ name: label, ...offerShape, assumed }).describe(
  'One way to do the operation: a model, a tier, a format.',
)

const FAULTS = '"caller", "provider" or "platform"'

/** Whose fault it was that a job failed. */
export const faultSchema = z.enum(['caller', 'provider', 'platform'], { error: FAULTS })

export type Fault = z.infer<typeof faultSchema>

const operation = strict({
  name: label,
  description: label.optional(),
  category: slug.optional().describe("The first segment of the operation's id unless given."),
  unit: noun.optional().describe('What its quantity counts; a call unless given.'),
  ...offerShape,
  price: offerShape.price.describe('The price of the operation, and of each variant that has none of its own.'),
  variants: z.record(slug, variant, { error: 'an object of variants by id' }).optional(),
  default_variant: slug
    .optional()
    .describe('The variant of a request that names none. Needed where there are variants.'),
  arguments: argumentsSchema.optional(),
  charge_on_fault: z
    .array(faultSchema, { error: `a list of ${FAULTS}` })
    .optional()
    .describe('Whose fault leaves a failed job paid; nobody unless given.'),
  reserve_seconds: z
    .int({ error: 'a whole number of seconds' })
    .min(1, 'at least 1 second')
    .max(86_400, 'at most 86400 seconds, a day')
    .optional()
    .describe('How long a reservation for this lives when its request does not say.'),
  assumed,
}).meta({ id: 'operation', description: 'Something that can be done for credits, or free.' })

/** One catalog document as it stands in a file: snake_case keys, amounts as decimal text. Strict on every level. */
export const catalogSchema = strict({
  $schema: z.string().optional().describe('For editors.'),
  id: slug.describe('The name of the catalog.'),
  name: label.describe('The name of the product.'),
  description: label.optional(),
  unit: strict({
    name: label.describe('One of it: "credit".'),
    plural: label.describe('Several of it: "credits".'),
    credit_usd: usd
      .refine((text) => !/^[0.]*$/.test(text), 'more than zero dollars, or null')
      .nullable()
      .describe(
        'What one credit is worth in dollars; null where the product fixes no rate. Prices show dollars only where it does.',
      ),
  }),
  price_increase_notice_days: z
    .int({ error: 'a whole number of days' })
    .min(0, 'at least 0 days')
    .max(365, 'at most 365 days')
    .describe('How many days before it takes effect a price increase has to be announced.'),
  categories: z
    .array(strict({ id: slug, name: label }), { error: 'a list of categories' })
    .optional()
    .describe(
      'The categories in the order in which they are shown. Where given, each operation must be in one of them.',
    ),
  operations: z.record(operationId, operation, { error: 'an object of operations by id' }),
  tools: z
    .record(z.string().min(1, 'the name of a tool').max(200, 'a name of at most 200 characters'), toolSchema, {
      error: "an object by the upstream tools' names",
    })
    .optional()
    .describe('What a call of an upstream tool costs, by the name of the tool.'),
  default_tool_price: credits
    .nullable()
    .optional()
    .describe('What a call costs whose tool stands not under `tools`; null, or left out, refuses such a call.'),
  plans: z.record(slug, planSchema, { error: 'an object of plans by id' }).optional(),
  default_plan: slug.nullable().optional().describe('The plan of a new account.'),
  packs: z.record(slug, packSchema, { error: 'an object of packs by id' }).optional(),
  purchases: purchasesSchema.optional(),
  recurring_items: z
    .record(slug, recurringItemSchema, { error: 'an object of recurring items by id' })
    .optional()
    .describe('What is paid by the hour for as long as it is kept.'),
  campaign: campaignSchema.optional(),
  thresholds: z.array(thresholdSchema, { error: 'a list of thresholds' }).max(20, 'at most 20 thresholds').optional(),
  texts: textsSchema.optional(),
})

export type CatalogDocument = z.infer<typeof catalogSchema>
export type OperationDocument = z.infer<typeof operation>
