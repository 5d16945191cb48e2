import { describe, expect, it } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.js'
import {
  type CampaignEstimate,
  type CampaignRequest,
  cheaperCampaigns,
  estimateCampaign,
} from '../../src/catalog/campaign.js'
import { bundled, catalogWith, credits, documentWith, problemsOf } from './support.js'

const UNIT = { name: 'post', plural: 'posts' }
const STANDARD = { model: 'range', minimum: '1', maximum: '2', per_unit: true }
const COMPLEX = { model: 'range', minimum: '1', maximum: '3', per_unit: true }

function catalogAt(price: object, complexities: object): Catalog {
  return catalogWith({
    operations: {
      'campaign.post': {
        name: 'Campaign post',
        unit: UNIT,
        default_variant: 'standard',
        variants: { standard: { name: 'Standard', price }, complex: { name: 'Complex', price: COMPLEX } },
      },
    },
    campaign: { complexities },
  })
}

const COMPLEXITIES = {
  standard: { operation: 'campaign.post' },
  complex: { operation: 'campaign.post', variant: 'complex' },
}
const catalog = catalogAt(STANDARD, COMPLEXITIES)

function estimated(request: CampaignRequest, from = catalog): CampaignEstimate {
  const estimate = estimateCampaign(from, request)
  if (estimate.kind === 'problem') throw new Error(estimate.message)
  return estimate
}

describe.each([
  ['ranges by the post', catalog],
  ['workspace-credits', bundled('workspace-credits')],
])('the estimate of a campaign, with %s', (_name, from) => {
  it.each([
    [1, 1, 10, 'standard', 10, '10', '20'],
    [3, 2, 5, 'standard', 30, '30', '60'],
    [5, 5, 2, 'complex', 50, '50', '150'],
  ] as const)(
    'WC-10 WC-11: %i platforms, %i weeks, %i posts a week, %s: %i posts, %s to %s credits',
    (platforms, weeks, postsPerWeek, complexity, posts, minimum, maximum) => {
      const estimate = estimated({ platforms, weeks, postsPerWeek, complexity }, from)
      expect(estimate.posts).toBe(posts)
      expect([estimate.minimum, estimate.maximum]).toEqual([credits(minimum), credits(maximum)])
    },
  )
})

describe('the estimate of a campaign', () => {
  it('WC-10: is a price like any other, with its lines and the plans that may have it', () => {
    const estimate = estimated({ platforms: 3, weeks: 2, postsPerWeek: 5, complexity: 'complex' })
    expect(estimate).toMatchObject({
      kind: 'priced',
      operation: 'campaign.post',
      variant: 'complex',
      quantity: 30,
      exact: false,
      requiresPlan: [],
      lines: [{ name: 'Campaign post', quantity: 30, minimum: credits('30'), maximum: credits('90') }],
    })
  })

  it('is standard unless its complexity is told, which may be any the catalog has', () => {
    expect(estimated({ platforms: 1, weeks: 1, postsPerWeek: 1 }).variant).toBe('standard')
    const bad = estimateCampaign(catalog, { platforms: 1, weeks: 1, postsPerWeek: 1, complexity: 'constructor' })
    expect(bad).toEqual({
      kind: 'problem',
      code: 'invalid_request',
      message: 'The complexity of a campaign is one of standard, complex',
    })
  })

  it.each<[string, Partial<CampaignRequest>, string]>([
    ['no platform', { platforms: 0 }, 'The number of platforms is a whole number from 1 to 1000'],
    ['too many platforms', { platforms: 1_001 }, 'The number of platforms is a whole number from 1 to 1000'],
    ['half a week', { weeks: 0.5 }, 'The number of weeks is a whole number from 1 to 520'],
    ['too many weeks', { weeks: 521 }, 'The number of weeks is a whole number from 1 to 520'],
    ['less than no posts', { postsPerWeek: -1 }, 'The number of posts a week is a whole number from 1 to 1000'],
    ['no number of posts', { postsPerWeek: NaN }, 'The number of posts a week is a whole number from 1 to 1000'],
    ['too many posts', { postsPerWeek: 1_001 }, 'The number of posts a week is a whole number from 1 to 1000'],
  ])('WC-10: %s is refused with what would do', (_what, change, message) => {
    const request = { platforms: 1, weeks: 1, postsPerWeek: 1, ...change }
    expect(estimateCampaign(catalog, request)).toEqual({ kind: 'problem', code: 'invalid_request', message })
    expect(cheaperCampaigns(catalog, request)).toEqual([])
  })

  it('the largest campaign has a price, or is refused as an amount that is none', () => {
    const largest = { platforms: 1_000, weeks: 520, postsPerWeek: 1_000, complexity: 'standard' }
    expect(estimated(largest).maximum).toBe(credits('1040000000'))
    expect(estimateCampaign(catalogAt({ ...STANDARD, maximum: '5' }, COMPLEXITIES), largest)).toMatchObject({
      code: 'invalid_amount',
    })
  })

  it('a catalog without a campaign estimates none', () => {
    expect(estimateCampaign(catalogWith({}), { platforms: 1, weeks: 1, postsPerWeek: 1 })).toEqual({
      kind: 'problem',
      code: 'invalid_request',
      message: 'The catalog acme estimates no campaigns',
    })
  })
})

describe('what would make a campaign cheaper', () => {
  it('WC-12: names fewer platforms, fewer weeks, fewer posts and standard instead of complex, dearest saving first', () => {
    expect(cheaperCampaigns(catalog, { platforms: 4, weeks: 2, postsPerWeek: 5, complexity: 'complex' })).toEqual([
      { change: '1 week instead of 2', minimum: 20, maximum: 60, saves: 60 },
      { change: 'complexity standard instead of complex', minimum: 40, maximum: 80, saves: 40 },
      { change: '3 platforms instead of 4', minimum: 30, maximum: 90, saves: 30 },
      { change: '4 posts a week instead of 5', minimum: 32, maximum: 96, saves: 24 },
    ])
  })

  it('WC-12: names nothing that is no campaign any more', () => {
    expect(cheaperCampaigns(catalog, { platforms: 1, weeks: 1, postsPerWeek: 2 })).toEqual([
      { change: '1 post a week instead of 2', minimum: 1, maximum: 2, saves: 2 },
    ])
    expect(cheaperCampaigns(catalog, { platforms: 1, weeks: 1, postsPerWeek: 1 })).toEqual([])
  })

  it('WC-12: names nothing that does not save', () => {
    const minimumOfTen = catalogAt(
      { model: 'per_unit', credits: '1', minimum: 10 },
      { standard: { operation: 'campaign.post' }, complex: { operation: 'campaign.post' } },
    )
    expect(cheaperCampaigns(minimumOfTen, { platforms: 2, weeks: 2, postsPerWeek: 2, complexity: 'complex' })).toEqual([])
  })

  it('WC-12: where standard is the dearer one, it is complex that saves', () => {
    const dear = catalogAt({ model: 'per_unit', credits: '5' }, COMPLEXITIES)
    expect(cheaperCampaigns(dear, { platforms: 1, weeks: 1, postsPerWeek: 1 })).toEqual([
      { change: 'complexity complex instead of standard', minimum: 1, maximum: 3, saves: 2 },
    ])
  })
})

describe('a campaign in a catalog', () => {
  const operations = {
    'a.flat': { name: 'Flat', price: { model: 'flat', credits: '1' } },
    'a.range': { name: 'Range', price: { model: 'range', minimum: '1', maximum: '2' } },
    'a.post': { name: 'Post', price: { model: 'per_unit', credits: '1' } },
  }

  it.each([
    [
      'an operation that is none',
      { standard: { operation: 'a.other' } },
      { path: 'campaign/complexities/standard/operation', found: '"a.other"' },
    ],
    [
      'a variant that is none',
      { standard: { operation: 'a.post' }, complex: { operation: 'a.post', variant: 'x' } },
      { path: 'campaign/complexities/complex/variant', found: '"x"' },
    ],
    [
      'a price for the job, whatever its posts',
      { standard: { operation: 'a.flat' } },
      { path: 'campaign/complexities/standard', found: 'an operation whose price is flat' },
    ],
    [
      'a range for the job, whatever its posts',
      { standard: { operation: 'a.range' } },
      { path: 'campaign/complexities/standard', found: 'an operation whose price is a range for the whole job' },
    ],
    ['nothing standard', { complex: { operation: 'a.post' } }, { path: 'campaign/complexities/standard' }],
    ['another complexity', { standard: { operation: 'a.post' }, hard: { operation: 'a.post' } }, { path: 'campaign/complexities/hard' }],
  ])('is refused with %s', (_what, complexities, expected) => {
    const problems = problemsOf(documentWith({ operations, campaign: { complexities } }))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatchObject(expected)
  })
})
