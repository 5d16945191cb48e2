import { parseCredits } from '../money/credits.js'
import { AUTO, TOOL_OPERATION } from './catalog.js'
import { type CatalogProblem, describeValue, problemAt } from './catalog-problem.js'
import { firstSegment } from './operation-category.js'
import { countsQuantity, priceFromDocument } from './price.js'
import type { CatalogDocument, OperationDocument } from './schema.js'
import type { PriceDocument } from './schema-price.js'
import type { ToolDocument } from './schema-tool.js'
import { surchargeCycles } from './surcharge-cycle.js'

type Path = readonly string[]
type OfferDocument = Pick<OperationDocument, 'price' | 'requires_plan' | 'surcharges'>

/** What no schema can say: that everything referred to is there, and that figures agree with each other. */
export function checkCatalog(document: CatalogDocument): CatalogProblem[] {
  const operations = Object.entries(document.operations)
  return [
    ...operations.flatMap(([id, operation]) => checkOperation(document, id, operation)),
    ...surchargeCycles(document),
    ...Object.entries(document.tools ?? {}).flatMap(([name, tool]) => checkTool(document, ['tools', name], tool)),
    ...checkCategories(document),
    ...checkPlans(document),
    ...checkThresholds(document),
    ...checkPurchases(document),
    ...checkCampaign(document),
  ]
}

function checkOperation(document: CatalogDocument, id: string, operation: OperationDocument): CatalogProblem[] {
  const path = ['operations', id]
  const variants = Object.entries(operation.variants ?? {})
  const problems: CatalogProblem[] = []
  if (id === TOOL_OPERATION) {
    problems.push(problemAt(path, 'an operation', 'no such operation: `default_tool_price` is its price'))
  }
  if (variants.length === 0) {
    if (operation.price === undefined) {
      problems.push(problemAt([...path, 'price'], 'nothing', 'a price, or `variants` that have one'))
    }
    if (operation.default_variant !== undefined) {
      problems.push(
        problemAt(
          [...path, 'default_variant'],
          describeValue(operation.default_variant),
          'no such field, or `variants` to choose from',
        ),
      )
    }
  } else problems.push(...checkDefaultVariant(path, operation))
  for (const [variantId, variant] of variants) {
    const variantPath = [...path, 'variants', variantId]
    if (variant.price === undefined && operation.price === undefined) {
      problems.push(problemAt([...variantPath, 'price'], 'nothing', 'a price, here or for the whole operation'))
    }
    if (variantId === AUTO) {
      problems.push(problemAt(variantPath, 'a variant', `another id: who asks for ${AUTO} has a variant picked`))
    }
    problems.push(...checkOffer(document, variantPath, variant))
  }
  problems.push(...checkArguments(path, operation))
  return [...problems, ...checkOffer(document, path, operation)]
}

function checkDefaultVariant(
  path: Path,
  { default_variant: found, variants = {} }: OperationDocument,
): CatalogProblem[] {
  if (found !== undefined && Object.hasOwn(variants, found)) return []
  return [problemAt([...path, 'default_variant'], describeValue(found), oneOf(Object.keys(variants)))]
}

function checkArguments(path: Path, { arguments: found, variants = {} }: OperationDocument): CatalogProblem[] {
  if (found?.variant === undefined) return []
  const mapped = Object.entries(found.variant.map ?? {})
  return [
    ...(Object.keys(variants).length === 0
      ? [problemAt([...path, 'arguments', 'variant'], 'a pointer', 'no such field, or `variants` to choose from')]
      : []),
    ...mapped
      .filter(([, variant]) => !Object.hasOwn(variants, variant))
      .map(([key, variant]) =>
        problemAt([...path, 'arguments', 'variant', 'map', key], describeValue(variant), oneOf(Object.keys(variants))),
      ),
  ]
}

function checkOffer(document: CatalogDocument, path: Path, offer: OfferDocument): CatalogProblem[] {
  const plans = Object.keys(document.plans ?? {})
  const unknownPlans = (offer.requires_plan ?? []).flatMap((plan, index) =>
    plans.includes(plan)
      ? []
      : [problemAt([...path, 'requires_plan', String(index)], describeValue(plan), oneOf(plans, 'a plan'))],
  )
  const surcharges = (offer.surcharges ?? []).flatMap((surcharge, index) => {
    const at = [...path, 'surcharges', String(index)]
    if ((surcharge.operation === undefined) === (surcharge.price === undefined)) {
      return [
        problemAt(
          at,
          surcharge.price === undefined ? 'neither operation nor price' : 'both operation and price',
          'either `operation` or `price`',
        ),
      ]
    }
    return [
      ...(surcharge.operation === undefined
        ? []
        : checkReference(document, at, { ...surcharge, operation: surcharge.operation })),
      ...(surcharge.price === undefined ? [] : checkPrice([...at, 'price'], surcharge.price)),
    ]
  })
  return [
    ...unknownPlans,
    ...surcharges,
    ...(offer.price === undefined ? [] : checkPrice([...path, 'price'], offer.price)),
  ]
}

function checkReference(
  document: CatalogDocument,
  path: Path,
  { operation, variant }: { operation: string; variant?: unknown },
): CatalogProblem[] {
  const target = Object.hasOwn(document.operations, operation) ? document.operations[operation] : undefined
  if (target === undefined) {
    return [
      problemAt(
        [...path, 'operation'],
        describeValue(operation),
        oneOf(Object.keys(document.operations), 'an operation of this catalog'),
      ),
    ]
  }
  const variants = Object.keys(target.variants ?? {})
  if (typeof variant !== 'string' || variants.includes(variant)) return []
  return [
    problemAt(
      [...path, 'variant'],
      describeValue(variant),
      variants.length === 0 ? 'no variant: the operation has none' : oneOf(variants),
    ),
  ]
}

function checkPrice(path: Path, price: PriceDocument): CatalogProblem[] {
  switch (price.model) {
    case 'tiered':
      return checkTiers([...path, 'tiers'], price.tiers)
    case 'range':
      return checkBounds(path, price)
    case 'pass_through':
      return price.typical === undefined ? [] : checkBounds([...path, 'typical'], price.typical)
    default:
      return []
  }
}

function checkTiers(path: Path, tiers: readonly { readonly up_to: number | null }[]): CatalogProblem[] {
  return tiers.flatMap(({ up_to: upTo }, index) => {
    const at = [...path, String(index), 'up_to']
    const before = tiers[index - 1]?.up_to ?? 0
    if (index === tiers.length - 1) {
      return upTo === null ? [] : [problemAt(at, describeValue(upTo), 'null: the last tier has no end')]
    }
    if (upTo === null) return [problemAt(at, 'null', 'a quantity: only the last tier has no end')]
    return upTo > before
      ? []
      : [problemAt(at, describeValue(upTo), `a quantity above ${before}, the end of the tier before it`)]
  })
}

function checkBounds(
  path: Path,
  { minimum, maximum }: { readonly minimum: string; readonly maximum: string },
): CatalogProblem[] {
  if (parseCredits(minimum, 'minimum') <= parseCredits(maximum, 'maximum')) return []
  return [problemAt([...path, 'minimum'], describeValue(minimum), `at most the maximum, ${describeValue(maximum)}`)]
}

function checkTool(document: CatalogDocument, path: Path, tool: ToolDocument): CatalogProblem[] {
  const said = (['free', 'credits', 'price'] as const).filter((field) => tool[field] !== undefined)
  if (said.length > 1) return [problemAt(path, said.join(' and '), 'one of free, credits and price')]
  if (tool.free !== undefined) {
    return otherFields(tool, ['free', 'assumed']).map((field) =>
      problemAt([...path, field], 'a field', 'nothing else for a free tool'),
    )
  }
  const own = tool.credits !== undefined || tool.price !== undefined
  if (!own && tool.operation === undefined) {
    return [problemAt(path, 'no price', '`free: true`, `credits`, `price` or `operation`')]
  }
  const problems: CatalogProblem[] = []
  if (tool.operation !== undefined) {
    problems.push(...checkReference(document, path, { operation: tool.operation, variant: tool.variant }))
  }
  if (problems.length > 0) return problems
  if (own && tool.variant !== undefined) {
    problems.push(problemAt([...path, 'variant'], 'a variant', "no variant beside a price of the tool's own"))
  }
  if (tool.price !== undefined) problems.push(...checkPrice([...path, 'price'], tool.price))
  return [
    ...problems,
    ...checkFoundVariant(document, path, tool),
    ...checkFoundQuantity(path, tool),
    ...checkConsumption(document, path, tool),
  ]
}

function otherFields(tool: ToolDocument, known: readonly string[]): string[] {
  return Object.keys(tool).filter((field) => !known.includes(field))
}

function checkFoundVariant(
  document: CatalogDocument,
  path: Path,
  { operation, variant }: ToolDocument,
): CatalogProblem[] {
  if (operation === undefined || typeof variant !== 'object') return []
  const variants = Object.keys(document.operations[operation]?.variants ?? {})
  if (variants.length === 0) return [problemAt([...path, 'variant'], 'a pointer', 'no variant: the operation has none')]
  const named = [
    ...(variant.default === undefined ? [] : [{ at: ['default'], id: variant.default }]),
    ...Object.entries(variant.map ?? {}).map(([key, id]) => ({ at: ['map', key], id })),
  ]
  return named
    .filter(({ id }) => !variants.includes(id))
    .map(({ at, id }) =>
      problemAt([...path, 'variant', ...at], describeValue(id), oneOf(variants, 'a variant of the operation')),
    )
}

/** What only the result tells has to be bounded before the call, or nothing could be reserved for it. */
function checkFoundQuantity(path: Path, { quantity }: ToolDocument): CatalogProblem[] {
  if (typeof quantity !== 'object') return []
  if (quantity.from === 'arguments') {
    return quantity.at_most === undefined
      ? []
      : [
          problemAt(
            [...path, 'quantity', 'at_most'],
            describeValue(quantity.at_most),
            'no such field: the arguments are known before the call',
          ),
        ]
  }
  return quantity.at_most === undefined
    ? [problemAt([...path, 'quantity', 'at_most'], 'nothing', 'the quantity to reserve before the result is known')]
    : []
}

function checkConsumption(document: CatalogDocument, path: Path, tool: ToolDocument): CatalogProblem[] {
  const prices = tool.price !== undefined ? [tool.price] : tool.credits !== undefined ? [] : pricesOf(document, tool)
  const problems: CatalogProblem[] = []
  const passedThrough = prices.filter((price) => price.model === 'pass_through')
  if (tool.actual !== undefined && !prices.some((price) => price.model === 'range' || price.model === 'pass_through')) {
    problems.push(
      problemAt(
        [...path, 'actual'],
        'a pointer',
        'no such field: only a range or pass_through price has an actual cost',
      ),
    )
  }
  if (tool.usage !== undefined && passedThrough.length === 0) {
    problems.push(problemAt([...path, 'usage'], 'pointers', 'no such field: only a pass_through price has a usage'))
  }
  for (const component of Object.keys(tool.usage ?? {})) {
    const rates = passedThrough.flatMap((price) => Object.keys(price.rates))
    if (passedThrough.length > 0 && !rates.includes(component)) {
      problems.push(problemAt([...path, 'usage', component], 'a component', oneOf(rates)))
    }
  }
  if (tool.usage !== undefined && tool.actual !== undefined) {
    problems.push(problemAt(path, 'usage and actual', 'one of them'))
  }
  if (passedThrough.some((price) => price.typical === undefined)) {
    problems.push(
      problemAt(path, 'a price by usage alone', 'a price with `typical`: something has to be reserved before the call'),
    )
  }
  return problems
}

/** Every price that a call of the tool (or a post) may have, whichever variant its arguments choose. */
function pricesOf(
  document: CatalogDocument,
  { operation = '', variant }: Pick<ToolDocument, 'operation' | 'variant'>,
): PriceDocument[] {
  const target = document.operations[operation]
  const variants = Object.entries(target?.variants ?? {})
  if (variants.length === 0) return target?.price === undefined ? [] : [target.price]
  const named = typeof variant === 'string' ? variant : variant === undefined ? target?.default_variant : undefined
  return variants
    .filter(([id]) => named === undefined || id === named)
    .flatMap(([, { price = target?.price }]) => (price === undefined ? [] : [price]))
}

function checkCategories({ categories, operations }: CatalogDocument): CatalogProblem[] {
  if (categories === undefined) return []
  const ids = categories.map(({ id }) => id)
  const twice = ids.flatMap((id, index) =>
    ids.indexOf(id) === index
      ? []
      : [problemAt(['categories', String(index), 'id'], describeValue(id), 'an id that no category before it has')],
  )
  const unknown = Object.entries(operations).flatMap(([id, operation]) => {
    const category = operation.category ?? firstSegment(id)
    return ids.includes(category)
      ? []
      : [problemAt(['operations', id, 'category'], describeValue(category), oneOf(ids))]
  })
  return [...twice, ...unknown]
}

function checkPlans({ plans = {}, default_plan: chosen }: CatalogDocument): CatalogProblem[] {
  const ids = Object.keys(plans)
  const noDefault =
    chosen === undefined || chosen === null || ids.includes(chosen)
      ? []
      : [problemAt(['default_plan'], describeValue(chosen), oneOf(ids, 'a plan, or null'))]
  return noDefault
}

function checkThresholds({ thresholds = [] }: CatalogDocument): CatalogProblem[] {
  return thresholds.flatMap(({ kind, value }, index) =>
    kind === 'percent_of_period' && parseCredits(value, 'value') > parseCredits('100', 'value')
      ? [problemAt(['thresholds', String(index), 'value'], describeValue(value), 'a percentage of at most "100"')]
      : [],
  )
}

/** Whether there is something to buy is said once: by the packs. */
function checkPurchases({ packs = {}, purchases }: CatalogDocument): CatalogProblem[] {
  if (purchases === undefined) return []
  const { self_service: found } = purchases
  const hasPacks = Object.keys(packs).length > 0
  if (hasPacks === (found !== 'none')) return []
  return [
    problemAt(
      ['purchases', 'self_service'],
      describeValue(found),
      hasPacks ? '"enabled" or "hidden", or no packs' : '"none", or packs that can be bought',
    ),
  ]
}

/** A price that does not count its quantity would make a hundred posts cost as much as one. */
function checkCampaign(document: CatalogDocument): CatalogProblem[] {
  return Object.entries(document.campaign?.complexities ?? {}).flatMap(([name, post]) => {
    if (post === undefined) return []
    const path = ['campaign', 'complexities', name]
    const problems = checkReference(document, path, post)
    if (problems.length > 0) return problems
    return pricesOf(document, post)
      .filter((price) => !countsQuantity(priceFromDocument(price)))
      .map(({ model }) =>
        problemAt(
          path,
          `an operation whose price is ${model === 'range' ? 'a range for the whole job' : model}`,
          'a price that counts posts: per_unit, tiered, or range with `per_unit: true`',
        ),
      )
  })
}

/** How many ids a problem lists before it stops. */
const LISTED = 12

function oneOf(ids: readonly string[], otherwise = 'something that this catalog has'): string {
  if (ids.length === 0) return `${otherwise}; it has none`
  return `one of ${ids.slice(0, LISTED).join(', ')}${ids.length > LISTED ? ', …' : ''}`
}
