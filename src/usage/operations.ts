import type { Catalog, Operation } from '../catalog/catalog.js'
import { difference } from '../catalog/difference.js'
import { renderOperationPrice } from '../catalog/render-price.js'
import { type CatalogVersion, versionAt } from '../catalog/version.js'
import { formatInstant, type Instant } from '../time/instant.js'
import type { Ledger } from './ledger.js'
import type { OperationResult, OperationsResult, PriceChange } from './results.js'

export interface OperationsQuery {
  readonly category: string | null
  /** Words to be found in id, name or description, whatever their case. */
  readonly search: string | null
  /** Lists the changes that took effect after this instant as well (AX-20); null for none. */
  readonly changesSince: Instant | null
}

/** What can be done and what it costs now, in the catalog's order, and the price changes announced. */
export async function listOperations(ledger: Ledger, query: OperationsQuery): Promise<OperationsResult> {
  const versions = await ledger.catalogs()
  const now = ledger.now()
  const { version, catalog } = versionAt(versions, now)
  const operations = Object.values(catalog.operations).filter((operation) => isAskedFor(operation, query))
  return {
    catalog: catalog.id,
    priceVersion: version,
    operations: operations.map((operation) => operationResult(catalog, operation)),
    announcedChanges: announcedChanges(versions, version),
    changes: query.changesSince === null ? null : changesBetween(versions, query.changesSince, now),
  }
}

function isAskedFor(operation: Operation, { category, search }: Pick<OperationsQuery, 'category' | 'search'>): boolean {
  if (category !== null && operation.category !== category) return false
  if (search === null) return true
  const words = `${operation.id} ${operation.name} ${operation.description ?? ''}`.toLowerCase()
  return search.toLowerCase().split(/\s+/).every((word) => words.includes(word))
}

function operationResult(catalog: Catalog, operation: Operation): OperationResult {
  const variants = Object.values(operation.variants)
  return {
    id: operation.id,
    name: operation.name,
    category: operation.category,
    unit: operation.unit.name,
    variants: variants.map((variant) => ({
      id: variant.id,
      price: renderOperationPrice(catalog, operation, variant.id) ?? '',
      requiresPlan: variant.requiresPlan,
    })),
    price: variants.length === 0 ? renderOperationPrice(catalog, operation, null) : null,
    requiresPlan: operation.offer?.requiresPlan ?? [],
  }
}

/** What later versions change, each against the version before it (ND-13). */
function announcedChanges(versions: readonly CatalogVersion[], current: number): OperationsResult['announcedChanges'] {
  return versions.slice(1).flatMap((after, index) => {
    const before = versions[index] as CatalogVersion
    return after.version <= current ? [] : changesTo(after, before, after.effectiveAt)
  })
}

/** What changed in what was in force from one instant to another, oldest first; a version overtaken before its time changed nothing. */
function changesBetween(versions: readonly CatalogVersion[], since: Instant, until: Instant): readonly PriceChange[] {
  const moments = [...new Set(versions.map(({ effectiveAt }) => effectiveAt))].filter((at) => at > since && at <= until).sort((a, b) => a - b)
  return moments.flatMap((at) => {
    const [before, after] = [versionAt(versions, at - 1), versionAt(versions, at)]
    return before.version === after.version ? [] : changesTo(after, before, at)
  })
}

function changesTo(after: CatalogVersion, before: CatalogVersion, at: Instant): readonly PriceChange[] {
  return difference(before.catalog, after.catalog).map((change) => ({
    effectiveAt: formatInstant(at),
    path: change.path,
    before: change.before,
    after: change.after,
    increase: change.increase,
  }))
}
