import { z } from 'zod'
import { defineTool } from './definition.js'
import { balance, chosen, credits, id, idempotencyKey, job, labels, level, quoteId, replayed, usage } from './fields.js'

export const chargeCredits = defineTool({
  name: 'charge_credits',
  title: 'Charge credits',
  toolset: 'spend',
  description:
    'Spends the catalog price of an operation at once, all or nothing. When you retry, reuse the idempotency_key of the first try: ' +
    'it is charged once; a call without a key is a charge of its own.',
  input: z.strictObject({
    ...job,
    operation: id.optional().describe('Needed without quote_id'),
    usage,
    actual: credits.optional().describe('Cost in credits, where the price is a range or passed through'),
    labels,
    quote_id: quoteId,
    idempotency_key: idempotencyKey,
  }),
  output: z.looseObject({ transaction: z.string().nullable(), charged: z.number(), ...chosen, balance, budget_level: level, replayed }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  handler: (credits, input) => credits.charge(input),
})
