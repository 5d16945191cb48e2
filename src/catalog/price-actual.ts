import { formatCredits, type MicroCredits, smaller } from '../money/credits.js'
import { parseQuantity } from '../money/rate.js'
import { sumOf, type Usage } from './evaluate-price.js'
import { problem, type PriceProblem, refusingBadAmounts } from './price-problem.js'
import { type Priced, type PricedLine, priceLines } from './priced.js'

/** What became of a job: its cost, its quantity or its usage. None of them: as reserved. */
export interface ActualConsumption {
  readonly actual?: MicroCredits | undefined
  readonly quantity?: number | undefined
  readonly usage?: Usage | undefined
}

/** `amount` is what to charge; `priced` is the price with what is known now, its lines adding up to the amount. */
export interface PricedActual {
  readonly kind: 'amount'
  readonly amount: MicroCredits
  readonly priced: Priced
}

/**
 * What a settlement charges, at the price that was reserved. An actual below a range's minimum charges the minimum;
 * above the maximum it is returned as it is, unless the range is hard, because the overrun policy bounds it then.
 */
export function priceActual(priced: Priced, consumed: ActualConsumption): PricedActual | PriceProblem {
  const { actual, quantity, usage } = consumed
  const given = [actual, quantity, usage].filter((value) => value !== undefined).length
  if (given > 1) return problem('invalid_request', 'give one of actual, quantity and usage')
  if (actual !== undefined) {
    return actual < 0n ? negativeActual(actual) : amountOf(priced, chargedActual(priced, actual))
  }
  if (given === 0) return amountOf(priced, priced.maximum)
  return refusingBadAmounts(() => {
    const again = reprice(priced, quantity, usage)
    if (again.kind === 'problem') return again
    if (again.exact) return { kind: 'amount', amount: again.maximum, priced: again }
    return problem(
      'invalid_request',
      `${priced.operation} cost what it cost: settle it with actual, its ${quantity === undefined ? 'usage' : 'quantity'} does not tell`,
    )
  })
}

/**
 * What a job comes to whose price was promised: its fixed price, or what was consumed at the promised price and never more
 * than its maximum (AX-01). Where nothing is said of an open price it stays open.
 */
export function priceWithin(priced: Priced, { actual, usage }: Omit<ActualConsumption, 'quantity'>): Priced | PriceProblem {
  if (actual === undefined && usage === undefined) return priced
  if (actual !== undefined && usage !== undefined) return problem('invalid_request', `${priced.operation}: give usage or actual, not both`)
  // What was quoted for a usage is exact, and open all the same to what was used in the end.
  const isFixed = priced.exact && !priced.lines.some(({ price }) => price.model === 'pass_through')
  if (actual !== undefined && isFixed) return fixedPrice(priced)
  const found = priceActual(priced, { actual, usage })
  if (found.kind === 'problem') return found
  return found.amount > priced.maximum ? settledAt(priced, priced.maximum) : found.priced
}

/** Whoever does a job of a fixed price has no word in what it costs. */
export function fixedPrice({ operation, maximum }: Priced): PriceProblem {
  return problem('invalid_request', `${operation} has a fixed price of ${formatCredits(maximum)}; actual is for prices known only afterwards`)
}

function amountOf(priced: Priced, amount: MicroCredits): PricedActual {
  return { kind: 'amount', amount, priced: settledAt(priced, amount) }
}

function reprice(priced: Priced, quantity: number | undefined, usage: Usage | undefined): Priced | PriceProblem {
  const counted = quantity === undefined ? priced.quantity : parseQuantity(quantity, 'quantity')
  const requests = priced.lines.map((line) => (line.hasOwnQuantity ? line : { ...line, quantity: counted }))
  return priceLines({ ...priced, quantity: counted }, requests, { usage, upTo: undefined })
}

/** A negative cost would pay credits out (T29). */
export function negativeActual(actual: MicroCredits): PriceProblem {
  return problem('invalid_amount', `actual is ${formatCredits(actual)}; expected zero or more credits`)
}

/** The price of a job that came to `amount`. */
export function settledAt(priced: Priced, amount: MicroCredits): Priced {
  return { ...priced, minimum: amount, maximum: amount, exact: true, lines: settleLines(priced.lines, amount) }
}

/** An actual within what the price allows: at least what is sure, and no more than a promised maximum. */
export function chargedActual(priced: Priced, actual: MicroCredits): MicroCredits {
  // Of a price without open lines the actual is less than all of it by its holder's word alone; nothing bounds it below.
  if (priced.exact) return actual
  const least = sumOf(priced.lines.map(floorOf))
  if (actual < least) return least
  const isHard = priced.lines.every((line) => line.exact || (line.price.model === 'range' && line.price.hard))
  return isHard && actual > priced.maximum ? priced.maximum : actual
}

/** A range's minimum is charged whatever the actual; what is passed through has no least. */
function floorOf(line: PricedLine): MicroCredits {
  return line.price.model === 'pass_through' && !line.exact ? 0n : line.minimum
}

/** Lines that add up to `amount`: the fixed ones at their price, the open ones take the rest in turn. */
function settleLines(lines: readonly PricedLine[], amount: MicroCredits): readonly PricedLine[] {
  const settled = lines.map((line) => ({ ...line, amount: floorOf(line) }))
  let rest = amount - settled.reduce((sum, line) => sum + line.amount, 0n)
  const open = settled.filter((line) => !line.exact)
  for (const line of open) {
    const room = line === open.at(-1) ? rest : smaller(rest, line.maximum - line.amount)
    line.amount += room
    rest -= room
  }
  // Less than the fixed lines: the last ones are let off first. More, where nothing is open: the first one takes it.
  for (const line of settled.toReversed()) {
    if (rest >= 0n) break
    const less = smaller(-rest, line.amount)
    line.amount -= less
    rest += less
  }
  const first = settled[0]
  if (first !== undefined) first.amount += rest
  return settled.map(({ amount: value, ...line }) => ({ ...line, minimum: value, maximum: value, exact: true }))
}
