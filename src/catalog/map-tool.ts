import { parseCredits } from '../money/credits.js'
import { parseQuantity } from '../money/rate.js'
import { type Catalog, type Found, TOOL_OPERATION, type ToolMapping } from './catalog.js'
import { describeFound, readFound } from './found-value.js'
import { readPointer } from './json-pointer.js'
import { isFreePrice } from './price.js'
import { problem, type PriceProblem, refusingBadAmounts } from './price-problem.js'
import { type ActualConsumption, type Priced, quoteOwnPrice, quotePrice } from './quote-price.js'

export interface ToolCall {
  readonly tool: string
  readonly args?: unknown
}

/** A tool that costs nothing; `operation` is what it counts as, null where the catalog only says that it is free. */
export interface FreeTool {
  readonly kind: 'free'
  readonly operation: string | null
}

/** A tool that the catalog does not name: refused, with the line under `tools` that would price it (AX-14). */
export interface UnpricedTool {
  readonly kind: 'unpriced'
  readonly tool: string
  /** Valid in a YAML and in a JSON catalog alike. */
  readonly line: string
}

/**
 * What a call of an upstream tool costs: free, priced (its maximum is what to reserve), unpriced, or a problem where
 * the arguments do not say what the price needs. Never zero for want of a figure.
 */
export function priceToolCall(
  catalog: Catalog,
  { tool, args }: ToolCall,
): FreeTool | Priced | UnpricedTool | PriceProblem {
  const mapping = catalog.tools[tool]
  if (mapping === undefined) {
    return catalog.defaultToolPrice === null
      ? { kind: 'unpriced', tool, line: `${JSON.stringify(tool)}: { "credits": "1" }` }
      : orFree(quotePrice(catalog, { operation: TOOL_OPERATION }))
  }
  if (mapping.kind === 'free') return { kind: 'free', operation: null }
  const variant = variantOfCall(tool, mapping.variant, args)
  if (typeof variant === 'object' && variant !== null) return variant
  const { quantity } = mapping
  if (typeof quantity === 'number') return orFree(priceMapped(catalog, mapping, variant, quantity))
  if (quantity.from === 'result') return between(catalog, mapping, variant, quantity)
  const read = quantityOf(tool, quantity, args)
  return typeof read === 'number' ? orFree(priceMapped(catalog, mapping, variant, read)) : read
}

type PricedMapping = Extract<ToolMapping, { kind: 'priced' }>

function priceMapped(
  catalog: Catalog,
  { operation, price }: PricedMapping,
  variant: string | null,
  quantity: number,
): Priced | PriceProblem {
  return price === null
    ? quotePrice(catalog, { operation, quantity, ...(variant === null ? {} : { variant }) })
    : quoteOwnPrice(catalog, { operation, price, quantity })
}

function orFree(priced: Priced | PriceProblem): FreeTool | Priced | PriceProblem {
  return priced.kind === 'priced' && isFree(priced) ? { kind: 'free', operation: priced.operation } : priced
}

/**
 * Whether the catalog says that this costs nothing whatever is asked for: it is never charged and never stopped, also where
 * there is no credit left (WC-05). Whoever asks decides the arguments: what has a price and only comes to nothing by them
 * is a call like any other, or a quantity of 0 would be a way around keys, roles and the stop switch.
 */
export function isFree({ lines, requiresPlan }: Priced): boolean {
  return requiresPlan.length === 0 && lines.every(({ price }) => isFreePrice(price))
}

/** The quantity is known only afterwards: anything from none of it to the most that the catalog expects. */
function between(
  catalog: Catalog,
  mapping: PricedMapping,
  variant: string | null,
  quantity: Found<number>,
): Priced | FreeTool | PriceProblem {
  const most = orFree(priceMapped(catalog, mapping, variant, quantity.atMost ?? 0))
  const least = priceMapped(catalog, mapping, variant, 0)
  if (most.kind !== 'priced') return most
  if (least.kind !== 'priced') return least
  const lines = most.lines.map((line, index) => {
    const minimum = least.lines[index]?.minimum ?? line.minimum
    return { ...line, minimum, exact: line.exact && minimum === line.maximum }
  })
  return { ...most, minimum: least.minimum, exact: lines.every((line) => line.exact), lines }
}

function variantOfCall(tool: string, variant: PricedMapping['variant'], args: unknown): string | null | PriceProblem {
  if (variant === null || typeof variant === 'string') return variant
  const read = readFound(variant, args)
  if (read.kind === 'found' && typeof read.value === 'string') return read.value
  if (read.kind === 'missing') return missing(tool, variant, 'the variant')
  return problem(
    'unknown_variant',
    `${tool}: ${read.kind === 'refused' ? read.message : `${variant.pointer} in the arguments is ${describeFound(read.value)}; expected the id of a variant`}`,
  )
}

function quantityOf(tool: string, found: Found<number>, document: unknown): number | PriceProblem {
  const read = readFound(found, document)
  if (read.kind === 'missing') return missing(tool, found, 'the quantity')
  if (read.kind === 'refused') return problem('invalid_request', `${tool}: ${read.message}`)
  return refusingBadAmounts(() => parseQuantity(read.value, `${tool}: ${found.pointer} in the ${found.from}`))
}

function missing(
  tool: string,
  { from, pointer }: Pick<Found<unknown>, 'from' | 'pointer'>,
  what: string,
): PriceProblem {
  return problem(
    'invalid_request',
    `${tool}: nothing at ${pointer} in the ${from}, where the catalog reads ${what} of its price`,
  )
}

/** What the result of a call told. `as_reserved`: the price depends on nothing in it. */
export type ToolActual =
  { readonly kind: 'actual'; readonly actual: ActualConsumption } | { readonly kind: 'as_reserved' } | PriceProblem

/**
 * What a call consumed by its result: `structuredContent` or, where there is none, the first text block that is
 * JSON. A problem means that the result does not say what the catalog expects of it; the maximum that was reserved
 * is then the only figure there is, and charging nothing would be free work.
 */
export function actualOfToolResult(
  mapping: ToolMapping | undefined,
  { tool, result }: { readonly tool: string; readonly result: unknown },
): ToolActual {
  if (mapping === undefined || mapping.kind === 'free') return { kind: 'as_reserved' }
  const { actual, usage, quantity } = mapping
  if (actual !== null) return actualCredits(tool, actual.pointer, result)
  if (usage !== null) return actualUsage(tool, usage, result)
  if (typeof quantity === 'number' || quantity.from === 'arguments') return { kind: 'as_reserved' }
  const read = quantityOf(tool, quantity, resultDocument(result))
  return typeof read === 'number' ? { kind: 'actual', actual: { quantity: read } } : read
}

function actualCredits(tool: string, pointer: string, result: unknown): ToolActual {
  const value = readPointer(resultDocument(result), pointer)
  if (value === undefined || value === null) return missing(tool, { from: 'result', pointer }, 'the cost')
  const credits = refusingBadAmounts(() => parseCredits(value, `${tool}: ${pointer} in the result`))
  return typeof credits === 'bigint' ? { kind: 'actual', actual: { actual: credits } } : credits
}

function actualUsage(tool: string, usage: NonNullable<PricedMapping['usage']>, result: unknown): ToolActual {
  const document = resultDocument(result)
  const counted: Record<string, number> = {}
  for (const [component, { pointer, default: otherwise }] of Object.entries(usage)) {
    const found = { from: 'result', pointer, default: otherwise, map: null, count: false, atMost: null } as const
    const quantity = quantityOf(tool, found, document)
    if (typeof quantity !== 'number') return quantity
    counted[component] = quantity
  }
  return { kind: 'actual', actual: { usage: counted } }
}

function resultDocument(result: unknown): unknown {
  const structured = readPointer(result, '/structuredContent')
  if (structured !== undefined) return structured
  const content = readPointer(result, '/content')
  if (!Array.isArray(content)) return undefined
  for (const block of content as unknown[]) {
    const text = readPointer(block, '/text')
    const parsed = typeof text === 'string' ? jsonOrNothing(text) : undefined
    if (typeof parsed === 'object' && parsed !== null) return parsed
  }
  return undefined
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
