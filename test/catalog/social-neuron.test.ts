import { describe, expect, it } from 'vitest'
import { assumedFigures } from '../../src/catalog/assumed.js'
import { pickVariant } from '../../src/catalog/pick-variant.js'
import { toUsd } from '../../src/money/fiat.js'
import { documentedFigures, openedWith, priceFigures } from './figures.js'
import { bundled, credits, usdPerCredit } from './support.js'

const catalog = bundled('social-neuron')

/** The five tables of the document, typed from it: operation, variant, credits, dollars, category. */
const PRICES = [
  ['text.idea', null, '1', '$0.01', 'text'],
  ['text.caption', null, '1', '$0.01', 'text'],
  ['text.script', null, '2', '$0.02', 'text'],
  ['text.reasoning', null, '3', '$0.03', 'text'],
  ['text.campaign', null, '3', '$0.03', 'text'],
  ['image.generate', 'flux-kontext', '10', '$0.10', 'image'],
  ['image.generate', 'nano-banana', '15', '$0.15', 'image'],
  ['image.generate', 'midjourney', '20', '$0.20', 'image'],
  ['image.generate', 'ideogram', '20', '$0.20', 'image'],
  ['image.generate', 'flux-pro', '30', '$0.30', 'image'],
  ['image.generate', 'imagen-4', '35', '$0.35', 'image'],
  ['image.generate', 'gpt-4o-image', '40', '$0.40', 'image'],
  ['image.generate', 'flux-max', '50', '$0.50', 'image'],
  ['video.generate', 'luma', '100', '$1.00', 'video'],
  ['video.generate', 'midjourney-video', '150', '$1.50', 'video'],
  ['video.generate', 'veo-3-fast', '200', '$2.00', 'video'],
  ['video.generate', 'runway', '340', '$3.40', 'video'],
  ['video.generate', 'sora-2', '500', '$5.00', 'video'],
  ['video.generate', 'veo-3-quality', '1000', '$10.00', 'video'],
  ['video.generate', 'sora-2-pro', '1500', '$15.00', 'video'],
  ['analysis.trend_research', null, '2', '$0.02', 'analysis'],
  ['analysis.viral_coach', null, '3', '$0.03', 'analysis'],
  ['analysis.brand_brain', null, '5', '$0.05', 'analysis'],
  ['analysis.brand_extraction', null, '5', '$0.05', 'analysis'],
  ['other.voiceover', null, '15', '$0.15', 'other'],
  ['other.video_export', 'basic', '10', '$0.10', 'other'],
  ['other.video_export', 'captions', '20', '$0.20', 'other'],
  ['other.transcription', null, '5', '$0.05', 'other'],
] as const

/** Spending caps of the document: plan, monthly credits, cap. */
const PLANS = [
  ['free', '100', '100'],
  ['trial', '500', '500'],
  ['starter', '800', '2000'],
  ['pro', '2000', '5000'],
  ['team', '6500', '16250'],
] as const

/** Add-ons of the document: pack, credits, paid part, bonus, dollars. */
const ADD_ONS = [
  ['credit-boost', '250', '200', '50', '9.99'],
  ['credit-pack', '550', '500', '50', '9.99'],
  ['credit-bundle', '1700', '1500', '200', '24.99'],
  ['credit-mega', '6000', '5000', '1000', '69.99'],
] as const

/** API packs of the document: pack, credits, dollars, dollars per credit as it rounds them. */
const API_PACKS = [
  ['api-pack', '1000', '9.99', 0.01],
  ['api-pack-pro', '5000', '39.99', 0.008],
  ['api-pack-enterprise', '20000', '199.99', 0.01],
] as const

describe('the figures', () => {
  it('SN-02: none but those of the document, and none that is ours', () => {
    expect(assumedFigures(catalog)).toEqual([])
    expect(documentedFigures(catalog)).toEqual({
      'unit/credit_usd': '0.01',
      // The document promises no notice, and prices no tool that it does not name.
      price_increase_notice_days: 0,
      default_tool_price: null,
      ...priceFigures(PRICES),
      'operations/other.transcription/price/increment': 1,
      ...Object.fromEntries(
        PLANS.flatMap(([plan, monthly, cap]) => [
          [`plans/${plan}/monthly_credits`, monthly],
          [`plans/${plan}/spending_cap/credits`, cap],
          // A plan called Free costs nothing; what the others cost is not in the document.
          [`plans/${plan}/price_usd`, plan === 'free' ? '0' : null],
        ]),
      ),
      ...Object.fromEntries(
        ADD_ONS.flatMap(([pack, , paid, bonus, price]) => [
          [`packs/${pack}/price_usd`, price],
          [`packs/${pack}/parts/0/credits`, paid],
          [`packs/${pack}/parts/1/credits`, bonus],
        ]),
      ),
      ...Object.fromEntries(
        API_PACKS.flatMap(([pack, sum, price]) => [
          [`packs/${pack}/price_usd`, price],
          [`packs/${pack}/parts/0/credits`, sum],
        ]),
      ),
    })
  })
})

describe('the operations', () => {
  it.each(PRICES)('SN-01, SN-02: %s %s costs %s credits, %s', async (operation, variant, expected, dollars, category) => {
    const ledger = await openedWith('social-neuron', { granted: 2_000 })
    const request = { operation, ...(variant === null ? {} : { variant }) }
    const usd = Number(dollars.slice(1))
    expect(await ledger.estimate(request)).toMatchObject({ minimum: Number(expected), maximum: Number(expected), usd })
    expect(await ledger.charge(request)).toMatchObject({ charged: Number(expected), balance: 2_000 - Number(expected) })
    const [row] = (await ledger.operations({ search: operation })).operations.filter(({ id }) => id === operation)
    const shown = variant === null ? row?.price : row?.variants.find(({ id }) => id === variant)?.price
    const inWords = `${Number(expected).toLocaleString('en-US')} ${expected === '1' ? 'credit' : 'credits'}`
    expect(shown?.replace(/ an? [a-z]+/, '')).toMatch(new RegExp(`^${inWords} \\(\\${dollars}\\)`))
    expect(row?.category).toBe(category)
  })

  it('SN-02: stand in the categories of the document, in its order', () => {
    expect(catalog.categories.map(({ id }) => id)).toEqual(['text', 'image', 'video', 'analysis', 'other'])
    const operations = Object.values(catalog.operations).map(({ id, category }) => [id, category])
    const listed = new Map(PRICES.map(([operation, , , , category]) => [operation, category]))
    expect(operations.sort()).toEqual([...listed].sort())
  })

  it('SN-02: what has models or formats has the cheapest as its default', () => {
    const defaults = Object.values(catalog.operations).flatMap(({ id, defaultVariant }) =>
      defaultVariant === null ? [] : [[id, defaultVariant]],
    )
    expect(defaults.sort()).toEqual([
      ['image.generate', 'flux-kontext'],
      ['other.video_export', 'basic'],
      ['video.generate', 'luma'],
    ])
  })

  it.each([
    ['image.generate', {}, 'flux-kontext'],
    ['video.generate', { seconds: 8 }, 'luma'],
    ['other.video_export', {}, 'basic'],
    ['other.video_export', { captions: false }, 'basic'],
    ['other.video_export', { captions: true }, 'captions'],
    ['text.caption', {}, null],
  ])('SN-07: the cheapest that meets %s %j is %s, and every other model or format is told to be passed over', (operation, args, variant) => {
    const picked = pickVariant(catalog, { operation, args, plan: 'free' })
    expect(picked).toMatchObject({ kind: 'picked', variant })
    const others = Object.keys(catalog.operations[operation]?.variants ?? {}).filter((id) => id !== variant)
    expect(picked.kind === 'picked' ? picked.passedOver.map((other) => other.variant) : null).toEqual(others)
  })

  it('what is counted costs as many times', async () => {
    const ledger = await openedWith('social-neuron', { granted: 1_000 })
    expect((await ledger.charge({ operation: 'image.generate', variant: 'flux-pro', quantity: 4 })).charged).toBe(120)
  })

  it.each([
    [0.1, 5],
    [1, 5],
    [1.01, 10],
    [2, 10],
    [29.5, 150],
  ])('SN-03: %d minutes of transcription cost %d credits: a started minute counts whole', async (minutes, expected) => {
    const ledger = await openedWith('social-neuron', { granted: 1_000 })
    expect((await ledger.charge({ operation: 'other.transcription', quantity: minutes })).charged).toBe(expected)
  })

  it('a model that the document does not name is refused, and nothing is charged', async () => {
    const ledger = await openedWith('social-neuron', { granted: 1_000 })
    const charge = ledger.charge({ operation: 'image.generate', variant: 'flux-ultra' })
    await expect(charge).rejects.toMatchObject({ code: 'unknown_variant' })
    expect((await ledger.balance()).balance).toBe(1_000)
  })
})

describe('plans and packs', () => {
  it('SN-04, SN-06: the plans from Free to Team, each with its cap, the trial once and for its lifetime', () => {
    expect(
      Object.values(catalog.plans).map(({ id, name, trial, spendingCap, monthlyCredits }) => [
        id,
        name,
        monthlyCredits,
        trial,
        spendingCap,
      ]),
    ).toEqual([
      ['free', 'Free', credits('100'), false, { credits: credits('100'), window: 'period' }],
      ['trial', 'Trial', credits('500'), true, { credits: credits('500'), window: 'lifetime' }],
      ['starter', 'Starter', credits('800'), false, { credits: credits('2000'), window: 'period' }],
      ['pro', 'Pro', credits('2000'), false, { credits: credits('5000'), window: 'period' }],
      ['team', 'Team', credits('6500'), false, { credits: credits('16250'), window: 'period' }],
    ])
    expect(catalog.defaultPlan).toBe('free')
  })

  it.each(PLANS)('SN-04: an account on %s begins with %s credits', async (plan, monthly) => {
    const ledger = await openedWith('social-neuron', { granted: 0 })
    expect(await ledger.createAccount({ id: 'new', plan })).toMatchObject({ plan, balance: Number(monthly) })
  })

  it('SN-05: what a plan gives rolls over while it is active, and add-ons stay with the account', () => {
    expect(Object.values(catalog.plans).map(({ rollover }) => rollover.kind)).toEqual(PLANS.map(() => 'while_active'))
    const expiries = Object.values(catalog.packs).map(({ expiry }) => expiry.kind)
    expect(expiries).toEqual([...ADD_ONS, ...API_PACKS].map(() => 'while_active'))
  })

  it('SN-05: no plan gives credits beside its allowance', () => {
    for (const { grants } of Object.values(catalog.plans)) expect(grants).toEqual({ signUp: 0n, purchase: 0n, renewal: 0n })
  })

  it.each(ADD_ONS)('SN-08: %s holds %s credits, %s paid and %s bonus, for $%s', (pack, sum, paid, bonus, price) => {
    const { credits: total, parts, price: asked } = catalog.packs[pack] ?? expect.fail(pack)
    expect(total).toBe(credits(sum))
    expect(parts).toEqual([
      { kind: 'paid', credits: credits(paid) },
      { kind: 'bonus', credits: credits(bonus) },
    ])
    expect(toUsd(asked)).toBe(Number(price))
  })

  it.each(API_PACKS)('SN-09: %s holds %s credits for $%s, as the document rounds it $%d each', (pack, sum, price, each) => {
    const { credits: total, parts, price: asked } = catalog.packs[pack] ?? expect.fail(pack)
    expect(parts).toEqual([{ kind: 'paid', credits: credits(sum) }])
    expect(toUsd(asked)).toBe(Number(price))
    expect(Number(usdPerCredit(asked, total).toFixed(3))).toBe(each)
  })

  it('packs are sold to whoever asks, and there is none beside those of the document', () => {
    expect(catalog.selfService).toBe('enabled')
    expect(Object.keys(catalog.packs).sort()).toEqual([...ADD_ONS, ...API_PACKS].map(([pack]) => pack).sort())
  })
})
