import { type Answer, type ClientRequest, eraOf, METHOD_NOT_FOUND } from '../json/json-rpc.js'
import type { ListedTools } from './listed-tools.js'
import type { Era, JsonObject, OwnServer, Prices } from './ports.js'
import { isLastPage, ofEra, toolsOf, withOurCaching, withOurEntries, withOurOffer, withPrices } from './rewrite.js'
import type { OutputSchemas } from './output-schemas.js'

export interface OfferParts {
  readonly own: OwnServer
  readonly prices: Prices
  readonly instructions: string | undefined
  readonly listed: ListedTools
  readonly schemas: OutputSchemas
}

type Rewrite = (request: ClientRequest, answer: Answer, parts: OfferParts) => Answer | Promise<Answer>

/** The requests whose answers show what is on offer, each with what we make of the upstream's answer. */
export const OFFER_REWRITES: ReadonlyMap<string, Rewrite> = new Map<string, Rewrite>([
  ['initialize', (_, answer, parts) => rewriteOffer(answer, 'legacy', parts)],
  ['server/discover', (_, answer, parts) => rewriteOffer(answer, 'modern', parts)],
  ['tools/list', rewriteTools],
  ['resources/list', (request, answer, parts) => rewriteResources('resources', request, answer, parts)],
  ['resources/templates/list', (request, answer, parts) => rewriteResources('resourceTemplates', request, answer, parts)]
])

function rewriteOffer(answer: Answer, era: Era, { own, prices, instructions }: OfferParts): Answer {
  if ('error' in answer) return answer
  return {
    result: withOurOffer(answer.result, {
      hasTools: own.tools(era).length > 0,
      tellsOfToolChanges: prices.onChange !== undefined && era === 'legacy',
      resources: own.resources === undefined ? undefined : own.resources.watch && era === 'legacy' ? { subscribe: true } : {},
      instructions
    })
  }
}

async function rewriteTools(request: ClientRequest, answer: Answer, parts: OfferParts): Promise<Answer> {
  const era = eraOf(request.params)
  const page = pageOf(answer, 'tools', era)
  if (page === undefined) return answer
  const isWhole = request.params?.['cursor'] === undefined && isLastPage(page)
  if (isWhole) parts.listed.learn(toolsOf(page))
  parts.schemas.learn(page)
  await parts.prices.ready?.()
  const priced = withPrices(page, parts.prices)
  const result = isLastPage(page) ? withOurEntries(priced, 'tools', await ownTools(request, era, parts)) : priced
  return { result: withOurCaching(result, era, parts.prices.validForMs()) }
}

async function ownTools(request: ClientRequest, era: Era, { own, listed }: OfferParts): Promise<readonly JsonObject[]> {
  const tools = own.tools(era)
  const shown = await listed.shown(tools.map(tool => tool.name), request.params)
  const shownByOwn = new Map([...shown].map(([seen, name]) => [name, seen]))
  return tools.map(tool => ({ ...tool, name: shownByOwn.get(tool.name) ?? tool.name }))
}

function rewriteResources(
  member: 'resources' | 'resourceTemplates',
  request: ClientRequest,
  answer: Answer,
  { own, prices }: OfferParts
): Answer {
  const era = eraOf(request.params)
  const page = own.resources === undefined ? undefined : pageOf(answer, member, era)
  if (own.resources === undefined || page === undefined) return answer
  if (!isLastPage(page)) return { result: page }
  const entries = member === 'resources' ? own.resources.list(era) : own.resources.templates(era)
  return { result: withOurCaching(withOurEntries(page, member, entries), era, prices.validForMs()) }
}

/** An upstream that does not know the method has an empty list; another error is the client's to see. */
function pageOf(answer: Answer, member: string, era: Era): JsonObject | undefined {
  if ('result' in answer) return answer.result
  return answer.error.code === METHOD_NOT_FOUND ? ofEra({ [member]: [] }, era) : undefined
}
