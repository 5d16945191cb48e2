import { describe, expect, it } from 'vitest'
import { bundledCatalogs } from '../../src/catalog/bundled.js'
import { type Catalog, offerOf } from '../../src/catalog/catalog.js'
import { renderOperationPrice, renderToolPrice } from '../../src/catalog/render-price.js'
import type { PriceDocument } from '../../src/catalog/schema-price.js'
import { formatCredits } from '../../src/money/credits.js'
import { bundled, catalogAt, catalogWith, pricedOf } from './support.js'

function words(price: PriceDocument, creditUsd: string | null = '0.01'): string | null {
  const { operations } = catalogAt(price)
  const operation = operations['job.run']
  const catalog = catalogWith({ unit: { name: 'credit', plural: 'credits', credit_usd: creditUsd } })
  return operation === undefined ? null : renderOperationPrice(catalog, operation, null)
}

describe('a price in words', () => {
  it.each<[string, PriceDocument]>([
    ['60 credits ($0.60)', { model: 'flat', credits: '60' }],
    ['1 credit ($0.01)', { model: 'flat', credits: '1' }],
    ['1,000 credits ($10.00)', { model: 'flat', credits: '1000' }],
    ['0.02 credits ($0.0002)', { model: 'flat', credits: '0.02' }],
    ['free', { model: 'flat', credits: '0' }],
    ['5 credits a minute ($0.05)', { model: 'per_unit', credits: '5' }],
    ['5 credits a minute ($0.05), a started minute counts whole', { model: 'per_unit', credits: '5', increment: 1 }],
    [
      '5 credits a minute ($0.05), in steps of 15 minutes, at least 30 minutes',
      { model: 'per_unit', credits: '5', increment: 15, minimum: 30 },
    ],
    ['3 credits per 1,000,000 minutes ($0.03)', { model: 'per_unit', credits: '3', per: 1_000_000 }],
    ['1 to 3 credits ($0.01 to $0.03)', { model: 'range', minimum: '1', maximum: '3' }],
    ['1 to 2 credits a minute ($0.01 to $0.02)', { model: 'range', minimum: '1', maximum: '2', per_unit: true }],
    [
      '5 credits a minute ($0.05) up to 100 minutes, then 4 credits a minute ($0.04) beyond',
      {
        model: 'tiered',
        mode: 'graduated',
        tiers: [
          { up_to: 100, credits: '5' },
          { up_to: null, credits: '4' },
        ],
      },
    ],
    [
      '5 credits a minute ($0.05) up to 100 minutes; for all of them 4 credits a minute ($0.04) beyond',
      {
        model: 'tiered',
        mode: 'volume',
        tiers: [
          { up_to: 100, credits: '5' },
          { up_to: null, credits: '4' },
        ],
      },
    ],
    ['4 credits a minute ($0.04)', { model: 'tiered', mode: 'volume', tiers: [{ up_to: null, credits: '4' }] }],
    [
      '3 credits per 1,000,000 input tokens ($0.03) + 1 credit an image ($0.01); typically 0.01 to 0.05 credits ($0.0001 to $0.0005)',
      {
        model: 'pass_through',
        rates: { input_tokens: { credits: '3', per: 1_000_000 }, image: { credits: '1' } },
        typical: { minimum: '0.01', maximum: '0.05' },
      },
    ],
  ])('%s', (expected, price) => {
    expect(words(price)).toBe(expected)
  })

  it('says dollars only where the unit fixes a rate', () => {
    expect(words({ model: 'per_unit', credits: '5' }, null)).toBe('5 credits a minute')
  })

  it('ND-05: names surcharges', () => {
    const catalog = bundled('neural-draft')
    const post = catalog.operations['social.post']
    expect(post === undefined ? null : renderOperationPrice(catalog, post, 'image')).toBe(
      '5 credits a post + 32 credits an image (image)',
    )
  })

  it('is none for a variant that the operation does not have', () => {
    const catalog = bundled('neural-draft')
    const clip = catalog.operations['video.clip']
    expect(clip === undefined ? '' : renderOperationPrice(catalog, clip, 'gold')).toBeNull()
  })

  it('T42: every figure in the words is the one that is charged', () => {
    for (const catalog of Object.keys(bundledCatalogs).map(bundled)) {
      for (const operation of Object.values(catalog.operations)) {
        const variants = operation.offer === null ? Object.keys(operation.variants) : [null]
        for (const variant of variants) {
          const text =
            renderOperationPrice({ ...catalog, unit: { ...catalog.unit, creditUsd: null } }, operation, variant) ?? ''
          const figures = chargedFigures(catalog, operation.id, variant)
          expect([operation.id, variant, text === 'free' ? ['0'] : numbersIn(text)]).toEqual([
            operation.id,
            variant,
            figures,
          ])
        }
      }
    }
  })
})

/** The numbers in a text, thousands apart by commas or not. */
function numbersIn(text: string): readonly string[] | null {
  return text.replaceAll(/(?<=\d),(?=\d{3})/g, '').match(/\d[\d.]*/g)
}

/** What one unit is charged: an amount, or the least and the most; before them, what the tokens of each rate are charged. */
function chargedFigures(catalog: Catalog, operation: string, variant: string | null): readonly string[] {
  const request = { operation, ...(variant === null ? {} : { variant }) }
  const price = offerOf(catalog.operations[operation] ?? expect.fail(operation), variant)?.price
  const rates = price?.model === 'pass_through' ? Object.entries(price.rates) : []
  return [
    ...rates.flatMap(([component, { per }]) => [
      formatCredits(pricedOf(catalog, { ...request, usage: { [component]: per } }).maximum),
      String(per),
    ]),
    ...pricedOf(catalog, request).lines.flatMap(({ minimum, maximum }) =>
      [...new Set([minimum, maximum])].map(formatCredits),
    ),
  ]
}

describe("a tool's price in words", () => {
  const catalog = catalogWith({
    unit: { name: 'token', plural: 'tokens', credit_usd: null },
    default_tool_price: '1',
    operations: {
      'video.clip': {
        name: 'Clip',
        unit: { name: 'clip', plural: 'clips' },
        default_variant: 'budget',
        variants: {
          budget: { name: 'Budget', price: { model: 'per_unit', credits: '40' } },
          premium: { name: 'Premium', price: { model: 'per_unit', credits: '300' } },
          cinema: { name: 'Cinema', price: { model: 'per_unit', credits: '900' } },
        },
      },
    },
    tools: {
      read: { free: true },
      search: { credits: '3' },
      clip: { operation: 'video.clip' },
      any_clip: { operation: 'video.clip', variant: { from: 'arguments', pointer: '/v' } },
      two_clips: {
        operation: 'video.clip',
        variant: { from: 'arguments', pointer: '/v', default: 'budget', map: { hd: 'premium' } },
      },
    },
  })

  it.each([
    ['read', 'free'],
    ['search', '3 tokens'],
    ['clip', '40 tokens a clip'],
    ['any_clip', 'budget: 40 tokens a clip; premium: 300 tokens a clip; cinema: 900 tokens a clip'],
    ['two_clips', 'budget: 40 tokens a clip; premium: 300 tokens a clip'],
    ['something_else', '1 token'],
  ])('%s: %s', (tool, expected) => {
    expect(renderToolPrice(catalog, tool)).toBe(expected)
  })

  it('AX-14: is none where the tool has no price', () => {
    expect(renderToolPrice(bundled('neural-draft'), 'something')).toBeNull()
  })
})
