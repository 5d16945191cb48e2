import { describe, expect, it } from 'vitest'
import type { Credits, MeteredAnswer, RunOutcome } from '../../src/index.js'
import { DAY_MS } from '../../src/time/instant.js'
import { startCaller } from './callers.js'
import { DATABASES, expectWhole, outcome, sharedLedger, T0 } from './support.js'

const ACCOUNT = 'acme'
const KEY = 'io.github.mcp-credits/idempotency_key'
const RECEIPT = 'io.github.mcp-credits/receipt'

describe.each(DATABASES)('T34: a client that lost the answer and asks again with its key, on %s', (kind) => {
  async function account() {
    const ledger = await sharedLedger(kind)
    const first = (await ledger.open()).as({ account: ACCOUNT })
    await first.createAccount({ id: ACCOUNT, plan: 'none' })
    await first.grant({ credits: 100 })
    await first.setBudget({ id: 'b', window: 'total', limit: 50 })
    return { ledger, first, other: (await ledger.open()).as({ account: ACCOUNT }) }
  }

  const sums = async (credits: Credits) => {
    const { balance, reserved, lifetimeUsed } = await credits.balance()
    return [balance, reserved, lifetimeUsed, (await credits.budgets()).budgets[0]?.used]
  }

  it('is told of its charge again, on any store and a year later, and pays once', async () => {
    const { ledger, first, other } = await account()
    const asked = { operation: 'work.unit', quantity: 4, labels: { customer: 'c1' }, idempotencyKey: 'job-1' }
    const charged = await first.charge(asked)
    for (const later of [0, 60_000, 365 * DAY_MS]) {
      ledger.clock.at = T0 + later
      for (const credits of [first, other]) expect(await credits.charge(asked)).toEqual({ ...charged, replayed: true })
      expect(await other.explain({ idempotencyKey: 'job-1' })).toMatchObject({ outcome: 'charged', charged: 4, transaction: { id: charged.transaction } })
    }
    expect(await outcome(other.charge({ ...asked, quantity: 5 }))).toBe('idempotency_conflict')
    expect(await sums(first)).toEqual([96, 0, 4, 4])
    await expectWhole(first)
  })

  it('by a reservation and its settlement gets both again, and nothing is held or charged twice', async () => {
    const { first, other } = await account()
    const asked = { operation: 'work.job', idempotencyKey: 'hold-1' }
    const held = await first.reserve(asked)
    expect(await other.reserve(asked)).toEqual({ ...held, replayed: true })
    const end = { reservation: held.reservation as string, actual: 7, idempotencyKey: 'end-1' }
    const settled = await other.settle(end)
    expect(await first.settle(end)).toEqual({ ...settled, replayed: true })
    expect(await first.reserve(asked)).toEqual({ ...held, replayed: true })
    expect(await sums(first)).toEqual([93, 0, 7, 7])
    await expectWhole(first)
  })

  it('by a metered call is given the receipt, and its tool is not run again; what it answered is not kept', async () => {
    const { first, other } = await account()
    let runs = 0
    const ask = (credits: Credits, more: { readonly hasOutputSchema?: boolean; readonly arguments?: Record<string, unknown> } = {}): Promise<MeteredAnswer> =>
      credits.as({ holder: 'agent' }).meter({
        tool: 'work',
        arguments: { text: 'a' },
        meta: { [KEY]: 'call-1' },
        signal: new AbortController().signal,
        run: async (): Promise<RunOutcome> => {
          runs += 1
          return { kind: 'result', result: { content: [{ type: 'text', text: 'the answer of the tool' }] } }
        },
        ...more,
      })
    const resultOf = (answer: MeteredAnswer) => (answer as Extract<MeteredAnswer, { kind: 'result' }>).result
    const receiptOf = (answer: MeteredAnswer) => (resultOf(answer)['_meta'] as Record<string, unknown>)[RECEIPT]

    const lost = await ask(first)
    expect(receiptOf(lost)).toMatchObject({ charged: 1, balance: 99, replayed: false })
    for (const credits of [first, other]) {
      const again = await ask(credits)
      expect(receiptOf(again)).toEqual({ ...(receiptOf(lost) as object), replayed: true })
      expect(JSON.stringify(again)).not.toContain('the answer of the tool')
    }
    const refused = await ask(other, { hasOutputSchema: true })
    const [{ text }] = resultOf(refused)['content'] as [{ text: string }]
    expect(JSON.parse(text)).toMatchObject({
      error: { code: 'idempotency_conflict', message: expect.stringContaining('Its result is not kept') as unknown, retryable: false, details: { charged: 1 } },
    })
    expect([resultOf(refused)['isError'], receiptOf(refused)]).toEqual([true, { ...(receiptOf(lost) as object), replayed: true }])
    expect(JSON.stringify(await ask(other, { arguments: { text: 'b' } }))).toContain('idempotency_conflict')
    expect([runs, await sums(first)]).toEqual([1, [99, 0, 1, 1]])
    await expectWhole(other)
  })

  it('whose server was killed before it could answer is charged once, whether or not the first call had come through', async () => {
    const { ledger, first } = await account()
    for (let round = 0; round < 4; round += 1) {
      const input = { account: ACCOUNT, operation: 'work.unit', idempotencyKey: `round-${round}` }
      const caller = await startCaller(ledger.database)
      void caller.call('charge', { input, at: T0 })
      // In an even round another call's answer shows that the first is through; in an odd one nobody knows.
      if (round % 2 === 0) await caller.call('balance', { input: { account: ACCOUNT }, at: T0 })
      await caller.kill()
      const { charged } = await first.charge({ operation: 'work.unit', idempotencyKey: input.idempotencyKey })
      expect(charged).toBe(1)
      expect(await first.explain({ idempotencyKey: input.idempotencyKey })).toMatchObject({ outcome: 'charged', charged: 1 })
    }
    const { transactions } = await first.transactions({ type: 'charge' })
    expect(transactions.map(({ idempotencyKey }) => idempotencyKey).sort()).toEqual(['round-0', 'round-1', 'round-2', 'round-3'])
    expect(await sums(first)).toEqual([96, 0, 4, 4])
    await expectWhole(first)
  })
})
