import type { Cheaper } from '../errors.js'
import { toCredits } from '../money/credits.js'
import type { Catalog } from './catalog.js'
import { problem, type PriceProblem } from './price-problem.js'
import { type Priced, quotePrice } from './quote-price.js'

/** What a campaign is to be. */
export interface CampaignRequest {
  readonly platforms: number
  readonly weeks: number
  /** On each platform. */
  readonly postsPerWeek: number
  /** One of the catalog's; `standard` unless given. */
  readonly complexity?: string | undefined
}

/** A campaign's price is that of all its posts as one job of the operation that its complexity names. */
export interface CampaignEstimate extends Priced {
  readonly posts: number
}

const STANDARD = 'standard'

/** The fields of a request that count, with the most of each: far beyond any campaign, and far from any overflow. */
const COUNTS = [
  { field: 'platforms', words: 'platforms', maximum: 1_000 },
  { field: 'weeks', words: 'weeks', maximum: 520 },
  { field: 'postsPerWeek', words: 'posts a week', maximum: 1_000 },
] as const

/**
 * What a campaign costs before it is launched (WC-10): platforms × weeks × posts a week of one operation. By this one
 * formula every figure follows from the catalog's prices; nothing is looked up (WC-11).
 */
export function estimateCampaign(catalog: Catalog, request: CampaignRequest): CampaignEstimate | PriceProblem {
  const { platforms, weeks, postsPerWeek, complexity = STANDARD } = request
  if (catalog.campaign === null) return problem('invalid_request', `The catalog ${catalog.id} estimates no campaigns`)
  const bad = COUNTS.find(({ field, maximum }) => !isCount(request[field], maximum))
  if (bad !== undefined) {
    return problem('invalid_request', `The number of ${bad.words} is a whole number from 1 to ${bad.maximum}`)
  }
  const post = catalog.campaign.complexities[complexity]
  if (post === undefined) {
    const known = Object.keys(catalog.campaign.complexities).join(', ')
    return problem('invalid_request', `The complexity of a campaign is one of ${known}`)
  }
  const posts = platforms * weeks * postsPerWeek
  const { operation, variant } = post
  const priced = quotePrice(catalog, { operation, variant: variant ?? undefined, quantity: posts })
  return priced.kind === 'priced' ? { ...priced, posts } : priced
}

function isCount(value: number, maximum: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= maximum
}

/**
 * What would make a campaign cheaper, one step in each direction, with what each step saves of the most it can cost
 * (WC-12). Only what really saves is named, dearest saving first; nothing for a campaign that has no estimate.
 */
export function cheaperCampaigns(catalog: Catalog, request: CampaignRequest): readonly Cheaper[] {
  const asked = estimateCampaign(catalog, request)
  if (asked.kind === 'problem') return []
  return [...smallerCampaigns(request), ...simplerCampaigns(catalog, request)]
    .flatMap(({ change, campaign }): Cheaper[] => {
      const other = estimateCampaign(catalog, campaign)
      if (other.kind === 'problem' || other.maximum >= asked.maximum) return []
      return [
        {
          change,
          minimum: toCredits(other.minimum),
          maximum: toCredits(other.maximum),
          saves: toCredits(asked.maximum - other.maximum),
        },
      ]
    })
    .sort((a, b) => b.saves - a.saves)
}

interface Change {
  readonly change: string
  readonly campaign: CampaignRequest
}

function smallerCampaigns(request: CampaignRequest): readonly Change[] {
  const { platforms, weeks, postsPerWeek } = request
  return [
    {
      change: `${counted(platforms - 1, 'platform', 'platforms')} instead of ${platforms}`,
      campaign: { ...request, platforms: platforms - 1 },
    },
    { change: `${counted(weeks - 1, 'week', 'weeks')} instead of ${weeks}`, campaign: { ...request, weeks: weeks - 1 } },
    {
      change: `${counted(postsPerWeek - 1, 'post', 'posts')} a week instead of ${postsPerWeek}`,
      campaign: { ...request, postsPerWeek: postsPerWeek - 1 },
    },
  ]
}

function simplerCampaigns({ campaign }: Catalog, request: CampaignRequest): readonly Change[] {
  const { complexity = STANDARD } = request
  return Object.keys(campaign?.complexities ?? {})
    .filter((other) => other !== complexity)
    .map((other) => ({
      change: `complexity ${other} instead of ${complexity}`,
      campaign: { ...request, complexity: other },
    }))
}

function counted(count: number, one: string, several: string): string {
  return `${count} ${count === 1 ? one : several}`
}
