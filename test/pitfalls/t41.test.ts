import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeTool, tools } from '../../tools/index.js'
import type { Tool } from '../../tools/definition.js'
import { type ErrorCode, ERRORS } from '../../src/errors.js'
import { REFUSAL_META, type RefusalBody } from '../../src/refusal-body.js'
import { CASES, CATALOG } from '../doors/refusing-ledger.js'
import { type AnyClient, type ClientKind, connect, testLedger, type ToolResult } from '../mcp/support.js'
import { newSeed } from '../support/seeded-random.js'

/** A client of either era; the others are seen to answer alike where each tool is called once. */
const ERAS: readonly ClientKind[] = ['the client of SDK 1', 'the client of SDK 2 that wants 2026-07-28']

/** How often a client calls each tool. */
const CALLS_A_TOOL = 100

/** With something that every account can pay. */
const PRODUCT = { ...CATALOG, operations: { ...CATALOG.operations, 'work.tiny': { name: 'Tiny work', price: { model: 'flat', credits: '0.1' } } } }

/** An account for each way of saying no, and one that may do everything. */
const ACCOUNTS = ['free', ...Object.keys(CASES)]

/** What a call may name, by field; `$`-names stand for what the ledger has of that kind. */
const VALUES: Readonly<Record<string, readonly unknown[]>> = {
  operation: ['work.do', 'work.do', 'work.tiny', 'work.better', 'no.such', ''],
  variant: ['auto', 'fine'],
  quantity: [1, 1, 2, 100, 0, -1, 0.5, 3e9],
  actual: [0, 1, -1, 1e-7],
  usage: [{ tokens: 5 }, {}],
  args: [{}, { text: 'x' }],
  labels: [{ customer: 'c1' }, { '': 1 }],
  reservation: ['$reservation', 'rs_1_0000000000', ''],
  transaction: ['$transaction', 'tx_9_0000000000'],
  quote_id: ['quote_1_0000000000'],
  quote: [true],
  calls: [[{ operation: 'work.do' }], [{ operation: 'work.do', quantity: 2 }, { tool: 'echo', args: {} }], []],
  idempotency_key: ['job-1', 'job-2', 'job-3', ''],
  ttl_seconds: [60, 0, 86_401],
  fault: ['provider', 'caller', 'moon'],
  since: ['2026-01-01T00:00:00Z', 'yesterday'],
  until: ['2027-01-01T00:00:00Z'],
  group_by: ['operation', 'day', 'moon'],
  time_zone: ['Europe/Berlin', 'Nowhere/At-All'],
  limit: [1, 50, 0],
  cursor: ['1.0000000000000000'],
  credits: [1, 5, -1, 3e9],
  expires_in_seconds: [600, 0],
  operations: [['work.do'], ['no.such']],
  name: ['helper'],
  reason: ['for more', ''],
  kind: ['budget', 'top_up', 'approval', 'moon'],
  type: ['charge', 'moon'],
}

/** Of its fields some, each as it may come, and now and then one that no tool has. */
function inputOf(tool: Tool): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.entries(tool.input.shape).map(([name, schema]) => {
    const values = fc.oneof({ arbitrary: fc.constantFrom(...(VALUES[name] ?? ['x'])), weight: 9 }, { arbitrary: fc.jsonValue({ maxDepth: 1 }), weight: 1 })
    const isNeeded = !(schema as { readonly isOptional?: () => boolean }).isOptional?.()
    return perhaps(values.map((value) => [name, value] as const), isNeeded ? { with: 20, without: 1 } : { with: 1, without: 3 })
  })
  const stranger = perhaps(fc.constant(['nothing', 1] as const), { with: 1, without: 5 })
  return fc.tuple(...fields, stranger).map((made) => Object.fromEntries(made.filter((field) => field !== null)) as Record<string, unknown>)
}

function perhaps<T>(value: fc.Arbitrary<T>, weights: { readonly with: number; readonly without: number }): fc.Arbitrary<T | null> {
  return fc.oneof({ arbitrary: value, weight: weights.with }, { arbitrary: fc.constant(null), weight: weights.without })
}

interface Stage {
  call(account: string, name: string, input: Record<string, unknown>): Promise<ToolResult>
}

async function stage(kind: ClientKind): Promise<Stage> {
  const ledger = await testLedger(PRODUCT)
  const clients = new Map<string, AnyClient>()
  const known = new Map<string, Readonly<Record<string, string>>>()
  for (const name of ACCOUNTS) {
    const one = CASES[name]
    const account = name.replaceAll(' ', '-')
    const operator = ledger.credits.as({ account })
    await operator.createAccount({ id: account, plan: one?.plan ?? 'none' })
    if (one?.plan === undefined) await operator.grant({ credits: 10_000 })
    const agent = operator.as({ holder: 'agent' })
    const { transaction } = await agent.charge({ operation: 'work.tiny', idempotencyKey: 'job-1' })
    const { reservation } = await agent.reserve({ operation: 'work.tiny' })
    known.set(name, { $transaction: String(transaction), $reservation: String(reservation) })
    if (one?.credits !== undefined) await operator.adjust({ credits: one.credits - (await operator.balance()).balance })
    await one?.prepare?.(operator)
    const { key } = await operator.createKey({ scopes: [...(one?.scopes ?? ['credits:read', 'credits:spend'])] })
    const { client } = await connect(kind, ledger, { credits: async (need) => (await ledger.credits.withKey(String(key), { scope: need ?? null })).credits })
    clients.set(name, client)
  }
  return {
    call: (account, name, input) => {
      const names = new Map<unknown, string>(Object.entries(known.get(account) ?? {}))
      const filled = Object.fromEntries(Object.entries(input).map(([field, value]) => [field, names.get(value) ?? value]))
      return (clients.get(account) as AnyClient).callTool({ name, arguments: filled })
    },
  }
}

/** The code of a refusal, or null, once text and structure are seen to say the same and nothing else. */
function agreed(tool: Tool, { isError, content, structuredContent, _meta: meta }: ToolResult): ErrorCode | null {
  expect(content).toHaveLength(1)
  const said = JSON.parse(content[0]?.text ?? '') as RefusalBody
  if (isError !== true) {
    expect(said).toEqual(structuredContent)
    expect(tool.output.safeParse(structuredContent).error).toBeUndefined()
    expect(meta ?? {}).not.toHaveProperty([REFUSAL_META])
    return null
  }
  expect(structuredContent).toBeUndefined()
  expect(meta?.[REFUSAL_META]).toEqual(said)
  const { code, retryable, message } = said.error
  expect({ code, isKnown: code in ERRORS, retryable }).toEqual({ code, isKnown: true, retryable: false })
  expect(message).not.toBe('')
  return code
}

describe.each(ERAS)('T41: with %s', (kind) => {
  it('T41: whatever is asked of whichever tool, text and structure carry the same facts, of a success as of a refusal', async () => {
    const seed = newSeed()
    console.info(`seed ${seed}`)
    const { call } = await stage(kind)
    const [done, refused, codes] = [new Set<string>(), new Set<string>(), new Set<string>()]
    for (const tool of tools) {
      const play = fc.asyncProperty(inputOf(tool), fc.constantFrom(...ACCOUNTS), async (input, account) => {
        const code = agreed(tool, await call(account, tool.name, input))
        ;(code === null ? done : refused).add(tool.name)
        if (code !== null) codes.add(code)
      })
      await fc.assert(play, { numRuns: CALLS_A_TOOL, seed })
    }
    // A property that saw little would prove little.
    expect([...refused].sort()).toEqual(tools.map(({ name }) => name).sort())
    expect([...done]).toEqual(expect.arrayContaining(['get_credit_balance', 'get_budget_status', 'get_mcp_usage']))
    expect(codes.size).toBeGreaterThan(4)
  })

  it('T41: every way of refusing is refused alike, each by its own code', async () => {
    const { call } = await stage(kind)
    const charge = tools.find(({ name }) => name === 'charge_credits') as Tool
    const codes: Record<string, ErrorCode | null> = {}
    for (const [name, { operation }] of Object.entries(CASES)) {
      if (operation !== null) codes[name] = agreed(charge, await call(name, charge.name, { operation }))
    }
    expect(codes).toEqual(Object.fromEntries(Object.entries(CASES).filter(([, { operation }]) => operation !== null).map(([name, { code }]) => [name, code])))
    expect(describeTool(charge).outputSchema).toBeDefined()
  })
})
