import { z } from 'zod'
import { defineTool } from './definition.js'
import { balance, calls, chosen, id, idempotencyKey, job, labels, quoteId, replayed } from './fields.js'

export const reserveCredits = defineTool({
  name: 'reserve_credits',
  title: 'Reserve credits',
  toolset: 'spend',
  description:
    'Sets the highest price aside before long work, of variable price or of several calls at once; end it by settle_reservation or release_reservation. ' +
    'When you retry, reuse the idempotency_key; a call without a key is a reservation of its own.',
  input: z.strictObject({
    ...job,
    operation: id.optional().describe('This, calls or quote_id'),
    calls,
    quote_id: quoteId,
    labels,
    ttl_seconds: z.number().positive().optional(),
    idempotency_key: idempotencyKey,
  }),
  output: z.looseObject({
    reservation: z.string().nullable(),
    reserved: z.number(),
    ...chosen,
    expires_at: z.string().nullable(),
    balance,
    replayed,
    calls: z
      .array(
        z.looseObject({
          operation: z.string(),
          variant: z.string().nullable(),
          quantity: z.number(),
          tool: z.string().nullable(),
          reservation: z.string(),
          reserved: z.number(),
        }),
      )
      .optional(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  handler: (credits, input) => credits.reserve(input),
})
