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

describe('a settlement', () => {
  it('AX-06: says that it came after its reservation had timed out, also where nothing was left to collect', async () => {
    let now = T0
    const credits = await openCredits({ database: ':memory:', catalog: 'neural-draft', clock: { now: () => now } })
    await credits.createAccount({ id: 'a', plan: 'none' })
    await credits.grant({ account: 'a', credits: 120 })
    const reserve = async () => (await credits.reserve({ account: 'a', operation: 'blog.post', ttlSeconds: 60 })).reservation as string
    const [inTime, late] = [await reserve(), await reserve()]
    expect(await credits.settle({ account: 'a', reservation: inTime })).toMatchObject({ charged: 60, late: false })
    now += 2 * MINUTE_MS
    await credits.charge({ account: 'a', operation: 'blog.post' })
    const settled = await credits.settle({ account: 'a', reservation: late, actual: 60, idempotencyKey: 'k' })
    expect(settled).toMatchObject({ charged: 0, uncollected: 60, late: true })
    expect(await credits.settle({ account: 'a', reservation: late, actual: 60, idempotencyKey: 'k' })).toEqual({ ...settled, replayed: true })
    const { explanation } = await credits.explain({ account: 'a', transaction: settled.transaction as string })
    expect(explanation).toBe('0 credits for blog.post by price version 1, of 60 reserved, after its reservation had timed out.')
  })
})
