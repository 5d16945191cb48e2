import type { Catalog } from '../catalog/catalog.js'
import { offerOf } from '../catalog/catalog.js'
import { renderToolPrice } from '../catalog/render-price.js'
import { toolId } from '../catalog/tool-id.js'
import type { Ledger } from '../usage/ledger.js'

/** What a call of an upstream tool that the catalog names costs, in words. */
export interface ToolPrice {
  /** `tool:` and its name, so that it is never taken for an operation's id. */
  readonly id: string
  readonly tool: string
  /** The operation that it counts as; null for a tool that is only said to be free. */
  readonly operation: string | null
  readonly category: string | null
  readonly price: string
  readonly requiresPlan: readonly string[]
}

/** The tools that the catalog in force names, in its order. */
export async function toolPrices(ledger: Ledger, query: { readonly category: string | null; readonly search: string | null }): Promise<readonly ToolPrice[]> {
  const { catalog } = await ledger.catalog()
  const words = query.search?.toLowerCase().split(/\s+/) ?? []
  return Object.keys(catalog.tools)
    .map((tool) => toolPrice(catalog, tool))
    .filter(({ tool, category }) => (query.category === null || category === query.category) && words.every((word) => tool.toLowerCase().includes(word)))
}

function toolPrice(catalog: Catalog, tool: string): ToolPrice {
  const mapping = catalog.tools[tool]
  const operation = mapping?.kind === 'priced' ? catalog.operations[mapping.operation] : undefined
  const variant = mapping?.kind === 'priced' && typeof mapping.variant === 'string' ? mapping.variant : null
  const offer = mapping?.kind === 'priced' && mapping.price === null && operation !== undefined ? offerOf(operation, variant) : undefined
  return {
    id: toolId(tool),
    tool,
    operation: operation?.id ?? null,
    category: operation?.category ?? null,
    price: renderToolPrice(catalog, tool) ?? '',
    requiresPlan: offer?.requiresPlan ?? [],
  }
}
