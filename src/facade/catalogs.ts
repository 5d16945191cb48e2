import { type Difference, difference } from '../catalog/difference.js'
import { formatInstant } from '../time/instant.js'
import { listOperations } from '../usage/operations.js'
import type * as results from '../usage/results.js'
import { readCatalog } from './catalog-source.js'
import * as changes from './change-catalog.js'
import type { Desk } from './desk.js'
import { type Input, inputs } from './inputs.js'
import { readInput, readInstant } from './read-input.js'
import { toolPrices as listToolPrices, type ToolPrice } from './tool-prices.js'

export async function operations(desk: Desk, input: Input<'operations'>): Promise<results.OperationsResult> {
  const asked = readInput(inputs.operations, input)
  const changesSince = readInstant(asked.changesSince, 'changesSince')
  return listOperations(desk.ledger, { category: asked.category ?? null, search: asked.search ?? null, changesSince })
}

export async function toolPrices(desk: Desk, input: Input<'operations'>): Promise<readonly ToolPrice[]> {
  const asked = readInput(inputs.operations, input)
  return listToolPrices(desk.ledger, { category: asked.category ?? null, search: asked.search ?? null })
}

export async function catalog(desk: Desk): Promise<{ readonly version: number; readonly effectiveAt: string; readonly document: object }> {
  const { version, catalog } = await desk.ledger.catalog()
  return { version: version.version, effectiveAt: formatInstant(version.effectiveAt), document: JSON.parse(catalog.source) as object }
}

export async function compareCatalog(desk: Desk, catalog: string | object): Promise<{ readonly version: number; readonly differences: readonly Difference[] }> {
  const given = await readCatalog(catalog)
  const { version, catalog: live } = await desk.ledger.catalog()
  return { version: version.version, differences: difference(live, given) }
}

export async function applyCatalog(desk: Desk, catalog: string | object): Promise<changes.AppliedCatalog> {
  return changes.applyCatalog(desk.wholeLedger(), await readCatalog(catalog))
}

export async function setPrice(desk: Desk, input: { readonly target: string; readonly credits: number | string }): Promise<changes.AppliedCatalog> {
  return changes.setPrice(desk.wholeLedger(), input)
}
