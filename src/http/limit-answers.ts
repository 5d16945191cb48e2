import { z } from 'zod'
import { listOf, written, WRITTEN } from './admin-answers.js'
import type { Answer } from './route.js'

const amount = z.number()
const moment = z.string()
const text = z.string()

const budget = {
  id: text,
  name: text,
  scope: z.looseObject({}),
  window: text,
  limit: amount,
  enforcement: z.enum(['hard', 'alert']),
  thresholds: z.array(z.number()),
  raised_until: moment.nullable(),
}

const BUDGET = {
  id: 'searching',
  name: 'searching',
  scope: { tool: 'web_search' },
  window: 'day',
  limit: 100,
  enforcement: 'hard',
  thresholds: [80, 95],
  raised_until: null,
}

export const writtenBudgetAnswer: Answer = { name: 'written_budget', schema: z.looseObject({ ...written, ...budget }), example: { ...WRITTEN, ...BUDGET } }

const alert = z.looseObject({
  id: text,
  level: z.enum(['low', 'critical']),
  when: z.enum(['at_or_below', 'below']),
  credits: amount.nullable(),
  percent: z.number().nullable(),
})

const ALERT = { id: 'half', level: 'low', when: 'at_or_below', credits: null, percent: 50 }

export const alertAnswer: Answer = { name: 'alert', schema: alert, example: ALERT }
export const alertsAnswer = listOf('alerts', alert, ALERT)

export const messagesAnswer = listOf('messages', z.looseObject({ id: text, type: text, at: moment, text, facts: z.looseObject({}) }), {
  id: 'msg_12',
  type: 'balance_low',
  at: '2026-11-05T14:30:00.000Z',
  text: '49 of 250 credits are left',
  facts: { balance: 49 },
})

const perTime = { within_seconds: z.number() }

const guard = {
  id: z.enum(['approval', 'runaway']),
  above: amount.nullable(),
  valid_seconds: z.number().nullable(),
  wait_seconds: z.number().nullable(),
  client: z.boolean().nullable(),
  identical: z.looseObject({ calls: z.number(), ...perTime }).nullable(),
  burn: z.looseObject({ credits: amount, ...perTime }).nullable(),
}

const GUARD = { id: 'approval', above: 50, valid_seconds: 86_400, wait_seconds: 7_200, client: true, identical: null, burn: null }

export const guardsAnswer = listOf('guards', z.looseObject(guard), GUARD)
export const writtenGuardAnswer: Answer = { name: 'written_guard', schema: z.looseObject({ ...written, ...guard }), example: { ...WRITTEN, ...GUARD } }

const approval = {
  id: text,
  asks: z.enum(['call', 'budget', 'top_up', 'approval']),
  status: z.enum(['pending', 'approved', 'denied', 'granted', 'used', 'lapsed']),
  credits: amount,
  operation: text.nullable(),
  variant: text.nullable(),
  tool: text.nullable(),
  quantity: z.number().nullable(),
  labels: z.record(z.string(), z.string()).nullable(),
  key: text.nullable(),
  key_name: text.nullable(),
  budget: text.nullable(),
  reason: text.nullable(),
  asked_at: moment,
  answered_by: z.enum(['operator', 'client']).nullable(),
  expires_at: moment,
}

const APPROVAL = {
  id: 'ap_0f3a92c41b7d5e68',
  asks: 'call',
  status: 'pending',
  credits: 60,
  operation: 'report.write',
  variant: null,
  tool: null,
  quantity: 4,
  labels: { customer: 'acme' },
  key: 'key_0f3a5b7c9d1e',
  key_name: 'writer',
  budget: null,
  reason: null,
  asked_at: '2026-11-05T14:30:00.000Z',
  answered_by: null,
  expires_at: '2026-11-05T16:30:00.000Z',
}

export const approvalsAnswer = listOf('approvals', z.looseObject(approval), APPROVAL)
export const resolvedApprovalAnswer: Answer = {
  name: 'resolved_approval',
  schema: z.looseObject({ ...written, ...approval }),
  example: { ...WRITTEN, ...APPROVAL, status: 'approved', answered_by: 'operator', expires_at: '2026-11-06T14:35:00.000Z' },
}
