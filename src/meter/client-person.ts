import { readYesOrNo, type Rounds, roundsIn, showsForms, yesOrNo } from '../json/elicitation.js'
import type { Asker } from '../usage/ask-at-client.js'

/** People read before they spend; a client that gives up earlier cancels its call, and the question with it. */
const TIMEOUT_MS = 10 * 60_000

const CLIENT_CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'

/** What v2 hands a handler of a request's rounds; a server of v1 has none. */
interface RequestOfRounds {
  readonly id?: unknown
  readonly envelope?: Readonly<Record<string, unknown>>
  readonly inputResponses?: unknown
  readonly requestState?: () => unknown
}

/** How a low-level server of either SDK asks its client. */
interface AskingServer {
  readonly getClientCapabilities?: () => unknown
  readonly elicitInput?: (params: object, options: object) => Promise<unknown>
}

/** How the person at the client of a call can be asked about it: by a round in 2026-07-28, by a request before. */
export function clientPerson(server: object, native: object, signal: AbortSignal): Asker {
  const { mcpReq, requestId } = native as { readonly mcpReq?: RequestOfRounds; readonly requestId?: unknown }
  if (mcpReq?.envelope !== undefined) {
    const rounds = roundsIn({ inputResponses: mcpReq.inputResponses, requestState: mcpReq.requestState?.() })
    return rounds === undefined ? {} : { rounds, canAskByRound: showsForms(mcpReq.envelope[CLIENT_CAPABILITIES]) }
  }
  const asking = server as AskingServer
  if (asking.elicitInput === undefined || !showsForms(asking.getClientCapabilities?.())) return {}
  return {
    ask: async ({ message }) => {
      try {
        // Said to be of this request: over HTTP it is on this request's stream that the client hears of it.
        const options = { timeout: TIMEOUT_MS, signal, relatedRequestId: mcpReq?.id ?? requestId }
        return readYesOrNo(await asking.elicitInput?.(yesOrNo(message), options))
      } catch {
        // A client that went away, took too long or cannot after all has given no answer.
        return 'unanswered'
      }
    },
  }
}

/** The context of a request with what is left of its rounds once our own answers are out of it: the tool asked for those alone. */
export function withRounds<Context extends object>(native: Context, rounds: Rounds | undefined): Context {
  const { mcpReq } = native as { readonly mcpReq?: RequestOfRounds }
  if (mcpReq === undefined || rounds === undefined) return native
  const { inputResponses: _, ...rest } = mcpReq
  const responses = rounds.inputResponses === undefined ? {} : { inputResponses: rounds.inputResponses }
  return { ...native, mcpReq: { ...rest, ...responses, requestState: () => rounds.requestState } }
}
