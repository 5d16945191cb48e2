import type { Catalog } from '../catalog/catalog.js'
import { type CatalogVersion, versionAt } from '../catalog/version.js'
import { type Difference, difference } from '../catalog/difference.js'
import { withPrice } from '../catalog/edit.js'
import type { CatalogDocument } from '../catalog/schema.js'
import { CreditError } from '../errors.js'
import { formatCredits, parseCredits } from '../money/credits.js'
import { DAY_MS, formatInstant, type Instant } from '../time/instant.js'
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

/** How often versions that another process came before are worked out anew. */
const TRIES_MAX = 10

/**
 * Puts a catalog into force in place of the whole, announced changes included. One that raises a price takes effect when
 * the notice period of the catalog in force has passed (ND-13); any other at once.
 *
 * @throws CreditError `catalog_invalid`
 */
export function applyCatalog(ledger: Ledger, given: Catalog): Promise<AppliedCatalog> {
  return changeCatalog(ledger, async (versions, now) => {
    const live = versionAt(versions, now).catalog
    const next = { catalog: given, effectiveAt: effectiveFrom(live, given, now) }
    return { next, before: versionAt(versions, next.effectiveAt), also: [] }
  })
}

/**
 * Sets one price and leaves everything else as it is and as it was announced: a price that is raised waits for the notice
 * period, a lower one holds at once, whatever else is announced for later.
 *
 * @throws CreditError `unknown_operation`, `invalid_amount`, `invalid_request`
 */
export async function setPrice(
  ledger: Ledger,
  { target, credits }: { readonly target: string; readonly credits: number | string },
): Promise<AppliedCatalog> {
  const price = formatCredits(readAmount(parseCredits, credits, 'credits'))
  const edit = (catalog: Catalog): Promise<Catalog> => {
    const edited = withPrice(JSON.parse(catalog.source) as CatalogDocument, target, price)
    if (edited.kind !== 'edited') throw new CreditError(edited.code, edited.message)
    return readCatalog(edited.document)
  }
  return changeCatalog(ledger, async (versions, now) => {
    const live = versionAt(versions, now).catalog
    const effectiveAt = effectiveFrom(live, await edit(live), now)
    const before = versionAt(versions, effectiveAt)
    const later = announcedAfter(versions, effectiveAt)
    const also = await Promise.all(later.map(async (one) => ({ catalog: await edit(one.catalog), effectiveAt: one.effectiveAt })))
    return { next: { catalog: await edit(before.catalog), effectiveAt }, before, also }
  })
}

type Planned = Pick<CatalogVersion, 'catalog' | 'effectiveAt'>

/** What a change comes to: the version it makes, the one that this replaces, and announced ones that it has to repeat. */
interface Plan {
  readonly next: Planned
  readonly before: CatalogVersion
  readonly also: readonly Planned[]
}

/** When `given` may take the place of `live`. */
function effectiveFrom(live: Catalog, given: Catalog, now: Instant): Instant {
  const raisesPrice = difference(live, given).some((change) => change.increase)
  return raisesPrice ? now + live.priceIncreaseNoticeDays * DAY_MS : now
}

/** The versions that will come into force after `at` as things stand, in the order of their time. */
function announcedAfter(versions: readonly CatalogVersion[], at: Instant): readonly CatalogVersion[] {
  const instants = [...new Set(versions.map((version) => version.effectiveAt))].filter((instant) => instant > at).sort((a, b) => a - b)
  return instants.map((instant) => versionAt(versions, instant)).filter((version, index) => version.effectiveAt === instants[index])
}

/** Where another process was first, the change is worked out anew on what that one added: what it changed stays. */
async function changeCatalog(
  ledger: Ledger,
  plan: (versions: readonly CatalogVersion[], now: Instant) => Promise<Plan>,
): Promise<AppliedCatalog> {
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const now = ledger.now()
    const versions = await ledger.catalogs()
    const { next, before, also } = await plan(versions, now)
    const differences = difference(before.catalog, next.catalog)
    if (next.catalog.source === before.catalog.source && announcedAfter(versions, next.effectiveAt).length === also.length) {
      return { version: before.version, effectiveAt: formatInstant(before.effectiveAt), differences, applied: false }
    }
    const first = (versions.at(-1)?.version ?? 0) + 1
    const added = [next, ...also].map((one, index) => ({ ...one, version: first + index }))
    if (await ledger.query((store) => store.addCatalogs(added, now))) {
      return { version: first, effectiveAt: formatInstant(next.effectiveAt), differences, applied: true }
    }
  }
  throw new CreditError('ledger_unavailable', 'Other catalog versions were applied in the same moment; try again')
}
