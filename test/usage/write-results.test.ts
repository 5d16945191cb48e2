import { beforeEach, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'

const T0 = Date.parse('2026-03-10T12:00:00Z')
const MINUTE_MS = 60_000

describe('the balance that a write answers is the one that it leaves', () => {
  let now: number
  let credits: Credits
  beforeEach(async () => {
    now = T0
    credits = await openCredits({ database: ':memory:', catalog: 'neural-draft', clock: { now: () => now } })
    await credits.createAccount({ id: 'a', plan: 'none' })
    await credits.grant({ account: 'a', credits: 100, priority: 0, expiresAt: T0 + MINUTE_MS })
    await credits.grant({ account: 'a', credits: 7 })
  })

  /** The answer to a write, once and again with the same key. */
  async function twice<T>(write: (idempotencyKey: string) => Promise<T>): Promise<readonly [T, T]> {
    return [await write('k'), await write('k')]
  }

  const balance = async () => (await credits.balance({ account: 'a' })).balance

  async function reserved(): Promise<string> {
    const { reservation } = await credits.reserve({ account: 'a', operation: 'blog.post', ttlSeconds: 3_600 })
    now = T0 + 2 * MINUTE_MS
    return reservation as string
  }

  it('when a release gives credits back to a grant whose time is over', async () => {
    const reservation = await reserved()
    const [first, again] = await twice((idempotencyKey) => credits.release({ account: 'a', reservation, idempotencyKey }))
    expect(await balance()).toBe(7)
    expect(first).toMatchObject({ balance: 7, replayed: false })
    expect(again).toEqual({ ...first, replayed: true })
  })

  it('when a settlement does, and later credits change no repeated answer', async () => {
    const reservation = await reserved()
    const settle = (idempotencyKey: string) => credits.settle({ account: 'a', reservation, actual: 1, idempotencyKey })
    const [first, again] = await twice(settle)
    expect(await balance()).toBe(7)
    expect(first).toMatchObject({ charged: 1, balance: 7, replayed: false })
    await credits.grant({ account: 'a', credits: 5 })
    expect([again, await settle('k')]).toEqual([{ ...first, replayed: true }, { ...first, replayed: true }])
  })

  it('when a refund does', async () => {
    const { transaction } = await credits.charge({ account: 'a', operation: 'blog.post' })
    now = T0 + 2 * MINUTE_MS
    const refund = { account: 'a', transaction: transaction as string }
    const [first, again] = await twice((idempotencyKey) => credits.refund({ ...refund, idempotencyKey }))
    expect(await balance()).toBe(7)
    expect(first).toMatchObject({ balance: 7, replayed: false })
    expect(again).toEqual({ ...first, replayed: true })
  })
})
