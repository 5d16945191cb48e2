/**
 * `node fixture-server.mjs http|stdio [metered]`: a server with everything that the conformance suite's scenarios call by
 * name, over HTTP (its address is printed) or on the standard streams; `metered` puts our meter inside.
 */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import {
  createMcpHandler, createRequestStateCodec, hostHeaderValidationResponse, isLegacyRequest, localhostAllowedHostnames, McpServer,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { registerRest } from './fixture-rest.mjs'
import { registerTools } from './fixture-tools.mjs'

const [transport, metered] = process.argv.slice(2)
const states = createRequestStateCodec({ key: crypto.getRandomValues(new Uint8Array(32)) })

/** @type {Map<string, WebStandardStreamableHTTPServerTransport>} */
const sessions = new Map()

/** @type {{ toolsChanged(): void, promptsChanged(): void }} */
let notify = { toolsChanged: () => undefined, promptsChanged: () => undefined }

const meterIn = metered === 'metered' ? await metering() : undefined

function build() {
  const server = new McpServer({ name: 'conformance-fixtures', version: '1.0.0' }, {
    capabilities: {
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
      logging: {},
      completions: {},
    },
    requestState: { verify: states.verify },
  })
  meterIn?.(server)
  registerTools(server, {
    states,
    notify: { toolsChanged: () => notify.toolsChanged(), promptsChanged: () => notify.promptsChanged() },
    closeStream: ({ sessionId, mcpReq }) => sessions.get(sessionId ?? '')?.closeSSEStream(mcpReq.id),
  })
  registerRest(server)
  return server
}

/** @returns {Promise<(server: McpServer) => void>} */
async function metering() {
  const { meter, openCredits } = await import('../../dist/src/index.js')
  const credits = await openCredits({ database: ':memory:', catalog: 'starter', defaultAccount: { id: 'default' } })
  await credits.grant({ account: 'default', credits: 1_000_000 })
  return (server) => void meter(server, { credits, account: 'default' })
}

if (transport === 'stdio') serveOverStdio()
else serveHttp()

/** One connection has one server, which tells of changes itself. */
function serveOverStdio() {
  serveStdio(() => {
    const server = build()
    notify = { toolsChanged: () => server.sendToolListChanged(), promptsChanged: () => server.sendPromptListChanged() }
    return server
  })
}

function serveHttp() {
  const handler = createMcpHandler(build)
  notify = handler.notify
  const listener = getRequestListener(async (request) => {
    const refused = hostHeaderValidationResponse(request, localhostAllowedHostnames())
    if (refused !== undefined) return refused
    return (await isLegacyRequest(request)) ? legacy(request) : handler.fetch(request)
  })
  const server = createServer(listener)
  server.listen(0, '127.0.0.1', () => {
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
    console.log(`http://127.0.0.1:${port}/mcp`)
  })
}

/** @param {Request} request */
async function legacy(request) {
  const id = request.headers.get('mcp-session-id')
  const known = id === null ? undefined : sessions.get(id)
  if (known !== undefined) return known.handleRequest(request)
  if (id !== null) return Response.json({ jsonrpc: '2.0', error: { code: -32_001, message: 'Session not found' }, id: null }, { status: 404 })
  const opened = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: new Events(),
    retryInterval: 500,
    onsessioninitialized: (session) => void sessions.set(session, opened),
    onsessionclosed: (session) => void sessions.delete(session),
  })
  await build().connect(opened)
  return opened.handleRequest(request)
}

/** @typedef {import('@modelcontextprotocol/server').EventStore} EventStore */

/**
 * Keeps what was sent, so that a client that comes back reads on.
 *
 * @implements {EventStore}
 */
class Events {
  /** @type {{ id: string, stream: string, message: any }[]} */
  #sent = []

  /**
   * @param {string} stream
   * @param {any} message
   */
  async storeEvent(stream, message) {
    const id = `${stream}:${this.#sent.length}`
    this.#sent.push({ id, stream, message })
    return id
  }

  /**
   * @param {string} last
   * @param {{ send: (id: string, message: any) => Promise<void> }} to
   */
  async replayEventsAfter(last, { send }) {
    const from = this.#sent.findIndex(({ id }) => id === last)
    const stream = this.#sent[from]?.stream ?? ''
    for (const event of this.#sent.slice(from + 1)) {
      if (event.stream === stream && Object.keys(event.message).length > 0) await send(event.id, event.message)
    }
    return stream
  }
}
