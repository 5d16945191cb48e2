import { describe, expect, it } from 'vitest'
import { bundledCatalogs } from '../../src/catalog/bundled.js'
import { difference } from '../../src/catalog/difference.js'
import type { PriceDocument } from '../../src/catalog/schema-price.js'
import { bundled, catalogAt, catalogWith, parsed } from './support.js'

type Fields = Record<string, unknown>

const FLAT = { model: 'flat', credits: '5' } as const

function changes(before: Fields, after: Fields): unknown[] {
  return difference(catalogWith(before), catalogWith(after)).map(({ path, before: was, after: is, increase }) => [
    path,
    was,
    is,
    increase,
  ])
}

describe('the difference of two catalogs', () => {
  it('is empty for the same content', () => {
    expect(difference(bundled('neural-draft'), parsed(structuredClone(bundledCatalogs['neural-draft'])))).toEqual([])
  })

  it('ND-13: names each place with both sides, increases marked', () => {
    const operations = (image: string, blog: string) => ({
      operations: {
        'image.generate': { name: 'Image', price: { model: 'per_unit', credits: image } },
        'blog.post': { name: 'Post', price: { model: 'flat', credits: blog } },
      },
    })
    expect(changes(operations('32', '60'), operations('40', '50'))).toEqual([
      ['operations/blog.post/price/credits', '60', '50', false],
      ['operations/image.generate/price/credits', '32', '40', true],
    ])
  })

  it('an operation that is new or gone is no increase', () => {
    const one = { operations: { 'a.one': { name: 'One', price: FLAT } } }
    expect(changes({}, one)).toEqual([['operations/a.one', undefined, { name: 'One', price: FLAT }, false]])
    expect(changes(one, {})).toEqual([['operations/a.one', { name: 'One', price: FLAT }, undefined, false]])
  })

  it('ND-13: one variant dearer and one cheaper are told apart', () => {
    const clip = (budget: string, premium: string) => ({
      operations: {
        'video.clip': {
          name: 'Clip',
          default_variant: 'budget',
          variants: {
            budget: { name: 'B', price: { model: 'flat', credits: budget } },
            premium: { name: 'P', price: { model: 'flat', credits: premium } },
          },
        },
      },
    })
    expect(changes(clip('40', '300'), clip('45', '250'))).toEqual([
      ['operations/video.clip/variants/budget/price/credits', '40', '45', true],
      ['operations/video.clip/variants/premium/price/credits', '300', '250', false],
    ])
  })

  it('ND-13: a dearer default variant, a new surcharge and a fault that is now paid are increases', () => {
    const job = (more: Fields) => ({
      operations: {
        'a.job': {
          name: 'Job',
          default_variant: 'small',
          variants: { small: { name: 'S', price: FLAT }, large: { name: 'L', price: { model: 'flat', credits: '9' } } },
          ...more,
        },
      },
    })
    expect(changes(job({}), job({ default_variant: 'large' }))).toEqual([
      ['operations/a.job/default_variant', 'small', 'large', true],
    ])
    expect(changes(job({ default_variant: 'large' }), job({}))).toEqual([
      ['operations/a.job/default_variant', 'large', 'small', false],
    ])
    const surcharges = [{ name: 'fee', price: FLAT }]
    expect(changes(job({}), job({ surcharges }))).toEqual([
      ['operations/a.job/surcharges', undefined, surcharges, true],
    ])
    expect(changes(job({ surcharges }), job({}))).toEqual([
      ['operations/a.job/surcharges', surcharges, undefined, false],
    ])
    expect(changes(job({}), job({ charge_on_fault: ['caller'] }))).toEqual([
      ['operations/a.job/charge_on_fault', undefined, ['caller'], true],
    ])
  })

  it('ND-13: an inherited price that rises is an increase where it stands', () => {
    const post = (credits: string) => ({
      operations: {
        'a.post': {
          name: 'Post',
          price: { model: 'flat', credits },
          default_variant: 'text',
          variants: { text: { name: 'Text' } },
        },
      },
    })
    expect(changes(post('5'), post('6'))).toEqual([['operations/a.post/price/credits', '5', '6', true]])
  })

  it('ND-13: of tools, a free one that is priced and a dearer default are increases; one that was refused is not', () => {
    expect(changes({ tools: { a: { free: true } } }, { tools: { a: { credits: '1' } } })).toEqual([
      ['tools/a/credits', undefined, '1', true],
      ['tools/a/free', true, undefined, true],
    ])
    expect(changes({}, { tools: { a: { credits: '1' } } })).toEqual([
      ['tools', undefined, { a: { credits: '1' } }, false],
    ])
    expect(changes({ default_tool_price: '1' }, { default_tool_price: '2' })).toEqual([
      ['default_tool_price', '1', '2', true],
    ])
    expect(changes({ default_tool_price: '1' }, { default_tool_price: null })).toEqual([
      ['default_tool_price', '1', null, false],
    ])
    expect(changes({ default_tool_price: null }, { default_tool_price: '1' })).toEqual([
      ['default_tool_price', null, '1', false],
    ])
  })

  it('ND-13: a tool that the default priced and that now costs more is an increase', () => {
    expect(
      changes({ default_tool_price: '1', tools: {} }, { default_tool_price: '1', tools: { a: { credits: '2' } } }),
    ).toEqual([['tools/a', undefined, { credits: '2' }, true]])
    expect(changes({ default_tool_price: '1' }, { default_tool_price: '1', tools: { a: { credits: '2' } } })).toEqual([
      ['tools', undefined, { a: { credits: '2' } }, true],
    ])
  })
})

describe('whether one price is dearer than another', () => {
  const tiers = (first: string, end: number, last: string): PriceDocument => ({
    model: 'tiered',
    mode: 'graduated',
    tiers: [
      { up_to: end, credits: first },
      { up_to: null, credits: last },
    ],
  })
  const tokens = (rates: Record<string, string>): PriceDocument => ({
    model: 'pass_through',
    rates: Object.fromEntries(Object.entries(rates).map(([name, credits]) => [name, { credits }])),
  })

  it.each<[string, PriceDocument, PriceDocument, boolean]>([
    [
      'the same rate in other words',
      { model: 'per_unit', credits: '5' },
      { model: 'per_unit', credits: '10', per: 2 },
      false,
    ],
    ['a hair more', { model: 'per_unit', credits: '5', per: 3 }, { model: 'per_unit', credits: '1.666667' }, true],
    ['an increment', { model: 'per_unit', credits: '5' }, { model: 'per_unit', credits: '5', increment: 1 }, true],
    [
      'no increment any more',
      { model: 'per_unit', credits: '5', increment: 1 },
      { model: 'per_unit', credits: '5' },
      false,
    ],
    [
      'an increment that divides',
      { model: 'per_unit', credits: '5', increment: 1 },
      { model: 'per_unit', credits: '5', increment: 0.5 },
      false,
    ],
    [
      'a smaller increment that does not divide',
      { model: 'per_unit', credits: '5', increment: 3 },
      { model: 'per_unit', credits: '5', increment: 2 },
      true,
    ],
    ['a minimum', { model: 'per_unit', credits: '5' }, { model: 'per_unit', credits: '5', minimum: 2 }, true],
    ['a dearer tier', tiers('5', 10, '4'), tiers('5', 10, '4.5'), true],
    ['a cheap tier that begins later', tiers('5', 10, '4'), tiers('5', 20, '4'), true],
    ['a cheap tier that begins sooner', tiers('5', 10, '4'), tiers('5', 8, '4'), false],
    [
      'a higher maximum',
      { model: 'range', minimum: '1', maximum: '3' },
      { model: 'range', minimum: '1', maximum: '4' },
      true,
    ],
    [
      'a lower minimum',
      { model: 'range', minimum: '1', maximum: '3' },
      { model: 'range', minimum: '0', maximum: '3' },
      false,
    ],
    [
      'a promise taken back',
      { model: 'range', minimum: '1', maximum: '3', hard: true },
      { model: 'range', minimum: '1', maximum: '3' },
      true,
    ],
    ['a component more', tokens({ input: '1' }), tokens({ input: '1', output: '1' }), true],
    ['rates of zero instead of a price: an actual cost can be told for them', { model: 'flat', credits: '1' }, tokens({ input: '0' }), true],
    ['rates of zero instead of others', tokens({ input: '1' }), tokens({ input: '0' }), false],
    ['a price of zero', tokens({ input: '1' }), { model: 'flat', credits: '0' }, false],
    ['a cheaper component', tokens({ input: '1' }), tokens({ input: '0.9' }), false],
    [
      'flat instead of a range, at its minimum',
      { model: 'range', minimum: '2', maximum: '3' },
      { model: 'flat', credits: '2' },
      false,
    ],
    [
      'flat instead of a range, above its minimum',
      { model: 'range', minimum: '2', maximum: '3' },
      { model: 'flat', credits: '2.5' },
      true,
    ],
    ['by unit instead of flat', { model: 'flat', credits: '5' }, { model: 'per_unit', credits: '1' }, true],
    ['free', { model: 'per_unit', credits: '5' }, { model: 'flat', credits: '0' }, false],
  ])('%s', (_what, before, after, expected) => {
    expect(difference(catalogAt(before), catalogAt(after)).some(({ increase }) => increase)).toBe(expected)
  })
})
