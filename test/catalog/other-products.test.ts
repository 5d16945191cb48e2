import { describe, expect, it } from 'vitest'
import { assumedFigures } from '../../src/catalog/assumed.js'
import { unitsWithin } from '../../src/catalog/afford.js'
import { quotePrice } from '../../src/catalog/quote-price.js'
import { renderOperationPrice } from '../../src/catalog/render-price.js'
import { catalogWith, credits, pricedOf, usdPerCredit } from './support.js'

/** What is particular about each further product, in the format as it stands. */

describe('a product with a spending cap, rollover while active and bonus credits', () => {
  const plan = (monthly: string, cap: string, more = {}) => ({
    name: monthly,
    monthly_credits: monthly,
    price_usd: null,
    rollover: { kind: 'while_active' },
    spending_cap: { credits: cap, window: 'period' },
    ...more,
  })
  const pack = (price: string, paid: string, bonus?: string) => ({
    name: price,
    price_usd: price,
    parts: [{ kind: 'paid', credits: paid }, ...(bonus === undefined ? [] : [{ kind: 'bonus', credits: bonus }])],
    expiry: { kind: 'never' },
  })
  const catalog = catalogWith({
    operations: {
      'image.generate': {
        name: 'Image',
        default_variant: 'flux-kontext',
        variants: {
          'flux-kontext': {
            name: 'Flux Kontext',
            price: { model: 'per_unit', credits: '10' },
            capabilities: { edits: true },
          },
          'gpt-4o-image': { name: 'GPT-4o Image', price: { model: 'per_unit', credits: '40' } },
        },
      },
      'other.transcription': {
        name: 'Transcription',
        unit: { name: 'minute', plural: 'minutes' },
        price: { model: 'per_unit', credits: '5', increment: 1 },
      },
    },
    plans: {
      starter: plan('800', '2000'),
      trial: plan('500', '500', { trial: true, spending_cap: { credits: '500', window: 'lifetime' } }),
    },
    packs: {
      'credit-boost': pack('9.99', '200', '50'),
      'api-pack': pack('9.99', '1000'),
      'api-pack-pro': pack('39.99', '5000'),
      'api-pack-enterprise': pack('199.99', '20000'),
    },
  })

  it('prices in credits and dollars, a started minute whole', () => {
    const transcription = catalog.operations['other.transcription']
    expect(transcription && renderOperationPrice(catalog, transcription, null)).toBe(
      '5 credits a minute ($0.05), a started minute counts whole',
    )
    expect(pricedOf(catalog, { operation: 'other.transcription', quantity: 2.1 }).maximum).toBe(credits('15'))
  })

  it('a model is a variant', () => {
    expect(pricedOf(catalog, { operation: 'image.generate', variant: 'gpt-4o-image' }).maximum).toBe(credits('40'))
  })

  it('a cap is a figure of its plan, of a period or of a lifetime', () => {
    expect(catalog.plans['starter']).toMatchObject({
      monthlyCredits: credits('800'),
      trial: false,
      spendingCap: { credits: credits('2000'), window: 'period' },
    })
    expect(catalog.plans['trial']).toMatchObject({
      trial: true,
      spendingCap: { credits: credits('500'), window: 'lifetime' },
    })
  })

  it('bonus credits are a part of their own; a price per credit follows', () => {
    expect(catalog.packs['credit-boost']).toMatchObject({
      parts: [
        { kind: 'paid', credits: credits('200') },
        { kind: 'bonus', credits: credits('50') },
      ],
      credits: credits('250'),
    })
    const rounded = ['api-pack', 'api-pack-pro', 'api-pack-enterprise'].map((id) => {
      const bought = catalog.packs[id]
      return bought && usdPerCredit(bought.price, bought.credits).toFixed(3)
    })
    expect(rounded).toEqual(['0.010', '0.008', '0.010'])
  })
})

describe('a product of ranges, without plans of money', () => {
  const catalog = catalogWith({
    unit: { name: 'credit', plural: 'credits', credit_usd: null },
    operations: {
      'assistant.simple': { name: 'Simple question', price: { model: 'range', minimum: '0', maximum: '1' } },
      'campaign.create': { name: 'Campaign', price: { model: 'range', minimum: '2', maximum: '5', assumed: true } },
      'content.multi_platform': {
        name: 'Posts',
        unit: { name: 'platform', plural: 'platforms' },
        price: { model: 'range', minimum: '1', maximum: '2', per_unit: true },
      },
      'content.rss': {
        name: 'RSS',
        unit: { name: 'item', plural: 'items' },
        price: { model: 'per_unit', credits: '1' },
      },
      'campaign.view': { name: 'View', price: { model: 'flat', credits: '0' } },
    },
    plans: {
      workspace: {
        name: 'Workspace',
        monthly_credits: '0',
        price_usd: '0',
        rollover: { kind: 'unlimited' },
        entitlements: { alerts: true },
      },
    },
    packs: {
      starter: {
        name: 'Starter',
        price_usd: '10',
        parts: [{ kind: 'paid', credits: '100' }],
        expiry: { kind: 'months', months: 12 },
      },
    },
    thresholds: [
      { kind: 'absolute', level: 'low', value: '100', when: 'below' },
      { kind: 'absolute', level: 'critical', value: '10' },
    ],
  })

  it('ranges for a job or each platform, items counted, free ones at zero', () => {
    const bounds = (operation: string, quantity: number) => {
      const { minimum, maximum } = pricedOf(catalog, { operation, quantity })
      return [minimum, maximum]
    }
    expect(bounds('assistant.simple', 1)).toEqual([0n, credits('1')])
    expect(bounds('content.multi_platform', 4)).toEqual([credits('4'), credits('8')])
    expect(bounds('content.rss', 12)).toEqual([credits('12'), credits('12')])
    expect(bounds('campaign.view', 1)).toEqual([0n, 0n])
    expect(assumedFigures(catalog)).toEqual(['operations/campaign.create/price'])
  })

  it('twelve months, below 100 but at 10, alerts by entitlement', () => {
    expect(catalog.packs['starter']?.expiry).toEqual({ kind: 'months', months: 12 })
    expect(catalog.thresholds.map(({ level, when }) => [level, when])).toEqual([
      ['low', 'below'],
      ['critical', 'at_or_below'],
    ])
    expect(catalog.plans['workspace']?.entitlements['alerts']).toBe(true)
  })
})

describe('a product whose credits pile up and cannot be bought', () => {
  const catalog = catalogWith({
    operations: {
      'ai.transcription': {
        name: 'Transcription',
        unit: { name: 'minute', plural: 'minutes' },
        price: { model: 'flat', credits: '1' },
      },
    },
    plans: {
      trial: {
        name: 'Trial',
        monthly_credits: '0',
        price_usd: '0',
        rollover: { kind: 'unlimited' },
        trial: true,
        grants: { sign_up: { credits: '100', assumed: true } },
      },
      pro: { name: 'Pro', monthly_credits: '150000', price_usd: null, rollover: { kind: 'unlimited' } },
    },
    default_plan: 'trial',
    texts: { out_of_credits: 'Insufficient credits' },
  })

  it('one credit however long, credits at sign-up, words of its own, no packs', () => {
    expect(pricedOf(catalog, { operation: 'ai.transcription', quantity: 30 }).maximum).toBe(credits('1'))
    expect(unitsWithin(catalog, { operation: 'ai.transcription', budget: credits('7.5') })).toBe(7)
    expect(catalog.plans['trial']?.grants).toEqual({ signUp: credits('100'), purchase: 0n, renewal: 0n })
    expect([catalog.texts.outOfCredits, Object.keys(catalog.packs)]).toEqual(['Insufficient credits', []])
  })
})

describe('a product whose credit is a dollar', () => {
  const catalog = catalogWith({
    unit: { name: 'credit', plural: 'credits', credit_usd: '1' },
    operations: {
      'video.generate': {
        name: 'Video',
        unit: { name: 'second', plural: 'seconds' },
        default_variant: 'talking-head',
        variants: {
          'talking-head': { name: 'Talking head', price: { model: 'per_unit', credits: '0.10' } },
          ai: { name: 'AI video', price: { model: 'per_unit', credits: '0.13' } },
          motion: { name: 'Motion', price: { model: 'per_unit', credits: '0.15' } },
        },
      },
      'text.generate': {
        name: 'Text',
        price: {
          model: 'pass_through',
          rates: {
            input_tokens: { credits: '3', per: 1_000_000, assumed: true },
            cached_tokens: { credits: '0.3', per: 1_000_000, assumed: true },
          },
        },
      },
      'trend.discover': { name: 'Trends', price: { model: 'range', minimum: '0.02', maximum: '0.15' } },
    },
  })

  it('seconds, tokens to the millionth, and a range', () => {
    expect(pricedOf(catalog, { operation: 'video.generate', quantity: 30 }).maximum).toBe(credits('3'))
    expect(pricedOf(catalog, { operation: 'video.generate', variant: 'ai', quantity: 30 }).maximum).toBe(credits('3.9'))
    expect(
      pricedOf(catalog, { operation: 'text.generate', usage: { input_tokens: 7, cached_tokens: 10 } }).maximum,
    ).toBe(24n)
    expect(quotePrice(catalog, { operation: 'trend.discover' })).toMatchObject({
      minimum: credits('0.02'),
      maximum: credits('0.15'),
      exact: false,
    })
  })
})
