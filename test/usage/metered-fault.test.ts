import { describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'
import { FAULT_META } from '../../src/usage/held-call.js'
import type { MeteredAnswer, MeteredCall, RunOutcome } from '../../src/usage/metered-call.js'
import { RECEIPT_META } from '../../src/usage/receipt.js'

const KEY = 'io.github.mcp-credits/idempotency_key'

/** A tool whose operation is paid when the caller caused its failure, and one that never is. */
const CATALOG = {
  id: 'faults',
  name: 'Faults',
  unit: { name: 'credit', plural: 'credits', credit_usd: null },
  price_increase_notice_days: 0,
  operations: {
    'job.paid': { name: 'Job', price: { model: 'flat', credits: '10' }, charge_on_fault: ['caller'] },
    'job.free': { name: 'Free failure', price: { model: 'flat', credits: '10' } },
  },
  tools: { paid: { operation: 'job.paid' }, free: { operation: 'job.free' } },
}

async function openAgent(): Promise<Credits> {
  const credits = await openCredits({ database: ':memory:', catalog: CATALOG, clock: { now: () => Date.UTC(2026, 0, 1) } })
  await credits.createAccount({ id: 'a', plan: 'none' })
  await credits.grant({ account: 'a', credits: 100 })
  return credits.as({ account: 'a', holder: 'agent' })
}

function call(tool: string, outcome: RunOutcome, meta?: Record<string, unknown>): MeteredCall {
  return { tool, arguments: {}, meta, signal: new AbortController().signal, run: async () => outcome }
}

function failed(fault?: unknown): RunOutcome {
  return { kind: 'result', result: { content: [], isError: true, ...(fault === undefined ? {} : { _meta: { [FAULT_META]: fault } }) } }
}

function receipt(answer: MeteredAnswer): unknown {
  const meta = answer.kind === 'result' ? (answer.result['_meta'] as Readonly<Record<string, unknown>> | undefined) : undefined
  return meta?.[RECEIPT_META]
}

describe('a metered call that fails', () => {
  it("ND-16: is paid, with a receipt, where its server says it was the caller's fault and its operation that this is paid", async () => {
    const credits = await openAgent()
    const answer = await credits.meter(call('paid', failed('caller')))
    expect(answer).toMatchObject({ kind: 'result', result: { isError: true } })
    expect(receipt(answer)).toMatchObject({ charged: 10, balance: 90 })
    expect(await credits.balance()).toMatchObject({ balance: 90, reserved: 0, lifetimeUsed: 10 })
  })

  it.each([
    ['by the fault of its provider', 'paid', failed('provider')],
    ['by the fault of the platform', 'paid', failed('platform')],
    ['without a word on whose fault it was', 'paid', failed()],
    ['with a word that means nothing', 'paid', failed(['caller'])],
    ["by the caller's fault, where that is not paid", 'free', failed('caller')],
    ['with an error of the protocol', 'paid', { kind: 'error', error: { code: -32603, message: 'no' } } as const],
    ['because we are stopped', 'paid', { kind: 'ended', by: 'stopped', started: true } as const],
    ['because it asks for more first', 'paid', { kind: 'input_required', result: {} } as const],
  ])('ND-14, ND-16: costs nothing %s', async (_why, tool, outcome) => {
    const credits = await openAgent()
    expect(receipt(await credits.meter(call(tool, outcome)))).toBeUndefined()
    expect(await credits.balance()).toMatchObject({ balance: 100, reserved: 0, lifetimeUsed: 0 })
  })

  it("T33: cancelled before it was started is nobody's fault, also where the caller's is paid", async () => {
    const credits = await openAgent()
    await credits.meter(call('paid', { kind: 'ended', by: 'cancelled', started: false }))
    expect(await credits.balance()).toMatchObject({ balance: 100, reserved: 0 })
  })

  it('ND-16, T08: is paid once under its key, however often it is retried, and one that cost nothing may be tried again', async () => {
    const credits = await openAgent()
    const meta = { [KEY]: 'job-1' }
    await credits.meter(call('paid', failed('provider'), meta))
    await credits.meter(call('paid', failed('platform'), meta))
    expect((await credits.balance()).balance).toBe(100)
    await credits.meter(call('paid', failed('caller'), meta))
    const again = await credits.meter(call('paid', { kind: 'result', result: { content: [] } }, meta))
    expect(receipt(again)).toMatchObject({ charged: 10, replayed: true })
    expect((await credits.balance()).balance).toBe(90)
    expect((await credits.verify({ account: 'a' })).problems).toEqual([])
  })

  it('ND-16: a task that ends in a failure is judged at its end', async () => {
    const credits = await openAgent()
    const end = Promise.resolve(failed('caller') as Extract<RunOutcome, { kind: 'result' }>)
    const answer = await credits.meter(call('paid', { kind: 'task', result: { task: {} }, end }))
    if (answer.kind !== 'task') throw new Error('it is a task')
    await answer.end
    expect((await credits.balance()).balance).toBe(90)
  })
})
