import { AMOUNT_MAX, type MicroCredits, parseCredits } from '../money/credits.js'
import { parseUsd } from '../money/fiat.js'
import { canonicalJson } from './canonical-json.js'
import {
  type CamelCase,
  type Campaign,
  type Catalog,
  type Category,
  type Found,
  type Noun,
  type Offer,
  type Operation,
  type Pack,
  type Plan,
  type RecurringItem,
  type Surcharge,
  type Threshold,
  TOOL_OPERATION,
  type ToolMapping,
} from './catalog.js'
import { evaluatePrice } from './evaluate-price.js'
import { hourlyRate } from './hourly-rate.js'
import { firstSegment } from './operation-category.js'
import { type Price, priceFromDocument } from './price.js'
import { TOOL_NAME } from './quote-price.js'
import type { CatalogDocument, OperationDocument } from './schema.js'
import type { TextName } from './schema-plan.js'
import type { FoundQuantityDocument, FoundVariantDocument, ToolDocument } from './schema-tool.js'

const CALL: Noun = { name: 'call', plural: 'calls' }

/** The parsed form of a document that has passed every check. */
export function buildCatalog(document: CatalogDocument): Catalog {
  const defaultToolPrice = amountOrNull(document.default_tool_price)
  const operations = Object.entries(document.operations).map(([id]) => buildOperation(document, id))
  const categories = buildCategories(document, operations)
  if (defaultToolPrice !== null) operations.push(toolOperation(defaultToolPrice))
  return {
    id: document.id,
    name: document.name,
    description: document.description ?? null,
    unit: {
      name: document.unit.name,
      plural: document.unit.plural,
      creditUsd: document.unit.credit_usd === null ? null : parseUsd(document.unit.credit_usd, 'credit_usd'),
    },
    priceIncreaseNoticeDays: document.price_increase_notice_days,
    categories,
    operations: byId(operations.sort(inOrderOf(categories))),
    tools: record(
      Object.entries(document.tools ?? {})
        .sort(([a], [b]) => compareText(a, b))
        .map(([name, tool]) => [name, buildTool(tool)]),
    ),
    defaultToolPrice,
    plans: byId(
      Object.entries(document.plans ?? {})
        .map(([id, plan]) => buildPlan(id, plan, document.default_plan ?? null))
        .sort(byHeight),
    ),
    defaultPlan: document.default_plan ?? null,
    packs: byId(
      Object.entries(document.packs ?? {})
        .map(([id, pack]) => buildPack(id, pack))
        .sort(byPrice),
    ),
    selfService: document.purchases?.self_service ?? (hasPacks(document) ? 'enabled' : 'none'),
    recurringItems: byId(
      Object.entries(document.recurring_items ?? {})
        .sort(([a], [b]) => compareText(a, b))
        .map(([id, item]) => buildRecurringItem(id, item)),
    ),
    campaign: document.campaign === undefined ? null : buildCampaign(document.campaign),
    thresholds: (document.thresholds ?? []).map(buildThreshold),
    texts: Object.fromEntries(
      Object.entries(document.texts ?? {}).map(([name, text]) => [camelCase(name as TextName), text]),
    ) as Catalog['texts'],
    source: canonicalJson(document),
  }
}

function buildOperation(document: CatalogDocument, id: string): Operation {
  const operation = document.operations[id] as OperationDocument
  const variants = Object.entries(operation.variants ?? {}).map(([variantId, variant]) => ({
    id: variantId,
    name: variant.name,
    ...buildOffer(document, id, variantId),
  }))
  const { variant, quantity } = operation.arguments ?? {}
  return {
    id,
    name: operation.name,
    description: operation.description ?? null,
    category: operation.category ?? firstSegment(id),
    unit: operation.unit ?? CALL,
    offer: variants.length === 0 ? buildOffer(document, id, null) : null,
    variants: byId(variants.sort(byMaximum)),
    defaultVariant: operation.default_variant ?? null,
    arguments: {
      variant: variant === undefined ? null : buildFound<string>({ from: 'arguments', ...variant }),
      quantity: quantity === undefined ? null : buildFound<number>({ from: 'arguments', ...quantity }),
    },
    chargeOnFault: operation.charge_on_fault ?? [],
    reserveSeconds: operation.reserve_seconds ?? null,
  }
}

/** What a variant does not say, its operation says. */
function buildOffer(document: CatalogDocument, id: string, variantId: string | null): Offer {
  const operation = document.operations[id] as OperationDocument
  const variant = variantId === null ? undefined : operation.variants?.[variantId]
  const price = variant?.price ?? operation.price
  if (price === undefined) throw new Error(`${id} was checked to have a price`)
  return {
    price: priceFromDocument(price),
    requiresPlan: variant?.requires_plan ?? operation.requires_plan ?? [],
    surcharges: (variant?.surcharges ?? operation.surcharges ?? []).flatMap((surcharge): Surcharge[] => {
      const quantity = surcharge.quantity ?? null
      if (surcharge.price !== undefined) {
        return [
          {
            name: surcharge.name,
            operation: id,
            variant: variantId,
            price: priceFromDocument(surcharge.price),
            quantity,
          },
        ]
      }
      const target = surcharge.operation as string
      const chosen = surcharge.variant ?? document.operations[target]?.default_variant ?? null
      const offer = buildOffer(document, target, chosen)
      // A fixed quantity holds for what comes with the surcharge too, unless that has a fixed one itself.
      const further = offer.surcharges.map((line) => ({ ...line, quantity: line.quantity ?? quantity }))
      return [{ name: surcharge.name, operation: target, variant: chosen, price: offer.price, quantity }, ...further]
    }),
    capabilities: variant?.capabilities ?? operation.capabilities ?? {},
  }
}

/** What calls are recorded as whose tool has no operation, listed where there is a default price for them. */
function toolOperation(credits: MicroCredits): Operation {
  const offer: Offer = {
    price: { model: 'per_unit', rate: { amount: credits, per: 1 }, increment: null, minimum: null },
    requiresPlan: [],
    surcharges: [],
    capabilities: {},
  }
  return {
    id: TOOL_OPERATION,
    name: TOOL_NAME,
    description: 'A call of an upstream tool that has no price of its own',
    category: firstSegment(TOOL_OPERATION),
    unit: CALL,
    offer,
    variants: record([]),
    defaultVariant: null,
    arguments: { variant: null, quantity: null },
    chargeOnFault: [],
    reserveSeconds: null,
  }
}

function buildCategories({ categories }: CatalogDocument, operations: readonly Operation[]): readonly Category[] {
  if (categories !== undefined) return categories
  const ids = [...new Set(operations.map((operation) => operation.category))].sort(compareText)
  return ids.map((id) => ({ id, name: titled(id) }))
}

function titled(id: string): string {
  const words = id.replaceAll(/[._-]/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function buildTool(tool: ToolDocument): ToolMapping {
  if (tool.free === true) return { kind: 'free' }
  const own: Price | null =
    tool.credits !== undefined
      ? { model: 'flat', credits: amount(tool.credits) }
      : tool.price === undefined
        ? null
        : priceFromDocument(tool.price)
  const { variant, quantity } = tool
  return {
    kind: 'priced',
    operation: tool.operation ?? TOOL_OPERATION,
    price: own,
    variant: variant === undefined ? null : typeof variant === 'string' ? variant : buildFound<string>(variant),
    quantity: quantity === undefined ? 1 : typeof quantity === 'number' ? quantity : buildFound<number>(quantity),
    usage:
      tool.usage === undefined
        ? null
        : record(
            Object.entries(tool.usage).map(([name, { pointer, default: otherwise }]) => [
              name,
              { pointer, default: otherwise ?? null },
            ]),
          ),
    actual: tool.actual ?? null,
  }
}

function buildFound<Value>(found: FoundDocument<Value>): Found<Value> {
  return {
    from: found.from,
    pointer: found.pointer,
    default: found.default ?? null,
    map: found.map === undefined ? null : record(Object.entries(found.map)),
    count: found.count ?? false,
    atMost: found.at_most ?? null,
  }
}

/** What {@link FoundVariantDocument} and {@link FoundQuantityDocument} have in common. */
interface FoundDocument<Value> extends Omit<Partial<FoundQuantityDocument>, 'from' | 'pointer' | 'default' | 'map'> {
  readonly from: FoundVariantDocument['from'] | FoundQuantityDocument['from']
  readonly pointer: string
  readonly default?: Value | undefined
  readonly map?: Record<string, Value> | undefined
}

function buildPlan(id: string, plan: NonNullable<CatalogDocument['plans']>[string], defaultPlan: string | null): Plan {
  const { sign_up: signUp, purchase, renewal } = plan.grants ?? {}
  const price = plan.price_usd === null ? null : parseUsd(plan.price_usd, 'price_usd')
  const trial = plan.trial ?? false
  return {
    id,
    name: plan.name,
    monthlyCredits: amountOrNull(plan.monthly_credits),
    price,
    rollover:
      plan.rollover.kind === 'capped'
        ? { kind: 'capped', cap: amount(plan.rollover.cap) }
        : { kind: plan.rollover.kind },
    grants: {
      signUp: amountOrNull(signUp?.credits) ?? 0n,
      purchase: amountOrNull(purchase?.credits) ?? 0n,
      renewal: amountOrNull(renewal?.credits) ?? 0n,
    },
    trial,
    isPaid: !trial && (price === null ? id !== defaultPlan : price.millionths > 0),
    spendingCap:
      plan.spending_cap === undefined
        ? null
        : { credits: amount(plan.spending_cap.credits), window: plan.spending_cap.window },
    entitlements: record(Object.entries(plan.entitlements ?? {})),
  }
}

function buildPack(id: string, pack: NonNullable<CatalogDocument['packs']>[string]): Pack {
  const parts = pack.parts.map(({ kind, credits }) => ({ kind, credits: amount(credits) }))
  const credits = parts.reduce((sum, part) => sum + part.credits, 0n)
  const refund =
    pack.refund === undefined
      ? null
      : { days: pack.refund.days ?? null, maxUsedPercent: pack.refund.max_used_percent ?? null }
  const price = parseUsd(pack.price_usd, 'price_usd')
  return { id, name: pack.name, price, parts, credits, expiry: pack.expiry, refund }
}

function buildRecurringItem(
  id: string,
  { name, unit, price_per_unit_hour: price }: NonNullable<CatalogDocument['recurring_items']>[string],
): RecurringItem {
  return { id, name, unit, pricePerUnitHour: hourlyRate(price) }
}

function buildCampaign({ complexities }: NonNullable<CatalogDocument['campaign']>): Campaign {
  return {
    complexities: record(
      Object.entries(complexities).flatMap(([name, post]) =>
        post === undefined ? [] : [[name, { operation: post.operation, variant: post.variant ?? null }] as const],
      ),
    ),
  }
}

function buildThreshold(threshold: NonNullable<CatalogDocument['thresholds']>[number]): Threshold {
  const { kind, level, value, when, event } = threshold
  return {
    level,
    when: when ?? 'at_or_below',
    limit: kind === 'absolute' ? { kind, credits: amount(value) } : { kind, percent: Number(value) },
    event: event ?? null,
  }
}

/** Categories in their order, operations by id within one. */
function inOrderOf(categories: readonly Category[]): (a: Operation, b: Operation) => number {
  const rank = new Map(categories.map(({ id }, index) => [id, index]))
  const of = (operation: Operation) => rank.get(operation.category) ?? categories.length
  return (a, b) => of(a) - of(b) || compareText(a.id, b.id)
}

/** Cheapest first, because that is the order in which people and agents compare. */
function byMaximum(a: Offer & { readonly id: string }, b: Offer & { readonly id: string }): number {
  const difference = oneUnit(a) - oneUnit(b)
  return difference < 0n ? -1 : difference > 0n ? 1 : compareText(a.id, b.id)
}

/** What one unit costs at most, its surcharges included; dearest where that is not known before. */
function oneUnit(offer: Offer): MicroCredits {
  return [offer, ...offer.surcharges]
    .map(({ price }) => evaluatePrice(price, 1, null))
    .map((line) => (line.kind === 'exact' ? line.amount : line.kind === 'between' ? line.maximum : AMOUNT_MAX))
    .reduce((sum, line) => sum + line, 0n)
}

/** From the free plan up to the one that is agreed per customer. */
function byHeight(a: Plan, b: Plan): number {
  const price = (plan: Plan) => plan.price?.millionths ?? Infinity
  const credits = (plan: Plan) => Number(plan.monthlyCredits ?? AMOUNT_MAX)
  return (price(a) === price(b) ? 0 : price(a) - price(b)) || credits(a) - credits(b) || compareText(a.id, b.id)
}

function hasPacks({ packs = {} }: CatalogDocument): boolean {
  return Object.keys(packs).length > 0
}

function byPrice(a: Pack, b: Pack): number {
  return a.price.millionths - b.price.millionths || compareText(a.id, b.id)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function byId<Value extends { readonly id: string }>(values: readonly Value[]): Readonly<Record<string, Value>> {
  return record(values.map((value) => [value.id, value]))
}

/** An object without a prototype: asked for `constructor` it has none. */
function record<Value>(entries: readonly (readonly [string, Value])[]): Readonly<Record<string, Value>> {
  return Object.assign(Object.create(null) as Record<string, Value>, Object.fromEntries(entries))
}

function amount(text: string): MicroCredits {
  return parseCredits(text, 'credits')
}

function amountOrNull(text: string | null | undefined): MicroCredits | null {
  return text === null || text === undefined ? null : amount(text)
}

function camelCase<Name extends string>(name: Name): CamelCase<Name> {
  return name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()) as CamelCase<Name>
}
