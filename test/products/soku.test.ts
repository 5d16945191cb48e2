import { describe, expect, it } from 'vitest'
import { DAY_MS, productOf } from './product.js'

const open = productOf('soku')

describe('Soku', () => {
  it('SK-03, SK-04: credits come at sign-up, with a subscription and at each renewal, add up, and nothing expires', async () => {
    const { credits, clock, account } = await open()
    expect(await credits.balance({ account })).toMatchObject({ balance: 1_000, plan: { id: 'trial' }, grants: [{ source: 'sign_up', expiresAt: null }] })
    await credits.subscribe({ account, plan: 'starter' })
    expect(await credits.balance({ account })).toMatchObject({ balance: 101_000, plan: { id: 'starter', renewsAt: '2026-03-10T12:00:00.000Z' } })
    clock.to('2026-03-10T12:00:00.000Z')
    expect((await credits.balance({ account })).balance).toBe(201_000)
    clock.after(70 * DAY_MS)
    const { balance, grants } = await credits.balance({ account })
    expect(balance).toBe(401_000)
    expect(new Set(grants.map(({ expiresAt }) => expiresAt))).toEqual(new Set([null]))
    await credits.close()
  })

  it('SK-06: another plan leaves the balance and gives its allowance from the next renewal on; the same one again gives nothing more', async () => {
    const { credits, clock, account } = await open()
    await credits.subscribe({ account, plan: 'starter' })
    await credits.charge({ account, operation: 'audio.transcribe' })
    await credits.subscribe({ account, plan: 'agency' })
    await credits.subscribe({ account, plan: 'starter' })
    await credits.subscribe({ account, plan: 'agency' })
    expect(await credits.balance({ account })).toMatchObject({ balance: 100_999, plan: { id: 'starter', nextPlan: 'agency' } })
    clock.to('2026-03-10T12:00:00.000Z')
    expect(await credits.balance({ account })).toMatchObject({ balance: 250_999, plan: { id: 'agency', nextPlan: null } })
    await credits.close()
  })

  it('SK-07: nothing is sold, and whoever asks is told of the renewal and of the higher plans', async () => {
    const { credits, account } = await open({ plan: 'starter' })
    expect(await credits.packs({ account })).toEqual([])
    await expect(credits.purchase({ account, pack: 'starter' })).rejects.toMatchObject({
      code: 'purchases_unavailable',
      message: expect.stringContaining('wait for the next renewal'),
      details: { renewsAt: '2026-03-10T12:00:00.000Z', higherPlans: expect.arrayContaining(['pro', 'agency']) },
    })
    await credits.close()
  })
})
