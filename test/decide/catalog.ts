import { parseCatalog } from '../../src/catalog/parse-catalog.js'
import { bundledCatalogs } from '../../src/catalog/bundled.js'
import type { CatalogVersion } from '../../src/catalog/version.js'

/** One credit a unit, a job of 2 to 10, a free one, one by tokens, one for higher plans; no default tool price. */
const DOCUMENT = {
  id: 'decisions',
  name: 'Decisions',
  unit: { name: 'credit', plural: 'credits', credit_usd: null },
  price_increase_notice_days: 0,
  operations: {
    unit: { name: 'Unit', price: { model: 'per_unit', credits: '1' } },
    job: { name: 'Job', price: { model: 'range', minimum: '2', maximum: '10' } },
    hard: { name: 'Hard job', price: { model: 'range', minimum: '2', maximum: '10', hard: true } },
    free: { name: 'Free', price: { model: 'flat', credits: '0' } },
    tokens: {
      name: 'Tokens',
      price: { model: 'pass_through', rates: { input_tokens: { credits: '3', per: 1000000 } }, typical: { minimum: '1', maximum: '5' } },
    },
  },
  tools: { look: { free: true }, work: { operation: 'unit' } },
  default_tool_price: null,
  plans: {
    monthly: { name: 'Monthly', monthly_credits: '20', price_usd: '5', rollover: { kind: 'none' } },
    keeper: { name: 'Keeper', monthly_credits: '20', price_usd: '9', rollover: { kind: 'unlimited' } },
    custom: { name: 'Custom', monthly_credits: null, price_usd: null, rollover: { kind: 'none' } },
  },
  thresholds: [{ kind: 'percent_of_period', level: 'low', value: '20', when: 'at_or_below' }],
  texts: { out_of_credits: 'Insufficient credits' },
}

export const DECISIONS: readonly CatalogVersion[] = [versionOf(DOCUMENT, 1, 0)]

export const NEURAL_DRAFT: readonly CatalogVersion[] = [versionOf(bundledCatalogs['neural-draft'], 1, 0)]

/** The same catalog with other unit prices from later instants on. */
export function decisionsAt(...changes: readonly { readonly at: number; readonly unit: string }[]): readonly CatalogVersion[] {
  const changed = changes.map(({ at, unit }, index) => {
    const operations = { ...DOCUMENT.operations, unit: { name: 'Unit', price: { model: 'per_unit', credits: unit } } }
    return versionOf({ ...DOCUMENT, operations }, index + 2, at)
  })
  return [...DECISIONS, ...changed]
}

function versionOf(document: unknown, version: number, effectiveAt: number): CatalogVersion {
  const parsed = parseCatalog(document)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return { version, effectiveAt, announcedAt: effectiveAt, catalog: parsed.catalog }
}
