import { afterEach, describe, expect, it } from 'vitest'
import { type Credits, openCredits } from '../../src/credits.js'

let open: Credits[] = []

afterEach(async () => {
  await Promise.all(open.map((credits) => credits.close()))
  open = []
})

/** 2026-03-10T12:00Z. */
const NOW = Date.UTC(2026, 2, 10, 12)

async function opened(catalog: string | object): Promise<Credits> {
  const credits = await openCredits({ database: ':memory:', catalog, clock: { now: () => NOW } })
  open.push(credits)
  await credits.createAccount({ id: 'acme' })
  return credits.as({ account: 'acme' })
}

describe('campaign estimates', () => {
  it.each([
    ['one platform, one week', { platforms: 1, weeks: 1, postsPerWeek: 10 }, 10, 20],
    ['several platforms, two weeks', { platforms: 3, weeks: 2, postsPerWeek: 5 }, 30, 60],
    ['a full campaign of a month', { platforms: 5, weeks: 5, postsPerWeek: 2, complexity: 'complex' }, 50, 150],
  ])('WC-10, WC-11: %s', async (_, campaign, minimum, maximum) => {
    const credits = await opened('workspace-credits')
    await credits.grant({ credits: maximum - 1 })
    const short = await credits.estimate({ campaign })
    expect(short).toMatchObject({ minimum, maximum, affordable: false, balanceAfter: -1 })
    expect(short.blockedBy).toMatchObject([{ code: 'out_of_credits', details: { shortfall: 1, limitedBy: { type: 'balance' } } }])
    await credits.grant({ credits: 1 })
    expect(await credits.estimate({ campaign })).toMatchObject({ affordable: true, blockedBy: [], balanceAfter: 0 })
  })

  it('WC-12: names what would reduce a campaign, each with what it saves', async () => {
    const credits = await opened('workspace-credits')
    const { cheaper } = await credits.estimate({ campaign: { platforms: 2, weeks: 3, postsPerWeek: 4, complexity: 'complex' } })
    expect(cheaper.map(({ saves }) => saves)).toEqual([36, 24, 24, 18])
    expect(cheaper.every(({ maximum, saves }) => maximum + saves === 72)).toBe(true)
  })

  it('refuses what is no campaign, and a campaign where the catalog has none', async () => {
    const credits = await opened('workspace-credits')
    await expect(credits.estimate({ campaign: { platforms: 0, weeks: 1, postsPerWeek: 1 } })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(credits.estimate({ campaign: { platforms: 1, weeks: 1, postsPerWeek: 1, complexity: 'odd' } })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(credits.estimate({ operation: 'translate', campaign: { platforms: 1, weeks: 1, postsPerWeek: 1 } })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect((await opened('starter')).estimate({ campaign: { platforms: 1, weeks: 1, postsPerWeek: 1 } })).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

describe('the choice of a variant', () => {
  it('SN-07, AX-08: Easy Mode picks the cheapest variant, says which and why, and charges it; Pro Mode takes the named one', async () => {
    const credits = await opened('social-neuron')
    const easy = await credits.estimate({ operation: 'image.generate', variant: 'auto' })
    expect(easy).toMatchObject({ maximum: 10, picked: [{ operation: 'image.generate', variant: 'flux-kontext' }] })
    expect(easy.picked[0]?.reason).toContain('flux-kontext')
    const charged = await credits.charge({ operation: 'image.generate', variant: 'auto' })
    expect(charged).toMatchObject({ charged: 10, variant: 'flux-kontext', picked: easy.picked[0]?.reason })
    const named = await credits.charge({ operation: 'image.generate', variant: 'midjourney' })
    expect(named).toMatchObject({ charged: 20, variant: 'midjourney', picked: null })
    const { transactions } = await credits.transactions({ type: 'charge' })
    expect(transactions.map(({ variant, credits: amount }) => [variant, amount])).toEqual([['midjourney', 20], ['flux-kontext', 10]])
  })

  it('AX-08: only variants that can do it are picked or recommended', async () => {
    const credits = await opened({
      id: 'video',
      name: 'Video',
      unit: { name: 'credit', plural: 'credits', credit_usd: null },
      price_increase_notice_days: 0,
      operations: {
        clip: {
          name: 'Clip',
          default_variant: 'small',
          variants: {
            small: { name: 'Small', price: { model: 'flat', credits: '5' }, capabilities: { width: 512 } },
            wide: { name: 'Wide', price: { model: 'flat', credits: '8' }, capabilities: { width: 2048 } },
            sound: { name: 'Sound', price: { model: 'flat', credits: '20' }, capabilities: { width: 2048, audio: true } },
          },
        },
      },
    })
    const picks = async (args: Record<string, unknown>) => (await credits.estimate({ operation: 'clip', variant: 'auto', args })).picked[0]?.variant
    expect(await picks({})).toBe('small')
    expect(await picks({ width: 1024 })).toBe('wide')
    expect(await picks({ width: 1024, audio: true })).toBe('sound')
    const named = await credits.estimate({ operation: 'clip', variant: 'sound', args: { width: 1024 } })
    expect(named.cheaper).toEqual([{ change: 'variant wide', minimum: 8, maximum: 8, saves: 12 }])
    await expect(credits.estimate({ operation: 'clip', variant: 'auto', args: { width: 4096 } })).rejects.toMatchObject({ code: 'unknown_variant' })
  })
})

describe('plans of several calls', () => {
  it('name each limit that would stop them, with the sum of the calls that it concerns', async () => {
    const credits = await opened('neural-draft')
    await credits.setBudget({ id: 'images', window: 'day', limit: 50, scope: { operation: 'image.generate' } })
    await credits.setBudget({ id: 'all', window: 'month', limit: 1000 })
    const plan = await credits.estimate({
      calls: [{ operation: 'image.generate', quantity: 2 }, { operation: 'blog.post' }, { operation: 'chat.message', quantity: 200 }],
    })
    expect(plan).toMatchObject({ maximum: 324, affordable: false })
    expect(plan.blockedBy).toMatchObject([
      { code: 'budget_exceeded', details: { required: 64, available: 50, limitedBy: { type: 'budget', id: 'images', window: 'day' } } },
      { code: 'out_of_credits', details: { required: 324, available: 250 } },
    ])
  })

  it('name what one call instead of several saves, where a started unit counts whole', async () => {
    const credits = await opened('social-neuron')
    const { maximum, cheaper } = await credits.estimate({ calls: [{ operation: 'other.transcription', quantity: 1.5 }, { operation: 'other.transcription', quantity: 1.5 }] })
    expect(maximum).toBe(20)
    expect(cheaper).toMatchObject([{ maximum: 15, saves: 5 }])
  })
})

describe('a tool by its id among the prices', () => {
  const catalog = {
    id: 'tools', name: 'Tools', unit: { name: 'credit', plural: 'credits', credit_usd: null }, price_increase_notice_days: 0,
    operations: { slot: { name: 'Slot', price: { model: 'per_unit', credits: '1' } } },
    tools: { slow: { credits: '7' }, draw: { operation: 'slot', quantity: { from: 'arguments', pointer: '/count', default: 1 } }, open: { credits: '0' } },
  }

  it('AX-01: costs at every door what a call of the tool does', async () => {
    const credits = await opened(catalog)
    await credits.grant({ credits: 100 })
    expect((await credits.toolPrices()).map(({ id }) => id)).toEqual(['tool:draw', 'tool:open', 'tool:slow'])
    expect(await credits.estimate({ operation: 'tool:slow' })).toEqual(await credits.estimate({ tool: 'slow' }))
    expect(await credits.estimate({ calls: [{ operation: 'tool:draw', args: { count: 3 } }, { tool: 'slow' }] })).toMatchObject({ maximum: 10 })
    expect(await credits.charge({ operation: 'tool:slow', idempotencyKey: 'k' })).toMatchObject({ charged: 7, balance: 93 })
    expect(await credits.charge({ operation: 'tool:draw', args: { count: 3 } })).toMatchObject({ charged: 3, balance: 90 })
    expect(await credits.charge({ operation: 'tool:open' })).toMatchObject({ charged: 0, balance: 90 })
    const { reservation } = await credits.reserve({ operation: 'tool:slow' })
    expect(await credits.settle({ reservation: reservation as string })).toMatchObject({ charged: 7, balance: 83 })
    expect((await credits.usage({ groupBy: 'tool' })).rows).toMatchObject([{ key: 'slow', credits: 14 }, { key: 'draw', credits: 3 }])
  })

  it.each([{ quantity: 2 }, { variant: 'big' }, { actual: 3 }, { usage: { input_tokens: 1 } }])('takes arguments alone: %j is refused', async (more) => {
    const credits = await opened(catalog)
    await expect(credits.charge({ operation: 'tool:slow', ...more })).rejects.toMatchObject({ code: 'invalid_request', message: 'a call of a tool has args alone: they say what it comes to' })
    await expect(credits.charge({ operation: 'tool:none' })).rejects.toMatchObject({ code: 'price_unknown' })
  })
})
