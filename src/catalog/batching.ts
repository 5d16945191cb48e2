import type { Cheaper } from '../errors.js'
import { type MicroCredits, toCredits } from '../money/credits.js'
import { type Catalog, type Operation, offerOf } from './catalog.js'
import { sumOf } from './evaluate-price.js'
import { countsQuantity } from './price.js'
import { refusingBadAmounts } from './price-problem.js'
import { type Priced, type PriceRequest, quotePrice } from './quote-price.js'

/**
 * Which calls of a plan cost less as one call with their quantities together, because a started minute, a minimum, a
 * tier or a surcharge for the whole job is then paid once (WC-12). Each comes with what the whole plan costs with it and
 * what it saves of the most the plan can cost, dearest saving first. Nothing for a plan that has no price.
 *
 * Only calls of one operation and variant whose price counts a quantity are put together: two jobs at a flat price are
 * two jobs.
 */
export function cheaperBatches(catalog: Catalog, calls: readonly PriceRequest[]): readonly Cheaper[] {
  const plan = refusingBadAmounts(() => planOf(catalog, calls))
  if (plan === null || 'kind' in plan) return []
  return [...grouped(plan.calls).values()]
    .flatMap((group): Cheaper[] => {
      const together = group.length < 2 ? null : oneCall(catalog, group)
      if (together === null) return []
      const saved = maximumOf(group) - together.maximum
      if (saved <= 0n) return []
      return [
        {
          change: `one call of ${nameOf(together)} with ${quantityOf(catalog, together)} instead of ${group.length} calls`,
          minimum: toCredits(plan.minimum - minimumOf(group) + together.minimum),
          maximum: toCredits(plan.maximum - saved),
          saves: toCredits(saved),
        },
      ]
    })
    .sort((a, b) => b.saves - a.saves)
}

interface Plan {
  readonly calls: readonly PlannedCall[]
  readonly minimum: MicroCredits
  readonly maximum: MicroCredits
}

interface PlannedCall {
  readonly priced: Priced
  /** Whether its price depends on nothing but its quantity, so that quantities can be added. */
  readonly isCounted: boolean
}

/** @throws InvalidAmount where the plan as a whole costs more than any amount. */
function planOf(catalog: Catalog, requests: readonly PriceRequest[]): Plan | null {
  const calls: PlannedCall[] = []
  for (const request of requests) {
    const priced = quotePrice(catalog, request)
    if (priced.kind === 'problem') return null
    const offer = offerOf(catalog.operations[priced.operation] as Operation, priced.variant)
    const isCounted =
      request.usage === undefined && request.actual === undefined && offer !== undefined && countsQuantity(offer.price)
    calls.push({ priced, isCounted })
  }
  const all = calls.map(({ priced }) => priced)
  return { calls, minimum: minimumOf(all), maximum: maximumOf(all) }
}

function grouped(calls: readonly PlannedCall[]): ReadonlyMap<string, readonly Priced[]> {
  const groups = new Map<string, Priced[]>()
  for (const { priced, isCounted } of calls) {
    if (!isCounted) continue
    const group = groups.get(nameOf(priced))
    if (group === undefined) groups.set(nameOf(priced), [priced])
    else group.push(priced)
  }
  return groups
}

/** Null where so much in one call has no price. */
function oneCall(catalog: Catalog, calls: readonly Priced[]): Priced | null {
  const [{ operation, variant }] = calls as readonly [Priced]
  const priced = quotePrice(catalog, { operation, variant: variant ?? undefined, quantity: totalQuantity(calls) })
  return priced.kind === 'priced' ? priced : null
}

/** Each has at most six decimals, and so has their sum; a float's own sum may not. */
function totalQuantity(calls: readonly Priced[]): number {
  return calls.reduce((sum, { quantity }) => Number((sum + quantity).toFixed(6)), 0)
}

function minimumOf(calls: readonly Priced[]): MicroCredits {
  return sumOf(calls.map(({ minimum }) => minimum))
}

function maximumOf(calls: readonly Priced[]): MicroCredits {
  return sumOf(calls.map(({ maximum }) => maximum))
}

function nameOf({ operation, variant }: Priced): string {
  return variant === null ? operation : `${operation} (${variant})`
}

function quantityOf({ operations }: Catalog, { operation, quantity }: Priced): string {
  const unit = operations[operation]?.unit
  return `${quantity} ${quantity === 1 ? unit?.name : unit?.plural}`
}
