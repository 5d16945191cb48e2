import { stringify } from 'yaml'
import { parseCredits } from '../money/credits.js'
import { starter } from './bundled.js'
import { TOOL_OPERATION } from './catalog.js'
import { problem, type PriceProblem, refusingBadAmounts } from './price-problem.js'
import type { CatalogDocument, OperationDocument } from './schema.js'
import { toolNamed } from './tool-id.js'

export type Edited = { readonly kind: 'edited'; readonly document: CatalogDocument } | PriceProblem

/**
 * The document with another price for an operation (`blog.post`), a variant (`video.clip/premium`) or an upstream
 * tool (`tool:create_issue`). What is no operation is a tool. The given document stays as it is; the new one is for `parseCatalog` to check.
 */
export function withPrice(document: CatalogDocument, target: string, credits: string): Edited {
  const amount = refusingBadAmounts(() => parseCredits(credits, 'credits'))
  if (typeof amount !== 'bigint') return amount
  if (target === TOOL_OPERATION) return edited({ ...document, default_tool_price: credits })
  const tool = toolNamed(target)
  if (tool !== null) return withToolPrice(document, tool, credits, amount === 0n)
  const [id = '', variant] = target.split('/')
  const operation = own(document.operations, id)
  if (operation === undefined || (variant === undefined && isOtherTool(document, id))) {
    return withToolPrice(document, target, credits, amount === 0n)
  }
  const priced =
    variant === undefined
      ? withOperationPrice(id, operation, credits)
      : withVariantPrice(id, operation, variant, credits)
  if ('kind' in priced) return priced
  return edited({ ...document, operations: { ...document.operations, [id]: priced } })
}

/** A tool may be called as an operation is. If the catalog maps it to something else, it is the tool that is meant. */
function isOtherTool({ tools = {} }: CatalogDocument, name: string): boolean {
  const tool = own(tools, name)
  return tool !== undefined && tool.operation !== name
}

function withToolPrice(document: CatalogDocument, name: string, credits: string, isFree: boolean): Edited {
  const operation = own(document.tools ?? {}, name)?.operation
  // What a mapping read from arguments and result belonged to the price that is replaced.
  const tool = isFree ? { free: true as const } : { ...(operation === undefined ? {} : { operation }), credits }
  return edited({ ...document, tools: { ...document.tools, [name]: tool } })
}

function withOperationPrice(
  id: string,
  operation: OperationDocument,
  credits: string,
): OperationDocument | PriceProblem {
  if (operation.price === undefined) {
    const variants = Object.keys(operation.variants ?? {}).map((variant) => `${id}/${variant}`)
    return problem('unknown_variant', `${id} has a price for each variant; name one of ${variants.join(', ')}`)
  }
  const price = withCredits(id, operation.price, credits)
  return 'kind' in price ? price : { ...operation, price }
}

function withVariantPrice(
  id: string,
  operation: OperationDocument,
  variantId: string,
  credits: string,
): OperationDocument | PriceProblem {
  const variant = own(operation.variants ?? {}, variantId)
  if (variant === undefined) return problem('unknown_variant', `${id} has no variant ${JSON.stringify(variantId)}`)
  const inherited = variant.price ?? operation.price
  if (inherited === undefined) return problem('price_unknown', `${id}/${variantId} has no price to change`)
  const price = withCredits(`${id}/${variantId}`, inherited, credits)
  return 'kind' in price
    ? price
    : { ...operation, variants: { ...operation.variants, [variantId]: { ...variant, price } } }
}

type OwnPrice = NonNullable<OperationDocument['price']>

/** The model stays, and with it how the price is counted; a price of more than one figure is edited in the file. */
function withCredits(target: string, price: OwnPrice, credits: string): OwnPrice | PriceProblem {
  if (price.model !== 'flat' && price.model !== 'per_unit') {
    return problem(
      'invalid_request',
      `${target} has a ${price.model} price, which is more than one figure; edit the catalog file`,
    )
  }
  const { assumed: _, ...given } = price
  return { ...given, credits }
}

function edited(document: CatalogDocument): Edited {
  return { kind: 'edited', document }
}

function own<Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}

export interface DescribedTool {
  readonly name: string
  readonly description?: string | undefined
}

/**
 * A catalog file for an MCP server, written from its tools: each at the default price, with its description as a
 * comment, so that a person only has to change figures (AX-26). Unit, plan and thresholds are the starter's.
 */
export function catalogFromTools({
  id,
  tools,
  defaultPrice,
}: {
  readonly id: string
  readonly tools: readonly DescribedTool[]
  readonly defaultPrice: string
}): string {
  const { unit, price_increase_notice_days, plans, default_plan, thresholds } = starter as CatalogDocument
  const unique = [...new Map(tools.map((tool) => [tool.name, tool])).values()]
  return [
    '# What the tools of one MCP server cost. Amounts are decimal text in quotes.',
    '# Check it with: npx mcp-credits catalog validate <this file>',
    stringify({ id, name: id, unit, price_increase_notice_days }, STYLE),
    '# What a call costs whose tool is not listed below. null refuses such calls.',
    stringify({ default_tool_price: defaultPrice }, STYLE),
    '# A line for each tool. { "free": true } costs nothing; { "credits": "0.5" } costs half a credit a call.',
    unique.length === 0 ? 'tools: {}' : 'tools:',
    ...unique.flatMap(({ name, description }) => [
      ...commentOf(description),
      `  ${quoted(name)}: { "credits": ${quoted(defaultPrice)} }`,
    ]),
    '',
    '# Named operations can be added here, and tools mapped to them.',
    'operations: {}',
    '',
    stringify({ plans, default_plan, thresholds }, STYLE),
  ].join('\n')
}

const STYLE = { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' } as const

/** A tool's description is a stranger's text: one line, nothing that ends a comment, and not a page of it. */
const COMMENT_MAX = 100

function commentOf(description: string | undefined): readonly string[] {
  const line = (description ?? '').replaceAll(/[\p{C}\p{Z}]+/gu, ' ').trim()
  if (line === '') return []
  return [`  # ${line.length > COMMENT_MAX ? `${line.slice(0, COMMENT_MAX - 1).trimEnd()}…` : line}`]
}

/** JSON's double quotes are YAML's; what cannot be printed is escaped, so that no name breaks out of its line. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}
