import { z } from 'zod'
import { defineTool, READS } from './definition.js'
import { id, instant } from './fields.js'

const change = z
  .looseObject({ effective_at: z.string(), path: z.string(), before: z.unknown(), after: z.unknown(), increase: z.boolean() })
  .meta({ id: 'price_change' })

export const listOperations = defineTool({
  name: 'list_operations',
  title: 'Operations and prices',
  toolset: 'read',
  description: 'Operations with ids, variants, units, prices and announced price changes; changes_since adds those that took effect after it. Use it to find what to estimate or charge.',
  input: z.strictObject({ category: id.optional(), search: id.optional(), changes_since: instant.optional() }),
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
    announced_changes: z.array(change),
    changes: z.array(change).nullable(),
  }),
  annotations: READS,
  handler: (credits, input) => credits.operations(input),
})
