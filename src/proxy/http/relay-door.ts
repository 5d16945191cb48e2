import { type ClientRequest, METHOD_NOT_FOUND, type RequestId } from '../../json/json-rpc.js'
import { MODERN_VERSIONS } from '../../json/meta-fault.js'
import { Connection } from '../connection.js'
import type { Meter, OwnServer, Prices } from '../ports.js'
import type { ClientLines } from '../reply.js'
import type { OpenUpstream } from '../upstream-link.js'
import { CallerLine } from './caller-line.js'
import { type Holding, type HoldingOptions, Holdings } from './holdings.js'
import { DEFAULT_DOOR_LIMITS, type DoorLimits } from './limits.js'
import { idOf, type Posted, readPosted } from './posted.js'
import {
  accepted, ending, methodNotAllowed, notAcceptable, notStarted, refuse, sessionMissing, sessionNotFound, tooManyUpstreams
} from './refusals.js'
import { Session } from './session.js'

/** What a caller's calls are metered by, and what is offered to this caller beside the upstream's tools. */
export interface CallerParts {
  readonly meter: Meter
  readonly own: OwnServer
  readonly prices: Prices
  /** Appended to the upstream's instructions. */
  readonly instructions?: string
}

export interface RelayDoorOptions<C extends { readonly id: string }> {
  /** Opens an upstream for one session, or for one caller. */
  readonly upstream: OpenUpstream
  /** Called for each upstream that is opened; `caller` is whoever made the latest request to it, always with the same id. */
  readonly partsFor: (caller: () => C) => CallerParts
  /** Whether a caller may still listen: asked again and again for what outlives a request. Left out: always. Never rejects. */
  readonly mayListen?: (caller: C) => Promise<boolean>
  /** The member of a call's `_meta` that the `Idempotency-Key` header stands for. */
  readonly idempotencyMember: string
  /** A random id, for sessions and for the requests of our own: nobody can guess one. */
  readonly newId: () => string
  /** One line for the person who runs the server. */
  readonly report: (text: string) => void
  readonly limits?: Partial<DoorLimits>
}

/** What a server of HTTP hands its requests at `/mcp` to, once it has let them in. */
export interface RelayDoor<C> {
  readonly fetch: (request: Request, caller: C) => Promise<Response>
  /**
   * Takes no new requests, answers those under way, ends the upstreams, and resolves once nothing is owed. Called again, it
   * leaves what is still under way no more time.
   */
  readonly close: () => Promise<void>
}

/**
 * Offers an upstream MCP server over Streamable HTTP, with every tool call metered to whoever made it: up to 2025-11-25 an
 * upstream for each session, since 2026-07-28 one for each caller. Which of them a client speaks, its requests tell; which
 * of them the upstream speaks, its answers do.
 */
export function relayHttpDoor<C extends { readonly id: string }>(options: RelayDoorOptions<C>): RelayDoor<C> {
  return new Door(options)
}

class Door<C extends { readonly id: string }> implements RelayDoor<C> {
  readonly #options: RelayDoorOptions<C>
  readonly #limits: DoorLimits
  readonly #holdings: Holdings
  readonly #sessions = new Map<string, Held<Session, C>>()
  readonly #lines = new Map<string, Held<CallerLine, C>>()
  #isClosing = false
  /** Set once the upstream has said that it does not know 2026-07-28: nobody has to start it again to hear that. */
  #isLegacyOnly = false

  constructor(options: RelayDoorOptions<C>) {
    this.#options = options
    this.#limits = { ...DEFAULT_DOOR_LIMITS, ...options.limits }
    this.#holdings = new Holdings(this.#limits)
  }

  readonly fetch = async (request: Request, caller: C): Promise<Response> => {
    if (request.method !== 'POST') return this.#withoutBody(request, caller)
    const posted = await readPosted(request, { limits: this.#limits, idempotencyMember: this.#options.idempotencyMember })
    if (posted instanceof Response) return posted
    if (this.#isClosing && asksSomething(posted)) return ending(idIn(posted))
    return posted.era === 'modern' ? this.#modern(posted, request, caller) : this.#legacy(posted, request, caller)
  }

  readonly close = async (): Promise<void> => {
    this.#isClosing = true
    await this.#holdings.closeAll('stopped')
  }

  #withoutBody(request: Request, caller: C): Response {
    // Since 2026-07-28 there is nothing to listen to by GET, and no session to end.
    const isModern = MODERN_VERSIONS.includes(request.headers.get('mcp-protocol-version') ?? '')
    if (isModern || (request.method !== 'GET' && request.method !== 'DELETE')) return methodNotAllowed(isModern ? 'POST' : 'GET, POST, DELETE')
    const session = this.#sessionOf(request, caller)
    if (session instanceof Response) return session
    if (request.method === 'GET') return this.#isClosing ? ending() : session.listen(request.headers)
    this.#holdings.end(session, 'client_closed')
    return new Response(null, { status: 200 })
  }

  async #legacy(posted: Posted & { era: 'legacy' }, request: Request, caller: C): Promise<Response> {
    const { read, text } = posted
    const accept = request.headers.get('accept') ?? ''
    if (!accept.includes('application/json') || !accept.includes('text/event-stream')) return notAcceptable()
    const isOpening = read.kind === 'single' && read.message.kind === 'request' && read.message.method === 'initialize'
    if (!isOpening) {
      const session = this.#sessionOf(request, caller)
      return session instanceof Response ? session : session.post(read, text, request.headers)
    }
    if (request.headers.has('mcp-session-id')) {
      return refuse(400, { code: -32600, message: 'Invalid Request: a session is initialized once' }, { id: idOf(read) })
    }
    const session = this.#open(this.#sessions, caller, { key: this.#options.newId(), id: idOf(read), make: (key, shared) => new Session({ ...shared, id: key }) })
    return session instanceof Response ? session : session.begin(read, text)
  }

  async #modern({ message, text }: Posted & { era: 'modern' }, request: Request, caller: C): Promise<Response> {
    if (message.kind === 'request' && message.method === 'server/discover' && this.#isLegacyOnly) return notKnown(message)
    if (message.kind === 'notification') {
      // Where nothing is open there is nobody yet whom it could concern.
      await this.#use(this.#lines.get(caller.id), caller)?.notify(message, text)
      return accepted()
    }
    const line = this.#lineOf(caller, message.id)
    if (line instanceof Response) return line
    const response = await line.request(message, text, request)
    if (message.method === 'server/discover' && response.status === 404) this.#learnLegacyOnly(line)
    return response
  }

  #sessionOf(request: Request, caller: C): Session | Response {
    const id = request.headers.get('mcp-session-id')
    if (id === null) return sessionMissing()
    const session = this.#use(this.#sessions.get(id), caller)
    return session ?? sessionNotFound()
  }

  #lineOf(caller: C, id: RequestId): CallerLine | Response {
    const line = this.#use(this.#lines.get(caller.id), caller)
    return line ?? this.#open(this.#lines, caller, { key: caller.id, id, make: (_, shared) => new CallerLine(shared) })
  }

  #use<H extends Session | CallerLine>(held: Held<H, C> | undefined, caller: C): H | undefined {
    if (held === undefined || held.holding.caller !== caller.id) return undefined
    held.latest = caller
    this.#holdings.used(held.holding)
    return held.holding
  }

  #open<H extends Session | CallerLine>(into: Map<string, Held<H, C>>, caller: C, { key, id, make }: {
    readonly key: string
    /** Of the request that opens it. */
    readonly id: RequestId | null
    readonly make: (key: string, shared: HoldingOptions) => H
  }): H | Response {
    const limit = this.#holdings.limitReached(caller.id)
    if (limit !== undefined) return tooManyUpstreams(limit, id)
    const held: { latest: C; holding?: H } = { latest: caller }
    const shared: HoldingOptions = {
      caller: caller.id,
      limits: this.#limits,
      connect: client => this.#connect(client, () => held.latest),
      used: holding => this.#holdings.used(holding),
      listening: holding => void this.#seeThatItMayListen(holding, held.latest),
      ended: holding => {
        into.delete(key)
        this.#holdings.gone(holding)
      }
    }
    try {
      const holding = make(key, shared)
      into.set(key, Object.assign(held, { holding }))
      this.#holdings.hold(holding)
      return holding
    } catch (error) {
      this.#options.report(error instanceof Error ? error.message : String(error))
      return notStarted(id)
    }
  }

  #connect(client: ClientLines, caller: () => C): Connection {
    const { upstream, newId, report, partsFor } = this.#options
    const { instructions, ...parts } = partsFor(caller)
    return new Connection({ upstream, client, limits: this.#limits, newId, report, instructions, ...parts })
  }

  async #seeThatItMayListen(holding: Holding, caller: C): Promise<void> {
    if ((await this.#options.mayListen?.(caller)) === false) this.#holdings.end(holding, 'client_closed')
  }

  #learnLegacyOnly(line: CallerLine): void {
    this.#isLegacyOnly = true
    if (line.isIdle()) this.#holdings.end(line, 'client_closed')
  }
}

interface Held<H, C> {
  readonly holding: H
  /** Whoever made the latest request: a key's scopes may have changed since the one before. */
  latest: C
}

/** As an upstream of the versions before says that it does not know how to discover: the client then opens as they did. */
function notKnown({ id, method }: ClientRequest): Response {
  return refuse(404, { code: METHOD_NOT_FOUND, message: `Method not found: ${method}` }, { id })
}

/** What is under way may need the client's notifications, and its answers to questions, to come to its end. */
function asksSomething(posted: Posted): boolean {
  if (posted.era === 'modern') return posted.message.kind === 'request'
  const messages = posted.read.kind === 'single' ? [posted.read] : posted.read.members
  return messages.some(({ message }) => message.kind === 'request')
}

function idIn(posted: Posted): RequestId | null {
  return idOf(posted.era === 'modern' ? { kind: 'single', message: posted.message, value: undefined } : posted.read)
}
