import type { MicroCredits } from '../money/credits.js'
import { type Evaluation, evaluatePrice, sumOf, type Usage } from './evaluate-price.js'
import type { Price } from './price.js'
import { problem, type PriceProblem } from './price-problem.js'

/** One line of a price. The price itself comes along, so that a reservation settles at the price it was made at. */
export interface PricedLine {
  readonly name: string
  readonly operation: string
  readonly variant: string | null
  readonly quantity: number
  /** Null where units have no one price: tiers, ranges, what is passed through. */
  readonly unitPrice: MicroCredits | null
  readonly minimum: MicroCredits
  readonly maximum: MicroCredits
  /** Whether nothing is left to be learnt about this line. */
  readonly exact: boolean
  readonly price: Price
  /** A surcharge may have a quantity of its own, which no actual quantity of the job changes. */
  readonly hasOwnQuantity: boolean
}

/** What a job costs, in one value that needs no catalog any more: {@link priceActual}, {@link pricedToJson}. */
export interface Priced {
  readonly kind: 'priced'
  readonly operation: string
  readonly variant: string | null
  readonly quantity: number
  /** The sums of the lines. The maximum is what is reserved. */
  readonly minimum: MicroCredits
  readonly maximum: MicroCredits
  /** Whether nothing is left to be learnt: minimum and maximum are then the same. */
  readonly exact: boolean
  /** The operation's own line first, then its surcharges (ND-05). */
  readonly lines: readonly PricedLine[]
  /** Plans that may use it; empty for every plan. */
  readonly requiresPlan: readonly string[]
}

/** What is to be priced, before it is: a line without its figures. */
export type LineRequest = Pick<PricedLine, 'name' | 'operation' | 'variant' | 'price' | 'quantity' | 'hasOwnQuantity'>

/** Whose price it is, and who may have it. */
export type PricedFacts = Pick<Priced, 'operation' | 'variant' | 'quantity' | 'requiresPlan'>

/**
 * Prices line by line and adds up. With `upTo` a line that has no price before its usage is known may cost anything
 * up to it, for a caller who knows the cost already.
 *
 * @throws InvalidAmount for quantities and sums that are none.
 */
export function priceLines(
  facts: PricedFacts,
  requests: readonly LineRequest[],
  { usage, upTo }: { readonly usage: Usage | undefined; readonly upTo: MicroCredits | undefined },
): Priced | PriceProblem {
  if (usage !== undefined && !requests.some((line) => line.price.model === 'pass_through')) {
    return problem('invalid_request', `${facts.operation} is not priced by usage; its price is known without`)
  }
  const lines: PricedLine[] = []
  for (const line of requests) {
    const evaluation = evaluatePrice(line.price, line.quantity, usage ?? null)
    if (evaluation.kind !== 'unknown') lines.push(pricedLine(line, evaluation))
    else if (upTo !== undefined) lines.push(pricedLine(line, { kind: 'between', minimum: 0n, maximum: upTo }))
    else {
      return problem(evaluation.code, `${facts.operation} is priced by what is used; expected ${evaluation.expected}`)
    }
  }
  return sumLines(facts, lines)
}

function pricedLine(line: LineRequest, evaluation: Exclude<Evaluation, { kind: 'unknown' }>): PricedLine {
  const exact = evaluation.kind === 'exact'
  const { minimum, maximum } = exact ? { minimum: evaluation.amount, maximum: evaluation.amount } : evaluation
  const { name, operation, variant, price, quantity, hasOwnQuantity } = line
  // A flat price is for the job, so that quantity times unit price is the line also there.
  const counted = price.model === 'flat' ? 1 : quantity
  return {
    name,
    operation,
    variant,
    quantity: counted,
    unitPrice: unitPrice(price),
    minimum,
    maximum,
    exact,
    price,
    hasOwnQuantity,
  }
}

function unitPrice(price: Price): MicroCredits | null {
  if (price.model === 'flat') return price.credits
  return price.model === 'per_unit' && price.rate.per === 1 ? price.rate.amount : null
}

function sumLines(
  facts: Pick<Priced, 'operation' | 'variant' | 'quantity' | 'requiresPlan'>,
  lines: readonly PricedLine[],
): Priced {
  const minimum = sumOf(lines.map((line) => line.minimum))
  const maximum = sumOf(lines.map((line) => line.maximum))
  const { operation, variant, quantity, requiresPlan } = facts
  return {
    kind: 'priced',
    operation,
    variant,
    quantity,
    minimum,
    maximum,
    exact: lines.every((line) => line.exact),
    lines,
    requiresPlan,
  }
}
