import type { Catalog } from '../catalog/catalog.js'
import { difference } from '../catalog/difference.js'
import { versionAt } from '../catalog/version.js'
import type { Clock } from '../clock.js'
import { CreditError } from '../errors.js'
import { lookForLedger, openStore } from '../storage/open-store.js'
import type { LedgerPlace, Store } from '../storage/port.js'
import { reachable } from '../usage/ledger.js'
import { bundledCatalog } from './catalog-source.js'
import { valueWords } from './difference-words.js'
import { lastingly } from './lasting-trouble.js'
import { readDatabase } from './open-options.js'

/** The catalog of a ledger that nobody chose one for. */
const DEFAULT_CATALOG = 'starter'

/** How many of the differences a refusal lists; the rest is counted. */
const DIFFERENCES_SHOWN = 10

/**
 * Opens a ledger and sees to its catalog: a new ledger imports the one given, an existing one must have the same in
 * force. A catalog is never read live; changing it is a command of its own.
 *
 * @throws CreditError `catalog_invalid`, `schema_too_new`, `ledger_unavailable`
 */
export async function openLedger(database: string, given: Catalog | null, clock: Clock): Promise<Store> {
  const store = await lastingly(() => reachable(() => openStore(database)))
  try {
    await seeToCatalog(store, given, clock)
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Whether there is a ledger, for who would not have one made. @throws CreditError `invalid_request`, `ledger_unavailable` */
export function findLedger(database: string): Promise<LedgerPlace> {
  const named = readDatabase(database, 'database')
  return lastingly(() => reachable(() => lookForLedger(named)))
}

async function seeToCatalog(store: Store, given: Catalog | null, clock: Clock): Promise<void> {
  const now = clock.now()
  let versions = await reachable(() => store.catalogs())
  if (versions.length === 0) {
    const first = given ?? bundledCatalog(DEFAULT_CATALOG)
    // Effective from the beginning: a ledger has a catalog at every instant, whatever a test clock says.
    await reachable(() => store.addCatalogs([{ version: 1, effectiveAt: 0, catalog: first }], now))
    versions = await reachable(() => store.catalogs())
  }
  if (given === null) return
  const live = versionAt(versions, now)
  if (live.catalog.source === given.source) return
  const differences = difference(live.catalog, given)
  const shown = differences.slice(0, DIFFERENCES_SHOWN).map(({ path, before, after }) => `${path}: ${valueWords(before)} → ${valueWords(after)}`)
  throw new CreditError('catalog_invalid', `The catalog differs from version ${live.version} in the ledger: ${shown.join('; ')}`, {
    details: { version: live.version, differences: differences.length },
    advice: ['Apply it with: npx mcp-credits catalog apply <file>', 'Or open the ledger without naming a catalog.'],
  })
}
