import { describe, expect, it } from 'vitest'
import { cheaperBatches } from '../../src/catalog/batching.js'
import { catalogWith } from './support.js'

const MINUTE = { name: 'minute', plural: 'minutes' }

const catalog = catalogWith({
  operations: {
    'audio.transcribe': {
      name: 'Transcript',
      unit: MINUTE,
      price: { model: 'per_unit', credits: '5', increment: 1 },
      arguments: { quantity: { pointer: '/minutes' } },
    },
    'image.generate': {
      name: 'Image',
      unit: { name: 'image', plural: 'images' },
      default_variant: 'small',
      variants: {
        small: { name: 'Small', price: { model: 'per_unit', credits: '1', minimum: 4 } },
        large: { name: 'Large', price: { model: 'per_unit', credits: '10' } },
      },
    },
    'text.translate': {
      name: 'Translation',
      unit: { name: 'page', plural: 'pages' },
      price: {
        model: 'tiered',
        mode: 'volume',
        tiers: [
          { up_to: 9, credits: '10' },
          { up_to: null, credits: '8' },
        ],
      },
    },
    'post.write': {
      name: 'Post',
      unit: { name: 'post', plural: 'posts' },
      price: { model: 'range', minimum: '1', maximum: '2', per_unit: true },
      surcharges: [{ name: 'rush', price: { model: 'flat', credits: '3' } }],
    },
    'report.write': { name: 'Report', price: { model: 'flat', credits: '60' } },
    'strategy.analyse': { name: 'Analysis', price: { model: 'range', minimum: '2', maximum: '5' } },
    'text.chat': {
      name: 'Chat',
      price: { model: 'pass_through', rates: { tokens: { credits: '1' } }, typical: { minimum: '1', maximum: '9' } },
    },
    'job.rising': {
      name: 'Job',
      price: {
        model: 'tiered',
        mode: 'volume',
        tiers: [
          { up_to: 1, credits: '1' },
          { up_to: null, credits: '3' },
        ],
      },
    },
  },
})

describe('calls that cost less as one', () => {
  it('WC-12: started minutes together are fewer, with the saving', () => {
    const calls = [1.4, 1.5].map((quantity) => ({ operation: 'audio.transcribe', quantity }))
    expect(cheaperBatches(catalog, calls)).toEqual([
      { change: 'one call of audio.transcribe with 2.9 minutes instead of 2 calls', minimum: 15, maximum: 15, saves: 5 },
    ])
  })

  it('WC-12: minimums and tiers are found, the rest of the plan stays, dearest saving first', () => {
    const calls = [
      { operation: 'image.generate', quantity: 1 },
      { operation: 'text.translate', quantity: 5 },
      { operation: 'report.write' },
      { operation: 'image.generate', variant: 'small', quantity: 2 },
      { operation: 'text.translate', quantity: 5 },
    ]
    // The plan as it stands: 4 + 50 + 60 + 4 + 50.
    expect(cheaperBatches(catalog, calls)).toEqual([
      { change: 'one call of text.translate with 10 pages instead of 2 calls', minimum: 148, maximum: 148, saves: 20 },
      {
        change: 'one call of image.generate (small) with 3 images instead of 2 calls',
        minimum: 164,
        maximum: 164,
        saves: 4,
      },
    ])
  })

  it('WC-12: a surcharge for the whole job is paid once, and a range keeps both its bounds', () => {
    const calls = [2, 1, 1].map((quantity) => ({ operation: 'post.write', quantity }))
    expect(cheaperBatches(catalog, calls)).toEqual([
      { change: 'one call of post.write with 4 posts instead of 3 calls', minimum: 7, maximum: 11, saves: 6 },
    ])
  })

  it('a quantity that stands in the arguments counts, and sums of decimals are exact', () => {
    const calls = [0.1, 0.2].map((minutes) => ({ operation: 'audio.transcribe', args: { minutes } }))
    expect(cheaperBatches(catalog, calls)).toMatchObject([
      { change: 'one call of audio.transcribe with 0.3 minutes instead of 2 calls', saves: 5 },
    ])
  })

  it.each([
    ['one call alone', [{ operation: 'audio.transcribe', quantity: 1.5 }]],
    ['no calls', []],
    ['whole minutes', [1, 2].map((quantity) => ({ operation: 'audio.transcribe', quantity }))],
    ['different variants', ['small', 'large'].map((variant) => ({ operation: 'image.generate', variant }))],
    ['two jobs at a flat price', [{ operation: 'report.write' }, { operation: 'report.write' }]],
    ['two jobs in a range', [{ operation: 'strategy.analyse' }, { operation: 'strategy.analyse' }]],
    ['two jobs priced by usage', [{ operation: 'text.chat' }, { operation: 'text.chat' }]],
    ['calls that cost more together', [{ operation: 'job.rising' }, { operation: 'job.rising' }]],
    ['a plan that has no price', [1.5, 1.5, -1].map((quantity) => ({ operation: 'audio.transcribe', quantity }))],
    ['a plan beyond every amount', [1e8, 1e8, 1e8].map((quantity) => ({ operation: 'text.translate', quantity }))],
  ])('WC-12: names nothing for %s', (_what, calls) => {
    expect(cheaperBatches(catalog, calls)).toEqual([])
  })

  it('names nothing for calls whose cost is known already', () => {
    const told = { operation: 'post.write', quantity: 1, actual: 4_000_000n }
    expect(cheaperBatches(catalog, [told, told])).toEqual([])
  })
})
