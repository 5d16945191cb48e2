import { type CatalogDocument, micro, type OperationDocument, type PriceDocument } from './reference-catalog.js'

export { micro } from './reference-catalog.js'

export interface Refusal {
  readonly code: string
}

/** One line of a price: what it costs at least and at most, and by what that is known. */
export interface Line {
  readonly price: PriceDocument
  readonly quantity: number
  readonly hasOwnQuantity: boolean
  readonly minimum: bigint
  readonly maximum: bigint
  readonly isExact: boolean
}

export interface Quoted {
  readonly lines: readonly Line[]
  readonly minimum: bigint
  readonly maximum: bigint
  readonly isExact: boolean
  readonly plans: readonly string[]
  readonly variant: string | null
}

type Usage = Readonly<Record<string, number>>

export interface Asked {
  readonly operation: string
  readonly variant?: string | undefined
  readonly quantity?: number | undefined
  readonly usage?: Usage | undefined
  readonly actual?: number | undefined
}

/** What an operation costs by its catalog's document, each line rounded up once. */
export function quoted(catalog: CatalogDocument, { operation, variant, quantity = 1, usage, actual }: Asked): Quoted | Refusal {
  const known = catalog.operations[operation]
  if (known === undefined) return { code: 'unknown_operation' }
  const chosen = variant ?? known.default_variant ?? null
  const offer = known.variants === undefined ? (variant === undefined ? known : undefined) : known.variants[chosen ?? '']
  if (offer === undefined) return { code: 'unknown_variant' }
  if (usage !== undefined && actual !== undefined) return { code: 'invalid_request' }
  const surcharges = (offer.surcharges ?? known.surcharges ?? []).map((surcharge) => ({
    price: surcharge.price ?? priceOf(catalog.operations[surcharge.operation ?? ''], surcharge.variant),
    quantity: surcharge.quantity ?? quantity,
    hasOwnQuantity: surcharge.quantity !== undefined,
  }))
  const own = { price: (offer.price ?? known.price) as PriceDocument, quantity, hasOwnQuantity: false }
  const lines = linesOf([own, ...surcharges], usage, actual === undefined ? undefined : micro(actual))
  if ('code' in lines) return lines
  const price = summed(lines, offer.requires_plan ?? known.requires_plan ?? [], known.variants === undefined ? null : chosen)
  if (actual === undefined) return price
  if (price.isExact) return { code: 'invalid_request' }
  const amount = clampedActual(price, micro(actual))
  return { ...price, minimum: amount, maximum: amount, isExact: true }
}

/** Whether it costs nothing whatever is asked for; what only comes to nothing for a quantity of 0 does not. */
export function isFree({ lines, plans }: Quoted): boolean {
  return plans.length === 0 && lines.every(({ price }) => dearestOf(price) === 0)
}

/** The dearest figure of a price; what is known by its use has none beforehand. */
function dearestOf(price: PriceDocument): number {
  if (price.model === 'pass_through') return Infinity
  if (price.model === 'range') return Number(price.maximum)
  return price.model === 'tiered' ? Math.max(...price.tiers.map(({ credits }) => Number(credits))) : Number(price.credits)
}

function priceOf(operation: OperationDocument | undefined, variant: string | undefined): PriceDocument {
  const chosen = variant ?? operation?.default_variant
  return ((chosen === undefined ? undefined : operation?.variants?.[chosen]?.price) ?? operation?.price) as PriceDocument
}

function summed(lines: readonly Line[], plans: readonly string[], variant: string | null): Quoted {
  const minimum = lines.reduce((sum, line) => sum + line.minimum, 0n)
  const maximum = lines.reduce((sum, line) => sum + line.maximum, 0n)
  return { lines, minimum, maximum, isExact: lines.every((line) => line.isExact), plans, variant }
}

function linesOf(asked: readonly Pick<Line, 'price' | 'quantity' | 'hasOwnQuantity'>[], usage: Usage | undefined, upTo: bigint | undefined): readonly Line[] | Refusal {
  if (usage !== undefined && !asked.some(({ price }) => price.model === 'pass_through')) return { code: 'invalid_request' }
  const lines: Line[] = []
  for (const line of asked) {
    const cost = costOf(line.price, line.quantity, usage)
    if (!('code' in cost)) lines.push({ ...line, ...cost, isExact: !('isOpen' in cost) })
    else if (upTo !== undefined) lines.push({ ...line, minimum: 0n, maximum: upTo, isExact: false })
    else return cost
  }
  return lines
}

type Cost = { readonly minimum: bigint; readonly maximum: bigint; readonly isOpen?: true } | Refusal

function costOf(price: PriceDocument, quantity: number, usage: Usage | undefined): Cost {
  switch (price.model) {
    case 'flat':
      return exactly(micro(price.credits))
    case 'per_unit': {
      const least = price.minimum !== undefined && price.minimum > quantity ? micro(price.minimum) : micro(quantity)
      const step = price.increment === undefined ? 1n : micro(price.increment)
      return exactly(upwards(upwards(least, step) * step * micro(price.credits), 1_000_000n * BigInt(price.per ?? 1)))
    }
    case 'tiered':
      return exactly(tiered(price, micro(quantity)))
    case 'range': {
      const times = price.per_unit === true ? micro(quantity) : 1_000_000n
      const [minimum, maximum] = [price.minimum, price.maximum].map((credits) => upwards(micro(credits) * times, 1_000_000n)) as [bigint, bigint]
      return minimum === maximum ? { minimum, maximum } : { minimum, maximum, isOpen: true }
    }
    case 'pass_through':
      return passedThrough(price, usage)
  }
}

function tiered({ mode, per = 1, tiers }: Extract<PriceDocument, { model: 'tiered' }>, quantity: bigint): bigint {
  const whole = 1_000_000n * BigInt(per)
  if (mode === 'volume') {
    const reached = tiers.find(({ up_to: end }) => end === null || quantity <= micro(end))
    return upwards(quantity * micro(reached?.credits ?? '0'), whole)
  }
  let below = 0n
  let sum = 0n
  for (const { up_to: end, credits } of tiers) {
    const until = end === null || quantity < micro(end) ? quantity : micro(end)
    if (until > below) sum += (until - below) * micro(credits)
    below = until
  }
  return upwards(sum, whole)
}

function passedThrough({ rates, typical }: Extract<PriceDocument, { model: 'pass_through' }>, usage: Usage | undefined): Cost {
  if (usage === undefined) return typical === undefined ? { code: 'invalid_request' } : { minimum: micro(typical.minimum), maximum: micro(typical.maximum), isOpen: true }
  let sum = 0n
  let known = 0
  // Over one denominator, so that the one rounding comes at the end.
  const common = Object.values(rates).reduce((product, rate) => product * BigInt(rate.per ?? 1), 1n)
  for (const [component, used] of Object.entries(usage)) {
    const rate = rates[component]
    if (rate === undefined && used > 0) return { code: 'price_unknown' }
    if (rate === undefined) continue
    known += 1
    sum += (micro(used) * micro(rate.credits) * common) / BigInt(rate.per ?? 1)
  }
  return known === 0 ? { code: 'invalid_request' } : exactly(upwards(sum, 1_000_000n * common))
}

function exactly(amount: bigint): Cost {
  return { minimum: amount, maximum: amount }
}

export function upwards(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator
}

/** An actual within what the price allows: never below what is sure, above a range only where that is no promise. */
function clampedActual({ lines, isExact, maximum }: Quoted, actual: bigint): bigint {
  if (isExact) return actual
  const least = lines.reduce((sum, line) => sum + (line.price.model === 'pass_through' && !line.isExact ? 0n : line.minimum), 0n)
  if (actual < least) return least
  const isPromise = lines.every((line) => line.isExact || (line.price.model === 'range' && line.price.hard === true))
  return isPromise && actual > maximum ? maximum : actual
}

/** What ends up to be charged for a price that was set aside. */
export function settledPrice(price: Quoted, { actual, quantity, usage }: Pick<Asked, 'actual' | 'quantity' | 'usage'>): bigint | Refusal {
  if ([actual, quantity, usage].filter((given) => given !== undefined).length > 1) return { code: 'invalid_request' }
  if (actual !== undefined) return clampedActual(price, micro(actual))
  if (quantity === undefined && usage === undefined) return price.maximum
  const again = linesOf(price.lines.map((line) => (line.hasOwnQuantity || quantity === undefined ? line : { ...line, quantity })), usage, undefined)
  if ('code' in again) return again
  const sums = summed(again, price.plans, price.variant)
  return sums.isExact ? sums.maximum : { code: 'invalid_request' }
}
