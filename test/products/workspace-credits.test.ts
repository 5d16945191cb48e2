import { describe, expect, it } from 'vitest'
import { productOf } from './product.js'

const open = productOf('workspace-credits')

describe('Workspace credits', () => {
  it('WC-01: every authorised member spends from the one balance and sees it', async () => {
    const { credits, account } = await open()
    await credits.purchase({ account, pack: 'starter' })
    await credits.putMember({ account, id: 'ada', role: 'member' })
    await credits.putMember({ account, id: 'bob', role: 'admin' })
    await credits.putMember({ account, id: 'eve', role: 'viewer' })
    await credits.as({ member: 'ada' }).charge({ account, operation: 'content.single_post', quantity: 10 })
    await credits.as({ member: 'bob' }).charge({ account, operation: 'content.single_post', quantity: 5 })
    for (const member of ['ada', 'bob', 'eve']) expect(await credits.as({ member }).balance({ account })).toMatchObject({ balance: 85 })
    await expect(credits.as({ member: 'eve' }).charge({ account, operation: 'content.single_post' })).rejects.toMatchObject({ code: 'forbidden' })
    await expect(credits.as({ member: 'mallory' }).charge({ account, operation: 'content.single_post' })).rejects.toMatchObject({ code: 'unknown_member' })
    const { rows } = await credits.usage({ account, groupBy: 'member' })
    expect(rows.map(({ key, credits: spent }) => [key, spent])).toEqual([['ada', 10], ['bob', 5]])
    await credits.close()
  })

  it('WC-02: purchased credits are valid twelve months to the day, in the zone of the account', async () => {
    const { credits, clock, account } = await open({ timeZone: 'Europe/Berlin', at: '2026-03-10T12:00:00Z' })
    await credits.purchase({ account, pack: 'basic' })
    const { grants } = await credits.balance({ account })
    expect(grants).toMatchObject([{ source: 'purchase', remaining: 250, expiresAt: '2027-03-10T12:00:00.000Z' }])
    clock.to('2027-03-10T11:59:59.999Z')
    expect(await credits.balance({ account })).toMatchObject({ balance: 250 })
    clock.to('2027-03-10T12:00:00.000Z')
    expect(await credits.balance({ account })).toMatchObject({ balance: 0 })
    await credits.close()
  })

  it('WC-06: the balance, what was ever used, and the last transaction', async () => {
    const { credits, account } = await open()
    await credits.purchase({ account, pack: 'starter' })
    await credits.charge({ account, operation: 'content.single_post', quantity: 4 })
    expect(await credits.balance({ account })).toMatchObject({
      balance: 96,
      lifetimeUsed: 4,
      lastTransaction: { type: 'charge', operation: 'content.single_post', credits: 4, balanceAfter: 96 },
    })
    await credits.close()
  })

  it('WC-08: warns below 100, at 10 and below, and when an operation would exceed the balance', async () => {
    const { credits, account } = await open()
    await credits.purchase({ account, pack: 'starter' })
    const level = async () => (await credits.balance({ account })).level
    const spend = (quantity: number) => credits.charge({ account, operation: 'content.single_post', quantity })
    expect(await level()).toBe('ok')
    expect(await spend(1)).toMatchObject({ balance: 99, budgetLevel: 'low' })
    expect(await spend(88)).toMatchObject({ balance: 11, budgetLevel: 'low' })
    expect(await spend(1)).toMatchObject({ balance: 10, budgetLevel: 'critical' })
    expect((await credits.messages({ account })).map(({ type }) => type).sort()).toEqual(['balance_critical', 'balance_low'])
    expect(await credits.estimate({ account, operation: 'content.single_post', quantity: 11 })).toMatchObject({
      affordable: false,
      balanceAfter: -1,
      blockedBy: [{ code: 'out_of_credits' }],
    })
    await credits.close()
  })

  it('WC-09: without enough credits nothing starts, the way to buy is named, and the same call goes on once they are there', async () => {
    const { credits, account } = await open()
    await credits.grant({ account, credits: 1 })
    const call = { account, operation: 'campaign.strategy_analysis', idempotencyKey: 'analysis-1' }
    await expect(credits.reserve(call)).rejects.toMatchObject({
      code: 'out_of_credits',
      message: expect.stringMatching(/^Insufficient credits: 5 needed, 1 available/),
      details: { required: 5, available: 1, shortfall: 4 },
      advice: expect.arrayContaining([expect.stringContaining('npx mcp-credits')]),
    })
    expect(await credits.balance({ account })).toMatchObject({ balance: 1, reserved: 0 })
    await credits.purchase({ account, pack: 'starter' })
    const held = await credits.reserve(call)
    expect(held).toMatchObject({ reserved: 5, balance: 96, replayed: false })
    expect(await credits.settle({ account, reservation: held.reservation as string, actual: 3 })).toMatchObject({ charged: 3, released: 2, balance: 98 })
    await credits.close()
  })
})
