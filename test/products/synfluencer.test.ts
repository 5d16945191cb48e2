import { describe, expect, it } from 'vitest'
import { productOf } from './product.js'

const open = productOf('synfluencer')

describe('Synfluencer', () => {
  it('SF-02: a new account has free credits, as many as the catalog says', async () => {
    const { credits, account } = await open()
    expect(await credits.balance({ account })).toMatchObject({ balance: 5, unit: { creditUsd: 1 }, grants: [{ source: 'sign_up', remaining: 5, expiresAt: null }] })
    await credits.close()
  })

  it('SF-08: the wallet and what was ever spent are one for every persona', async () => {
    const { credits, account } = await open()
    for (const [persona, quantity] of [['mia', 10], ['leo', 15]] as const) {
      await credits.charge({ account, operation: 'video.generate', quantity, labels: { persona } })
    }
    const mia = await credits.usage({ account, label: { name: 'persona', value: 'mia' } })
    expect(mia).toMatchObject({ totalCalls: 1, totalCredits: 1 })
    expect(await credits.balance({ account })).toMatchObject({ balance: 2.5, lifetimeUsed: 2.5 })
    await credits.close()
  })

  it('SF-09: tells once a month that usage has reached a threshold, and anew once the threshold is changed', async () => {
    const { credits, clock, account } = await open({ timeZone: 'America/New_York' })
    await credits.grant({ account, credits: 100 })
    const burn = (limit: number) => credits.setBudget({ account, id: 'burn', window: 'month', limit, enforcement: 'alert' })
    const spend = (seconds: number) => credits.charge({ account, operation: 'video.generate', quantity: seconds })
    const told = async () => (await credits.messages({ account })).filter(({ type }) => type === 'budget_threshold').map(({ facts }) => [facts['limit'], facts['used']])
    await burn(2)
    await spend(19)
    expect(await told()).toEqual([])
    await spend(1)
    await spend(30)
    expect(await told()).toEqual([[2, 2]])
    await burn(6)
    await spend(9)
    expect(await told()).toEqual([[2, 2]])
    await spend(1)
    expect(await told()).toEqual([[6, 6], [2, 2]])
    clock.to('2026-03-01T04:59:59.999Z')
    await spend(1)
    expect(await told()).toHaveLength(2)
    clock.to('2026-03-01T05:00:00.000Z')
    await spend(60)
    expect((await told())[0]).toEqual([6, 6])
    expect(await told()).toHaveLength(3)
    await credits.close()
  })

  it('SF-10: a monthly budget is a hard limit until the month is over in the zone of the account', async () => {
    const { credits, clock, account } = await open({ timeZone: 'Asia/Kolkata' })
    await credits.grant({ account, credits: 100 })
    await credits.setBudget({ account, id: 'monthly', window: 'month', limit: 3 })
    const head = { account, operation: 'video.generate', variant: 'talking-head', quantity: 30 }
    expect(await credits.charge(head)).toMatchObject({ charged: 3 })
    await expect(credits.charge({ ...head, quantity: 0.1 })).rejects.toMatchObject({
      code: 'budget_exceeded',
      details: { limitedBy: { id: 'monthly', limit: 3, used: 3, resetsAt: '2026-02-28T18:30:00.000Z' } },
    })
    clock.to('2026-02-28T18:30:00.000Z')
    expect(await credits.charge(head)).toMatchObject({ charged: 3 })
    await credits.close()
  })

  it('SF-11: customers see nothing to buy until an operator enables it', async () => {
    const { credits, account } = await open()
    const customer = credits.as({ holder: 'agent' })
    const refusal = { code: 'purchases_unavailable', message: expect.stringContaining('an administrator can enable it') }
    await expect(customer.packs({ account })).rejects.toMatchObject(refusal)
    await expect(customer.purchase({ account, pack: 'usd-10' })).rejects.toMatchObject(refusal)
    expect(await credits.purchase({ account, pack: 'usd-10' })).toMatchObject({ granted: 10 })
    await credits.setSelfService({ account, enabled: true })
    const { purchase } = await customer.purchase({ account, pack: 'usd-25' })
    expect(await credits.settlePurchase({ account, purchase })).toMatchObject({ granted: 25, balance: 40 })
    await credits.setSelfService({ account, enabled: false })
    await expect(customer.purchases({ account })).rejects.toMatchObject(refusal)
    await credits.close()
  })

  it('SF-15: what was bought does not expire, and an operator refunds what is unused', async () => {
    const { credits, clock, account } = await open({ plan: 'none' })
    const { purchase } = await credits.purchase({ account, pack: 'usd-50' })
    await credits.charge({ account, operation: 'video.generate', quantity: 125 })
    clock.to('2030-01-01T00:00:00Z')
    expect(await credits.balance({ account })).toMatchObject({ balance: 37.5, grants: [{ source: 'purchase', expiresAt: null }] })
    expect(await credits.refundPurchase({ account, purchase })).toMatchObject({ revoked: 37.5, refundedUsd: 37.5, balance: 0 })
    await expect(credits.refundPurchase({ account, purchase })).rejects.toMatchObject({ code: 'refund_not_allowed' })
    await credits.close()
  })
})
