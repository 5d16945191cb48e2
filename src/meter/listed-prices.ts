import { isObject, type JsonObject } from '../json/json-rpc.js'
import type { ListedTool } from '../usage/price-decorator.js'
import { isModern } from './call-context.js'
import type { MeteringParts } from './metered-calls.js'
import { listedSubjectOf } from './price.js'
import type { Around } from './sdk-server.js'

/** What is put around a server's `tools/list`: each tool tells its price. Prices that cannot be read cost no client its list. */
export function listedPrices({ options, registry, report }: Pick<MeteringParts, 'options' | 'registry' | 'report'>): Around {
  return (inner) => async (request, native) => {
    const result = await inner(request, native)
    if (!isObject(result) || !isListOfTools(result['tools'])) return result
    registry.learn(result['tools'])
    try {
      const { tools, validForMs } = await options.credits.pricedTools(result['tools'], (tool) => listedSubjectOf(options.price, tool))
      // Members without a name of their own, by which v2 carries what it says of caching, come along in the spread.
      const priced = { ...result, tools }
      return isModern(native) && validForMs !== null ? { ...priced, ttlMs: Math.min(ttlOf(result), validForMs) } : priced
    } catch (error) {
      report(`the prices of the tools cannot be read: ${error instanceof Error ? error.message : String(error)}`)
      return result
    }
  }
}

/** For how long a list may be kept, as its server says, either in the result or in the hint that v2 keeps beside it. */
function ttlOf(result: JsonObject): number {
  const hints = Object.getOwnPropertySymbols(result).map((symbol) => (result as Record<symbol, unknown>)[symbol])
  const told = [result, ...hints].map((one) => (isObject(one) ? one['ttlMs'] : undefined))
  return told.find((ttl) => typeof ttl === 'number') ?? 0
}

function isListOfTools(tools: unknown): tools is readonly ListedTool[] {
  return Array.isArray(tools) && tools.every((tool) => isObject(tool) && typeof tool['name'] === 'string')
}
