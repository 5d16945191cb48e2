import { describe, expect, it } from 'vitest'
import { DAY_MS, productOf } from './product.js'

const open = productOf('social-neuron')

describe('Social Neuron', () => {
  it.each([
    ['free', 100],
    ['starter', 800],
    ['pro', 2_000],
    ['team', 6_500],
  ])('SN-04: the plan %s gives %i credits a month', async (plan, monthly) => {
    const { credits, clock, account } = await open({ plan })
    expect(await credits.balance({ account })).toMatchObject({ balance: monthly, plan: { id: plan, monthlyCredits: monthly, renewsAt: '2026-03-10T12:00:00.000Z' } })
    clock.to('2026-03-10T12:00:00.000Z')
    expect(await credits.balance({ account })).toMatchObject({ balance: 2 * monthly, plan: { renewsAt: '2026-04-10T12:00:00.000Z' } })
    await credits.close()
  })

  it('SN-04: a trial gives 500 credits once', async () => {
    const { credits, clock, account } = await open({ plan: 'trial' })
    clock.after(200 * DAY_MS)
    expect(await credits.balance({ account })).toMatchObject({ balance: 500, plan: { id: 'trial', renewsAt: null } })
    await credits.subscribe({ account, plan: 'free' })
    clock.after(40 * DAY_MS)
    await expect(credits.subscribe({ account, plan: 'trial' })).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('once') })
    await credits.close()
  })

  it('SN-05: unused credits roll over while the subscription is active; cancelled, they last to the end of the paid period, add-ons stay', async () => {
    const { credits, clock, account } = await open({ plan: 'starter' })
    await credits.purchase({ account, pack: 'credit-boost' })
    clock.to('2026-03-10T12:00:00.000Z')
    expect(await credits.balance({ account })).toMatchObject({ balance: 800 + 800 + 250 })
    await credits.cancelSubscription({ account })
    expect(await credits.balance({ account })).toMatchObject({ balance: 1_850, plan: { id: 'starter', nextPlan: 'none' } })
    clock.to('2026-04-10T11:59:59.999Z')
    expect(await credits.balance({ account })).toMatchObject({ balance: 1_850 })
    clock.to('2026-04-10T12:00:00.000Z')
    const after = await credits.balance({ account })
    expect(after).toMatchObject({ balance: 250, plan: null, spendingCap: null })
    expect(after.grants.map(({ source, remaining }) => [source, remaining])).toEqual([['purchase_bonus', 50], ['purchase', 200]])
    await credits.close()
  })

  it.each([
    ['free', 100],
    ['starter', 2_000],
    ['pro', 5_000],
    ['team', 16_250],
  ])('SN-06: the plan %s stops at %i credits a period, allowance and add-ons together, and says when bought credits are usable again', async (plan, cap) => {
    const { credits, clock, account } = await open({ plan })
    await credits.purchase({ account, pack: 'api-pack-enterprise' })
    const inCaptions = { account, operation: 'text.caption' }
    await credits.charge({ ...inCaptions, quantity: cap })
    expect(await credits.balance({ account })).toMatchObject({ spendable: 0, spendingCap: { limit: cap, used: cap, resetsAt: '2026-03-10T12:00:00.000Z' } })
    await expect(credits.charge(inCaptions)).rejects.toMatchObject({
      code: 'spending_cap_reached',
      message: expect.stringMatching(/purchased credits stay usable after the reset on 2026-03-10T12:00:00\.000Z/),
      details: { required: 1, available: 0, limitedBy: { type: 'spending_cap', limit: cap, used: cap, resetsAt: '2026-03-10T12:00:00.000Z' } },
    })
    clock.to('2026-03-10T12:00:00.000Z')
    await expect(credits.charge(inCaptions)).resolves.toMatchObject({ charged: 1 })
    await credits.close()
  })

  it("SN-06: a trial's cap is for its lifetime", async () => {
    const { credits, clock, account } = await open({ plan: 'trial' })
    await credits.grant({ account, credits: 1_000 })
    await credits.charge({ account, operation: 'text.caption', quantity: 500 })
    clock.after(400 * DAY_MS)
    await expect(credits.charge({ account, operation: 'text.caption' })).rejects.toMatchObject({
      code: 'spending_cap_reached',
      details: { limitedBy: { limit: 500, resetsAt: null } },
    })
    await credits.close()
  })

  it.each([
    ['credit-boost', 200, 50, 9.99],
    ['credit-pack', 500, 50, 9.99],
    ['credit-bundle', 1_500, 200, 24.99],
    ['credit-mega', 5_000, 1_000, 69.99],
  ])('SN-08: %s is %i credits and %i as a bonus, each a grant of its own, for $%d', async (pack, paid, bonus, price) => {
    const { credits, account } = await open({ plan: 'none' })
    expect(await credits.purchase({ account, pack })).toMatchObject({ credits: paid + bonus, granted: paid + bonus, priceUsd: price })
    const { grants } = await credits.balance({ account })
    expect(grants.map(({ source, remaining }) => [source, remaining])).toEqual([['purchase_bonus', bonus], ['purchase', paid]])
    await credits.close()
  })
})
