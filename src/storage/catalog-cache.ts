import { catalogFromSource } from '../catalog/parse-catalog.js'
import type { CatalogVersion } from '../catalog/version.js'

export interface CatalogRow {
  readonly version: number | string
  readonly effective_at: number | string
  readonly document: string
}

/**
 * The catalog versions read so far. They are immutable, so only newer ones are ever asked for; the last list stays
 * usable while the ledger is away.
 */
export class CatalogCache {
  #versions: readonly CatalogVersion[] = []

  get versions(): readonly CatalogVersion[] {
    return this.#versions
  }

  get newest(): number {
    return this.#versions.at(-1)?.version ?? 0
  }

  add(rows: readonly CatalogRow[]): readonly CatalogVersion[] {
    const added = rows.filter((row) => Number(row.version) > this.newest).map(versionFromRow)
    if (added.length > 0) this.#versions = [...this.#versions, ...added]
    return this.#versions
  }
}

function versionFromRow(row: CatalogRow): CatalogVersion {
  return {
    version: Number(row.version),
    effectiveAt: Number(row.effective_at),
    catalog: catalogFromSource(row.document),
  }
}
