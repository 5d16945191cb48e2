import { beforeEach, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'

const T0 = Date.parse('2026-03-10T12:00:00Z')

describe('the history', () => {
  let now: number
  let credits: Credits

  beforeEach(async () => {
    now = T0
    credits = await openCredits({ database: ':memory:', catalog: 'neural-draft', clock: { now: () => now } })
    await credits.createAccount({ id: 'acme', plan: 'none' })
    await credits.createAccount({ id: 'other', plan: 'none' })
    await credits.grant({ account: 'acme', credits: 500 })
    return () => credits.close()
  })

  const history = (more: object = {}) => credits.transactions({ account: 'acme', ...more })
  const typesOf = async (more: object = {}) => (await history(more)).transactions.map((row) => row.type)

  it('WC-13: is newest first and filtered by type, operation, label and time', async () => {
    await credits.charge({ account: 'acme', operation: 'blog.post', labels: { customer: 'c1' }, idempotencyKey: 'k1' })
    now += 1_000
    await credits.charge({ account: 'acme', operation: 'chat.message' })
    await credits.setAccountState({ account: 'acme', state: 'suspended' })
    expect(await typesOf()).toEqual(['charge', 'charge', 'grant'])
    expect(await typesOf({ type: 'amend' })).toEqual(['amend'])
    expect(await typesOf({ type: 'grant' })).toEqual(['grant'])
    expect(await typesOf({ since: T0 + 1 })).toEqual(['charge'])
    expect(await typesOf({ until: T0 + 1_000 })).toEqual(['charge', 'grant'])
    expect((await history({ operation: 'blog.post' })).transactions).toEqual([
      {
        id: expect.stringMatching(/^tx_2_[0-9a-f]{10}$/),
        type: 'charge',
        at: '2026-03-10T12:00:00.000Z',
        operation: 'blog.post',
        variant: null,
        tool: null,
        credits: 60,
        balanceAfter: 440,
        labels: { customer: 'c1' },
        reservation: null,
        idempotencyKey: 'k1',
      },
    ])
    expect(await typesOf({ label: { name: 'customer', value: 'c1' } })).toEqual(['charge'])
    expect(await typesOf({ label: { name: 'customer', value: 'c2' } })).toEqual([])
  })

  it('is paged by a cursor without gap or repetition, also while rows are added', async () => {
    for (let count = 0; count < 7; count += 1) await credits.charge({ account: 'acme', operation: 'chat.message' })
    const balances: number[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof history>> = await history({ limit: 3, ...(cursor === null ? {} : { cursor }) })
      balances.push(...page.transactions.map((row) => row.balanceAfter as number))
      cursor = page.nextCursor
      await credits.charge({ account: 'acme', operation: 'page.edit' })
    } while (cursor !== null)
    expect(balances).toEqual([493, 494, 495, 496, 497, 498, 499, 500])
  })

  it("a cursor of another account is the same miss as a text that is none", async () => {
    await credits.charge({ account: 'acme', operation: 'chat.message' })
    await credits.grant({ account: 'other', credits: 1 })
    await credits.grant({ account: 'other', credits: 1 })
    const { nextCursor } = await credits.transactions({ account: 'other', limit: 1 })
    const refusal = async (cursor: string) => history({ cursor }).then(() => 'done', (error: Error & { code: string }) => [error.code, error.message])
    const answers = await Promise.all([nextCursor as string, 'nonsense', '2.0000000000000000', '', '-1.x'].map(refusal))
    expect(answers[0]).toEqual(['invalid_request', 'cursor is not one of this account; expected one that the page before gave'])
    expect(answers.slice(1, 3)).toEqual([answers[0], answers[0]])
  })

  it('names the reservation that a row made or ended', async () => {
    const held = await credits.reserve({ account: 'acme', operation: 'blog.post' })
    await credits.settle({ account: 'acme', reservation: held.reservation as string, actual: 5 })
    const { transactions } = await history({ limit: 2 })
    expect(transactions.map((row) => [row.type, row.reservation])).toEqual([
      ['settle', held.reservation],
      ['reserve', held.reservation],
    ])
  })

  it('shows what is due as it will be recorded, and writes nothing', async () => {
    await credits.grant({ account: 'acme', credits: 5, expiresAt: T0 + 1_000 })
    const mark = await credits.changeMark()
    now += 1_000
    const before = await history()
    expect(before.transactions[0]).toMatchObject({ type: 'expire', credits: 5, balanceAfter: 500, at: '2026-03-10T12:00:01.000Z' })
    expect(await credits.changeMark()).toBe(mark)
    await credits.sweep()
    expect(await history()).toEqual(before)
    expect(await typesOf({ type: 'expire' })).toEqual(['expire'])
  })

  it('of an account that is not there is refused', async () => {
    await expect(credits.transactions({ account: 'nobody' })).rejects.toMatchObject({ code: 'unknown_account' })
  })
})
