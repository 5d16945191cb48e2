import { z } from 'zod'
import { listOf } from './admin-answers.js'
import type { Answer } from './route.js'

const amount = z.number()
const moment = z.string()
const text = z.string()
const count = z.number()

const difference = z.looseObject({ path: text, before: z.unknown().optional(), after: z.unknown().optional(), increase: z.boolean() })
const DIFFERENCE = { path: 'operations/report.write/price/credits', before: '60', after: '64', increase: true }

export const catalogAnswer: Answer = {
  name: 'catalog',
  schema: z.looseObject({ version: count, effective_at: moment, document: z.looseObject({}).describe('The catalog as it was applied, in its own names') }),
  example: { version: 3, effective_at: '2026-11-01T00:00:00.000Z', document: { id: 'product', name: 'Product' } },
}

export const differencesAnswer: Answer = {
  name: 'differences',
  schema: z.looseObject({ version: count, differences: z.array(difference) }),
  example: { version: 3, differences: [DIFFERENCE] },
}

export const appliedAnswer: Answer = {
  name: 'applied',
  schema: z.looseObject({ version: count, effective_at: moment, differences: z.array(difference), applied: z.boolean() }),
  example: { version: 4, effective_at: '2026-12-01T00:00:00.000Z', differences: [DIFFERENCE], applied: true },
}

export const toolPricesAnswer = listOf(
  'tool_prices',
  z.looseObject({ id: text, tool: text, operation: text.nullable(), category: text.nullable(), price: text, requires_plan: z.array(text) }),
  { id: 'tool:create_issue', tool: 'create_issue', operation: 'tool.call', category: 'tools', price: '2 credits', requires_plan: [] },
)

const whatIfRow = z.looseObject({ account: text, operation: text, calls: count, credits_now: amount, credits_then: amount, difference: amount })

export const whatIfAnswer: Answer = {
  name: 'what_if',
  schema: z.looseObject({
    period: z.looseObject({ since: moment, until: moment }),
    rows: z.array(whatIfRow),
    unpriced: z.array(
      z.looseObject({ account: text, operation: text, variant: text.nullable(), tool: text.nullable(), calls: count, credits_now: amount, reason: text }),
    ),
    total_calls: count,
    credits_now: amount,
    credits_then: amount,
    difference: amount,
  }),
  example: {
    period: { since: '2026-10-02T09:00:00.000Z', until: '2026-11-01T09:00:00.000Z' },
    rows: [{ account: 'acme', operation: 'report.write', calls: 10, credits_now: 600, credits_then: 640, difference: 40 }],
    unpriced: [],
    total_calls: 10,
    credits_now: 600,
    credits_then: 640,
    difference: 40,
  },
}

const figures = {
  opening: amount,
  granted: amount,
  spent: amount,
  refunded: amount,
  expired: amount,
  revoked: amount,
  adjusted: amount,
  closing: amount,
  reserved: amount,
  uncollected: amount,
  granted_by: z.array(z.looseObject({ source: text, credits: amount })),
  spent_by: z.array(z.looseObject({ operation: text.nullable(), calls: count, credits: amount })),
}

const FIGURES = {
  opening: 250,
  granted: 500,
  spent: 60,
  refunded: 0,
  expired: 0,
  revoked: 0,
  adjusted: 0,
  closing: 690,
  reserved: 0,
  uncollected: 0,
  granted_by: [{ source: 'adjustment', credits: 500 }],
  spent_by: [{ operation: 'report.write', calls: 1, credits: 60 }],
}

const accountStatement = {
  account: text,
  ...figures,
  transactions: z.looseObject({ first: count, last: count }).nullable(),
  head: text.nullable(),
}

export const statementAnswer: Answer = {
  name: 'statement',
  schema: z.looseObject({
    ...accountStatement,
    period: z.looseObject({ month: text, since: moment, until: moment, time_zone: text }),
    unit: z.looseObject({ name: text, plural: text }),
    test: z.boolean(),
    children: z.array(z.looseObject(accountStatement)),
    total: z.looseObject(figures).nullable(),
  }),
  example: {
    account: 'acme',
    ...FIGURES,
    transactions: { first: 2, last: 9 },
    head: '5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef',
    period: { month: '2026-11', since: '2026-10-31T23:00:00.000Z', until: '2026-11-30T23:00:00.000Z', time_zone: 'Europe/Berlin' },
    unit: { name: 'credit', plural: 'credits' },
    test: false,
    children: [],
    total: null,
  },
}

export const verificationAnswer: Answer = {
  name: 'verification',
  schema: z.looseObject({
    ok: z.boolean(),
    problems: z.array(z.looseObject({ account: text, row: text, invariant: text, message: text })),
    head: text.nullable(),
    accounts: count,
    transactions: count,
  }),
  example: { ok: true, problems: [], head: '5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef', accounts: 1, transactions: 9 },
}
