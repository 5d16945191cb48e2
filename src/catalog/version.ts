import type { Instant } from '../time/instant.js'
import type { Catalog } from './catalog.js'

/** A catalog as the ledger keeps it: immutable, numbered from 1, in force from `effectiveAt`. */
export interface CatalogVersion {
  readonly version: number
  readonly effectiveAt: Instant
  /** When it was put into the ledger: what is dearer in it was announced then (ND-13). */
  readonly announcedAt: Instant
  readonly catalog: Catalog
}

/** The version in force: the newest whose time has come. Versions are given oldest first. */
export function versionAt(versions: readonly CatalogVersion[], at: Instant): CatalogVersion {
  const current = versions.findLast((version) => version.effectiveAt <= at) ?? versions[0]
  if (current === undefined) throw new Error('a ledger has at least one catalog version before an account is decided')
  return current
}

/** A version before it is in the ledger. */
export type NewCatalogVersion = Omit<CatalogVersion, 'announcedAt'>
