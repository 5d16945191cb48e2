import { describe, expect, it } from 'vitest'
import { describeTool, tools } from '../../tools/index.js'
import { type AnyClient, bodyOf, CLIENT_KINDS, connect, testLedger, type TestLedger } from './support.js'

const REFUSAL_META = 'io.github.mcp-credits/refusal'

/** What the calls below refer to, made through the same client. */
interface Made {
  readonly transaction: string
  readonly reservation: string
}

/** For each tool a call that succeeds, on a ledger with 1,000 credits granted and a charge made under the key `job-1`. */
const SUCCESSES: Record<string, (made: Made) => Record<string, unknown>> = {
  get_credit_balance: () => ({}),
  get_budget_status: () => ({}),
  estimate_cost: () => ({ operation: 'blog.post', quantity: 2 }),
  get_mcp_usage: () => ({ group_by: 'operation', time_zone: 'Europe/Berlin', since: '2026-01-01T00:00:00Z' }),
  list_operations: () => ({ search: 'video' }),
  list_transactions: () => ({ limit: 2 }),
  explain_charge: ({ transaction }) => ({ transaction }),
  what_can_i_afford: () => ({ credits: 100 }),
  charge_credits: () => ({ operation: 'image.generate', labels: { customerId: 'a', customer_id: 'b' }, idempotency_key: 'job-2' }),
  reserve_credits: () => ({ operation: 'video.clip', ttl_seconds: 60 }),
  extend_reservation: ({ reservation }) => ({ reservation, ttl_seconds: 600 }),
  settle_reservation: ({ reservation }) => ({ reservation, idempotency_key: 'end-1' }),
  release_reservation: ({ reservation }) => ({ reservation, fault: 'provider' }),
  delegate_budget: () => ({ credits: 20, expires_in_seconds: 3_600, operations: ['image.generate', 'video:*'], name: 'helper', idempotency_key: 'd-1' }),
  request_credits: () => ({ credits: 50, reason: 'for the images', kind: 'top_up' }),
}

/** For each tool a call that is refused, and how. */
const REFUSALS: Record<string, readonly [arguments: Record<string, unknown>, code: string]> = {
  get_credit_balance: [{ account: 'other' }, 'invalid_request'],
  get_budget_status: [{ x: 1 }, 'invalid_request'],
  estimate_cost: [{ operation: 'no.such' }, 'unknown_operation'],
  get_mcp_usage: [{ group_by: 'moon' }, 'invalid_request'],
  list_operations: [{ changes: true }, 'invalid_request'],
  list_transactions: [{ limit: 0 }, 'invalid_request'],
  explain_charge: [{ transaction: 'tx_1_0000000000' }, 'unknown_transaction'],
  what_can_i_afford: [{ credits: -1 }, 'invalid_amount'],
  charge_credits: [{ operation: 'blog.post', quantity: 1_000 }, 'out_of_credits'],
  reserve_credits: [{ operation: 'website.generate', quantity: 1_000 }, 'out_of_credits'],
  extend_reservation: [{ reservation: 'rs_1_0000000000', ttl_seconds: 60 }, 'unknown_reservation'],
  settle_reservation: [{ reservation: 'rs_1_0000000000' }, 'unknown_reservation'],
  release_reservation: [{ reservation: 'rs_1_0000000000' }, 'unknown_reservation'],
  delegate_budget: [{ credits: 20, expires_in_seconds: 60, operations: ['no.such'] }, 'invalid_request'],
  request_credits: [{ credits: 5, reason: 'more', kind: 'approval' }, 'invalid_request'],
}

async function prepared(ledger: TestLedger, client: AnyClient): Promise<Made> {
  await ledger.credits.grant({ credits: 1_000 })
  const charged = await call(client, 'charge_credits', { operation: 'blog.post', idempotency_key: 'job-1' })
  const reserved = await call(client, 'reserve_credits', { operation: 'blog.post' })
  return { transaction: charged['transaction'] as string, reservation: reserved['reservation'] as string }
}

/** What a call answered that has to succeed. */
async function call(client: AnyClient, name: string, args: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const result = await client.callTool({ name, arguments: args })
  if (result.isError === true) throw new Error(result.content[0]?.text)
  return result.structuredContent as Record<string, unknown>
}

describe.each(CLIENT_KINDS)('with %s', (kind) => {
  it('T41: every tool answers with all the fields of its schema, and its text says the same', async () => {
    const ledger = await testLedger()
    const { client } = await connect(kind, ledger)
    for (const tool of tools) {
      const args = SUCCESSES[tool.name]?.(await prepared(ledger, client)) ?? {}
      const result = await client.callTool({ name: tool.name, arguments: args })
      expect(result.isError ?? false, `${tool.name}: ${result.content[0]?.text}`).toBe(false)
      expect(tool.output.safeParse(result.structuredContent).error, tool.name).toBeUndefined()
      expect(undeclared(describeTool(tool).outputSchema, result.structuredContent), tool.name).toEqual([])
      expect(JSON.parse(result.content[0]?.text ?? ''), tool.name).toEqual(result.structuredContent)
      expect(result.content).toHaveLength(1)
    }
  })

  it('T41: every tool refuses with one body, as text and in _meta, and without structured content', async () => {
    const ledger = await testLedger()
    const { client, served } = await connect(kind, ledger)
    await prepared(ledger, client)
    for (const { name } of tools) {
      const [args, code] = REFUSALS[name] ?? [{}, '']
      const result = await client.callTool({ name, arguments: args })
      expect(bodyOf(result).error, name).toMatchObject({ code, retryable: false })
      expect(Object.keys(bodyOf(result).error)).toEqual(['code', 'message', 'retryable', 'details', 'advice', 'affordable', 'cheaper', 'top_up_url', 'approval'])
      expect(result._meta?.[REFUSAL_META], name).toEqual(bodyOf(result))
      expect(result).not.toHaveProperty('structuredContent')
      expect(result.isError).toBe(true)
    }
    expect(served.reports).toEqual([])
  })

  it('SN-11: the budget status tells each budget of the party, the one that would stop first, and that of the run', async () => {
    const ledger = await testLedger()
    await ledger.credits.setBudget({ id: 'daily', name: 'A day', window: 'day', limit: 200 })
    await ledger.credits.setBudget({ id: 'runs', window: 'run', limit: 150, thresholds: [50] })
    await ledger.credits.setBudget({ id: 'others', window: 'total', limit: 5, scope: { run: 'another' } })
    await ledger.credits.setBudget({ id: 'told', window: 'month', limit: 10, enforcement: 'alert', scope: { each: 'label:customer' } })
    const { client } = await connect(kind, ledger, { credits: async () => ledger.credits.as({ run: 'mine' }) })
    await client.callTool({ name: 'charge_credits', arguments: { operation: 'blog.post', labels: { customer: 'c1' } } })
    await client.callTool({ name: 'reserve_credits', arguments: { operation: 'video.clip' } })
    const { structuredContent } = await client.callTool({ name: 'get_budget_status', arguments: {} })
    const since = '2026-01-10T12:00:00.000Z'
    const daily = { id: 'daily', name: 'A day', scope: {}, subject: null, window: 'day', limit: 200, used: 60, reserved: 40, remaining: 100, percent_used: 50, since, resets_at: '2026-01-11T00:00:00.000Z', enforcement: 'hard', thresholds: [80, 95], raised_until: null, level: 'ok' }
    const runs = { ...daily, id: 'runs', name: 'runs', subject: 'mine', window: 'run', limit: 150, remaining: 50, percent_used: 66.66, resets_at: null, thresholds: [50], level: 'low' }
    expect(structuredContent).toEqual({ budgets: expect.arrayContaining([daily, runs]) as unknown, tightest: runs, run: runs })
    expect(structuredContent?.['budgets']).toHaveLength(2)
    const status = tools.find(({ name }) => name === 'get_budget_status')
    expect(undeclared(describeTool(status as (typeof tools)[number]).outputSchema, structuredContent)).toEqual([])
    expect((await client.callTool({ name: 'get_credit_balance', arguments: {} })).structuredContent).toMatchObject({ balance: 150, spendable: 50 })
  })

  it('an estimate is told whom it is for: a budget of that label stops it', async () => {
    const ledger = await testLedger()
    await ledger.credits.setBudget({ id: 'customers', limit: 50, scope: { each: 'label:customer' } })
    const { client } = await connect(kind, ledger)
    const estimate = async (labels: object) => (await client.callTool({ name: 'estimate_cost', arguments: { operation: 'blog.post', ...labels } })).structuredContent
    expect(await estimate({})).toMatchObject({ affordable: true, blocked_by: [] })
    expect(await estimate({ labels: { customer: 'c1' } })).toMatchObject({ affordable: false, blocked_by: [{ code: 'budget_exceeded', details: { limited_by: { id: 'customers', subject: 'c1' } } }] })
  })

  it('explain_charge names the budgets that a charge has counted in', async () => {
    const ledger = await testLedger()
    await ledger.credits.setBudget({ id: 'daily', window: 'day', limit: 200 })
    const { client } = await connect(kind, ledger)
    const { structuredContent: charged } = await client.callTool({ name: 'charge_credits', arguments: { operation: 'blog.post' } })
    const { structuredContent } = await client.callTool({ name: 'explain_charge', arguments: { transaction: charged?.['transaction'] } })
    expect(structuredContent).toMatchObject({ budgets: [{ id: 'daily', used: 60, remaining: 140 }] })
  })

  it('lists the tools of its toolsets in order, and knows no other', async () => {
    const { client } = await connect(kind, await testLedger(), { toolsets: ['read'] })
    const { tools: listed } = await client.listTools()
    expect(listed.map(({ name }) => name)).toEqual(tools.filter(({ toolset }) => toolset === 'read').map(({ name }) => name))
    await expect(client.callTool({ name: 'charge_credits', arguments: { operation: 'blog.post' } })).rejects.toThrow('Tool charge_credits not found')
  })

  it('lists what the definitions say, unchanged', async () => {
    const { client } = await connect(kind, await testLedger())
    const { tools: listed } = await client.listTools()
    expect(listed).toEqual(JSON.parse(JSON.stringify(tools.map(describeTool))))
    expect(client.getInstructions()).toContain('estimate_cost')
  })
})

it('the clients between them speak both eras', async () => {
  const ledger = await testLedger()
  const eras = []
  for (const kind of CLIENT_KINDS) eras.push((await connect(kind, ledger)).client.getProtocolEra?.())
  expect(eras).toEqual([undefined, 'legacy', 'modern', 'modern'])
})

describe('what an agent sees', () => {
  it('SN-10, WC-06: the balance, the plan with its monthly allocation, lifetime use and the last transaction', async () => {
    const ledger = await testLedger()
    const { client } = await connect('the client of SDK 1', ledger)
    const charged = await call(client, 'charge_credits', { operation: 'blog.post' })
    expect(await call(client, 'get_credit_balance')).toMatchObject({
      account: 'default',
      balance: 190,
      spendable: 190,
      reserved: 0,
      plan: { id: 'free', monthly_credits: 250, renews_at: '2026-02-10T12:00:00.000Z', entitlements: { badge: true } },
      lifetime_used: 60,
      last_transaction: { id: charged['transaction'], type: 'charge', credits: 60 },
      level: 'ok',
      grants: [{ source: 'allowance', remaining: 190 }],
    })
  })

  it('SN-12: calls and credits by tool', async () => {
    const ledger = await testLedger('starter')
    const { client } = await connect('the client of SDK 1', ledger)
    for (const tool of ['search', 'search', 'draw']) await meter(ledger, tool)
    expect(await call(client, 'get_mcp_usage')).toMatchObject({
      rows: [
        { key: 'search', calls: 2, credits: 2, usd: 0.02 },
        { key: 'draw', calls: 1, credits: 1, usd: 0.01 },
      ],
      total_calls: 3,
      total_credits: 3,
    })
  })

  it('AX-07: what the balance, or a given sum, pays for, by operation and variant', async () => {
    const { client } = await connect('the client of SDK 1', await testLedger())
    const units = async (args: Record<string, unknown>) => {
      const { rows } = (await call(client, 'what_can_i_afford', args)) as { rows: { operation: string; variant: string | null; units: number }[] }
      return rows.find(({ operation, variant }) => operation === 'social.post' && variant === 'text')?.units
    }
    expect(await units({})).toBe(50)
    expect(await units({ credits: 12 })).toBe(2)
  })

  it('AX-11: what became of a call whose answer was lost, by its key', async () => {
    const ledger = await testLedger('starter')
    const { client } = await connect('the client of SDK 1', ledger)
    const asked = () => call(client, 'explain_charge', { idempotency_key: 'job' })
    expect(await asked()).toMatchObject({ outcome: 'not_charged', charged: 0 })
    await meter(ledger, 'draw', {
      meta: { 'io.github.mcp-credits/idempotency_key': 'job' },
      during: async () => {
        expect(await asked()).toMatchObject({ outcome: 'in_progress', reserved: 1 })
      },
    })
    expect(await asked()).toMatchObject({ outcome: 'charged', charged: 1, transaction: { tool: 'draw' } })
  })

  it('AX-12: a retry with its key is one charge and says so, a call without a key is a charge of its own', async () => {
    const { client } = await connect('the client of SDK 1', await testLedger())
    const once = { operation: 'translate', idempotency_key: 'k' }
    const first = await call(client, 'charge_credits', once)
    expect(await call(client, 'charge_credits', once)).toEqual({ ...first, replayed: true })
    await call(client, 'charge_credits', { operation: 'translate' })
    const last = await call(client, 'charge_credits', { operation: 'translate' })
    expect(last).toMatchObject({ balance: 250 - 3 * 7, replayed: false })
    const other = await client.callTool({ name: 'charge_credits', arguments: { ...once, quantity: 2 } })
    expect(bodyOf(other).error.code).toBe('idempotency_conflict')
  })

  it('AX-12: the other writes are told the same again for the same key', async () => {
    const { client } = await connect('the client of SDK 1', await testLedger())
    const reserve = { operation: 'translate', idempotency_key: 'r' }
    const first = await call(client, 'reserve_credits', reserve)
    expect(await call(client, 'reserve_credits', reserve)).toEqual({ ...first, replayed: true })
    for (const [name, more] of [['extend_reservation', { ttl_seconds: 60 }], ['settle_reservation', {}]] as const) {
      const args = { reservation: first['reservation'], idempotency_key: name, ...more }
      const ended = await call(client, name, args)
      expect(await call(client, name, args)).toEqual({ ...ended, replayed: true })
    }
  })

  it('a refusal tells the sum, what stopped it and what a person can do', async () => {
    const { client } = await connect('the client of SDK 1', await testLedger())
    const body = bodyOf(await client.callTool({ name: 'charge_credits', arguments: { operation: 'blog.post', quantity: 10 } }))
    expect(body.error.details).toMatchObject({ required: 600, available: 250, shortfall: 350, limited_by: { type: 'balance', resets_at: null } })
    expect(body.error.advice.join()).toContain('npx mcp-credits grant 350')
  })

  it("labels, arguments and a plan's entitlements keep the names that others gave them", async () => {
    const { client } = await connect('the client of SDK 1', await testLedger())
    const labels = { customerId: 'a', customer_id: 'b', __proto: 'c' }
    await call(client, 'charge_credits', { operation: 'translate', labels, args: { someThing_else: 1 } })
    const listed = await call(client, 'list_transactions', { label: { name: 'customerId', value: 'a' } })
    expect(listed).toMatchObject({ transactions: [{ labels }] })
  })
})

describe('what an agent cannot do', () => {
  it('AX-16: no tool gives credits, raises a limit or changes a plan', async () => {
    const ledger = await testLedger()
    const { client } = await connect('the client of SDK 1', ledger)
    const made = await prepared(ledger, client)
    const before = ((await call(client, 'get_credit_balance'))['balance'] as number) + 60
    for (const { name } of tools) await client.callTool({ name, arguments: SUCCESSES[name]?.(made) ?? {} })
    const after = await call(client, 'get_credit_balance')
    expect(after['balance']).toBeLessThan(before)
    expect(after['plan']).toMatchObject({ id: 'free' })
    const granted = await ledger.credits.transactions({ type: 'grant' })
    expect(granted.transactions).toHaveLength(2)
  })

  it("see or end the meter's reservation", async () => {
    const ledger = await testLedger('starter')
    const { client } = await connect('the client of SDK 1', ledger)
    const known: string[] = []
    await meter(ledger, 'draw', {
      during: async () => {
        known.push(...(await ledger.credits.transactions({ type: 'reserve' })).transactions.flatMap(({ reservation }) => reservation ?? []))
        expect(known).toHaveLength(1)
        for (const name of ['get_credit_balance', 'list_transactions']) expect(JSON.stringify(await call(client, name))).not.toContain(known[0])
        for (const name of ['settle_reservation', 'release_reservation']) {
          const refused = await client.callTool({ name, arguments: { reservation: known[0] } })
          expect(bodyOf(refused).error.code).toBe('unknown_reservation')
        }
        const extended = await client.callTool({ name: 'extend_reservation', arguments: { reservation: known[0], ttl_seconds: 9 } })
        expect(bodyOf(extended).error.code).toBe('unknown_reservation')
      },
    })
    expect(JSON.stringify(await call(client, 'list_transactions'))).not.toContain(known[0])
    expect(await call(client, 'get_credit_balance')).toMatchObject({ balance: 999, reserved: 0 })
  })

  it("end an operator's reservation, which reads like one that never was", async () => {
    const ledger = await testLedger()
    const { client } = await connect('the client of SDK 1', ledger)
    const { reservation } = await ledger.credits.reserve({ operation: 'blog.post' })
    const refused = bodyOf(await client.callTool({ name: 'settle_reservation', arguments: { reservation: reservation as string } }))
    const never = bodyOf(await client.callTool({ name: 'settle_reservation', arguments: { reservation: 'rs_9_0123456789' } }))
    expect(refused.error.message.replace(reservation as string, 'X')).toBe(never.error.message.replace('rs_9_0123456789', 'X'))
    expect(await call(client, 'get_credit_balance')).toMatchObject({ reserved: 60 })
  })
})

interface MeterOptions {
  readonly meta?: Record<string, unknown>
  readonly during?: () => Promise<void>
}

/** Runs a metered call of an upstream tool, as a proxy in another process would. */
async function meter({ credits }: TestLedger, tool: string, { meta, during }: MeterOptions = {}): Promise<void> {
  let hasRun = false
  await credits.meter({
    tool,
    arguments: {},
    meta,
    signal: new AbortController().signal,
    run: async () => {
      hasRun = true
      await during?.()
      return { kind: 'result', result: { content: [] } }
    },
  })
  expect(hasRun).toBe(true)
}

type Schema = { readonly [keyword: string]: unknown }

/** Where a value has a member that its schema does not name; an object without named members is somebody else's data. */
function undeclared(schema: Schema, value: unknown, at = '', root = schema): string[] {
  const { items, properties } = resolved(schema, root) as { items?: Schema; properties?: Record<string, Schema> }
  if (Array.isArray(value)) return value.flatMap((item) => undeclared(items ?? {}, item, `${at}[]`, root))
  if (typeof value !== 'object' || value === null || Object.keys(properties ?? {}).length === 0) return []
  return Object.entries(value).flatMap(([name, member]) => {
    const known = properties?.[name]
    return known === undefined ? [`${at}.${name}`] : undeclared(known, member, `${at}.${name}`, root)
  })
}

/** What a reference refers to, also where null may stand instead. */
function resolved(schema: Schema, root: Schema): Schema {
  const [first] = (schema['anyOf'] ?? []) as readonly Schema[]
  const reference = (first ?? schema)['$ref']
  if (typeof reference !== 'string') return first ?? schema
  return (root['$defs'] as Record<string, Schema>)[reference.slice('#/$defs/'.length)] ?? {}
}
