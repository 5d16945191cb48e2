import type { Catalog, Found, Noun, ToolMapping } from '../catalog/catalog.js'
import type { Priced } from '../catalog/priced.js'
import { quoteOwnPrice, quotePrice } from '../catalog/quote-price.js'
import { renderToolPrice } from '../catalog/render-price.js'
import { type MicroCredits, toCredits } from '../money/credits.js'
import { toUsd, usdFor } from '../money/fiat.js'

/** The member of a listed tool's `_meta` that carries its price. */
export const PRICE_META = 'io.github.mcp-credits/price'

type JsonObject = { readonly [member: string]: unknown }
export type ListedTool = JsonObject & { readonly name: string }

/** What a call costs before its arguments are known, for programs; `unit` is what both figures are for. */
export type ListedPrice = {
  readonly credits: { readonly minimum: number; readonly maximum: number }
  /** `call`, or what the operation counts where the arguments or the result say how many. */
  readonly unit: string
  readonly usd: { readonly minimum: number; readonly maximum: number } | null
  readonly price_version: number
}

export interface PricedCatalog {
  readonly version: number
  readonly catalog: Catalog
}

/**
 * What a tool's own server prices its calls as, instead of the catalog's mapping, as far as it is known before a call:
 * `each_call` is what only the call decides, and `null` stands for a variant or quantity that does.
 */
export type ListedSubject =
  | 'free'
  | 'each_call'
  | { readonly operation: string; readonly variant: string | undefined | null; readonly quantity: number | null }

/**
 * Adds its price to a listed tool: in `_meta` for programs, as the last sentence of the description for models. Both are
 * read from the catalog, so that what is told is what is charged. A tool without a price is said to be refused.
 */
export function priceDecorator({ version, catalog }: PricedCatalog): (tool: ListedTool, subject?: ListedSubject) => ListedTool {
  return (tool, subject) => {
    if (subject === 'each_call') return withWords(tool, EACH_CALL)
    const asPriced = subject === undefined ? catalog : { ...catalog, tools: { [tool.name]: mappingOf(subject) } }
    const words = renderToolPrice(asPriced, tool.name)
    const described = withWords(tool, words === null ? UNPRICED : `Price: ${words}.`)
    const price = words === null ? null : listedPrice(asPriced, tool.name)
    if (price === null) return described
    return { ...described, _meta: { ...(tool['_meta'] as JsonObject | undefined), [PRICE_META]: { ...price, price_version: version } } }
  }
}

function mappingOf(subject: Exclude<ListedSubject, 'each_call'>): ToolMapping {
  if (subject === 'free') return { kind: 'free' }
  const { operation, variant, quantity } = subject
  const shared = { kind: 'priced', operation, price: null, usage: null, actual: null } as const
  return { ...shared, variant: variant === null ? TOLD_BY_CALL : (variant ?? null), quantity: quantity ?? TOLD_BY_CALL }
}

const TOLD_BY_CALL: Found<never> = { from: 'arguments', pointer: '', default: null, map: null, count: false, atMost: null }

function withWords(tool: ListedTool, words: string): ListedTool {
  return { ...tool, description: withSentence(tool['description'], words) }
}

const EACH_CALL = 'Price: set for each call by its arguments; the receipt in the result tells it.'

const UNPRICED = 'Price: none is set, so calls are refused.'

/** A sentence of its own: after one line of text in that line, after several below them. */
function withSentence(description: unknown, sentence: string): string {
  if (typeof description !== 'string' || description.trim() === '') return sentence
  const text = description.trimEnd()
  if (text.includes('\n')) return `${text}\n\n${sentence}`
  return /[.!?]$/.test(text) ? `${text} ${sentence}` : `${text}. ${sentence}`
}

/** Null where no figure can be told before the call: what is passed through without a typical cost. */
function listedPrice(catalog: Catalog, tool: string): Omit<ListedPrice, 'price_version'> | null {
  const mapping = catalog.tools[tool]
  if (mapping === undefined) return catalog.defaultToolPrice === null ? null : between(catalog, CALL, [catalog.defaultToolPrice])
  if (mapping.kind === 'free') return between(catalog, CALL, [0n])
  const quotes = quotesOf(catalog, mapping)
  if (quotes === null) return null
  const unit = typeof mapping.quantity === 'number' ? CALL : (catalog.operations[mapping.operation]?.unit ?? CALL)
  return between(catalog, unit, quotes.flatMap(({ minimum, maximum }) => [minimum, maximum]))
}

const CALL: Pick<Noun, 'name'> = { name: 'call' }

type PricedMapping = Extract<ToolMapping, { kind: 'priced' }>

/** A quote for each variant that the arguments may choose, of one unit where they say how many; null if one has no figure. */
function quotesOf(catalog: Catalog, mapping: PricedMapping): readonly Priced[] | null {
  const { operation } = mapping
  const quantity = typeof mapping.quantity === 'number' ? mapping.quantity : 1
  const quotes =
    mapping.price === null
      ? variantsOf(catalog, mapping).map((variant) => quotePrice(catalog, { operation, quantity, ...(variant === null ? {} : { variant }) }))
      : [quoteOwnPrice(catalog, { operation, price: mapping.price, quantity })]
  const priced = quotes.filter((quote) => quote.kind === 'priced')
  return priced.length === quotes.length && priced.length > 0 ? priced : null
}

function variantsOf(catalog: Catalog, { operation, variant }: PricedMapping): readonly (string | null)[] {
  if (variant === null || typeof variant === 'string') return [variant]
  const { map } = variant
  const known = Object.keys(catalog.operations[operation]?.variants ?? {})
  if (map === null) return known
  const reachable = new Set([...Object.values(map), variant.default])
  return known.filter((id) => reachable.has(id))
}

function between({ unit: { creditUsd } }: Catalog, unit: Pick<Noun, 'name'>, amounts: readonly MicroCredits[]): Omit<ListedPrice, 'price_version'> {
  const sorted = amounts.toSorted((one, other) => (one < other ? -1 : Number(one > other)))
  const [minimum = 0n, maximum = 0n] = [sorted.at(0), sorted.at(-1)]
  const usd = (amount: MicroCredits) => (creditUsd === null ? null : toUsd(usdFor(amount, creditUsd)))
  const [least, most] = [usd(minimum), usd(maximum)]
  return {
    credits: { minimum: toCredits(minimum), maximum: toCredits(maximum) },
    unit: unit.name,
    usd: least === null || most === null ? null : { minimum: least, maximum: most },
  }
}
