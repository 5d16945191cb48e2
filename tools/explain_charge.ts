import { z } from 'zod'
import { shownIdempotencyKey } from '../src/facade/input-parts.js'
import { defineTool, READS } from './definition.js'
import { budget, id, line, transaction } from './fields.js'

export const explainCharge = defineTool({
  name: 'explain_charge',
  title: 'Explain a charge',
  toolset: 'read',
  description: 'Why a transaction cost what it cost; or, by idempotency_key, what became of a call whose answer was lost.',
  input: z.strictObject({ transaction: id.optional().describe('This or idempotency_key'), idempotency_key: shownIdempotencyKey }),
  output: z.looseObject({
    outcome: z.enum(['charged', 'not_charged', 'in_progress', 'unknown']),
    explanation: z.string(),
    transaction: transaction.nullable(),
    price_version: z.number().nullable(),
    lines: z.array(line),
    reserved: z.number().nullable(),
    charged: z.number(),
    released: z.number(),
    uncollected: z.number(),
    refunded: z.number(),
    grants: z.array(z.looseObject({ id: z.string().nullable(), source: z.string(), credits: z.number() })),
    budgets: z.array(budget),
    attempts: z.array(z.looseObject({ at: z.string(), outcome: z.string() })),
    refunds: z.array(transaction),
    quote: z.looseObject({ quote_id: z.string(), maximum: z.number(), expires_at: z.string() }).nullable(),
    approval: z.looseObject({ id: z.string(), answered_by: z.enum(['operator', 'client']).nullable() }).nullable(),
  }),
  annotations: READS,
  handler: (credits, input) => credits.explain(input),
})
