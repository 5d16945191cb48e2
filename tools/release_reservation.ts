import { z } from 'zod'
import { defineTool } from './definition.js'
import { balance, fault, id, idempotencyKey, replayed } from './fields.js'

export const releaseReservation = defineTool({
  name: 'release_reservation',
  title: 'Release a reservation',
  toolset: 'spend',
  description: 'Gives your reservation back without a charge, when its work failed or is not needed. Reuse the idempotency_key when you retry.',
  input: z.strictObject({ reservation: id, fault, idempotency_key: idempotencyKey }),
  output: z.looseObject({ transaction: z.string().nullable(), released: z.number(), charged: z.number(), balance, replayed }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  handler: (credits, input) => credits.release(input),
})
