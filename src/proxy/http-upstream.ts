import {
  InsufficientScopeError, isJSONRPCErrorResponse, type JSONRPCMessage, SdkHttpError, StreamableHTTPClientTransport
} from '@modelcontextprotocol/client'
import {
  type Answer, answerText, eraOf, INTERNAL_ERROR, isObject, type JsonObject, type JsonRpcError, parseJson, type RequestId
} from '../json/json-rpc.js'
import { BodyGauge } from './body-gauge.js'
import { LearnedHeaders } from './learned-headers.js'
import { DEFAULT_LIMITS, type ProxyLimits } from './ports.js'
import type { OpenUpstream, TakeLine, UpstreamExit, UpstreamLink } from './upstream-link.js'
import { within } from './within.js'

export interface HttpOptions {
  readonly url: string
  /** Sent with every request: what the person who configured the upstream wants it to have, and nothing of our clients'. */
  readonly headers?: Readonly<Record<string, string>>
  /** A whole number from 1 to `max`: streams that broke together do not come back together. */
  readonly jitterMs: (max: number) => number
  readonly limits?: Partial<HttpLimits>
}

type HttpLimits = Pick<ProxyLimits, 'upstreamLineBytesMax' | 'closeGraceMs' | 'terminateGraceMs'>

/** An upstream that is reached at an address, over Streamable HTTP in either era. */
export function httpUpstream(options: HttpOptions): OpenUpstream {
  return onLine => new HttpUpstream(options, onLine)
}

interface OpenRequest {
  readonly method: string
  readonly isModern: boolean
  readonly abort: AbortController
}

/**
 * Carries each message to the address by itself and what comes back as lines. It ends where a process would: when the address
 * cannot be reached before it ever answered, and when the upstream has forgotten our session.
 */
class HttpUpstream implements UpstreamLink {
  readonly exit: Promise<UpstreamExit>
  readonly #transport: StreamableHTTPClientTransport
  readonly #place: string
  readonly #limits: HttpLimits
  readonly #onLine: TakeLine
  readonly #parameters = new LearnedHeaders()
  readonly #open = new Map<RequestId, OpenRequest>()
  readonly #lines: Buffer[] = []
  #taking: Promise<void> | undefined
  #idle: (() => void) | undefined
  /** What a request waits for: the server's word that it heard of the end of the handshake. */
  #handshake: Promise<unknown> = Promise.resolve()
  #hasAnswered = false
  #isInputClosed = false
  #end: (exit: UpstreamExit) => void = () => undefined

  constructor({ url, headers, jitterMs, limits }: HttpOptions, onLine: TakeLine) {
    const address = new URL(url)
    // A query may hold a secret.
    this.#place = `${address.origin}${address.pathname}`
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
    this.#onLine = onLine
    this.exit = new Promise<UpstreamExit>(resolve => {
      this.#end = resolve
    }).then(async exit => {
      await this.#transport.close()
      while (this.#taking !== undefined) await this.#taking
      return exit
    })
    this.#transport = new StreamableHTTPClientTransport(address, {
      requestInit: { headers: { ...headers } },
      fetch: async (target, init) => this.#measured(await fetch(target, init)),
      reconnectionOptions: RECONNECTION,
      reconnectionScheduler: (reconnect, delayMs) => {
        const timer = setTimeout(reconnect, delayMs / 2 + jitterMs(Math.max(1, Math.ceil(delayMs / 2))))
        timer.unref()
        return () => clearTimeout(timer)
      }
    })
    this.#transport.onmessage = message => this.#received(message as unknown as JsonObject)
    // Whoever waits for a request hears of its failure where it is sent.
    this.#transport.onerror = () => undefined
    void this.#transport.start()
  }

  /** Each message is a request of its own: there is nothing to wait for. */
  write(line: string | Buffer): undefined {
    if (this.#isInputClosed) return undefined
    const message = parseJson(line.toString())
    if (!isObject(message)) return undefined
    const { id, method } = message
    if (typeof method === 'string' && (typeof id === 'string' || typeof id === 'number')) void this.#request(id, method, message)
    else if (method === 'notifications/cancelled') void this.#cancel(message)
    else void this.#tell(message)
    return undefined
  }

  congestion(): undefined {
    return undefined
  }

  closeInput(): void {
    this.#isInputClosed = true
  }

  async close(): Promise<void> {
    this.closeInput()
    if (this.#open.size > 0) {
      await within(new Promise<void>(resolve => {
        this.#idle = resolve
      }), this.#limits.closeGraceMs)
    }
    await this.terminate()
  }

  /** Says goodbye to a session, so that the server need not keep it, and breaks off whatever is under way. */
  async terminate(): Promise<void> {
    this.closeInput()
    await within(this.#transport.terminateSession(), this.#limits.terminateGraceMs)
    this.#end({ kind: 'exited', code: 0, signal: null })
    await this.exit
  }

  async #request(id: RequestId, method: string, message: JsonObject): Promise<void> {
    const params = isObject(message['params']) ? message['params'] : undefined
    const isModern = eraOf(params) === 'modern'
    const open: OpenRequest = { method, isModern, abort: new AbortController() }
    this.#open.set(id, open)
    await this.#handshake
    if (open.abort.signal.aborted) return
    try {
      await this.#transport.send(message as unknown as JSONRPCMessage, {
        requestSignal: open.abort.signal,
        onRequestStreamEnd: () => this.#fail(id, open, BROKEN_OFF),
        ...(isModern && method === 'tools/call' ? { headers: this.#parameters.of(params) } : {})
      })
    } catch (error) {
      if (!open.abort.signal.aborted) this.#failed(id, open, error)
    }
  }

  /** In the modern era whoever cancels closes the stream; before, the server is told. */
  async #cancel(message: JsonObject): Promise<void> {
    const params = isObject(message['params']) ? message['params'] : {}
    const id = params['requestId'] as RequestId
    const open = this.#open.get(id)
    this.#settle(id)
    if (open === undefined || !open.isModern) await this.#tell(message)
    open?.abort.abort()
  }

  async #tell(message: JsonObject): Promise<void> {
    const told = this.#transport.send(message as unknown as JSONRPCMessage)
    if (message['method'] === 'notifications/initialized') this.#handshake = within(told, HANDSHAKE_MS)
    try {
      await told
    } catch (error) {
      if (this.#isForgotten(error)) this.#forgotten()
    }
  }

  #failed(id: RequestId, open: OpenRequest, error: unknown): void {
    if (this.#isForgotten(error)) {
      this.#fail(id, open, { code: INTERNAL_ERROR, message: 'The upstream server no longer knows the session; it is opened anew' })
      return this.#forgotten()
    }
    const [status, told] = [statusOf(error), errorIn(error)]
    const reason = status === undefined ? `cannot be reached (${reasonOf(error)})` : `answered with HTTP status ${status}${hintFor(status)}`
    if (!this.#hasAnswered && (status === undefined || isNobodyServing(status, told !== undefined))) {
      return this.#end({ kind: 'not_started', reason: `cannot connect to ${this.#place}: it ${reason}` })
    }
    this.#fail(id, open, told ?? { code: INTERNAL_ERROR, message: `The upstream server ${reason}` })
  }

  /** Old sessions end with their server. A server without sessions has none to forget. */
  #isForgotten(error: unknown): boolean {
    return this.#transport.sessionId !== undefined && statusOf(error) === 404
  }

  #forgotten(): void {
    this.#end({ kind: 'exited', code: 1, signal: null })
  }

  #fail(id: RequestId, open: OpenRequest, error: JsonRpcError): void {
    if (this.#open.get(id) !== open) return
    this.#settle(id)
    this.#deliver(Buffer.from(answerText(id, { error })))
  }

  #settle(id: RequestId): void {
    this.#open.delete(id)
    if (this.#open.size === 0) this.#idle?.()
  }

  #received(message: JsonObject): void {
    this.#hasAnswered = true
    const { id, result } = message
    const isAnswer = message['method'] === undefined && (typeof id === 'string' || typeof id === 'number')
    const open = isAnswer ? this.#open.get(id) : undefined
    if (isAnswer) this.#settle(id)
    if (open?.method === 'initialize' && isObject(result) && typeof result['protocolVersion'] === 'string') {
      this.#transport.setProtocolVersion(result['protocolVersion'])
    }
    if (open?.isModern === true && open.method === 'tools/list' && isObject(result)) this.#parameters.learn(result)
    this.#deliver(Buffer.from(JSON.stringify(message)))
  }

  #deliver(line: Buffer): void {
    this.#lines.push(line)
    if (this.#taking === undefined) this.#takeAll()
  }

  #takeAll(): void {
    this.#taking = undefined
    for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
      const taken = this.#onLine(line)
      if (taken === undefined) continue
      this.#taking = taken.then(() => this.#takeAll())
      return
    }
  }

  /** Bounds what is read at once, and reads no faster than lines are taken. */
  #measured(response: Response): Response {
    if (response.ok) this.#hasAnswered = true
    if (response.body === null) return response
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
    const gauge = new BodyGauge({ bytesMax: this.#limits.upstreamLineBytesMax, isStream, room: () => this.#taking })
    const { status, statusText, headers } = response
    return new Response(response.body.pipeThrough(new TransformStream(gauge)), { status, statusText, headers })
  }
}

/** Streams are taken up again for as long as the upstream is used. */
const RECONNECTION = {
  initialReconnectionDelay: 1_000,
  maxReconnectionDelay: 30_000,
  reconnectionDelayGrowFactor: 2,
  maxRetries: 1_000_000
}

/** For the server to confirm that the handshake is over, before requests follow regardless. */
const HANDSHAKE_MS = 5_000

const BROKEN_OFF: JsonRpcError = { code: INTERNAL_ERROR, message: 'The upstream server broke off before it answered' }

/**
 * Whether a status says of the whole address that nobody serves there now, or not us. Some say it of a request, where the
 * body is an answer of the protocol.
 */
function isNobodyServing(status: number, isAnswer: boolean): boolean {
  if ([401, 403, 407, 429].includes(status) || status >= 500) return true
  return !isAnswer && (status === 404 || status === 405 || (status >= 300 && status < 400))
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof InsufficientScopeError) return 403
  return error instanceof SdkHttpError ? error.status : undefined
}

function hintFor(status: number): string {
  if (status === 401 || status === 403) return '; it wants other credentials in its configured "headers"'
  return status >= 300 && status < 400 ? '; it has moved to another address' : ''
}

/** The server's own words on the request, where its HTTP error carries them. Anything else in a body is not repeated. */
function errorIn(error: unknown): JsonRpcError | undefined {
  const text = error instanceof SdkHttpError ? error.data['text'] : undefined
  const body = typeof text === 'string' ? parseJson(text) : undefined
  if (!isObject(body) || !isJSONRPCErrorResponse({ id: 0, ...body, ...(body['id'] === null ? { id: 0 } : {}) })) return undefined
  return (body as unknown as Extract<Answer, { error: unknown }>).error
}

/** `fetch failed` says nothing, its cause does: `connect ECONNREFUSED 127.0.0.1:1`. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  const code = isObject(cause) ? cause['code'] : undefined
  if (typeof code === 'string') return code
  return error instanceof Error ? error.name : 'unknown error'
}
