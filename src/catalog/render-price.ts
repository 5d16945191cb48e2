import { formatCredits, type MicroCredits } from '../money/credits.js'
import { type Fiat, formatUsd, usdFor } from '../money/fiat.js'
import type { Rate } from '../money/rate.js'
import {
  type Catalog,
  type CatalogUnit,
  type Noun,
  type Offer,
  offerOf,
  type Operation,
  type Surcharge,
} from './catalog.js'
import type { Price, Tier } from './price.js'

/** "5 credits", "1 credit", "1,000 credits". */
export function renderCredits(amount: MicroCredits, unit: Noun): string {
  return `${grouped(amount)} ${amount === 1_000_000n ? unit.name : unit.plural}`
}

/** A price in words, dollars only where the unit fixes a rate: "5 credits a minute ($0.05)", "1 to 3 credits", "free". */
export function renderPrice(price: Price, { unit, noun }: { readonly unit: CatalogUnit; readonly noun: Noun }): string {
  switch (price.model) {
    case 'flat':
      return price.credits === 0n ? 'free' : `${renderCredits(price.credits, unit)}${inUsd([price.credits], unit)}`
    case 'per_unit':
      return price.rate.amount === 0n ? 'free' : renderPerUnit(price, unit, noun)
    case 'tiered':
      return price.tiers
        .map((tier) => renderTier(tier, { unit, noun, isOnly: price.tiers.length === 1 }))
        .join(TIER_JOINTS[price.mode])
    case 'range':
      return price.maximum === 0n
        ? 'free'
        : `${renderRange(price.minimum, price.maximum, unit)}${price.perUnit ? ` ${indefinite(noun.name)}` : ''}${inUsd([price.minimum, price.maximum], unit)}`
    case 'pass_through':
      return renderPassThrough(price, unit)
  }
}

/** What one operation or variant costs, surcharges named; null for a variant that the operation does not have. */
export function renderOperationPrice(catalog: Catalog, operation: Operation, variant: string | null): string | null {
  const offer = offerOf(operation, variant)
  return offer === undefined ? null : renderOffer(catalog, operation.unit, offer)
}

/**
 * What a call of an upstream tool costs, in words; null for a tool without a price. Where the arguments choose the
 * variant each variant's price is told.
 */
export function renderToolPrice(catalog: Catalog, tool: string): string | null {
  const mapping = catalog.tools[tool]
  if (mapping === undefined) {
    return catalog.defaultToolPrice === null
      ? null
      : renderPrice({ model: 'flat', credits: catalog.defaultToolPrice }, { unit: catalog.unit, noun: CALL })
  }
  if (mapping.kind === 'free') return 'free'
  const operation = catalog.operations[mapping.operation]
  if (mapping.price !== null) return renderPrice(mapping.price, { unit: catalog.unit, noun: operation?.unit ?? CALL })
  if (operation === undefined) return null
  if (mapping.variant === null || typeof mapping.variant === 'string') {
    return renderOperationPrice(catalog, operation, mapping.variant)
  }
  const { map } = mapping.variant
  const reachable = map === null ? null : new Set([...Object.values(map), mapping.variant.default])
  return Object.values(operation.variants)
    .filter((variant) => reachable === null || reachable.has(variant.id))
    .map((variant) => `${variant.id}: ${renderOffer(catalog, operation.unit, variant)}`)
    .join('; ')
}

const CALL: Noun = { name: 'call', plural: 'calls' }

const TIER_JOINTS = { graduated: ', then ', volume: '; for all of them ' } as const

function renderOffer({ unit, operations }: Catalog, noun: Noun, { price, surcharges }: Offer): string {
  const lines = surcharges.map((line) => `${renderSurcharge(line, unit, operations)} (${line.name})`)
  return [renderPrice(price, { unit, noun }), ...lines].join(' + ')
}

function renderSurcharge(
  { price, operation, quantity }: Surcharge,
  unit: CatalogUnit,
  operations: Catalog['operations'],
): string {
  const words = renderPrice(price, { unit, noun: operations[operation]?.unit ?? CALL })
  return quantity === null || quantity === 1 ? words : `${quantity} × ${words}`
}

function renderPerUnit(price: Extract<Price, { model: 'per_unit' }>, unit: CatalogUnit, noun: Noun): string {
  const { rate, increment, minimum } = price
  const conditions = [
    ...(increment === null
      ? []
      : [increment === 1 ? `a started ${noun.name} counts whole` : `in steps of ${counted(increment, noun)}`]),
    ...(minimum === null ? [] : [`at least ${counted(minimum, noun)}`]),
  ]
  return [`${renderRate(rate, unit, noun)}${inUsd([rate.amount], unit)}`, ...conditions].join(', ')
}

function renderRate({ amount, per }: Rate, unit: Noun, noun: Noun): string {
  return `${renderCredits(amount, unit)} ${per === 1 ? indefinite(noun.name) : `per ${counted(per, noun)}`}`
}

function renderTier(
  { upTo, rate }: Tier,
  { unit, noun, isOnly }: { unit: CatalogUnit; noun: Noun; isOnly: boolean },
): string {
  const words = `${renderRate(rate, unit, noun)}${inUsd([rate.amount], unit)}`
  if (upTo !== null) return `${words} up to ${counted(upTo, noun)}`
  return isOnly ? words : `${words} beyond`
}

function renderRange(minimum: MicroCredits, maximum: MicroCredits, unit: Noun): string {
  return minimum === maximum ? renderCredits(maximum, unit) : `${grouped(minimum)} to ${renderCredits(maximum, unit)}`
}

function renderPassThrough({ rates, typical }: Extract<Price, { model: 'pass_through' }>, unit: CatalogUnit): string {
  const components = Object.entries(rates).map(([component, rate]) => {
    const name = component.replaceAll('_', ' ')
    return `${renderRate(rate, unit, { name, plural: name })}${inUsd([rate.amount], unit)}`
  })
  if (typical === null) return components.join(' + ')
  return `${components.join(' + ')}; typically ${renderRange(typical.minimum, typical.maximum, unit)}${inUsd([typical.minimum, typical.maximum], unit)}`
}

function inUsd(amounts: readonly MicroCredits[], { creditUsd }: { readonly creditUsd: Fiat | null }): string {
  if (creditUsd === null) return ''
  return ` (${[...new Set(amounts.map((amount) => formatUsd(usdFor(amount, creditUsd))))].join(' to ')})`
}

function counted(quantity: number, noun: Noun): string {
  return `${groupedText(String(quantity))} ${quantity === 1 ? noun.name : noun.plural}`
}

function indefinite(name: string): string {
  return `${/^[aeiou]/i.test(name) ? 'an' : 'a'} ${name}`
}

function grouped(amount: MicroCredits): string {
  return groupedText(formatCredits(amount))
}

/** Thousands apart by commas, the same on every machine: no locale decides how a price reads. */
function groupedText(text: string): string {
  const [whole = '', fraction] = text.split('.')
  const groups = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')
  return fraction === undefined ? groups : `${groups}.${fraction}`
}
