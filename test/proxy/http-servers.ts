import { createServer, type IncomingMessage, type Server as NodeServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { randomUUID } from 'node:crypto'
import { getRequestListener } from '@hono/node-server'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { McpServer as OldServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { z } from 'zod'

/** A server at an address on this machine, and what it was asked. */
export interface Listening {
  readonly url: string
  readonly requests: readonly Asked[]
  /** Another handler from now on: as a server that went wrong, or one that was started anew. */
  become: (handle: Handle) => void
  close(): Promise<void>
}

export interface Asked {
  readonly method: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export type Handle = (request: IncomingMessage, response: ServerResponse) => void

export async function listen(handle: Handle, port = 0): Promise<Listening> {
  const requests: Asked[] = []
  let current = handle
  const server: NodeServer = createServer((request, response) => {
    // Whoever handles the request reads its body: it is looked at on its way there.
    let body = ''
    const push = request.push.bind(request)
    request.push = (chunk: Buffer | null, encoding) => {
      if (chunk !== null) body += chunk.toString()
      return push(chunk, encoding)
    }
    requests.push({ method: request.method ?? '', headers: request.headers, get body() { return body } })
    current(request, response)
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    requests,
    become: other => {
      current = other
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

/** Both eras from one factory, without sessions, on the v2 SDK. */
export function modernHttp(seen: { cancelled: number } = { cancelled: 0 }): Handle {
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'modern over http', version: '1' })
    server.registerTool('double', { inputSchema: z.object({ n: z.number() }), outputSchema: z.object({ twice: z.number() }) }, ({ n }) => ({
      content: [{ type: 'text', text: String(2 * n) }], structuredContent: { twice: 2 * n }
    }))
    server.registerTool('place', { inputSchema: z.object({ region: z.string().meta({ 'x-mcp-header': 'Region' }) }) }, ({ region }) => ({
      content: [{ type: 'text', text: region }]
    }))
    server.registerTool('endless', { inputSchema: z.object({}) }, (_, ctx) => new Promise(resolve => {
      ctx.mcpReq.signal.addEventListener('abort', () => {
        seen.cancelled += 1
        resolve({ content: [] })
      })
    }))
    server.registerResource('page', 'page://1', {}, uri => ({ contents: [{ uri: uri.href, text: 'a page' }] }))
    return server
  })
  return getRequestListener(request => handler.fetch(request))
}

/** Sessions as they were up to 2025-11-25, on the v1 SDK. */
export function oldHttp(): Handle {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  return (request, response) => {
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? sessions.get(id) : undefined
    if (known !== undefined) return void known.handleRequest(request, response)
    if (typeof id === 'string') return void response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } }))
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: session => void sessions.set(session, transport),
      onsessionclosed: session => void sessions.delete(session)
    })
    void oldServer().connect(transport as never).then(() => transport.handleRequest(request, response))
  }
}

function oldServer(): OldServer {
  const server = new OldServer({ name: 'old over http', version: '1' }, { capabilities: { logging: {} } })
  server.registerTool('shout', { inputSchema: { text: z.string() } }, ({ text }) => ({ content: [{ type: 'text', text: text.toUpperCase() }] }))
  server.registerTool('confirm', { inputSchema: {} }, async () => {
    const { action } = await server.server.elicitInput({ message: 'Sure?', requestedSchema: { type: 'object', properties: {} } })
    return { content: [{ type: 'text', text: action }] }
  })
  server.registerTool('steps', { inputSchema: {} }, async (_, { _meta, sendNotification }) => {
    const progressToken = _meta?.progressToken
    if (progressToken !== undefined) await sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1, total: 1 } })
    return { content: [{ type: 'text', text: 'done' }] }
  })
  return server
}
