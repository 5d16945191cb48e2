import { z } from 'zod'
import { defineTool, READS } from './definition.js'
import { level, transaction } from './fields.js'

export const getCreditBalance = defineTool({
  name: 'get_credit_balance',
  title: 'Credit balance',
  toolset: 'read',
  description: 'Credits left, reserved and spendable now, with plan, cap and expiry. Call it before costly work and after a refusal.',
  input: z.strictObject({}),
  output: z.looseObject({
    account: z.string(),
    state: z.string(),
    balance: z.number(),
    spendable: z.number(),
    reserved: z.number(),
    pending: z.number(),
    unit: z.looseObject({ name: z.string(), plural: z.string(), credit_usd: z.number().nullable() }),
    plan: z
      .looseObject({
        id: z.string(),
        name: z.string(),
        monthly_credits: z.number().nullable(),
        renews_at: z.string().nullable(),
        next_plan: z.string().nullable(),
        entitlements: z.looseObject({}),
      })
      .nullable(),
    lifetime_used: z.number(),
    last_transaction: transaction.nullable(),
    level,
    spending_cap: z.looseObject({ limit: z.number(), used: z.number(), resets_at: z.string().nullable() }).nullable(),
    grants: z.array(z.looseObject({ id: z.string(), source: z.string(), remaining: z.number(), expires_at: z.string().nullable() })),
  }),
  annotations: READS,
  handler: (credits, input) => credits.balance(input),
})
