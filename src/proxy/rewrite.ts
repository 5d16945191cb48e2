/* What the proxy changes in the upstream's results: pure functions from one result object to the next. */
import { CLASH_PREFIX } from '../../tools/definition.js'
import { isObject } from '../json/json-rpc.js'
import type { Era, JsonObject, Prices, ToolDescription } from './ports.js'

export interface Offer {
  readonly hasTools: boolean
  /** Whether we say so when the list of tools reads differently. */
  readonly tellsOfToolChanges: boolean
  /** The capability that we have by ourselves. */
  readonly resources: JsonObject | undefined
  readonly instructions: string | undefined
}

/** The result of `initialize` or `server/discover`: capabilities for what we add, our instructions after the upstream's. */
export function withOurOffer(result: JsonObject, offer: Offer): JsonObject {
  const capabilities = isObject(result['capabilities']) ? result['capabilities'] : {}
  const instructions = [result['instructions'], offer.instructions].filter(text => typeof text === 'string' && text !== '')
  return {
    ...result,
    capabilities: {
      ...capabilities,
      ...(offer.hasTools ? { tools: toolsCapability(capabilities['tools'], offer) } : {}),
      ...(offer.resources === undefined ? {} : { resources: capabilities['resources'] ?? offer.resources })
    },
    ...(instructions.length === 0 ? {} : { instructions: instructions.join('\n\n') })
  }
}

function toolsCapability(upstream: unknown, { tellsOfToolChanges }: Offer): JsonObject {
  return { ...(isObject(upstream) ? upstream : {}), ...(tellsOfToolChanges ? { listChanged: true } : {}) }
}

/** A page of `tools/list` with the prices of the upstream's tools. */
export function withPrices(result: JsonObject, prices: Prices): JsonObject {
  return { ...result, tools: listOf(result, 'tools').map(tool => (isTool(tool) ? prices.decorate(tool) : tool)) }
}

/** A page of a list with our entries after the upstream's. */
export function withOurEntries(result: JsonObject, member: string, entries: readonly JsonObject[]): JsonObject {
  return { ...result, [member]: [...listOf(result, member), ...entries] }
}

/**
 * What a list may be cached for, once it shows one account's offer: by its client only, and no longer than `validForMs`.
 * Older results have no such fields.
 */
export function withOurCaching(result: JsonObject, era: Era, validForMs: number): JsonObject {
  if (era === 'legacy') return result
  const ttlMs = result['ttlMs']
  const boundMs = Math.max(0, Math.floor(validForMs))
  const isBounded = typeof ttlMs === 'number' && ttlMs >= 0
  return { ...result, cacheScope: 'private', ttlMs: isBounded ? Math.min(ttlMs, boundMs) : boundMs }
}

/** A result that we made ourselves, complete as the era asks. */
export function ofEra(result: JsonObject, era: Era): JsonObject {
  return era === 'modern' && result['resultType'] === undefined ? { resultType: 'complete', ...result } : result
}

export function isLastPage(result: JsonObject): boolean {
  return typeof result['nextCursor'] !== 'string'
}

export function toolsOf(result: JsonObject): readonly ToolDescription[] {
  return listOf(result, 'tools').filter(isTool)
}

/**
 * Our tools' names as the client sees them, each with the name that we know it by. An upstream's tool keeps its name,
 * because its documentation and its users' habits refer to it; ours takes a prefix, as often as it needs.
 */
export function shownNames(ours: readonly string[], upstream: { readonly has: (name: string) => boolean }): ReadonlyMap<string, string> {
  const shown = new Map<string, string>()
  for (const name of ours) {
    let candidate = name
    const isTaken = (): boolean => upstream.has(candidate) || (candidate !== name && ours.includes(candidate))
    while (isTaken()) candidate = CLASH_PREFIX + candidate
    shown.set(candidate, name)
  }
  return shown
}

/** Whether a name can be one of ours at all, prefixed or not. Names that cannot need no look at the upstream's list. */
export function couldBeOurs(name: string, ours: readonly string[]): boolean {
  return ours.some(own => name === own || (name.startsWith(CLASH_PREFIX) && name.endsWith(own)))
}

function listOf(result: JsonObject, member: string): readonly unknown[] {
  const list = result[member]
  return Array.isArray(list) ? list : []
}

function isTool(tool: unknown): tool is ToolDescription {
  return isObject(tool) && typeof tool['name'] === 'string'
}
