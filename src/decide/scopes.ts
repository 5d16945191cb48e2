import type { Catalog } from '../catalog/catalog.js'
import { versionAt } from '../catalog/version.js'
import { DOOR_SCOPES, isOfOperations, mayGive } from '../keys/key.js'
import type { Draft } from './draft.js'
import { nearest } from './nearest.js'
import { refuse, type Refused } from './outcome.js'

/** Why scopes are none: a word that names neither what a door asks nor what the catalog in force has would allow nothing. */
export function refusalOfScopes(draft: Draft, scopes: readonly string[], field: 'scopes' | 'operations'): Refused | null {
  const { catalog } = versionAt(draft.view.catalogs, draft.at)
  const unknown = scopes.find((scope) => !isKnown(catalog, scope, field))
  if (unknown === undefined) return null
  const operations = Object.values(catalog.operations)
  const ofCatalog = [...new Set(operations.map(({ category }) => `${category}:*`)), ...operations.map(({ id }) => id)]
  const choices = [...(field === 'scopes' ? DOOR_SCOPES : []), ...ofCatalog]
  const near = choices.includes(`${unknown}:*`) ? `${unknown}:*` : nearest(unknown, choices)
  const hint = near === null ? '' : `; did you mean ${near}?`
  const shown = choices.length <= CHOICES_SHOWN ? choices.join(', ') : `${choices.slice(0, CHOICES_SHOWN).join(', ')} and ${choices.length - CHOICES_SHOWN} more`
  return refuse('invalid_request', `${field}: ${JSON.stringify(unknown)} is neither a scope nor in the catalog${hint} (there are ${shown})`, {
    details: { field, scope: unknown, choices, ...(near === null ? {} : { didYouMean: near }) },
  })
}

/** A message of more says less; all of them stand in its details. */
const CHOICES_SHOWN = 30

function isKnown(catalog: Catalog, scope: string, field: 'scopes' | 'operations'): boolean {
  if (!isOfOperations(scope)) return field === 'scopes'
  if (Object.hasOwn(catalog.operations, scope)) return true
  return Object.values(catalog.operations).some(({ category }) => scope === `${category}:*`)
}

/** The first of `scopes` that a party with the scopes `own` has not itself and so cannot give; null where it may give all. */
export function beyond(draft: Draft, own: readonly string[], scopes: readonly string[]): string | null {
  const { catalog } = versionAt(draft.view.catalogs, draft.at)
  return scopes.find((scope) => !mayGive(own, scope, catalog.operations[scope]?.category ?? null)) ?? null
}
