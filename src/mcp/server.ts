import { ProtocolError, ProtocolErrorCode, Server, type Tool } from '@modelcontextprotocol/server'
import type { Toolset } from '../../tools/index.js'
import { CreditError } from '../errors.js'
import { answerCall } from './answer-call.js'
import { instructionsFor } from './instructions.js'
import { agentAccess, type OpenCredits } from './ledger-access.js'
import { listedTools } from './listed-tools.js'
import { everySecond, type ResourceWatch, type Ticker } from './resource-watch.js'
import { isResource, type ProtocolFailure, readResource, resourceNotFound, resourceRefusal, resources, watchOver } from './resources.js'

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
}

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
  const { toolsets, version, report, ticker = everySecond } = options
  const open = agentAccess(options.credits)
  const server = new Server(
    { name: 'mcp-credits', title: 'Credits', version },
    {
      capabilities: { tools: {}, resources: { subscribe: true } },
      instructions: options.instructions ?? instructionsFor(toolsets),
      cacheHints: CACHE_HINTS,
    },
  )
  const watch = watchOver(open, {
    changed: (uri) => void server.sendResourceUpdated({ uri }).catch((error: unknown) => report(`an update of ${uri} was not sent: ${String(error)}`)),
    ticker,
  })
  server.onclose = () => watch.close()
  serveTools(server, { open, toolsets, report })
  serveResources(server, { open, watch, report })
  return { server, watch }
}

/** A list differs by configuration, so no shared cache may keep it; it never changes while a server runs. */
const LIST_HINT = { ttlMs: 300_000, cacheScope: 'private' } as const
const CACHE_HINTS = {
  'tools/list': LIST_HINT,
  'resources/list': LIST_HINT,
  'resources/templates/list': LIST_HINT,
  'server/discover': LIST_HINT,
  'resources/read': { ttlMs: 0, cacheScope: 'private' },
} as const

interface Serving {
  readonly open: OpenCredits
  readonly report: (message: string) => void
}

function serveTools(server: Server, { open, toolsets, report }: Serving & { readonly toolsets: readonly Toolset[] }): void {
  const offered = listedTools(toolsets)
  server.setRequestHandler('tools/list', () => ({ tools: offered as Tool[] }))
  server.setRequestHandler('tools/call', async ({ params }) => {
    if (!offered.some(({ name }) => name === params.name)) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Tool ${params.name.slice(0, 255)} not found`)
    return withoutLeaks(params.name, report, () => answerCall(params.name, open, params.arguments))
  })
}

function serveResources(server: Server, { open, watch, report }: Serving & { readonly watch: ResourceWatch }): void {
  const notFound = (uri: string) => protocolError(resourceNotFound(uri, 'legacy'))
  server.setRequestHandler('resources/list', () => ({ resources: [...resources] }))
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [] }))
  server.setRequestHandler('resources/read', async ({ params: { uri } }) => {
    const contents = await withoutLeaks(uri, report, () => readResource(uri, open))
    if (contents === null) throw notFound(uri)
    return contents
  })
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
