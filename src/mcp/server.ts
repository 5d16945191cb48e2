import { type CallToolResult, type Prompt, ProtocolError, ProtocolErrorCode, Server, type Tool } from '@modelcontextprotocol/server'
import type { Toolset } from '../../tools/index.js'
import { CreditError, type ErrorCode } from '../errors.js'
import { REFUSAL_META } from '../refusal-body.js'
import { answerCall, type ToolAnswer } from './answer-call.js'
import { clientPerson } from './client-person.js'
import { instructionsFor } from './instructions.js'
import { agentAccess, type OpenCredits } from './ledger-access.js'
import { listedTools } from './listed-tools.js'
import { listedPrompts, readPrompt } from './prompts.js'
import { everySecond, type ResourceWatch, type Ticker } from './resource-watch.js'
import { isResource, type ProtocolFailure, readResource, resourceNotFound, resourceRefusal, resources, resourceTemplates, watchOver } from './resources.js'

export interface CreditsServerOptions {
  /** Opens the ledger for the account that is served; asked at the first call or read, never at start-up. */
  readonly credits: OpenCredits
  readonly toolsets: readonly Toolset[]
  /** The product's version, for `serverInfo`. */
  readonly version: string
  readonly instructions?: string
  /** Gets a line about what went wrong inside, which no client is told. */
  readonly report: (message: string) => void
  readonly ticker?: Ticker
  /** Told of each call of one of our tools and how it ended, for logs and figures. */
  readonly called?: (tool: string, outcome: CallOutcome) => void
  /** Whether clients may subscribe to resources; not where a server lives for a single request. Left out: they may. */
  readonly canSubscribe?: boolean
}

/** How a call of a tool ended: the code of its refusal, `error` for any other failure. */
export type CallOutcome = 'ok' | 'error' | ErrorCode

/** A server for one connection, and its watch over resources, which a transport may feed with what it sees. */
export interface BuiltServer {
  readonly server: Server
  readonly watch: ResourceWatch
}

/**
 * Makes an MCP server for one connection, or for one request over HTTP; it answers every protocol version from
 * 2024-10-07 to 2026-07-28. Give `() => createCreditsServer(options)` to the SDK's serving functions.
 *
 * Built on the SDK's low-level `Server`: its `McpServer` answers a bad argument itself, as text of its own, where we owe
 * the one body that all refusals have.
 */
export function createCreditsServer(options: CreditsServerOptions): Server {
  return buildServer(options).server
}

export function buildServer(options: CreditsServerOptions): BuiltServer {
  const { toolsets, version, report, ticker = everySecond, called = () => undefined, canSubscribe = true } = options
  const open = agentAccess(options.credits)
  const server = new Server(
    { name: 'mcp-credits', title: 'Credits', version },
    {
      capabilities: { tools: {}, resources: canSubscribe ? { subscribe: true } : {}, prompts: {} },
      instructions: options.instructions ?? instructionsFor(toolsets),
      cacheHints: CACHE_HINTS,
    },
  )
  const watch = watchOver(open, {
    changed: (uri) => void server.sendResourceUpdated({ uri }).catch((error: unknown) => report(`an update of ${uri} was not sent: ${String(error)}`)),
    ticker,
  })
  server.onclose = () => watch.close()
  serveTools(server, { open, toolsets, report, called })
  serveResources(server, { open, report })
  if (canSubscribe) serveSubscriptions(server, watch)
  servePrompts(server)
  return { server, watch }
}

/** A list differs by configuration, so no shared cache may keep it; it never changes while a server runs. */
const LIST_HINT = { ttlMs: 300_000, cacheScope: 'private' } as const
const CACHE_HINTS = {
  'tools/list': LIST_HINT,
  'resources/list': LIST_HINT,
  'resources/templates/list': LIST_HINT,
  'prompts/list': LIST_HINT,
  'server/discover': LIST_HINT,
  'resources/read': { ttlMs: 0, cacheScope: 'private' },
} as const

interface Serving {
  readonly open: OpenCredits
  readonly report: (message: string) => void
}

interface ServingTools extends Serving {
  readonly toolsets: readonly Toolset[]
  readonly called: (tool: string, outcome: CallOutcome) => void
}

function serveTools(server: Server, { open, toolsets, report, called }: ServingTools): void {
  const offered = listedTools(toolsets)
  server.setRequestHandler('tools/list', () => ({ tools: offered as Tool[] }))
  server.setRequestHandler('tools/call', async ({ params }, ctx) => {
    if (!offered.some(({ name }) => name === params.name)) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Tool ${params.name.slice(0, 255)} not found`)
    const answer = await withoutLeaks(params.name, report, () => answerCall(params.name, open, params.arguments, clientPerson(server, ctx))).catch((error: unknown) => {
      called(params.name, 'error')
      throw error
    })
    called(params.name, outcomeOf(answer))
    // A result that asks for input is one as well: the SDK sends it on as it is.
    return answer as CallToolResult
  })
}

/** How a call ended, for figures: one that has to be asked about first has not been made. */
function outcomeOf(answer: ToolAnswer): 'ok' | ErrorCode {
  if ('resultType' in answer) return 'approval_required'
  return 'isError' in answer ? answer._meta[REFUSAL_META].error.code : 'ok'
}

function serveResources(server: Server, { open, report }: Serving): void {
  server.setRequestHandler('resources/list', () => ({ resources: [...resources] }))
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [...resourceTemplates] }))
  server.setRequestHandler('resources/read', async ({ params: { uri } }) => {
    const contents = await withoutLeaks(uri, report, () => readResource(uri, open))
    if (contents === null) throw notFound(uri)
    return contents
  })
}

function serveSubscriptions(server: Server, watch: ResourceWatch): void {
  server.setRequestHandler('resources/subscribe', async ({ params: { uri } }) => {
    if (!isResource(uri)) throw notFound(uri)
    await watch.listen(uri, [uri])
    return {}
  })
  server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) => {
    watch.leave(uri)
    return {}
  })
}

function notFound(uri: string): ProtocolError {
  return protocolError(resourceNotFound(uri, 'legacy'))
}

function servePrompts(server: Server): void {
  server.setRequestHandler('prompts/list', () => ({ prompts: listedPrompts() as Prompt[] }))
  server.setRequestHandler('prompts/get', ({ params }) => {
    const found = readPrompt(params.name, params.arguments)
    if (found.kind === 'problem') throw new ProtocolError(ProtocolErrorCode.InvalidParams, found.message)
    return { description: found.description, messages: [{ role: 'user', content: { type: 'text', text: found.text } }] }
  })
}

/** What fails inside is told to the operator; a client learns that it failed. A refusal is told in full. */
async function withoutLeaks<T>(what: string, report: (message: string) => void, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof CreditError) throw protocolError(resourceRefusal(error))
    report(`${what.slice(0, 255)} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    throw new ProtocolError(ProtocolErrorCode.InternalError, 'Internal error')
  }
}

function protocolError({ code, message, data }: ProtocolFailure): ProtocolError {
  return new ProtocolError(code, message, data)
}
