import { bundledCatalogs } from '../../src/catalog/bundled.js'
import type { Catalog } from '../../src/catalog/catalog.js'
import { type CatalogProblem, describeProblems, parseCatalog } from '../../src/catalog/parse-catalog.js'
import { type Priced, type PriceProblem, type PriceRequest, quotePrice } from '../../src/catalog/quote-price.js'
import type { PriceDocument } from '../../src/catalog/schema-price.js'
import { type MicroCredits, parseCredits, toCredits } from '../../src/money/credits.js'
import { type Fiat, toUsd } from '../../src/money/fiat.js'

/** A document with what every catalog needs, and what a test is about. */
export function documentWith(fields: Record<string, unknown>): Record<string, unknown> {
  return {
    id: 'acme',
    name: 'Acme',
    unit: { name: 'credit', plural: 'credits', credit_usd: '0.01' },
    price_increase_notice_days: 0,
    operations: {},
    ...fields,
  }
}

export function catalogWith(fields: Record<string, unknown>): Catalog {
  return parsed(documentWith(fields))
}

/** A catalog of one operation, `job.run`, at one price. */
export function catalogAt(price: PriceDocument): Catalog {
  return catalogWith({ operations: { 'job.run': { name: 'Job', unit: { name: 'minute', plural: 'minutes' }, price } } })
}

export function bundled(name: string): Catalog {
  return parsed(bundledCatalogs[name])
}

export function parsed(document: unknown): Catalog {
  const result = parseCatalog(document)
  if (!result.ok) throw new Error(describeProblems(result.problems))
  return result.catalog
}

export function problemsOf(document: unknown): readonly CatalogProblem[] {
  const result = parseCatalog(document)
  return result.ok ? [] : result.problems
}

export function pricedOf(catalog: Catalog, request: PriceRequest): Priced {
  return priced(quotePrice(catalog, request))
}

export function priced<Other extends { readonly kind: string }>(result: Priced | PriceProblem | Other): Priced {
  if (result.kind !== 'priced') throw new Error(JSON.stringify(result))
  return result as Priced
}

/** Credits as micro-credits, typed as people write them. */
export function credits(text: string): bigint {
  return parseCredits(text, 'credits')
}

/** What one credit costs when so many are bought at a price. */
export function usdPerCredit(price: Fiat, bought: MicroCredits): number {
  return toUsd(price) / toCredits(bought)
}
