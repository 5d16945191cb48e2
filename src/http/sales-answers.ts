import { z } from 'zod'
import { listOf, writeAnswer } from './admin-answers.js'
import type { Answer } from './route.js'

const amount = z.number()
const moment = z.string()
const text = z.string()
const usd = z.number()

const state = z.enum(['pending', 'settled', 'cancelled', 'refunded'])

export const purchaseAnswer = written(
  'purchase',
  { purchase: text, pack: text, state, credits: amount, granted: amount, price_usd: usd, pay_url: text.nullable() },
  { purchase: 'pu_2_0f3a5b7c9d', pack: 'usd-20', state: 'settled', credits: 4_000, granted: 4_000, price_usd: 20, pay_url: null },
)

export const purchaseRefundAnswer = written(
  'purchase_refund',
  { purchase: text, revoked: amount, refunded_usd: usd },
  { purchase: 'pu_2_0f3a5b7c9d', revoked: 4_000, refunded_usd: 20 },
)

export const purchasesAnswer = listOf(
  'purchases',
  z.looseObject({
    id: text,
    pack: text,
    name: text,
    state,
    credits: amount,
    price_usd: usd,
    refunded_usd: usd.nullable(),
    ordered_at: moment,
    settled_at: moment.nullable(),
    provider: text,
    reference: text.nullable(),
    budget: text.nullable(),
  }),
  {
    id: 'pu_2_0f3a5b7c9d',
    pack: 'usd-20',
    name: '$20 top-up',
    state: 'settled',
    credits: 4_000,
    price_usd: 20,
    refunded_usd: null,
    ordered_at: '2026-11-05T14:30:00.000Z',
    settled_at: '2026-11-05T14:30:00.000Z',
    provider: 'manual',
    reference: 'invoice-2026-117',
    budget: null,
  },
)

export const packsAnswer = listOf(
  'packs',
  z.looseObject({
    id: text,
    name: text,
    credits: amount,
    parts: z.array(z.looseObject({ kind: z.enum(['paid', 'bonus']), credits: amount })),
    price_usd: usd,
    price_per_credit: usd.nullable(),
    valid_months: z.number().nullable(),
    refund: z.looseObject({ days: z.number().nullable(), max_used_percent: z.number().nullable() }).nullable(),
  }),
  {
    id: 'usd-20',
    name: '$20 top-up',
    credits: 4_000,
    parts: [{ kind: 'paid', credits: 4_000 }],
    price_usd: 20,
    price_per_credit: 0.005,
    valid_months: null,
    refund: { days: 30, max_used_percent: 25 },
  },
)

const entitlements = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))

export const plansAnswer = listOf(
  'plans',
  z.looseObject({
    id: text,
    name: text,
    monthly_credits: amount.nullable(),
    price_usd: usd.nullable(),
    price_per_credit: usd.nullable(),
    discount_percent: z.number().nullable(),
    rollover: text,
    trial: z.boolean(),
    spending_cap: z.looseObject({ credits: amount, window: z.enum(['period', 'lifetime']) }).nullable(),
    entitlements,
  }),
  {
    id: 'build',
    name: 'Build',
    monthly_credits: 25_000,
    price_usd: 119,
    price_per_credit: 0.00476,
    discount_percent: 5,
    rollover: 'none',
    trial: false,
    spending_cap: null,
    entitlements: { badge: false },
  },
)

export const itemsAnswer = listOf(
  'items',
  z.looseObject({
    id: text,
    name: text,
    unit: text,
    quantity: z.number(),
    since: moment,
    charged_at: moment.nullable(),
    unit_hours: z.number(),
    accrued: amount,
  }),
  {
    id: 'custom-domain',
    name: 'Custom domain',
    unit: 'domain',
    quantity: 2,
    since: '2026-11-01T00:00:00.000Z',
    charged_at: '2026-12-01T00:00:00.000Z',
    unit_hours: 209,
    accrued: 29.027778,
  },
)

export const setItemAnswer = written('set_item', { item: text, quantity: z.number() }, { item: 'custom-domain', quantity: 2 })

function written(name: string, shape: Readonly<Record<string, z.ZodType>>, example: object): Answer {
  return { name, schema: writeAnswer.schema.extend(shape), example: { ...writeAnswer.example, ...example } }
}
