import type { Catalog } from '../catalog/catalog.js'
import { versionAt } from '../catalog/version.js'
import { type Difference, difference } from '../catalog/difference.js'
import { withPrice } from '../catalog/edit.js'
import type { CatalogDocument } from '../catalog/schema.js'
import { CreditError } from '../errors.js'
import { formatCredits, parseCredits } from '../money/credits.js'
import { DAY_MS, formatInstant } from '../time/instant.js'
import type { Ledger } from '../usage/ledger.js'
import { readCatalog } from './catalog-source.js'
import { readAmount } from './read-input.js'

export interface AppliedCatalog {
  readonly version: number
  readonly effectiveAt: string
  readonly differences: readonly Difference[]
  /** False when nothing differed and no version was made. */
  readonly applied: boolean
}

/** How often a version that another process took first is tried again. */
const TRIES_MAX = 10

/**
 * Adds a catalog as the ledger's next version. One that raises a price takes effect when the notice period of the
 * catalog in force has passed (ND-13); any other at once.
 *
 * @throws CreditError `catalog_invalid`
 */
export async function applyCatalog(ledger: Ledger, given: Catalog): Promise<AppliedCatalog> {
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const now = ledger.now()
    const versions = await ledger.catalogs()
    const newest = versions.at(-1) ?? versionAt(versions, now)
    const differences = difference(newest.catalog, given)
    if (given.source === newest.catalog.source) {
      return { version: newest.version, effectiveAt: formatInstant(newest.effectiveAt), differences, applied: false }
    }
    const raisesPrice = difference(versionAt(versions, now).catalog, given).some((change) => change.increase)
    const noticeDays = versionAt(versions, now).catalog.priceIncreaseNoticeDays
    const earliest = raisesPrice ? now + noticeDays * DAY_MS : now
    // Versions take effect in their order: one never overtakes an announced one before it.
    const effectiveAt = Math.max(earliest, newest.effectiveAt)
    const version = newest.version + 1
    if (await ledger.query((store) => store.addCatalog({ version, effectiveAt, catalog: given }, now))) {
      return { version, effectiveAt: formatInstant(effectiveAt), differences, applied: true }
    }
  }
  throw new CreditError('ledger_unavailable', 'Other catalog versions were applied in the same moment; try again')
}

/** A catalog version with one price changed. @throws CreditError `unknown_operation`, `invalid_amount`, `invalid_request` */
export async function setPrice(
  ledger: Ledger,
  { target, credits }: { readonly target: string; readonly credits: number | string },
): Promise<AppliedCatalog> {
  const price = formatCredits(readAmount(parseCredits, credits, 'credits'))
  const newest = (await ledger.catalogs()).at(-1)
  const edited = withPrice(JSON.parse(newest?.catalog.source ?? '{}') as CatalogDocument, target, price)
  if (edited.kind !== 'edited') throw new CreditError(edited.code, edited.message)
  return applyCatalog(ledger, await readCatalog(edited.document))
}
