import { z } from 'zod'
import { defineTool } from './definition.js'
import { credits, id, idempotencyKey, replayed } from './fields.js'

/** The ledger's own words for what can be asked for; a test holds them together. */
export const ASKS = ['budget', 'top_up', 'approval'] as const

export const requestCredits = defineTool({
  name: 'request_credits',
  title: 'Request credits',
  toolset: 'ask',
  description:
    'Asks a person for more and gives nothing by itself: a higher budget, a top_up, or approval of one costly call. Tell your user ' +
    'what `how` says, and make the blocked call again once it is answered.',
  input: z.strictObject({
    credits: credits,
    reason: z.string().min(1).max(1_000),
    kind: z.enum(ASKS),
    budget: id.optional().describe('Left out: the one that stops you first'),
    idempotency_key: idempotencyKey,
  }),
  output: z.looseObject({ request: z.string(), status: z.string(), how: z.string(), expires_at: z.string(), replayed }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  handler: (credits, input) => credits.requestCredits(input),
})
