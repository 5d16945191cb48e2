import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Credits, MeteredAnswer, RunOutcome } from '../../src/index.js'
import { HOUR_MS, MINUTE_MS } from '../../src/time/instant.js'
import { DATABASES, expectWhole, outcome, sharedLedger } from './support.js'

const ACCOUNT = 'acme'

describe.each(DATABASES)('T06: a job whose failure is found after its reservation was swept, on %s', (kind) => {
  async function heldJob() {
    const ledger = await sharedLedger(kind)
    const [worker, sweeper] = await Promise.all([ledger.open(), ledger.open()])
    await worker.createAccount({ id: ACCOUNT, plan: 'none' })
    await worker.grant({ account: ACCOUNT, credits: 50 })
    await worker.setBudget({ account: ACCOUNT, id: 'all', window: 'total', limit: 50 })
    const { reservation } = await worker.reserve({ account: ACCOUNT, operation: 'work.job', ttlSeconds: 900 })
    ledger.clock.at += 16 * MINUTE_MS
    await sweeper.sweep()
    return { ledger, worker, sweeper, reservation: reservation as string }
  }

  async function sums(credits: Credits) {
    const { balance, reserved, lifetimeUsed } = await credits.balance({ account: ACCOUNT })
    const { budgets } = await credits.budgets({ account: ACCOUNT })
    return { balance, reserved, lifetimeUsed, budget: budgets[0]?.used }
  }

  it('a late charge is given back by a refund of its own, and everything that tells of it tells what moved', async () => {
    const { ledger, worker, sweeper, reservation } = await heldJob()
    expect(await sums(sweeper)).toEqual({ balance: 50, reserved: 0, lifetimeUsed: 0, budget: 0 })
    const late = await worker.settle({ account: ACCOUNT, reservation, idempotencyKey: 'finished' })
    expect(late).toMatchObject({ charged: 10, released: 0, balance: 40 })
    expect(await sums(sweeper)).toEqual({ balance: 40, reserved: 0, lifetimeUsed: 10, budget: 10 })

    ledger.clock.at += HOUR_MS
    // The failure alone moves nothing: the reservation ended when it was charged.
    expect(await outcome(worker.release({ account: ACCOUNT, reservation, fault: 'provider' }))).toBe('reservation_not_open')
    expect(await outcome(worker.settle({ account: ACCOUNT, reservation, actual: 0, fault: 'provider' }))).toBe('reservation_not_open')
    expect((await sums(worker)).balance).toBe(40)

    const given = { account: ACCOUNT, transaction: late.transaction as string, reason: 'the provider failed', idempotencyKey: 'failed' }
    const refunds = await Promise.all([worker.refund(given), sweeper.refund(given)])
    expect(refunds.map(({ refunded }) => refunded)).toEqual([10, 10])
    expect(refunds.map(({ replayed }) => replayed).sort()).toEqual([false, true])
    expect(await outcome(sweeper.refund({ account: ACCOUNT, transaction: late.transaction as string }))).toBe('refund_not_allowed')

    for (const credits of [worker, sweeper]) expect(await sums(credits)).toEqual({ balance: 50, reserved: 0, lifetimeUsed: 0, budget: 0 })
    expect(await worker.explain({ account: ACCOUNT, transaction: late.transaction as string })).toMatchObject({
      outcome: 'charged',
      charged: 10,
      refunded: 10,
      refunds: [{ type: 'refund', credits: 10, balanceAfter: 50 }],
    })
    const { transactions } = await worker.transactions({ account: ACCOUNT })
    expect(transactions.filter(({ type }) => type !== 'amend').map(({ type, credits, balanceAfter }) => [type, credits, balanceAfter])).toEqual([
      ['refund', 10, 50],
      ['settle', 10, 40],
      ['release', 10, 50],
      ['reserve', 10, 40],
      ['grant', 50, 50],
    ])
    expect((await worker.usage({ account: ACCOUNT, since: 0 })).totalCredits).toBe(0)
    await expectWhole(sweeper)
  })

  it('a failure that is told before anything was charged moves nothing and is not told as a refund', async () => {
    const { worker, sweeper, reservation } = await heldJob()
    expect(await outcome(worker.release({ account: ACCOUNT, reservation, fault: 'provider' }))).toBe('reservation_not_open')
    expect(await sums(sweeper)).toEqual({ balance: 50, reserved: 0, lifetimeUsed: 0, budget: 0 })
    expect((await worker.transactions({ account: ACCOUNT, type: 'refund' })).transactions).toEqual([])
    await expectWhole(worker)
  })
})

describe('T06: a metered task that was charged as reserved because its day was over', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
  afterEach(() => void vi.useRealTimers())

  /** Lets what a heartbeat started come to its commit. */
  async function turns(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  }

  async function chargedForItsDay(last: Ended): Promise<Credits> {
    const ledger = await sharedLedger()
    const credits = await ledger.open()
    await credits.createAccount({ id: ACCOUNT, plan: 'none' })
    await credits.grant({ account: ACCOUNT, credits: 100 })
    const agent = credits.as({ account: ACCOUNT, holder: 'agent' })
    let finish = (_: Ended): void => undefined
    const end = new Promise<Ended>((resolve) => (finish = resolve))
    const run = async (): Promise<RunOutcome> => ({ kind: 'task', result: {}, end })
    const answer = await agent.meter({ tool: 'job', arguments: {}, meta: undefined, signal: new AbortController().signal, run })
    for (let passed = 0; passed <= 24 * HOUR_MS; passed += BEAT_MS) {
      ledger.clock.at += BEAT_MS
      vi.advanceTimersByTime(BEAT_MS)
      await turns()
    }
    expect(await agent.balance()).toMatchObject({ balance: 90, reserved: 0, lifetimeUsed: 10 })
    finish(last)
    await (answer as Extract<MeteredAnswer, { readonly kind: 'task' }>).end
    await expectWhole(credits)
    return agent
  }

  it('is given back once it turns out to have failed', async () => {
    const agent = await chargedForItsDay({ kind: 'error', error: { code: -32603, message: 'it failed' } })
    expect(await agent.balance()).toMatchObject({ balance: 100, reserved: 0, lifetimeUsed: 0 })
  })

  it('is charged once where it was done after all', async () => {
    const agent = await chargedForItsDay({ kind: 'result', result: { content: [] } })
    expect(await agent.balance()).toMatchObject({ balance: 90, reserved: 0, lifetimeUsed: 10 })
  })
})

type Ended = Exclude<RunOutcome, { readonly kind: 'task' | 'input_required' }>

/** How often the meter shows that it lives. */
const BEAT_MS = 20_000
