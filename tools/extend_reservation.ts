import { z } from 'zod'
import { defineTool } from './definition.js'
import { id, idempotencyKey, replayed } from './fields.js'

export const extendReservation = defineTool({
  name: 'extend_reservation',
  title: 'Extend a reservation',
  toolset: 'spend',
  description: 'Moves the end of your open reservation to ttl_seconds from now, while its work goes on; never shortens it. Reuse the idempotency_key when you retry.',
  input: z.strictObject({ reservation: id, ttl_seconds: z.number().positive(), idempotency_key: idempotencyKey }),
  output: z.looseObject({ reservation: z.string(), expires_at: z.string(), replayed }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  handler: (credits, input) => credits.extend(input),
})
