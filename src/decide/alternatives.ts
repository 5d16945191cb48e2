import { unitsWithin } from '../catalog/afford.js'
import type { Catalog } from '../catalog/catalog.js'
import { type Priced, quotePrice } from '../catalog/quote-price.js'
import { isMet, requirementsOf } from '../catalog/requirement.js'
import type { Cheaper } from '../errors.js'
import type { Account } from '../ledger/account.js'
import { type MicroCredits, toCredits } from '../money/credits.js'

/** How many more calls of a tool, at the price of this one, `budget` pays for. */
export function affordableCalls(amount: MicroCredits, budget: MicroCredits): { readonly units: number } {
  return { units: budget > 0n ? Number(budget / amount) : 0 }
}

/** How many units of the same operation and variant `budget` buys; null when a unit costs nothing or has no price. */
export function affordableUnits(catalog: Catalog, priced: Priced, budget: MicroCredits): { readonly units: number } | null {
  const { operation, variant } = priced
  const units = unitsWithin(catalog, { operation, variant: variant ?? undefined, budget: budget > 0n ? budget : 0n })
  return units === null ? null : { units }
}

/** What is priced, with the arguments that a variant has to meet where they are known. */
interface Wanted {
  readonly priced: Priced
  readonly args: Readonly<Record<string, unknown>> | null
}

/** The other variants of the same operation that cost less, meet the request and that the account's plan allows, dearest saving first. */
export function cheaperVariants(catalog: Catalog, account: Account, { priced, args }: Wanted): readonly Cheaper[] {
  const operation = catalog.operations[priced.operation]
  const requirements = operation === undefined || args === null ? [] : requirementsOf(operation, args)
  const variants = Object.entries(operation?.variants ?? {})
    .filter(([, offer]) => requirements.every((requirement) => isMet(requirement, offer.capabilities)))
    .map(([variant]) => variant)
  const plan = account.subscription?.plan ?? ''
  return variants
    .filter((variant) => variant !== priced.variant)
    .map((variant) => quotePrice(catalog, { operation: priced.operation, variant, quantity: priced.quantity }))
    .filter((other) => other.kind === 'priced')
    .filter((other) => other.requiresPlan.length === 0 || other.requiresPlan.includes(plan))
    .filter((other) => other.maximum < priced.maximum)
    .map((other) => ({
      change: `variant ${other.variant}`,
      minimum: toCredits(other.minimum),
      maximum: toCredits(other.maximum),
      saves: toCredits(priced.maximum - other.maximum),
    }))
    .sort((a, b) => b.saves - a.saves)
}
