import { describe, expect, it } from 'vitest'
import { assumedFigures } from '../../src/catalog/assumed.js'
import { toUsd } from '../../src/money/fiat.js'
import { documentedFigures, openedWith, priceFigures } from './figures.js'
import { bundled, credits, usdPerCredit } from './support.js'

const catalog = bundled('synfluencer')

/** Prices of a second of video in the document, typed from it; it says "about" of the last. */
const VIDEO = [
  ['video.generate', 'talking-head', '0.10'],
  ['video.generate', 'ai-video', '0.13'],
  ['video.generate', 'motion-video', '0.15'],
] as const

/** What the document bills at the provider's token cost. */
const BY_TOKENS = ['text.trend_discovery', 'text.content_generation', 'text.qc_audit', 'image.generate'] as const

const COMPONENTS = ['input_tokens', 'output_tokens', 'cached_tokens'] as const

/** Credit packs of the document: pack, dollars, credits. */
const PACKS = [
  ['usd-10', '10'],
  ['usd-25', '25'],
  ['usd-50', '50'],
  ['usd-100', '100'],
] as const

describe('the figures', () => {
  it("SF-02, SF-03: the providers' rates, what is typical by them and the credits of a new account are ours, and nothing else", () => {
    expect([...assumedFigures(catalog)].sort()).toEqual(
      [
        ...COMPONENTS.map((component) => `operations/text.trend_discovery/price/rates/${component}`),
        'operations/text.content_generation/price',
        'operations/text.qc_audit/price',
        'operations/image.generate/price',
        'plans/pay-as-you-go/grants/sign_up',
      ].sort(),
    )
  })

  it('SF-01, SF-04, SF-05: every other one is in the document', () => {
    expect(documentedFigures(catalog)).toEqual({
      'unit/credit_usd': '1',
      // The document promises no notice, and prices no tool that it does not name.
      price_increase_notice_days: 0,
      default_tool_price: null,
      ...priceFigures(VIDEO),
      'operations/text.trend_discovery/price/typical/minimum': '0.02',
      'operations/text.trend_discovery/price/typical/maximum': '0.15',
      // "No subscriptions, no monthly commitments."
      'plans/pay-as-you-go/monthly_credits': '0',
      'plans/pay-as-you-go/price_usd': '0',
      ...Object.fromEntries(
        PACKS.flatMap(([pack, sum]) => [
          [`packs/${pack}/price_usd`, sum],
          [`packs/${pack}/parts/0/credits`, sum],
        ]),
      ),
    })
  })

  it('SF-03: the rates that are ours are for a million tokens, and cached ones the cheapest', () => {
    for (const operation of BY_TOKENS) {
      const price = catalog.operations[operation]?.offer?.price
      const rates = price?.model === 'pass_through' ? price.rates : expect.fail(operation)
      expect(COMPONENTS.map((component) => rates[component]?.per)).toEqual([1_000_000, 1_000_000, 1_000_000])
      const [input = 0n, output = 0n, cached = 0n] = COMPONENTS.map((component) => rates[component]?.amount)
      expect([cached > 0n, input > cached, output > input]).toEqual([true, true, true])
    }
  })
})

describe('the operations', () => {
  it('SF-03, SF-04, SF-05: are those of the document, and no others', () => {
    expect(Object.keys(catalog.operations).sort()).toEqual([...BY_TOKENS, 'video.generate'].sort())
    expect(Object.keys(catalog.operations['video.generate']?.variants ?? {})).toEqual(VIDEO.map(([, variant]) => variant))
  })

  it.each(BY_TOKENS)('SF-03: %s costs what its tokens cost, to a millionth of a credit', async (operation) => {
    const ledger = await openedWith('synfluencer', { granted: 10 })
    const price = catalog.operations[operation]?.offer?.price
    const rates = price?.model === 'pass_through' ? price.rates : expect.fail(operation)
    const usage = { input_tokens: 12_345, output_tokens: 678, cached_tokens: 91_011 }
    // Millionths of a credit for a million tokens, times tokens, divided once and rounded up once.
    const millionths = COMPONENTS.reduce((sum, component) => sum + (rates[component]?.amount ?? 0n) * BigInt(usage[component]), 0n)
    const expected = Number((millionths + 999_999n) / 1_000_000n)
    const { charged, balance } = await ledger.charge({ operation, usage })
    expect([charged * 1e6, balance * 1e6].map(Math.round)).toEqual([expected, 10_000_000 - expected])
  })

  it('SF-03: a few tokens cost a few millionths, rounded up once', async () => {
    const ledger = await openedWith('synfluencer', { granted: 1 })
    const operation = 'text.content_generation'
    // 7 × 3 + 3 × 15 + 11 × 0.3 millionths are 69.3.
    const usage = { input_tokens: 7, output_tokens: 3, cached_tokens: 11 }
    expect(await ledger.charge({ operation, usage })).toMatchObject({ charged: 0.00007, balance: 0.99993 })
  })

  it('SF-03: tokens of a kind without a rate are refused, never free', async () => {
    const ledger = await openedWith('synfluencer', { granted: 1 })
    const charge = ledger.charge({ operation: 'text.qc_audit', usage: { input_tokens: 7, thinking_tokens: 3 } })
    await expect(charge).rejects.toMatchObject({ code: 'price_unknown' })
    expect((await ledger.balance()).balance).toBe(1)
  })

  it.each([
    [undefined, 3],
    ['talking-head', 3],
    ['ai-video', 3.9],
    ['motion-video', 4.5],
  ])('SF-04: 30 seconds of video (%s) cost $%d', async (variant, expected) => {
    const ledger = await openedWith('synfluencer', { granted: 10 })
    const request = { operation: 'video.generate', quantity: 30, ...(variant === undefined ? {} : { variant }) }
    expect(await ledger.estimate(request)).toMatchObject({ minimum: expected, maximum: expected, usd: expected })
    expect(await ledger.charge(request)).toMatchObject({ charged: expected, balance: 10 - expected })
  })

  it.each([
    [0.07, { charged: 0.07, released: 0.08, uncollected: 0 }],
    [0.02, { charged: 0.02, released: 0.13, uncollected: 0 }],
    [0.005, { charged: 0.005, released: 0.145, uncollected: 0 }],
  ])('SF-05: trend discovery is estimated at $0.02 to $0.15 and settled at $%d if it came to that', async (actual, ended) => {
    const ledger = await openedWith('synfluencer', { granted: 1 })
    const operation = 'text.trend_discovery'
    expect(await ledger.estimate({ operation })).toMatchObject({ minimum: 0.02, maximum: 0.15, usd: 0.15 })
    const held = await ledger.reserve({ operation })
    expect(held.reserved).toBe(0.15)
    expect(await ledger.settle({ reservation: held.reservation as string, actual })).toMatchObject(ended)
  })

  it.each([
    ['cap', { charged: 0.15, uncollected: 0.25, balance: 0 }],
    ['debt', { charged: 0.4, uncollected: 0, balance: -0.25 }],
  ] as const)('SF-05: above the range the overrun policy decides: %s', async (overrun, ended) => {
    const ledger = await openedWith('synfluencer', { granted: 0 })
    await ledger.createAccount({ id: 'owing', plan: 'none', debtLimit: 1 })
    const account = 'owing'
    await ledger.grant({ account, credits: 0.15 })
    const held = await ledger.reserve({ account, operation: 'text.trend_discovery', overrun })
    const settled = await ledger.settle({ account, reservation: held.reservation as string, actual: 0.4 })
    expect(settled).toMatchObject(ended)
  })

  it('SF-05: and rejected where that is the policy', async () => {
    const ledger = await openedWith('synfluencer', { granted: 1 })
    const held = await ledger.reserve({ operation: 'text.trend_discovery', overrun: 'reject' })
    const settle = ledger.settle({ reservation: held.reservation as string, actual: 0.4 })
    await expect(settle).rejects.toMatchObject({ code: 'invalid_amount' })
    expect(await ledger.balance()).toMatchObject({ balance: 0.85, reserved: 0.15 })
  })
})

describe('packs and plan', () => {
  it.each(PACKS)('SF-01: %s holds as many credits as dollars, %s', (pack, sum) => {
    const { credits: total, parts, price } = catalog.packs[pack] ?? expect.fail(pack)
    expect(parts).toEqual([{ kind: 'paid', credits: credits(sum) }])
    expect([toUsd(price), usdPerCredit(price, total)]).toEqual([Number(sum), 1])
  })

  it('SF-01: a credit is a dollar, and there is no pack beside those of the document', () => {
    expect(catalog.unit.creditUsd === null ? null : toUsd(catalog.unit.creditUsd)).toBe(1)
    expect(Object.keys(catalog.packs)).toEqual(PACKS.map(([pack]) => pack))
  })

  it('SF-15: what was bought never expires, and an operator may give back what is unused of it', () => {
    for (const pack of Object.values(catalog.packs)) {
      expect(pack).toMatchObject({ expiry: { kind: 'never' }, refund: { days: null, maxUsedPercent: null } })
    }
  })

  it('SF-11: packs are hidden until an operator enables them, and asking says so', () => {
    expect(catalog.selfService).toBe('hidden')
    expect(catalog.texts.purchasesUnavailable).toMatch(/not enabled/)
  })

  it('SF-01, SF-02: the one plan gives credits to a new account and none by the month', () => {
    expect(Object.keys(catalog.plans)).toEqual(['pay-as-you-go'])
    const plan = catalog.plans[catalog.defaultPlan ?? '']
    expect(plan).toMatchObject({ monthlyCredits: 0n, isPaid: false, trial: false, spendingCap: null })
    expect(plan?.grants.signUp).toBeGreaterThan(0n)
    expect([plan?.grants.purchase, plan?.grants.renewal]).toEqual([0n, 0n])
  })

  it('SF-02: a new account has them at once, and they do not expire', async () => {
    const ledger = await openedWith('synfluencer', { granted: 0 })
    const { balance } = await ledger.createAccount({ id: 'new' })
    expect(balance * 1e6).toBe(Number(catalog.plans['pay-as-you-go']?.grants.signUp))
    expect((await ledger.balance({ account: 'new' })).grants).toMatchObject([{ source: 'sign_up', remaining: balance, expiresAt: null }])
  })
})
