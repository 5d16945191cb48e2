import { bundledCatalogs } from '../../src/catalog/bundled.js'
import { parseCatalog } from '../../src/catalog/parse-catalog.js'
import type { CatalogVersion } from '../../src/catalog/version.js'

interface PlanTerms {
  readonly price?: string | null
  readonly credits: string | null
  readonly rollover?: object
  readonly [member: string]: unknown
}

function plan({ price = '5', credits, rollover = { kind: 'none' }, ...rest }: PlanTerms) {
  return { name: 'A plan', monthly_credits: credits, price_usd: price, rollover, ...rest }
}

/** A plan of each kind: free, trial, bought; every rollover; credits on top of the allowance. */
const PLANS = {
  free: plan({ price: '0', credits: '10' }),
  basic: plan({ price: '0', credits: '8', rollover: { kind: 'unlimited' } }),
  trial: plan({ price: '0', credits: '15', trial: true, grants: { sign_up: { credits: '5' } } }),
  small: plan({ credits: '20' }),
  large: plan({ credits: '50', price: '9' }),
  huge: plan({ credits: '110', price: '20' }),
  keeper: plan({ credits: '20', rollover: { kind: 'unlimited' } }),
  loyal: plan({ credits: '20', rollover: { kind: 'while_active' } }),
  capped: plan({ credits: '20', rollover: { kind: 'capped', cap: '25' } }),
  gifts: plan({ credits: '20', grants: { sign_up: { credits: '1' }, purchase: { credits: '2' }, renewal: { credits: '3' } } }),
  custom: plan({ credits: null, price: null }),
}

const DOCUMENT = {
  id: 'plans',
  name: 'Plans',
  unit: { name: 'credit', plural: 'credits', credit_usd: null },
  price_increase_notice_days: 0,
  operations: {
    unit: { name: 'Unit', price: { model: 'per_unit', credits: '1' } },
    job: { name: 'Job', price: { model: 'range', minimum: '2', maximum: '10' } },
  },
  default_tool_price: null,
  plans: PLANS,
}

export const PLANNED: readonly CatalogVersion[] = [versionOf(DOCUMENT, 1, 0)]

/** The same catalog without one of its plans from an instant on. */
export function withoutPlan(id: keyof typeof PLANS, at: number): readonly CatalogVersion[] {
  const plans = Object.fromEntries(Object.entries(PLANS).filter(([name]) => name !== id))
  return [...PLANNED, versionOf({ ...DOCUMENT, plans }, 2, at)]
}

/** A product's own catalog, in force since ever. */
export function bundled(id: keyof typeof bundledCatalogs): readonly CatalogVersion[] {
  return [versionOf(bundledCatalogs[id], 1, 0)]
}

function versionOf(document: unknown, version: number, effectiveAt: number): CatalogVersion {
  const parsed = parseCatalog(document)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return { version, effectiveAt, announcedAt: effectiveAt, catalog: parsed.catalog }
}
