import assert from 'node:assert/strict'
import type { Toolset } from '../../tools/index.js'
import { CreditError } from '../errors.js'
import type { Asker } from '../usage/ask-at-client.js'
import { answerCall } from './answer-call.js'
import { agentAccess, type OpenCredits } from './ledger-access.js'
import { listedTools } from './listed-tools.js'
import { everySecond, type Ticker } from './resource-watch.js'
import { isResource, type ProtocolFailure, readResource, resourceNotFound, resourceRefusal, resources, resourceTemplates, watchOver } from './resources.js'

type JsonObject = { readonly [member: string]: unknown }
type Era = 'legacy' | 'modern'
type Asked = { readonly era: Era }
type AskedCall = Asked & { readonly person: Asker }

/** Our tools and resources as a value, for a door that speaks the protocol itself: the same answers as the server's. */
export interface OwnTools {
  readonly tools: (era: Era) => readonly (JsonObject & { readonly name: string })[]
  readonly call: (name: string, args: JsonObject | undefined, asked: AskedCall) => Promise<JsonObject>
  readonly resources: {
    readonly list: (era: Era) => readonly JsonObject[]
    readonly templates: (era: Era) => readonly JsonObject[]
    readonly watch: (
      uri: string,
      era: Era,
      changed: () => void,
    ) => { readonly ready: Promise<void>; readonly stop: () => void } | { readonly error: ProtocolFailure }
    readonly read: (uri: string, asked: Asked) => Promise<{ readonly result: JsonObject } | { readonly error: ProtocolFailure }>
  }
}

export interface OwnOptions {
  readonly credits: OpenCredits
  readonly toolsets: readonly Toolset[]
  readonly ticker?: Ticker
}

/** The tools of these sets and our resources. Refusals are results or JSON-RPC errors; a rejection is a bug. */
export function ownServer({ credits, toolsets, ticker = everySecond }: OwnOptions): OwnTools {
  const open = agentAccess(credits)
  const offered = new Set(listedTools(toolsets).map((tool) => tool.name))
  return {
    tools: () => listedTools(toolsets),
    call: async (name, args, { person }) => {
      assert(offered.has(name), `${name} was asked for and is not among the tools that were listed`)
      return answerCall(name, open, args, person)
    },
    resources: {
      list: () => resources,
      templates: () => resourceTemplates,
      read: (uri, { era }) => readOwn(uri, era, open),
      watch: (uri, era, changed) => {
        if (!isResource(uri)) return { error: resourceNotFound(uri, era) }
        const watch = watchOver(open, { changed, ticker })
        return { ready: watch.listen(uri, [uri]), stop: () => watch.close() }
      },
    },
  }
}

async function readOwn(uri: string, era: Era, open: OpenCredits): Promise<{ result: JsonObject } | { error: ProtocolFailure }> {
  try {
    const contents = await readResource(uri, open)
    if (contents === null) return { error: resourceNotFound(uri, era) }
    return { result: era === 'modern' ? { ...contents, ttlMs: 0, cacheScope: 'private' } : contents }
  } catch (error) {
    if (error instanceof CreditError) return { error: resourceRefusal(error) }
    throw error
  }
}
