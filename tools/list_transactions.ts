import { z } from 'zod'
import { defineTool, READS } from './definition.js'
import { id, instant, label, transaction } from './fields.js'

/** The kinds of transactions, as the ledger names them. */
export const TRANSACTION_TYPES = [
  'grant', 'charge', 'reserve', 'settle', 'release', 'refund', 'revoke', 'expire', 'transfer', 'adjust', 'amend',
] as const

export const listTransactions = defineTool({
  name: 'list_transactions',
  title: 'Transactions',
  toolset: 'read',
  description: 'The history of credit movements, newest first, in pages; go on with next_cursor, also after a short page.',
  input: z.strictObject({
    type: z.enum(TRANSACTION_TYPES).optional(),
    operation: id.optional(),
    label,
    since: instant.optional(),
    until: instant.optional(),
    limit: z.int().min(1).max(1_000).optional(),
    cursor: id.optional(),
  }),
  output: z.looseObject({ transactions: z.array(transaction), next_cursor: z.string().nullable() }),
  annotations: READS,
  handler: (credits, input) => credits.transactions(input),
})
