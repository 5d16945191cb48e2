import { z } from 'zod'
import { defineTool } from './definition.js'
import { balance, chosen, idempotencyKey, job, labels, replayed } from './fields.js'

export const reserveCredits = defineTool({
  name: 'reserve_credits',
  title: 'Reserve credits',
  toolset: 'spend',
  description:
    'Sets the highest price aside before long work or work of variable price; end it by settle_reservation or release_reservation. ' +
    'When you retry, reuse the idempotency_key; a call without a key is a reservation of its own.',
  input: z.strictObject({ ...job, labels, ttl_seconds: z.number().positive().optional(), idempotency_key: idempotencyKey }),
  output: z.looseObject({
    reservation: z.string().nullable(),
    reserved: z.number(),
    ...chosen,
    expires_at: z.string().nullable(),
    balance,
    replayed,
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  handler: (credits, input) => credits.reserve(input),
})
