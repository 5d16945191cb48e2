import { describe, expect, it } from 'vitest'
import { assumedFigures } from '../../src/catalog/assumed.js'
import { estimateCampaign } from '../../src/catalog/campaign.js'
import { toUsd } from '../../src/money/fiat.js'
import { documentedFigures, openedWith, priceFigures } from './figures.js'
import { bundled, credits, pricedOf, usdPerCredit } from './support.js'

const catalog = bundled('workspace-credits')

/** The variable prices of the document, typed from it: operation, least, most. */
const RANGES = [
  ['campaign.content_generation', 1, 3],
  ['campaign.content_regeneration', 1, 3],
  ['campaign.strategy_analysis', 2, 5],
  ['assistant.simple_question', 0, 1],
  ['assistant.complex_analysis', 1, 3],
  ['assistant.content_suggestions', 1, 2],
  ['content.multi_platform', 1, 2],
  ['content.optimization', 1, 2],
] as const

/** The fixed ones. */
const FIXED = [
  ['content.single_post', null, '1'],
  ['content.rss', null, '1'],
] as const

/** "Varies by complexity" and "Varies" in the document: the figures are ours. */
const VARYING = ['campaign.create', 'assistant.campaign_creation'] as const

/** What the document says is free, in its order. */
const FREE = [
  ['content.view', 'Viewing'],
  ['platform.connect', 'Platform connections'],
  ['post.schedule', 'Scheduling posts'],
  ['content.publish', 'Publishing content'],
  ['settings.access', 'Accessing settings'],
  ['analytics.read', 'Reading analytics'],
  ['content.edit', 'Editing existing content'],
  ['workspace.manage', 'Managing workspaces'],
] as const

/** Credit packages of the document: pack, credits, dollars, dollars per credit. */
const PACKS = [
  ['starter', '100', '10', '0.100'],
  ['basic', '250', '25', '0.100'],
  ['popular', '550', '50', '0.091'],
  ['pro', '1100', '100', '0.091'],
  ['max', '2350', '200', '0.085'],
] as const

describe('the figures', () => {
  it('WC-03: what a campaign costs to create is ours, and nothing else is', () => {
    expect([...assumedFigures(catalog)].sort()).toEqual(VARYING.map((operation) => `operations/${operation}/price`).sort())
  })

  it('WC-03: every other one is in the document', () => {
    expect(documentedFigures(catalog)).toEqual({
      // A credit costs more or less by the package.
      'unit/credit_usd': null,
      // The document promises no notice, and prices no tool that it does not name.
      price_increase_notice_days: 0,
      default_tool_price: null,
      ...Object.fromEntries(
        RANGES.flatMap(([operation, minimum, maximum]) => [
          [`operations/${operation}/price/minimum`, String(minimum)],
          [`operations/${operation}/price/maximum`, String(maximum)],
        ]),
      ),
      ...priceFigures(FIXED),
      ...priceFigures(FREE.map(([operation]) => [operation, null, '0'] as const)),
      // "No monthly commitment."
      'plans/workspace/monthly_credits': '0',
      'plans/workspace/price_usd': '0',
      ...Object.fromEntries(
        PACKS.flatMap(([pack, sum, price]) => [
          [`packs/${pack}/price_usd`, price],
          [`packs/${pack}/parts/0/credits`, sum],
          [`packs/${pack}/expiry/months`, 12],
        ]),
      ),
      'thresholds/0/value': '100',
      'thresholds/1/value': '10',
    })
  })

  it('WC-03: what a campaign costs to create is a range all the same', () => {
    for (const operation of VARYING) {
      const { minimum, maximum, exact } = pricedOf(catalog, { operation })
      expect([exact, minimum > 0n, maximum > minimum]).toEqual([false, true, true])
    }
  })
})

describe('the operations', () => {
  it('WC-03, WC-04, WC-05: are those of the document, and no others', () => {
    const listed = [...RANGES.map(([operation]) => operation), ...FIXED.map(([operation]) => operation), ...VARYING]
    expect(Object.keys(catalog.operations).sort()).toEqual([...listed, ...FREE.map(([operation]) => operation)].sort())
  })

  it.each(RANGES)(
    'WC-03: %s is estimated at %d to %d, reserved at the most and settled at the actual',
    async (operation, minimum, maximum) => {
      const ledger = await openedWith('workspace-credits', { granted: 100 })
      expect(await ledger.estimate({ operation })).toMatchObject({ minimum, maximum, usd: null })
      const held = await ledger.reserve({ operation })
      expect(held).toMatchObject({ reserved: maximum, balance: 100 - maximum })
      const settled = await ledger.settle({ reservation: held.reservation as string, actual: minimum })
      expect(settled).toMatchObject({ charged: minimum, released: maximum - minimum, balance: 100 - minimum })
    },
  )

  it.each(RANGES)('WC-03: %s is not charged as long as nobody says what it came to', async (operation, _minimum, maximum) => {
    const ledger = await openedWith('workspace-credits', { granted: 100 })
    await expect(ledger.charge({ operation })).rejects.toMatchObject({ code: 'invalid_request' })
    expect(await ledger.charge({ operation, actual: maximum })).toMatchObject({ charged: maximum, balance: 100 - maximum })
  })

  it('WC-03: a single post costs 1, whatever it comes to', async () => {
    const ledger = await openedWith('workspace-credits', { granted: 100 })
    expect(await ledger.estimate({ operation: 'content.single_post' })).toMatchObject({ minimum: 1, maximum: 1 })
    expect(await ledger.charge({ operation: 'content.single_post' })).toMatchObject({ charged: 1, balance: 99 })
  })

  it('WC-04: content for four platforms costs 4 to 8, and the platforms of a request are counted', async () => {
    const ledger = await openedWith('workspace-credits', { granted: 100 })
    const operation = 'content.multi_platform'
    const range = { minimum: 4, maximum: 8 }
    expect(await ledger.estimate({ operation, quantity: 4 })).toMatchObject(range)
    expect(await ledger.estimate({ operation, args: { platforms: ['a', 'b', 'c', 'd'] } })).toMatchObject(range)
  })

  it('WC-04: seven RSS items cost 7', async () => {
    const ledger = await openedWith('workspace-credits', { granted: 100 })
    expect(await ledger.charge({ operation: 'content.rss', quantity: 7 })).toMatchObject({ charged: 7, balance: 93 })
    expect(await ledger.charge({ operation: 'content.rss', args: { items: [1, 2, 3] } })).toMatchObject({ charged: 3 })
  })

  it.each(FREE)('WC-05: %s is free and goes on without credits', async (operation, name) => {
    const ledger = await openedWith('workspace-credits', { granted: 0 })
    expect(catalog.operations[operation]?.name).toBe(name)
    expect(await ledger.estimate({ operation })).toMatchObject({ minimum: 0, maximum: 0, affordable: true, blockedBy: [] })
    expect(await ledger.charge({ operation })).toMatchObject({ charged: 0, balance: 0 })
    await expect(ledger.charge({ operation: 'content.single_post' })).rejects.toMatchObject({ code: 'out_of_credits' })
  })

  it.each(FREE)('WC-05: %s is never stopped by a suspended account and leaves no row', async (operation) => {
    const ledger = await openedWith('workspace-credits', { granted: 0 })
    await ledger.setAccountState({ state: 'suspended' })
    expect(await ledger.estimate({ operation })).toMatchObject({ minimum: 0, maximum: 0, affordable: true, blockedBy: [] })
    expect(await ledger.charge({ operation })).toMatchObject({ charged: 0, transaction: null })
    expect(await ledger.reserve({ operation })).toMatchObject({ reserved: 0, reservation: null })
  })

  it('WC-03: a simple question of 0 to 1 is not free: it may cost nothing and leaves its row, and a suspended account asks none', async () => {
    const ledger = await openedWith('workspace-credits', { granted: 1 })
    const operation = 'assistant.simple_question'
    expect(await ledger.charge({ operation, actual: 0 })).toMatchObject({ charged: 0, transaction: expect.any(String) as string })
    await ledger.setAccountState({ state: 'suspended' })
    await expect(ledger.charge({ operation, actual: 0 })).rejects.toMatchObject({ code: 'account_suspended' })
    expect((await ledger.estimate({ operation })).blockedBy).toMatchObject([{ code: 'account_suspended' }])
  })
})

describe('campaigns', () => {
  it.each([
    ['a single platform, 1 week', { platforms: 1, weeks: 1, postsPerWeek: 10 }, 10, 20],
    ['several platforms, 2 weeks', { platforms: 3, weeks: 2, postsPerWeek: 5, complexity: 'standard' }, 30, 60],
    ['a full campaign, 1 month', { platforms: 5, weeks: 5, postsPerWeek: 2, complexity: 'complex' }, 50, 150],
  ])('WC-11: %s: the typical usage of the document follows from the prices of a post', (_name, campaign, minimum, maximum) => {
    const estimate = estimateCampaign(catalog, campaign)
    expect(estimate).toMatchObject({ kind: 'priced', minimum: credits(String(minimum)), maximum: credits(String(maximum)) })
  })

  it('WC-11: a post costs what content for a platform costs, a complex one what content of a campaign costs', () => {
    expect(catalog.campaign?.complexities).toEqual({
      standard: { operation: 'content.multi_platform', variant: null },
      complex: { operation: 'campaign.content_generation', variant: null },
    })
  })
})

describe('packs, warnings and words', () => {
  it.each(PACKS)('WC-15: %s holds %s credits for $%s, $%s each', (pack, sum, price, each) => {
    const { credits: total, parts, price: asked } = catalog.packs[pack] ?? expect.fail(pack)
    expect(parts).toEqual([{ kind: 'paid', credits: credits(sum) }])
    expect(toUsd(asked)).toBe(Number(price))
    expect(usdPerCredit(asked, total).toFixed(3)).toBe(each)
  })

  it('WC-02, WC-15: all of them last 12 months, are sold to whoever asks, and are all that there are', () => {
    expect(Object.values(catalog.packs).map(({ id, expiry }) => [id, expiry])).toEqual(
      PACKS.map(([pack]) => [pack, { kind: 'months', months: 12 }]),
    )
    expect(catalog.selfService).toBe('enabled')
  })

  it('no plan gives credits: there is one, for every workspace', () => {
    expect(Object.keys(catalog.plans)).toEqual(['workspace'])
    expect(catalog.plans['workspace']).toMatchObject({
      monthlyCredits: 0n,
      grants: { signUp: 0n, purchase: 0n, renewal: 0n },
      isPaid: false,
      spendingCap: null,
    })
    expect(catalog.defaultPlan).toBe('workspace')
  })

  it.each([
    [100, 'ok'],
    [99.999999, 'low'],
    [10.000001, 'low'],
    [10, 'critical'],
    [0.000001, 'critical'],
  ] as const)('WC-08: at %d credits the balance is %s', async (granted, level) => {
    const ledger = await openedWith('workspace-credits', { granted })
    expect((await ledger.balance()).level).toBe(level)
  })

  it('WC-09: running out is told in the words of the product, and nothing is spent', async () => {
    const ledger = await openedWith('workspace-credits', { granted: 2 })
    const error: unknown = await ledger.reserve({ operation: 'campaign.content_generation' }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'out_of_credits', message: 'Insufficient credits: 3 needed, 2 available' })
    expect(await ledger.balance()).toMatchObject({ balance: 2, reserved: 0 })
  })
})
