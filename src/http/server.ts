import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { httpApp, type HttpAppOptions, type Under } from './app.js'
import { HTTP_LIMITS, type HttpLimits } from './limits.js'
import { Metrics } from './metrics.js'
import type { McpDoor } from './ports.js'

export interface HttpServerOptions extends HttpAppOptions {
  /** 0 for any that is free. */
  readonly port: number
  readonly limits?: Partial<HttpLimits>
}

export interface ListeningServer {
  /** `http://127.0.0.1:8321` */
  readonly address: string
  readonly port: number
  /**
   * Takes no new work, ends streams of news, answers what is under way, and resolves when everything is answered or has had
   * its time. Until its door is done it goes on listening: an answer to what the door has asked comes with a request of its
   * own. A signal that aborts leaves no more time.
   */
  readonly close: (hurry?: AbortSignal) => Promise<void>
}

/**
 * Serves the protocol, the REST API, health and figures on one address.
 *
 * @throws CreditError `invalid_request` for names and origins that are none; the error of `listen` for an address that
 *   cannot be listened on
 */
export async function serveHttp(options: HttpServerOptions): Promise<ListeningServer> {
  const limits: HttpLimits = { ...HTTP_LIMITS, ...options.limits }
  const metrics = new Metrics(() => connectionsOf(server))
  const { fetch, under } = httpApp(options, { limits, metrics })
  const server = createAdaptorServer({
    fetch,
    overrideGlobalObjects: false,
    serverOptions: { headersTimeout: limits.headersMs, requestTimeout: limits.requestMs, keepAliveTimeout: limits.idleMs, connectionsCheckingInterval: limits.checkMs },
  }) as Server
  server.maxConnections = limits.connectionsMax
  server.setTimeout(limits.unreadMs, (socket: Socket) => {
    if (socket.writableLength > 0) socket.destroy()
  })
  const connections = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  await listening(server, options)
  const { port } = server.address() as AddressInfo
  const name = options.host.includes(':') ? `[${options.host}]` : options.host
  return { address: `http://${name}:${port}`, port, close: closing(server, { door: options.door, under, connections, graceMs: limits.graceMs }) }
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((error, count) => resolve(error === null ? count : 0)))
}

function listening(server: Server, { host, port }: Pick<HttpServerOptions, 'host' | 'port'>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

interface Closing {
  readonly door: McpDoor
  readonly under: Under
  readonly connections: ReadonlySet<Socket>
  readonly graceMs: number
}

function closing(server: Server, { door, under, connections, graceMs }: Closing): ListeningServer['close'] {
  return async (hurry) => {
    closeConnectionsOnceAnswered(server, under)
    const enough = timeUp(graceMs, hurry)
    let isDone = false
    await Promise.race([doorClosed(door, under).then(() => void (isDone = true)), enough.up])
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    // Clients open connections in advance. To Node one without a request yet is no idle one, and would be waited for.
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy()
    await Promise.race([closed, enough.up])
    enough.drop()
    server.closeAllConnections()
    await closed
    if (!isDone) await endedNow(door)
  }
}

/** What its calls cost has to be in the ledger before that is closed. */
async function endedNow(door: McpDoor): Promise<void> {
  const { up, drop } = timeUp(SETTLE_MS, undefined)
  await Promise.race([door.close(), up])
  drop()
}

/** For commits alone: nobody is waited for any more. */
const SETTLE_MS = 5_000

/** Resolves once the door is done. What was being looked at is handed to it before it is told; what comes later, after. */
function doorClosed(door: McpDoor, under: Under): Promise<void> {
  const before = Promise.allSettled(under.admissions)
  return new Promise((resolve, reject) => {
    under.stopping = before.then(() => void door.close().then(resolve, reject))
  })
}

/** A connection would otherwise be kept open for a next request, which nobody takes any more. */
function closeConnectionsOnceAnswered(server: Server, { answers }: Under): void {
  const closeAfter = (outgoing: ServerResponse) => {
    if (!outgoing.headersSent) outgoing.setHeader('connection', 'close')
    outgoing.once('close', () => setImmediate(() => server.closeIdleConnections()))
  }
  answers.forEach(closeAfter)
  server.prependListener('request', (_: IncomingMessage, outgoing: ServerResponse) => closeAfter(outgoing))
  server.closeIdleConnections()
}

function timeUp(milliseconds: number, hurry: AbortSignal | undefined): { readonly up: Promise<void>; readonly drop: () => void } {
  let timer: NodeJS.Timeout | undefined
  const up = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
    if (hurry?.aborted === true) resolve()
    hurry?.addEventListener('abort', () => resolve(), { once: true })
  })
  return { up, drop: () => clearTimeout(timer) }
}
