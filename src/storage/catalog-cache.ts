import type { Catalog } from '../catalog/catalog.js'
import { catalogFromSource } from '../catalog/parse-catalog.js'
import type { CatalogVersion } from '../catalog/version.js'
import { CreditError } from '../errors.js'

export interface CatalogRow {
  readonly version: number | string
  readonly effective_at: number | string
  readonly created_at: number | string
  readonly document: string
}

/**
 * The catalog versions read so far. They are immutable, so only newer ones are ever asked for; the last list stays
 * usable while the ledger is away.
 */
export class CatalogCache {
  #versions: readonly CatalogVersion[] = []
  #areInDoubt = false

  get versions(): readonly CatalogVersion[] {
    return this.#versions
  }

  /** Those after this one are to be read. */
  get newest(): number {
    return this.#areInDoubt ? 0 : (this.#versions.at(-1)?.version ?? 0)
  }

  /**
   * Has all of them read the next time: a server that took over from another may lack its newest ones, and have others under
   * their numbers.
   */
  doubt(): void {
    this.#areInDoubt = true
  }

  /** @param after the version after which the rows were read: where that is 0, there are no others */
  add(rows: readonly CatalogRow[], after: number): readonly CatalogVersion[] {
    const kept = after === 0 ? [] : this.#versions
    const newest = kept.at(-1)?.version ?? 0
    const added = rows.filter((row) => Number(row.version) > newest).map(versionFromRow)
    if (after === 0) this.#areInDoubt = false
    if (after === 0 || added.length > 0) this.#versions = [...kept, ...added]
    return this.#versions
  }
}

function versionFromRow(row: CatalogRow): CatalogVersion {
  return {
    version: Number(row.version),
    effectiveAt: Number(row.effective_at),
    announcedAt: Number(row.created_at),
    catalog: catalogOf(row),
  }
}

/** @throws CreditError `catalog_invalid` for a version that was changed behind the ledger's back: without it nothing can be priced. */
function catalogOf({ version, document }: CatalogRow): Catalog {
  try {
    return catalogFromSource(document)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CreditError('catalog_invalid', `Catalog version ${version} in the ledger cannot be read: ${reason}`, {
      details: { version: Number(version) },
      advice: ['Restore the ledger from a backup: versions are never changed, and this one was.'],
      cause: error,
    })
  }
}
