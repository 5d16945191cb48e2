import { z } from 'zod'
import { defineTool } from './definition.js'
import { credits, id, idempotencyKey, replayed } from './fields.js'

export const delegateBudget = defineTool({
  name: 'delegate_budget',
  title: 'Delegate a budget',
  toolset: 'ask',
  description:
    'Makes a key with a limit of its own for a sub-agent, which gets it as MCP_CREDITS_KEY; what it spends counts for your limits too, and nothing is set aside. ' +
    'The key is shown once; when you retry, reuse the idempotency_key.',
  input: z.strictObject({
    credits,
    expires_in_seconds: z.number().positive(),
    operations: z.array(id).min(1).optional().describe('Operations, or categories as content:*; otherwise all of yours'),
    name: z.string().min(1).optional(),
    may_delegate: z.boolean().optional(),
    idempotency_key: idempotencyKey,
  }),
  output: z.looseObject({
    key: z.string().nullable(),
    key_id: z.string(),
    limit: z.number(),
    expires_at: z.string(),
    scopes: z.array(z.string()),
    may_delegate: z.boolean(),
    replayed,
  }),
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  handler: (ledger, input) => ledger.delegate(input),
})
