import type { Actual } from '../decide/command.js'
import { CreditError } from '../errors.js'
import { actualOf } from '../facade/consumption.js'
import { toMillionth } from './millionth.js'
import { isRecord } from './sdk-server.js'

/**
 * What a server says that a call has cost, as the core takes it; null where the catalog is to read it.
 *
 * @throws CreditError `invalid_amount` or `invalid_request` for what is no cost
 */
export function actualOfCost(told: unknown): Actual | null {
  if (told === null) return null
  if (typeof told === 'number') return actualOf({ actual: toMillionth(told) })
  if (!isRecord(told)) throw noCost()
  const { actual, quantity, usage, ...others } = told
  const given = [actual, quantity, usage].filter((part) => part !== undefined)
  if (given.length !== 1 || Object.keys(others).length > 0) throw noCost()
  if (quantity !== undefined && typeof quantity !== 'number') throw noCost()
  if (usage !== undefined && !isRecord(usage)) throw noCost()
  return actualOf({ actual: rounded(actual), quantity: rounded(quantity), usage: usage === undefined ? undefined : roundedUsage(usage) })
}

function rounded<T>(told: T): T | number {
  return typeof told === 'number' ? toMillionth(told) : told
}

/** What is no number among it is the catalog's to refuse. */
function roundedUsage(usage: Record<string, unknown>): Record<string, number> {
  return Object.fromEntries(Object.entries(usage).map(([component, amount]) => [component, rounded(amount) as number]))
}

function noCost(): CreditError {
  return new CreditError('invalid_request', 'expected a number of credits, null, or one of { actual }, { quantity } and { usage }')
}
