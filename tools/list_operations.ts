import { z } from 'zod'
import { defineTool, READS } from './definition.js'
import { id } from './fields.js'

export const listOperations = defineTool({
  name: 'list_operations',
  title: 'Operations and prices',
  toolset: 'read',
  description: 'Operations with ids, variants, units, prices and announced price changes. Use it to find what to estimate or charge.',
  input: z.strictObject({ category: id.optional(), search: id.optional() }),
  output: z.looseObject({
    catalog: z.string(),
    price_version: z.number(),
    operations: z.array(
      z.looseObject({
        id: z.string(),
        name: z.string(),
        category: z.string(),
        unit: z.string(),
        variants: z.array(z.looseObject({ id: z.string(), price: z.string(), requires_plan: z.array(z.string()) })),
        price: z.string().nullable(),
        requires_plan: z.array(z.string()),
      }),
    ),
    announced_changes: z.array(z.looseObject({ effective_at: z.string(), path: z.string(), before: z.unknown(), after: z.unknown() })),
  }),
  annotations: READS,
  handler: (credits, input) => credits.operations(input),
})
