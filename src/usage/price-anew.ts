import { type Catalog, type RecurringItem, type ToolMapping, TOOL_OPERATION } from '../catalog/catalog.js'
import { type Priced, type PriceProblem, quoteOwnPrice, quotePrice } from '../catalog/quote-price.js'
import type { CatalogVersion } from '../catalog/version.js'
import { linesOf } from '../decide/price-subject.js'
import type { Transaction } from '../ledger/transaction.js'
import { type MicroCredits, parseCredits, smaller } from '../money/credits.js'
import { amountFor } from '../money/rate.js'

/** What a row of history would have cost by another catalog, or why nothing tells. */
export type PricedAnew =
  | { readonly kind: 'amount'; readonly amount: MicroCredits }
  | { readonly kind: 'unpriced'; readonly reason: string }

/** A charge or settlement, with the reservation that a settlement ends. */
export interface SpentRow {
  readonly transaction: Transaction
  readonly reserve: Transaction | null
}

/**
 * Prices a charge or settlement by another catalog from what its row recorded: operation, variant, quantity and tool, what
 * it used, and what it actually cost where its price was known only afterwards. Such a cost counts within the bounds that
 * the other catalog gives it. What the row does not tell is not guessed.
 */
export function priceAnew(catalog: Catalog, row: SpentRow, versions: readonly CatalogVersion[]): PricedAnew {
  const { detail } = row.transaction
  if (typeof detail['item'] === 'string') return itemAnew(catalog.recurringItems[detail['item']], row.transaction)
  const facts = factsOf(row, versions)
  const quoted = quote(catalog, facts)
  switch (quoted.kind) {
    case 'free':
      return { kind: 'amount', amount: 0n }
    case 'priced':
      return amountOf(quoted, facts)
    case 'problem':
    case 'unpriced':
      return { kind: 'unpriced', reason: quoted.message }
  }
}

/** What a row says of its job. */
interface Facts {
  readonly operation: string
  readonly variant: string | null
  readonly tool: string | null
  readonly quantity: number
  readonly usage: Readonly<Record<string, number>> | null
  /** What it cost by the word of whoever did it; null where its price followed from the rest. */
  readonly actual: MicroCredits | null
  /** Whether its price was known only afterwards. */
  readonly wasOpen: boolean
}

function factsOf({ transaction, reserve }: SpentRow, versions: readonly CatalogVersion[]): Facts {
  const { detail, tool, variant } = transaction
  const operation = transaction.operation ?? TOOL_OPERATION
  const usage = (detail['usage'] as Facts['usage'] | undefined) ?? null
  const quantity = transaction.quantity ?? reserve?.quantity ?? 1
  const wanted = transaction.credits + microOf(detail['uncollected'])
  const known = { operation, variant, tool, quantity }
  const own = versions.find(({ version }) => version === transaction.priceVersion)
  const wasOpen = reserve === null ? own !== undefined && isOpen(own.catalog, known) : linesOf(reserve).some((line) => line.minimum !== line.maximum)
  const isAsPriced = reserve === null ? !wasOpen : transaction.quantity !== null || (!wasOpen && wanted === microOf(detail['reserved']))
  return { ...known, usage, wasOpen, actual: usage !== null || isAsPriced ? null : wanted }
}

function microOf(credits: unknown): MicroCredits {
  return credits === undefined ? 0n : parseCredits(credits, 'credits')
}

function isOpen(catalog: Catalog, known: Pick<Facts, 'operation' | 'variant' | 'tool' | 'quantity'>): boolean {
  const quoted = quote(catalog, { ...known, usage: null, actual: null, wasOpen: false })
  // A price of what is used has no figure without its usage, which is as open as can be.
  return quoted.kind === 'priced' ? !quoted.exact : quoted.kind === 'problem'
}

type Quoted = Priced | PriceProblem | { readonly kind: 'free' } | { readonly kind: 'unpriced'; readonly message: string }

function quote(catalog: Catalog, facts: Facts): Quoted {
  const { tool, operation } = facts
  if (tool === null) return quoteOperation(catalog, operation, facts.variant, facts.quantity, facts)
  const mapping = catalog.tools[tool]
  if (mapping === undefined) {
    if (catalog.defaultToolPrice === null) return { kind: 'unpriced', message: `The tool ${tool} has no price` }
    return quoteOperation(catalog, TOOL_OPERATION, null, 1, facts)
  }
  return mapping.kind === 'free' ? mapping : quoteTool(catalog, mapping, facts)
}

/** What the arguments of the call said is what the row recorded of them. */
function quoteTool(catalog: Catalog, mapping: Extract<ToolMapping, { kind: 'priced' }>, facts: Facts): Quoted {
  const { operation, price } = mapping
  const quantity = typeof mapping.quantity === 'number' ? mapping.quantity : facts.quantity
  if (price !== null) return quoteOwnPrice(catalog, { operation, price, quantity })
  const variant = mapping.variant === null || typeof mapping.variant === 'string' ? mapping.variant : facts.variant
  return quoteOperation(catalog, operation, variant, quantity, facts)
}

function quoteOperation(catalog: Catalog, operation: string, variant: string | null, quantity: number, { usage }: Facts): Quoted {
  const request = { operation, quantity, ...(variant === null ? {} : { variant }) }
  if (usage === null) return quotePrice(catalog, request)
  const byUsage = quotePrice(catalog, { ...request, usage })
  // What is no longer priced by usage costs what it costs without.
  return byUsage.kind === 'problem' && byUsage.code === 'invalid_request' ? quotePrice(catalog, request) : byUsage
}

function amountOf(priced: Priced, { actual, wasOpen }: Facts): PricedAnew {
  if (priced.exact) {
    // Settled for less than its fixed price, by its holder's word: that word holds, as far as the other price goes.
    const isPart = actual !== null && !wasOpen
    return { kind: 'amount', amount: isPart ? smaller(actual, priced.maximum) : priced.maximum }
  }
  if (actual === null || priced.lines.some((line) => !line.exact && line.price.model === 'pass_through')) {
    return { kind: 'unpriced', reason: `What ${priced.operation} used or cost afterwards was not recorded` }
  }
  return { kind: 'amount', amount: actual < priced.minimum ? priced.minimum : smaller(actual, priced.maximum) }
}

function itemAnew(item: RecurringItem | undefined, transaction: Transaction): PricedAnew {
  if (item === undefined) return { kind: 'unpriced', reason: `There is no recurring item ${String(transaction.detail['item'])}` }
  const amount = linesOf(transaction).reduce((sum, line) => sum + amountFor(line.quantity, item.pricePerUnitHour), 0n)
  return { kind: 'amount', amount }
}
