import { z } from 'zod'
import { defineTool, READS } from './definition.js'
import { instant, label } from './fields.js'

export const getMcpUsage = defineTool({
  name: 'get_mcp_usage',
  title: 'Usage report',
  toolset: 'read',
  description: 'Calls and credits spent over a period, in groups, with burn rate and the day the balance runs out.',
  input: z.strictObject({
    since: instant.optional(),
    until: instant.optional(),
    period: z.string().min(1).max(10).optional().describe('day, week, month, or YYYY-MM or YYYY-MM-DD'),
    group_by: z
      .string()
      .min(1)
      .max(300)
      .optional()
      .describe('tool (default), operation, category, member, key, label:<name>, day, week or month'),
    time_zone: z.string().min(1).max(64).optional(),
    label,
  }),
  output: z.looseObject({
    period: z.looseObject({ since: z.string(), until: z.string(), time_zone: z.string() }),
    rows: z.array(
      z.looseObject({ key: z.string().nullable(), calls: z.number(), credits: z.number(), usd: z.number().nullable(), share: z.number() }),
    ),
    total_calls: z.number(),
    total_credits: z.number(),
    previous: z.looseObject({ calls: z.number(), credits: z.number() }).nullable(),
    change: z.number().nullable(),
    burn_rate_per_day: z.number(),
    runs_out_at: z.string().nullable(),
  }),
  annotations: READS,
  handler: (credits, input) => credits.usage(input),
})
