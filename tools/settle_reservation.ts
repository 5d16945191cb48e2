import { z } from 'zod'
import { defineTool } from './definition.js'
import { balance, credits, fault, id, idempotencyKey, replayed, usage } from './fields.js'

export const settleReservation = defineTool({
  name: 'settle_reservation',
  title: 'Settle a reservation',
  toolset: 'spend',
  description:
    'Charges your reservation once its work is done: what actual, quantity or usage says, all of it without; the rest is given back. ' +
    'Reuse the idempotency_key when you retry.',
  input: z.strictObject({
    reservation: id,
    actual: credits.optional(),
    quantity: z.number().optional(),
    usage,
    fault,
    idempotency_key: idempotencyKey,
  }),
  output: z.looseObject({
    transaction: z.string().nullable(),
    charged: z.number(),
    released: z.number(),
    uncollected: z.number(),
    late: z.boolean(),
    balance,
    replayed,
  }),
  // A reservation ends once: the second call is refused or answered as the first, and moves nothing.
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  handler: (credits, input) => credits.settle(input),
})
