import { type Catalog, type Offer, offerOf, type Operation, TOOL_OPERATION } from './catalog.js'
import { isDearerOffer, isHigherRate } from './is-dearer.js'
import type { Price } from './price.js'
import type { CatalogDocument, OperationDocument } from './schema.js'

/** One place where two catalogs differ. A side on which nothing stands is undefined. */
export interface Difference {
  readonly path: string
  readonly before: unknown
  readonly after: unknown
  /** Whether somebody could pay more by it, so that the notice period holds. */
  readonly increase: boolean
}

/** How `after` differs from `before`, path by path in the documents, price increases marked. Empty for the same content. */
export function difference(before: Catalog, after: Catalog): readonly Difference[] {
  const documents = { before: documentOf(before), after: documentOf(after) }
  const increases = [
    ...Object.values(before.operations).flatMap((former) =>
      increasedOperation(former, after.operations[former.id], documents.after),
    ),
    ...increasedTools({ catalog: before, document: documents.before }, { catalog: after, document: documents.after }),
    ...increasedItems(before, after),
  ]
  return walk(documents.before, documents.after, []).map(({ path, ...sides }) => ({
    path: path.join('/'),
    ...sides,
    increase: increases.some((increase) => isWithin(path, increase) || isWithin(increase, path)),
  }))
}

function documentOf({ source }: Catalog): CatalogDocument {
  return JSON.parse(source) as CatalogDocument
}

interface Change {
  readonly path: readonly string[]
  readonly before: unknown
  readonly after: unknown
}

function walk(before: unknown, after: unknown, path: readonly string[]): Change[] {
  if (isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
    return keys.flatMap((key) => walk(own(before, key), own(after, key), [...path, key]))
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }]
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function own<Value>(value: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined
}

type Path = readonly string[]

/** The fields of an operation and of a variant that make what it costs. */
const OFFER_FIELDS = ['price', 'surcharges'] as const

/**
 * The paths below which a change raises a price. An operation whose surcharge refers to a price that rose has no
 * change of its own: the change is marked where it stands, at the price referred to.
 */
function increasedOperation(former: Operation, operation: Operation | undefined, document: CatalogDocument): Path[] {
  if (operation === undefined) return []
  if (operation.id === TOOL_OPERATION) return isDearerFor(null, former, operation) ? [['default_tool_price']] : []
  const path = ['operations', operation.id]
  const dearer = Object.keys(operation.variants).filter((variant) => isDearerFor(variant, former, operation))
  return [
    // A failure by one's own fault that used to cost nothing costs its price now.
    ...(operation.chargeOnFault.some((fault) => !former.chargeOnFault.includes(fault))
      ? [[...path, 'charge_on_fault']]
      : []),
    ...(isDearerFor(null, former, operation) ? unnamedPaths(path, former, operation) : []),
    ...dearer.flatMap((variant) => variantPaths(path, variant, own(document.operations, operation.id))),
  ]
}

function isDearerFor(variant: string | null, former: Operation, operation: Operation): boolean {
  const before = offerOf(former, variant)
  const after = offerOf(operation, variant)
  return before !== undefined && after !== undefined && isDearerOffer(before, after)
}

/** What makes a request without a variant dearer: the one price, or another default among the variants. */
function unnamedPaths(path: Path, former: Operation, operation: Operation): Path[] {
  const fields = operation.offer !== null ? OFFER_FIELDS : former.offer !== null ? [...OFFER_FIELDS, 'variants'] : []
  return [[...path, 'default_variant'], ...fields.map((field) => [...path, field])]
}

/** A variant's figures stand at the variant or, where it has none, at its operation. */
function variantPaths(path: Path, variant: string, operation: OperationDocument | undefined): Path[] {
  return OFFER_FIELDS.flatMap((field): Path[] => {
    const at = [...path, 'variants', variant, field]
    return operation?.variants?.[variant]?.[field] === undefined ? [at, [...path, field]] : [at]
  })
}

interface Side {
  readonly catalog: Catalog
  readonly document: CatalogDocument
}

function increasedTools(before: Side, after: Side): Path[] {
  const names = new Set([...Object.keys(before.catalog.tools), ...Object.keys(after.catalog.tools)])
  return [...names].filter((name) => isDearerTool(before, after, name)).map((name) => ['tools', name])
}

/** A tool that was refused before was paid by nobody; one that is refused now costs nobody anything. */
function isDearerTool(before: Side, after: Side, name: string): boolean {
  const [former, latter] = [before, after].map(({ document }) => JSON.stringify(own(document.tools ?? {}, name)))
  if (former === latter) return false
  const prices = toolPrices(before.catalog, name)
  return toolPrices(after.catalog, name).some((price) => prices.some((one) => isDearerOffer(one, price)))
}

function toolPrices(catalog: Catalog, name: string): readonly Offer[] {
  const mapping = catalog.tools[name]
  if (mapping === undefined) {
    return catalog.defaultToolPrice === null ? [] : [offerAt({ model: 'flat', credits: catalog.defaultToolPrice })]
  }
  if (mapping.kind === 'free') return [offerAt({ model: 'flat', credits: 0n })]
  if (mapping.price !== null) return [offerAt(mapping.price)]
  const operation = catalog.operations[mapping.operation]
  if (operation === undefined) return []
  const variants =
    typeof mapping.variant === 'object' && mapping.variant !== null
      ? Object.keys(operation.variants)
      : [mapping.variant]
  return variants.flatMap((variant) => offerOf(operation, variant) ?? [])
}

/** What is kept already is dearer from then on; an item that is new is kept by nobody yet. */
function increasedItems(before: Catalog, after: Catalog): Path[] {
  return Object.values(after.recurringItems)
    .filter(({ id, pricePerUnitHour }) => {
      const former = before.recurringItems[id]
      return former !== undefined && isHigherRate(former.pricePerUnitHour, pricePerUnitHour)
    })
    .map(({ id }) => ['recurring_items', id, 'price_per_unit_hour'])
}

function offerAt(price: Price): Offer {
  return { price, requiresPlan: [], surcharges: [], capabilities: {} }
}

/** A change of a whole, such as `tools` that were not there before, holds the increases in it. */
function isWithin(path: Path, whole: Path): boolean {
  return whole.every((segment, index) => path[index] === segment)
}
