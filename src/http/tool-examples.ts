import type { Wire } from './route.js'

const PERIOD_END = '2026-02-10T12:00:00.000Z'
const NOW = '2026-01-10T12:00:00.000Z'

const CHARGED = {
  id: 'tx_3_47c470c985',
  type: 'charge',
  at: NOW,
  operation: 'report.write',
  variant: null,
  tool: null,
  credits: 60,
  balance_after: 190,
  labels: { customer_id: 'c1' },
  reservation: null,
  idempotency_key: 'job-1',
}

const DAILY = {
  id: 'daily',
  name: 'daily',
  scope: {},
  subject: null,
  window: 'day',
  limit: 200,
  used: 60,
  reserved: 0,
  remaining: 140,
  percent_used: 30,
  since: NOW,
  resets_at: '2026-01-11T00:00:00.000Z',
  enforcement: 'hard',
  thresholds: [80, 95],
  raised_until: null,
  level: 'ok',
}

const REPORT = { operation: 'report.write', variant: null, quantity: 1, unit_price: 60, minimum: 60, maximum: 60 }

const RESERVATION = 'rs_4_ea51bbd642'

/** An input and an output of each tool, as they come with the catalog `neural-draft`. */
export const toolExamples: Readonly<Record<string, { readonly input: Wire; readonly output: Wire }>> = {
  get_credit_balance: {
    input: {},
    output: {
      account: 'acme',
      state: 'active',
      balance: 190,
      spendable: 140,
      reserved: 0,
      pending: 0,
      unit: { name: 'credit', plural: 'credits', credit_usd: null },
      plan: { id: 'free', name: 'Free', monthly_credits: 250, renews_at: PERIOD_END, next_plan: null, entitlements: { badge: true } },
      lifetime_used: 60,
      last_transaction: CHARGED,
      level: 'ok',
      spending_cap: null,
      grants: [{ id: 'gr_1_b273933f58', source: 'allowance', remaining: 190, expires_at: PERIOD_END }],
    },
  },
  get_budget_status: { input: {}, output: { budgets: [DAILY], tightest: DAILY, run: null } },
  estimate_cost: {
    input: { operation: 'report.write', quantity: 2 },
    output: {
      minimum: 120,
      maximum: 120,
      usd: null,
      lines: [{ ...REPORT, quantity: 2, minimum: 120, maximum: 120 }],
      picked: [],
      affordable: true,
      balance_after: 70,
      blocked_by: [],
      cheaper: [],
      price_version: 1,
    },
  },
  get_mcp_usage: {
    input: { group_by: 'operation', label: { name: 'customer_id', value: 'c1' } },
    output: {
      period: { since: '2025-12-11T12:00:00.000Z', until: NOW, time_zone: 'UTC' },
      rows: [{ key: 'report.write', calls: 1, credits: 60, usd: null, share: 1 }],
      total_calls: 1,
      total_credits: 60,
      previous: null,
      change: null,
      burn_rate_per_day: 2,
      runs_out_at: null,
    },
  },
  list_operations: {
    input: { search: 'film' },
    output: {
      catalog: 'neural-draft',
      price_version: 1,
      operations: [
        {
          id: 'film.render',
          name: 'Film',
          category: 'film',
          unit: 'film',
          variants: [
            { id: 'budget', price: '40 credits a film', requires_plan: [] },
            { id: 'premium', price: '300 credits a film', requires_plan: ['build', 'scale', 'enterprise'] },
          ],
          price: null,
          requires_plan: [],
        },
      ],
      announced_changes: [],
      changes: null,
    },
  },
  list_transactions: { input: { type: 'charge', limit: 1 }, output: { transactions: [CHARGED], next_cursor: null } },
  explain_charge: {
    input: { idempotency_key: 'job-1' },
    output: {
      outcome: 'charged',
      explanation: '60 credits for report.write by price version 1.',
      transaction: CHARGED,
      price_version: 1,
      lines: [REPORT],
      reserved: null,
      charged: 60,
      released: 0,
      uncollected: 0,
      refunded: 0,
      grants: [{ id: 'gr_1_b273933f58', source: 'allowance', credits: 60 }],
      budgets: [DAILY],
      quote: null,
      approval: null,
      attempts: [{ at: NOW, outcome: 'charged' }],
      refunds: [],
    },
  },
  what_can_i_afford: {
    input: { credits: 250, category: 'film' },
    output: { credits: 250, rows: [{ operation: 'film.render', variant: 'budget', units: 6 }] },
  },
  charge_credits: {
    input: { operation: 'report.write', labels: { customer_id: 'c1' }, idempotency_key: 'job-1' },
    output: { transaction: CHARGED.id, charged: 60, variant: null, picked: null, balance: 190, budget_level: 'ok', replayed: false },
  },
  reserve_credits: {
    input: { operation: 'film.render', variant: 'budget', ttl_seconds: 600 },
    output: { reservation: RESERVATION, reserved: 40, variant: 'budget', picked: null, expires_at: '2026-01-10T12:10:00.000Z', balance: 150, replayed: false },
  },
  extend_reservation: {
    input: { reservation: RESERVATION, ttl_seconds: 1_200 },
    output: { reservation: RESERVATION, expires_at: '2026-01-10T12:20:00.000Z', replayed: false },
  },
  settle_reservation: {
    input: { reservation: RESERVATION },
    output: { transaction: 'tx_6_9615b32957', charged: 40, released: 0, uncollected: 0, late: false, balance: 150, replayed: false },
  },
  release_reservation: {
    input: { reservation: RESERVATION, fault: 'provider' },
    output: { transaction: 'tx_6_e8eb124e30', released: 40, charged: 0, balance: 190, replayed: false },
  },
  delegate_budget: {
    input: { credits: 50, expires_in_seconds: 3_600, operations: ['content:*'], name: 'researcher' },
    output: {
      key: 'mc_Zr8vQ1kP0_an_example_of_a_secret',
      key_id: 'key_0f3a5b7c9d1e',
      limit: 50,
      expires_at: '2026-01-10T13:00:00.000Z',
      scopes: ['credits:read', 'content:*'],
      may_delegate: false,
      replayed: false,
    },
  },
  request_credits: {
    input: { credits: 100, reason: 'Twenty more posts of the campaign', kind: 'top_up' },
    output: {
      request: 'ap_0f3a92c41b7d5e68',
      status: 'pending',
      how: 'A person answers it: npx mcp-credits approve ap_0f3a92c41b7d5e68 --account acme, or deny',
      expires_at: '2026-01-11T12:00:00.000Z',
      replayed: false,
    },
  },
}
