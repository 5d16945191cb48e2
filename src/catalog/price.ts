import { formatCredits, type MicroCredits, parseCredits } from '../money/credits.js'
import type { Rate } from '../money/rate.js'
import type { PriceDocument } from './schema-price.js'

/** A price as the code reckons with it; the document's form is {@link PriceDocument}. */
export type Price =
  | { readonly model: 'flat'; readonly credits: MicroCredits }
  | {
      readonly model: 'per_unit'
      readonly rate: Rate
      readonly increment: number | null
      readonly minimum: number | null
    }
  | { readonly model: 'tiered'; readonly mode: 'graduated' | 'volume'; readonly tiers: readonly Tier[] }
  | {
      readonly model: 'range'
      readonly minimum: MicroCredits
      readonly maximum: MicroCredits
      readonly perUnit: boolean
      /** The maximum is a promise rather than an expectation. */
      readonly hard: boolean
    }
  | { readonly model: 'pass_through'; readonly rates: Readonly<Record<string, Rate>>; readonly typical: Typical | null }

export interface Tier {
  /** The last quantity in this tier; null for the last tier. */
  readonly upTo: number | null
  readonly rate: Rate
}

export interface Typical {
  readonly minimum: MicroCredits
  readonly maximum: MicroCredits
}

/** A checked price document as a price. */
export function priceFromDocument(document: PriceDocument): Price {
  switch (document.model) {
    case 'flat':
      return { model: 'flat', credits: read(document.credits) }
    case 'per_unit':
      return {
        model: 'per_unit',
        rate: rate(document.credits, document.per),
        increment: document.increment ?? null,
        minimum: document.minimum ?? null,
      }
    case 'tiered':
      return {
        model: 'tiered',
        mode: document.mode,
        tiers: document.tiers.map((tier) => ({ upTo: tier.up_to, rate: rate(tier.credits, document.per) })),
      }
    case 'range':
      return {
        model: 'range',
        minimum: read(document.minimum),
        maximum: read(document.maximum),
        perUnit: document.per_unit ?? false,
        hard: document.hard ?? false,
      }
    case 'pass_through':
      return {
        model: 'pass_through',
        rates: Object.fromEntries(
          Object.entries(document.rates).map(([name, { credits, per }]) => [name, rate(credits, per)]),
        ),
        typical:
          document.typical === undefined
            ? null
            : { minimum: read(document.typical.minimum), maximum: read(document.typical.maximum) },
      }
  }
}

/** The inverse of {@link priceFromDocument}, for a snapshot that outlives the catalog. */
export function priceToDocument(price: Price): PriceDocument {
  switch (price.model) {
    case 'flat':
      return { model: 'flat', credits: formatCredits(price.credits) }
    case 'per_unit':
      return {
        model: 'per_unit',
        ...rateDocument(price.rate),
        ...(price.increment === null ? {} : { increment: price.increment }),
        ...(price.minimum === null ? {} : { minimum: price.minimum }),
      }
    case 'tiered':
      return {
        model: 'tiered',
        mode: price.mode,
        per: price.tiers[0]?.rate.per ?? 1,
        tiers: price.tiers.map((tier) => ({ up_to: tier.upTo, credits: formatCredits(tier.rate.amount) })),
      }
    case 'range':
      return {
        model: 'range',
        minimum: formatCredits(price.minimum),
        maximum: formatCredits(price.maximum),
        per_unit: price.perUnit,
        hard: price.hard,
      }
    case 'pass_through':
      return {
        model: 'pass_through',
        rates: Object.fromEntries(Object.entries(price.rates).map(([name, value]) => [name, rateDocument(value)])),
        ...(price.typical === null
          ? {}
          : {
              typical: { minimum: formatCredits(price.typical.minimum), maximum: formatCredits(price.typical.maximum) },
            }),
      }
  }
}

/** Whether twice the quantity is a price of its own. Otherwise the price is for a job, and two jobs are paid twice. */
export function countsQuantity(price: Price): boolean {
  return price.model === 'per_unit' || price.model === 'tiered' || (price.model === 'range' && price.perUnit)
}

/**
 * Whether a price is nothing whatever it is asked for: what the catalog calls free (WC-05). A price that only comes to
 * nothing for a quantity of 0 is none of these, and neither is one that is known by what was used: at rates of zero too an
 * actual cost can be told for it, and is charged.
 */
export function isFreePrice(price: Price): boolean {
  switch (price.model) {
    case 'flat':
      return price.credits === 0n
    case 'per_unit':
      return price.rate.amount === 0n
    case 'tiered':
      return price.tiers.every(({ rate }) => rate.amount === 0n)
    case 'range':
      return price.maximum === 0n
    case 'pass_through':
      return false
  }
}

function read(text: string): MicroCredits {
  return parseCredits(text, 'credits')
}

function rate(credits: string, per: number | undefined): Rate {
  return { amount: read(credits), per: per ?? 1 }
}

function rateDocument({ amount, per }: Rate): { credits: string; per?: number } {
  return { credits: formatCredits(amount), ...(per === 1 ? {} : { per }) }
}
