import { z } from 'zod'
import { assumed, credits, label, quantity, strict, usd } from './schema-values.js'

const grant = strict({
  credits,
  assumed,
}).optional()

const rollover = z
  .discriminatedUnion(
    'kind',
    [
      strict({ kind: z.literal('none').describe('What is left of an allowance ends with its period.') }),
      strict({ kind: z.literal('unlimited').describe('What is left stays, without limit.') }),
      strict({ kind: z.literal('capped').describe('What is left stays up to `cap`.'), cap: credits }),
      strict({
        kind: z
          .literal('while_active')
          .describe(
            'What is left stays while the subscription is active, and after a cancellation to the end of the paid period.',
          ),
      }),
    ],
    { error: 'an object whose `kind` is one of "none", "unlimited", "capped", "while_active"' },
  )
  .describe('What happens to the unused allowance at the end of a period.')

export const planSchema = strict({
  name: label,
  monthly_credits: credits
    .nullable()
    .describe(
      'The allowance of each period, granted when the plan starts and at each renewal; null where it is agreed per customer.',
    ),
  price_usd: usd
    .nullable()
    .describe('The price of a month in dollars; null where it is agreed per customer or not published.'),
  rollover,
  grants: strict({
    sign_up: grant.describe('Once, when an account is created on this plan.'),
    purchase: grant.describe('Each time the plan is bought.'),
    renewal: grant.describe('At each renewal.'),
  })
    .optional()
    .describe('Credits on top of the allowance.'),
  trial: z.boolean({ error: 'true or false' }).optional().describe('The allowance is granted once and never renewed.'),
  spending_cap: strict({
    credits,
    window: z.enum(['period', 'lifetime'], { error: '"period" or "lifetime"' }),
    assumed,
  })
    .optional()
    .describe('The most that is spent in a window, from the allowance and everything bought together.'),
  entitlements: z
    .record(
      z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'a name in lower case, such as "badge"'),
      z.union([z.boolean(), z.number(), z.string()], { error: 'true, false, a number or a text' }),
      { error: 'an object of entitlements' },
    )
    .optional()
    .describe('What the plan gives besides credits.'),
  assumed,
}).meta({ id: 'plan', description: 'A subscription, or the free state that an account is in.' })

export const packSchema = strict({
  name: label,
  price_usd: usd.describe('The price in dollars.'),
  parts: z
    .array(
      strict({
        kind: z
          .enum(['paid', 'bonus'], { error: '"paid" or "bonus"' })
          .describe('Each part becomes a grant of its own; free credits are spent before paid ones.'),
        credits,
      }),
      { error: 'a list of parts' },
    )
    .min(1, 'at least one part')
    .max(10, 'at most 10 parts'),
  expiry: z.discriminatedUnion(
    'kind',
    [
      strict({ kind: z.literal('never') }),
      strict({ kind: z.literal('while_active').describe('As long as the account is active.') }),
      strict({
        kind: z.literal('months'),
        months: z
          .int({ error: 'a whole number of months' })
          .min(1, 'at least 1 month')
          .max(1200, 'at most 1200 months'),
      }),
    ],
    { error: 'an object whose `kind` is one of "never", "while_active", "months"' },
  ),
  refund: strict({
    days: z
      .int({ error: 'a whole number of days' })
      .min(1, 'at least 1 day')
      .max(3650, 'at most 3650 days')
      .optional()
      .describe('How many days after the purchase it can be refunded; at any time unless given.'),
    max_used_percent: quantity
      .refine((value) => value <= 100, 'a percentage of at most 100')
      .optional()
      .describe('How much of the pack, in percent, may be used at most; any share unless given.'),
    assumed,
  })
    .optional()
    .describe(
      'Which purchases of it an operator may refund, for what is unused; `{}` is all of them, none unless given.',
    ),
  assumed,
}).meta({ id: 'pack', description: 'Credits that are bought once.' })

export const purchasesSchema = strict({
  self_service: z
    .enum(['enabled', 'hidden', 'none'], { error: '"enabled", "hidden" or "none"' })
    .describe(
      'enabled (unless given, where there are packs): customers buy. hidden: once an operator enables it. none: no packs.',
    ),
  assumed,
}).describe('How packs are bought.')

export type SelfService = z.infer<typeof purchasesSchema>['self_service']

export const thresholdSchema = strict({
  kind: z
    .enum(['absolute', 'percent_of_period'], { error: '"absolute" or "percent_of_period"' })
    .describe(
      "absolute: `value` is credits. percent_of_period: `value` is a percentage of the period's allowance plus the bought credits held at its start.",
    ),
  level: z.enum(['low', 'critical'], { error: '"low" or "critical"' }),
  value: credits.describe('Credits, or a percentage of at most "100".'),
  when: z
    .enum(['at_or_below', 'below'], { error: '"at_or_below" or "below"' })
    .optional()
    .describe('at_or_below unless given.'),
  event: label.optional().describe("The product's own name for the event that subscribers receive."),
  assumed,
}).meta({ id: 'threshold', description: 'When a balance counts as low or critical.' })

/** The refusals whose words a product may put in its own voice. */
export const TEXT_NAMES = [
  'out_of_credits',
  'budget_exceeded',
  'spending_cap_reached',
  'plan_required',
  'approval_required',
  'price_unknown',
  'account_suspended',
  'purchases_unavailable',
] as const

export type TextName = (typeof TEXT_NAMES)[number]

const textShape = Object.fromEntries(TEXT_NAMES.map((name) => [name, label.optional()])) as Record<
  TextName,
  z.ZodOptional<typeof label>
>

export const textsSchema = strict(textShape).describe("The product's own words for a refusal, by its code.")
