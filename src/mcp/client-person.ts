import { CLIENT_CAPABILITIES_META_KEY, type Server, type ServerContext } from '@modelcontextprotocol/server'
import { readYesOrNo, roundsIn, showsForms, yesOrNo } from '../json/elicitation.js'
import type { JsonObject } from '../json/json-rpc.js'
import type { Asker } from '../usage/ask-at-client.js'

/** People read before they spend; a client that gives up earlier cancels its call, and the question with it. */
const TIMEOUT_MS = 10 * 60_000

/** How the person at this server's client can be asked about a call: by a round in the modern era, by a request before. */
export function clientPerson(server: Server, { mcpReq }: ServerContext): Asker {
  const { envelope, inputResponses, signal } = mcpReq
  if (envelope !== undefined) {
    const rounds = roundsIn({ inputResponses, requestState: mcpReq.requestState() })
    return rounds === undefined ? {} : { rounds, canAskByRound: showsForms((envelope as JsonObject)[CLIENT_CAPABILITIES_META_KEY]) }
  }
  if (!showsForms(server.getClientCapabilities())) return {}
  return {
    ask: async ({ message }) => {
      try {
        const params = yesOrNo(message) as Parameters<typeof mcpReq.elicitInput>[0]
        return readYesOrNo(await mcpReq.elicitInput(params, { timeout: TIMEOUT_MS, signal }))
      } catch {
        // A client that went away, took too long or cannot after all has given no answer.
        return 'unanswered'
      }
    },
  }
}
