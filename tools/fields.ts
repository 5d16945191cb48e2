import { z } from 'zod'

/** Fields that several tools share. Lengths are the facade's; they stand here so that a refusal uses the wire's names. */

export const id = z.string().min(1).max(255)

/** Read by the facade itself, which says more exactly than a schema what is wrong with an amount. */
export const credits = z.unknown().meta({ type: 'number' })

export const instant = z.string().max(64).describe('ISO 8601')

export const idempotencyKey = id.optional()

export const args = z.record(z.string(), z.unknown()).optional()

export const usage = z.record(z.string(), z.number()).optional().describe('Units consumed by price component, as input_tokens, output_tokens')

export const labels = z.record(z.string(), z.string()).optional()

export const label = z.strictObject({ name: id, value: z.string() }).optional()

export const fault = z.enum(['caller', 'provider', 'platform']).optional()

export const quoteId = id.optional().describe('From estimate_cost with quote: its price holds, whatever prices are now')

/** What is to be done: an operation of the catalog, how much of it, and the arguments that its price may depend on. */
export const job = { operation: id, variant: id.optional(), quantity: z.number().optional(), args }

/** Calls that are to be made together: operations, or tools with their args. */
export const calls = z
  .array(z.strictObject({ ...job, operation: id.optional(), tool: id.optional() }))
  .min(1)
  .max(100)
  .optional()

/*
 * What tools answer. Objects are loose, so that a later version may say more, and name every field that they have: there
 * are clients that refuse a field which the schema does not name. What stands several times in one answer has an id, by
 * which its schema is told once.
 */

const amount = z.number()
const moment = z.string()

export const level = z.enum(['ok', 'low', 'critical', 'exhausted'])

export const replayed = z.boolean()

export const balance = amount

/** What was charged for; and, where the request left the choice of the variant to the ledger, why this one. */
export const chosen = { variant: z.string().nullable(), picked: z.string().nullable() }

export const line = z.looseObject({
  operation: z.string(),
  variant: z.string().nullable(),
  quantity: z.number(),
  unit_price: amount.nullable(),
  minimum: amount,
  maximum: amount,
})

export const cheaper = z.looseObject({ change: z.string(), minimum: amount, maximum: amount, saves: amount })

export const transaction = z.looseObject({
  id: z.string(),
  type: z.string(),
  at: moment,
  operation: z.string().nullable(),
  variant: z.string().nullable(),
  tool: z.string().nullable(),
  credits: amount,
  balance_after: amount.nullable(),
  labels: z.looseObject({}),
  reservation: z.string().nullable(),
  idempotency_key: z.string().nullable(),
}).meta({ id: 'transaction' })

/** Of a limit above a delegated key, told as the one that stops first, only what it leaves is told: the figures that say more are null. */
export const budget = z.looseObject({
  id: z.string(),
  name: z.string(),
  scope: z.looseObject({}),
  subject: z.string().nullable(),
  window: z.string(),
  limit: amount.nullable(),
  used: amount.nullable(),
  reserved: amount.nullable(),
  remaining: amount,
  percent_used: z.number().nullable(),
  since: moment.nullable(),
  resets_at: moment.nullable(),
  enforcement: z.enum(['hard', 'alert']),
  thresholds: z.array(z.number()),
  raised_until: moment.nullable(),
  level,
}).meta({ id: 'budget' })
