import { describe, expect, it } from 'vitest'
import { DAY_MS, productOf } from './product.js'

const open = productOf('neural-draft')

describe('Neural Draft', () => {
  it('ND-01: the worked sums of the document are what is charged', async () => {
    const { credits, account } = await open({ plan: 'build' })
    const spent = async (...calls: readonly object[]) => {
      let sum = 0
      for (const call of calls) sum += (await credits.charge({ account, ...call } as Parameters<typeof credits.charge>[0])).charged
      return sum
    }
    expect(await spent({ operation: 'blog.post' }, { operation: 'translate', args: { languages: ['de', 'fr', 'it', 'es'] } })).toBe(88)
    expect(await spent({ operation: 'social.post', variant: 'image' })).toBe(37)
    expect(await spent({ operation: 'website.generate' }, { operation: 'image.generate' })).toBe(272)
    expect(await spent({ operation: 'video.clip' })).toBe(40)
    expect(await spent({ operation: 'video.clip', args: { tier: 'premium' } })).toBe(300)
    expect((await credits.balance({ account })).lifetimeUsed).toBe(88 + 37 + 272 + 40 + 300)
    await credits.close()
  })

  it('a clip is reserved at its fixed price and settled with what it did cost, or given back for a fault', async () => {
    const { credits, account } = await open({ plan: 'build' })
    const reserved = async () => (await credits.reserve({ account, operation: 'video.clip', ttlSeconds: 600 })).reservation ?? ''
    expect(await credits.settle({ account, reservation: await reserved(), actual: 40 })).toMatchObject({ charged: 40, released: 0, uncollected: 0 })
    expect(await credits.settle({ account, reservation: await reserved(), actual: 30 })).toMatchObject({ charged: 30, released: 10, uncollected: 0 })
    expect(await credits.settle({ account, reservation: await reserved(), actual: 60 })).toMatchObject({ charged: 60, released: 0, uncollected: 0 })
    expect(await credits.release({ account, reservation: await reserved(), fault: 'provider' })).toMatchObject({ charged: 0, released: 40 })
    await credits.close()
  })

  it('ND-02, ND-04: at zero every operation that costs is stopped, and reads and light writes go on', async () => {
    const { credits, account } = await open()
    await credits.charge({ account, operation: 'chat.message', quantity: 250 })
    const { operations } = await credits.operations()
    const paid: string[] = []
    for (const { id: operation } of operations) {
      await credits.charge({ account, operation }).then(
        ({ charged }) => expect(charged).toBe(0),
        (error: { readonly code: string }) => {
          expect(error.code).toBe('out_of_credits')
          paid.push(operation)
        },
      )
    }
    expect(paid).toHaveLength(10)
    expect(await credits.balance({ account })).toMatchObject({ balance: 0, level: 'exhausted' })
    await credits.close()
  })

  it.each([
    ['free', 250],
    ['hobby', 5_000],
    ['build', 25_000],
    ['scale', 100_000],
  ])('ND-06: %s gives %i credits a month, which do not roll over', async (plan, monthly) => {
    const { credits, clock, account } = await open({ plan })
    await credits.charge({ account, operation: 'chat.message', quantity: 50 })
    expect((await credits.balance({ account })).balance).toBe(monthly - 50)
    clock.to('2026-03-10T12:00:00.000Z')
    expect(await credits.balance({ account })).toMatchObject({ balance: monthly, grants: [{ source: 'allowance', remaining: monthly, expiresAt: '2026-04-10T12:00:00.000Z' }] })
    await credits.close()
  })

  it.each([
    ['usd-20', 4_000, 20],
    ['usd-100', 20_000, 100],
    ['usd-500', 100_000, 500],
  ])('ND-07: the top-up %s gives %i credits for $%i on any tier, without an end', async (pack, bought, price) => {
    const { credits, clock, account } = await open({ plan: 'free' })
    expect(await credits.purchase({ account, pack })).toMatchObject({ granted: bought, priceUsd: price })
    clock.after(2_000 * DAY_MS)
    const { grants } = await credits.balance({ account })
    expect(grants).toContainEqual(expect.objectContaining({ source: 'purchase', remaining: bought, expiresAt: null }))
    await credits.close()
  })

  it('ND-10: tells once that 20 % remain of the allowance and the top-ups held at its start', async () => {
    const { credits, clock, account } = await open({ plan: 'free' })
    await credits.purchase({ account, pack: 'usd-20' })
    clock.to('2026-03-10T12:00:00.000Z')
    const low = async () => (await credits.messages({ account })).filter(({ type, at }) => type === 'balance_low' && at >= '2026-03-10T12')
    // 20 % of 250 and 4,000 is 850.
    await credits.charge({ account, operation: 'chat.message', quantity: 3_399 })
    expect(await low()).toEqual([])
    await credits.charge({ account, operation: 'chat.message' })
    await credits.charge({ account, operation: 'chat.message' })
    expect(await low()).toMatchObject([{ facts: { event: 'project.credits_low', remaining: 850, limit: 4_250 } }])
    await credits.close()
  })

  it('ND-12: a preview key spends on content alone, within a budget of its own that only top-ups for it raise', async () => {
    const { credits, account } = await open({ plan: 'hobby' })
    await credits.setBudget({ account, id: 'preview', window: 'total', limit: 100, scope: { environment: 'preview' } })
    const { id: key } = await credits.createKey({ account, scopes: ['content:*'], environment: 'preview' })
    const { id: whole } = await credits.createKey({ account, scopes: ['credits:read', 'credits:spend'], environment: 'production' })
    const preview = credits.as({ key })
    await expect(preview.charge({ account, operation: 'image.generate' })).rejects.toMatchObject({ code: 'forbidden' })
    await preview.charge({ account, operation: 'blog.post' })
    await expect(preview.charge({ account, operation: 'blog.post' })).rejects.toMatchObject({ code: 'budget_exceeded', details: { limitedBy: { id: 'preview', limit: 100, used: 60 } } })
    await credits.as({ key: whole }).charge({ account, operation: 'blog.post' })
    await credits.purchase({ account, pack: 'usd-20' })
    await expect(preview.charge({ account, operation: 'blog.post' })).rejects.toMatchObject({ code: 'budget_exceeded' })
    await credits.purchase({ account, pack: 'usd-20', budget: 'preview' })
    expect(await preview.charge({ account, operation: 'blog.post' })).toMatchObject({ charged: 60, balance: 5_000 + 8_000 - 180 })
    expect((await credits.budgets({ account })).budgets).toMatchObject([{ id: 'preview', limit: 4_100, used: 120 }])
    await credits.close()
  })

  it('ND-14: a job reserves when it is queued, is refused then and there, and gives all back where the provider failed', async () => {
    const { credits, account } = await open({ plan: 'free' })
    const job = await credits.reserve({ account, operation: 'website.generate' })
    await expect(credits.reserve({ account, operation: 'video.clip' })).rejects.toMatchObject({ code: 'out_of_credits', details: { available: 10, reserved: 240 } })
    expect(await credits.release({ account, reservation: job.reservation as string, fault: 'provider' })).toMatchObject({ released: 240, balance: 250 })
    const paid = await credits.reserve({ account, operation: 'website.generate' })
    expect(await credits.settle({ account, reservation: paid.reservation as string })).toMatchObject({ charged: 240, balance: 10 })
    await credits.close()
  })

  it('ND-20: renews on the day of sign-up: the 31st, the last day of shorter months, and the 31st again', async () => {
    const { credits, clock, account } = await open({ plan: 'hobby', at: '2026-01-31T09:30:00Z' })
    const renewals: string[] = []
    for (let month = 0; month < 5; month += 1) {
      const renewsAt = (await credits.balance({ account })).plan?.renewsAt as string
      renewals.push(renewsAt.slice(0, 10))
      clock.to(renewsAt)
    }
    expect(renewals).toEqual(['2026-02-28', '2026-03-31', '2026-04-30', '2026-05-31', '2026-06-30'])
    await credits.close()
  })

  it('ND-22: the allowance is used before a top-up, and nothing is bought by itself', async () => {
    const { credits, account } = await open({ plan: 'free' })
    await credits.purchase({ account, pack: 'usd-20' })
    await credits.charge({ account, operation: 'chat.message', quantity: 240 })
    const { transaction } = await credits.charge({ account, operation: 'blog.post' })
    const { grants } = await credits.explain({ account, transaction: transaction as string })
    expect(grants.map(({ source, credits: paid }) => [source, paid])).toEqual([['allowance', 10], ['purchase', 50]])
    await credits.charge({ account, operation: 'chat.message', quantity: 3_950 })
    await expect(credits.charge({ account, operation: 'chat.message' })).rejects.toMatchObject({ code: 'out_of_credits' })
    expect(await credits.purchases({ account })).toHaveLength(1)
    await credits.close()
  })
})
