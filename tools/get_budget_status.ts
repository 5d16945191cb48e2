import { z } from 'zod'
import { defineTool, READS } from './definition.js'
import { budget } from './fields.js'

export const getBudgetStatus = defineTool({
  name: 'get_budget_status',
  title: 'Budget status',
  toolset: 'read',
  description: 'Budgets that limit spending here: used, remaining, when each resets, and which would stop first.',
  input: z.strictObject({}),
  output: z.looseObject({ budgets: z.array(budget), tightest: budget.nullable(), run: budget.nullable() }),
  annotations: READS,
  handler: (credits, input) => credits.budgets(input),
})
