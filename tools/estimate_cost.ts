import { z } from 'zod'
import { defineTool, READS } from './definition.js'
import { calls, cheaper, id, idempotencyKey, job, labels, line, usage } from './fields.js'

const count = z.int().min(1)

const campaign = z.strictObject({ platforms: count, weeks: count, posts_per_week: count, complexity: id.optional() })

export const estimateCost = defineTool({
  name: 'estimate_cost',
  title: 'Estimate cost',
  toolset: 'read',
  description:
    'What an operation, or several calls together, would cost now, whether it is affordable and what would be cheaper. ' +
    'Use it before spending on anything whose price you do not know; with quote its prices hold until expires_at.',
  input: z.strictObject({
    ...job,
    operation: id.optional().describe('This, tool, calls or campaign'),
    tool: id.optional(),
    variant: id.optional().describe('auto picks the cheapest that meets args'),
    usage,
    calls,
    campaign: campaign.optional(),
    labels,
    quote: z.boolean().optional(),
    quote_ttl_seconds: z.number().positive().optional(),
    idempotency_key: idempotencyKey,
  }),
  output: z.looseObject({
    minimum: z.number(),
    maximum: z.number(),
    usd: z.number().nullable(),
    lines: z.array(line),
    picked: z.array(z.looseObject({ operation: z.string(), variant: z.string().nullable(), reason: z.string() })),
    affordable: z.boolean(),
    balance_after: z.number(),
    blocked_by: z.array(z.looseObject({ code: z.string(), message: z.string(), details: z.looseObject({}) })),
    cheaper: z.array(cheaper),
    price_version: z.number(),
    quote_id: z.string().nullable().optional(),
    expires_at: z.string().nullable().optional(),
  }),
  annotations: READS,
  handler: (credits, input) => credits.estimate(input),
})
