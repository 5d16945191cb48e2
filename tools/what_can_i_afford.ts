import { z } from 'zod'
import { defineTool, READS } from './definition.js'
import { credits, id } from './fields.js'

export const whatCanIAfford = defineTool({
  name: 'what_can_i_afford',
  title: 'What can I afford',
  toolset: 'read',
  description: 'How many units of each operation can be paid now, or for a given sum. Use it to choose what to do with what is left.',
  input: z.strictObject({ credits: credits.optional(), category: id.optional() }),
  output: z.looseObject({
    credits: z.number(),
    rows: z.array(z.looseObject({ operation: z.string(), variant: z.string().nullable(), units: z.number() })),
  }),
  annotations: READS,
  handler: (credits, input) => credits.afford(input),
})
