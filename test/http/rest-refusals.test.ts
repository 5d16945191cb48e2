import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ErrorCode, ERRORS } from '../../src/errors.js'
import type { Caller } from '../../src/http/ports.js'
import { openApiDocument } from '../../src/http/open-api.js'
import { answerCall } from '../../src/mcp/answer-call.js'
import { REFUSAL_META, type RefusalBody } from '../../src/refusal-body.js'
import { tools } from '../../tools/index.js'
import { newSeed } from '../support/seeded-random.js'
import { type Answered, problemIn, restLedger, type RestLedger } from './rest-support.js'

/** A product in which everything that can be refused for money is. */
const CATALOG = {
  id: 'limits',
  name: 'Limits',
  unit: { name: 'credit', plural: 'credits', credit_usd: null },
  price_increase_notice_days: 0,
  categories: [{ id: 'work', name: 'Work' }],
  operations: {
    'work.unit': { name: 'Unit', category: 'work', price: { model: 'per_unit', credits: '1' } },
    'work.job': { name: 'Job', category: 'work', price: { model: 'range', minimum: '1', maximum: '2000000000' } },
    'work.best': { name: 'Best', category: 'work', requires_plan: ['capped'], price: { model: 'flat', credits: '1' } },
  },
  tools: {},
  default_tool_price: null,
  default_plan: 'monthly',
  plans: {
    monthly: { name: 'Monthly', monthly_credits: '100', price_usd: '5', rollover: { kind: 'unlimited' } },
    capped: { name: 'Capped', monthly_credits: '100', price_usd: '5', rollover: { kind: 'unlimited' }, spending_cap: { credits: '5', window: 'period' } },
  },
}

const AGENT = ['credits:read', 'credits:spend']

async function limitedLedger(): Promise<RestLedger> {
  const rest = await restLedger({ catalog: CATALOG, accounts: ['acme', 'other', 'budgeted', 'stopped'] })
  await rest.credits.createAccount({ id: 'capped', plan: 'capped' })
  await rest.credits.setBudget({ account: 'budgeted', id: 'daily', window: 'day', limit: 5 })
  await rest.credits.setAccountState({ account: 'stopped', state: 'suspended' })
  return rest
}

/** What an agent with the same key is refused with over MCP. */
async function overMcp(caller: Caller, tool: string, input: unknown): Promise<RefusalBody | null> {
  const answer = await answerCall(tool, () => Promise.resolve(caller.credits.as({ holder: 'agent' })), input)
  return 'isError' in answer ? answer._meta[REFUSAL_META] : null
}

const CAUSES: readonly (readonly [ErrorCode, account: string, scopes: readonly string[], tool: string, input: object])[] = [
  ['out_of_credits', 'acme', AGENT, 'charge_credits', { operation: 'work.unit', quantity: 101 }],
  ['out_of_credits', 'acme', AGENT, 'reserve_credits', { operation: 'work.job' }],
  ['budget_exceeded', 'budgeted', AGENT, 'charge_credits', { operation: 'work.unit', quantity: 6 }],
  ['spending_cap_reached', 'capped', AGENT, 'charge_credits', { operation: 'work.unit', quantity: 6 }],
  ['plan_required', 'acme', AGENT, 'charge_credits', { operation: 'work.best' }],
  ['account_suspended', 'stopped', AGENT, 'charge_credits', { operation: 'work.unit' }],
  ['forbidden', 'acme', ['credits:read', 'work.best'], 'charge_credits', { operation: 'work.unit' }],
  ['invalid_request', 'acme', AGENT, 'charge_credits', { operation: 'work.job' }],
  ['invalid_request', 'acme', AGENT, 'charge_credits', { operation: 'work.unit', quantity: '1', nothing: 1 }],
  ['invalid_request', 'acme', AGENT, 'estimate_cost', {}],
  ['invalid_request', 'acme', AGENT, 'get_mcp_usage', { since: 'yesterday' }],
  ['invalid_request', 'acme', AGENT, 'explain_charge', {}],
  ['invalid_amount', 'acme', AGENT, 'charge_credits', { operation: 'work.job', actual: -1 }],
  ['invalid_amount', 'acme', AGENT, 'charge_credits', { operation: 'work.unit', quantity: 2_000_000_000.000001 }],
  ['invalid_amount', 'acme', AGENT, 'reserve_credits', { operation: 'work.unit', quantity: 0 }],
  ['invalid_amount', 'acme', AGENT, 'reserve_credits', { calls: [{ operation: 'work.unit', quantity: 0 }] }],
  ['unknown_operation', 'acme', AGENT, 'charge_credits', { operation: 'no.such' }],
  ['unknown_variant', 'acme', AGENT, 'charge_credits', { operation: 'work.unit', variant: 'x' }],
  ['unknown_reservation', 'acme', AGENT, 'settle_reservation', { reservation: 'rs_9_0000000000' }],
  ['unknown_transaction', 'acme', AGENT, 'explain_charge', { transaction: 'tx_9_0000000000' }],
  ['idempotency_conflict', 'acme', AGENT, 'charge_credits', { operation: 'work.unit', quantity: 2, idempotency_key: 'used' }],
]

describe('a refusal over REST', () => {
  it.each(CAUSES)('T41, AX-17: %s is the same body as over MCP, as a problem with the status of its code', async (code, account, scopes, tool, input) => {
    const rest = await limitedLedger()
    const caller = await rest.keyed(account, scopes)
    await rest.send(rest.local('acme'), 'POST', '/v1/tools/charge_credits', { operation: 'work.unit', idempotency_key: 'used' })
    const answer = await rest.send(caller, 'POST', `/v1/tools/${tool}`, input)
    const told = await overMcp(caller, tool, input)
    expect(told?.error.code).toBe(code)
    expect({ error: problemIn(answer).error }).toEqual(told)
    expectProblem(answer, code)
    expect(rest.reports).toEqual([])
  })

  it('T40: what is about money is 402, not retryable, and carries no Retry-After', async () => {
    const money = CAUSES.filter(([code]) => ERRORS[code].status === 402)
    expect(new Set(money.map(([code]) => code)).size).toBe(4)
    const rest = await limitedLedger()
    for (const [code, account, scopes, tool, input] of money) {
      const answer = await rest.send(await rest.keyed(account, scopes), 'POST', `/v1/tools/${tool}`, input)
      expect(problemIn(answer), code).toMatchObject({ status: 402, retryable: false, error: { retryable: false } })
      expect(answer.headers.get('retry-after'), code).toBeNull()
      expect(problemIn(answer).advice, code).not.toEqual([])
    }
  })

  it('T41: whatever the input, a tool is refused by the same body as over MCP, or answered by both', async () => {
    const rest = await limitedLedger()
    const caller = await rest.keyed('acme', AGENT)
    const seed = newSeed()
    console.info(`seed ${seed}`)
    const field = fc.constantFrom('operation', 'variant', 'quantity', 'actual', 'args', 'labels', 'reservation', 'transaction', 'idempotency_key', 'since', 'label', 'limit', 'cursor', 'credits', 'calls', 'nothing')
    const value = fc.oneof(fc.constantFrom<unknown>('work.unit', 'work.job', 'x', '', -1, 0.5, 1e-7, 3e9, null, true, [], {}, 'x'.repeat(256)), fc.jsonValue({ maxDepth: 2 }))
    let refused = 0
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...tools), fc.dictionary(field, value, { maxKeys: 4 }), async (tool, made) => {
        const input = JSON.parse(JSON.stringify(made)) as object
        const told = await overMcp(caller, tool.name, input)
        if (told === null && tool.toolset !== 'read') return
        const answer = await rest.send(caller, 'POST', `/v1/tools/${tool.name}`, input)
        expect(answer.status === 200 ? null : { error: problemIn(answer).error }).toEqual(told)
        if (told !== null) refused += 1
      }),
      { numRuns: 500, seed },
    )
    expect(refused).toBeGreaterThan(50)
    expect(rest.reports).toEqual([])
  })
})

function expectProblem(answer: Answered, code: ErrorCode): void {
  const { error, type, title, status, detail, ...flat } = problemIn(answer)
  expect({ type, title, status, detail }).toEqual({ type: `urn:mcp-credits:error:${code}`, title: ERRORS[code].title, status: ERRORS[code].status, detail: error.message })
  expect(answer.status).toBe(ERRORS[code].status)
  expect(flat).toEqual(error)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.headers.get('cache-control')).toBe('no-store')
}

describe('amounts over REST', () => {
  const MOST = 2_000_000_000

  it.each([MOST, 1_999_999_999.999999])('T28: %d goes in and comes out as it was given', async (amount) => {
    const rest = await limitedLedger()
    await rest.credits.createAccount({ id: 'rich', plan: 'none', debtLimit: MOST })
    const operator = rest.local('rich')
    const said = async (method: string, path: string, body?: object) => (await rest.send(operator, method, path, body)).body
    expect(await said('POST', '/v1/admin/grants', { credits: amount })).toMatchObject({ granted: amount, balance: amount })
    expect(await said('GET', '/v1/balance')).toMatchObject({ balance: amount, grants: [{ remaining: amount }] })
    expect((await rest.send(operator, 'GET', '/v1/balance')).text).toContain(`"balance":${amount},`)
    expect(await said('PUT', '/v1/admin/budgets/b', { limit: amount, window: 'total' })).toMatchObject({ limit: amount })
    expect(await said('PUT', '/v1/admin/alerts/a', { credits: amount })).toMatchObject({ credits: amount })
    expect(await said('POST', '/v1/tools/what_can_i_afford', { credits: amount })).toMatchObject({ credits: amount })
    expect(await said('POST', '/v1/tools/estimate_cost', { operation: 'work.unit', quantity: amount })).toMatchObject({ maximum: amount, balance_after: 0 })
    const charged = await said('POST', '/v1/tools/charge_credits', { operation: 'work.job', actual: amount })
    expect(charged).toMatchObject({ charged: amount, balance: 0 })
    expect(await said('POST', '/v1/admin/refunds', { transaction: charged['transaction'], credits: amount })).toMatchObject({ refunded: amount, balance: amount })
    expect(await said('GET', '/v1/admin/statement')).toMatchObject({ granted: amount, spent: amount, refunded: amount })
    const held = await said('POST', '/v1/tools/reserve_credits', { operation: 'work.unit', quantity: amount })
    expect(await said('POST', '/v1/tools/settle_reservation', { reservation: held['reservation'], actual: amount })).toMatchObject({ charged: amount, released: 0 })
    expect(await said('GET', '/v1/transactions?limit=1')).toMatchObject({ transactions: [{ credits: amount }] })
    expect(await said('GET', '/v1/admin/verification')).toMatchObject({ ok: true })
  })

  it('T28: a micro-credit more is no amount, wherever one is taken, and leaves no trace', async () => {
    const rest = await limitedLedger()
    const operator = rest.local('acme')
    const before = await rest.credits.verify()
    const beyond = [
      ['POST', '/v1/admin/grants', 'credits'],
      ['POST', '/v1/admin/adjustments', 'credits'],
      ['PUT', '/v1/admin/budgets/b', 'limit'],
      ['PUT', '/v1/admin/alerts/a', 'credits'],
      ['POST', '/v1/tools/what_can_i_afford', 'credits'],
    ] as const
    for (const [method, path, field] of beyond) {
      for (const number of ['2000000000.000001', '2000000001', '-2000000000.000001', '0.0000001', '-0']) {
        const body = `{"${field}":${number}}`
        const answer = await rest.sendRaw(operator, path, { method, headers: { 'content-type': 'application/json' }, body })
        expect(problemIn(answer), `${path} ${body}`).toMatchObject({ status: 400, code: 'invalid_amount', details: { field } })
      }
    }
    expect(problemIn(await rest.send(operator, 'POST', '/v1/tools/charge_credits', { operation: 'work.job', actual: 2_000_000_000.000001 }))).toMatchObject({ code: 'invalid_amount' })
    expect(problemIn(await rest.send(operator, 'POST', '/v1/admin/accounts', { id: 'new', debt_limit: 2_000_000_000.000001 }))).toMatchObject({ code: 'invalid_amount', details: { field: 'debt_limit' } })
    expect(await rest.credits.verify()).toEqual(before)
  })
})

describe('T40: what is not paid for', () => {
  it.each([
    ['post', '/v1/admin/adjustments', {}, { credits: -100_000, reason: 'granted twice' }, 'out_of_credits'],
    ['put', '/v1/admin/alerts/{id}', { id: 'half' }, { percent: 50 }, 'plan_required'],
    ['post', '/v1/tools/estimate_cost', {}, { tool: 'unheard_of' }, 'price_unknown'],
  ] as const)('is 402 of %s %s as well, and its description says so', async (method, path, parameters, body, code) => {
    const capped = { ...CATALOG.plans.capped, entitlements: { custom_alerts: true } }
    const rest = await restLedger({ catalog: { ...CATALOG, plans: { ...CATALOG.plans, capped } } })
    const caller = await rest.keyed('acme', ['operator'])
    const at = Object.entries(parameters).reduce((filled, [name, value]) => filled.replace(`{${name}}`, value), path as string)
    expect(problemIn(await rest.send(caller, method.toUpperCase(), at, body))).toMatchObject({ status: 402, code })
    expect(openApiDocument({ version: '1' }).paths[path]?.[method]?.['responses']).toHaveProperty('402')
  })
})
