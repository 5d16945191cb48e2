import {
  type Answer, INTERNAL_ERROR, isObject, type JsonObject, type JsonRpcError, parseJson, readUpstreamMessage, type RequestId, requestText
} from '../../json/json-rpc.js'
import { DEPTH_MAX } from '../../json/json-text.js'
import type { UpstreamExit, UpstreamLink } from '../upstream-link.js'
import type { GatewayLimits, GatewayServer, Timers } from './gateway-ports.js'
import { isTooDeep } from './nesting.js'
import { restartDelayMs } from './restart-delay.js'

/** What a server is greeted with, in the era in which the client speaks: it stays the same over all of its lives. */
export interface Greeting {
  readonly method: 'initialize' | 'server/discover'
  readonly params: JsonObject
}

export type Standing =
  /** It was started, and has not answered a greeting yet. */
  | { readonly kind: 'starting' }
  | { readonly kind: 'ready'; readonly result: JsonObject }
  /** It answered that it does not speak as it was greeted. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It ended, or could not be started, and is started again at `retryAt`. */
  | { readonly kind: 'down'; readonly retryAt: number }

/** A request that was sent to a server. Exactly one of the two is called, once, unless it is forgotten before. */
export interface SentRequest {
  readonly answered: (answer: Answer, raw: Buffer) => Promise<void> | undefined
  /** The server ended first, or (`isSent` is false) was never given the request. */
  readonly lost: (why: string, isSent: boolean) => void
}

export interface ServerEvents {
  /** A request or a notification of the server. */
  readonly received: (message: JsonObject, raw: Buffer) => Promise<void> | undefined
  readonly ready: () => void
  readonly refused: () => void
  /** What it was at is over: it ended, or is started anew. */
  readonly fell: () => void
}

export interface SupervisionParts {
  readonly timers: Timers
  readonly limits: GatewayLimits
  readonly newId: () => string
  readonly report: (text: string) => void
  readonly events: ServerEvents
}

/**
 * One server behind the gateway: started, greeted, and started again whenever it ends, for as long as the gateway is open.
 * Its end is nobody's but its own.
 */
export class SupervisedServer {
  readonly name: string
  readonly #server: GatewayServer
  readonly #parts: SupervisionParts
  readonly #sent = new Map<RequestId, SentRequest>()
  #standing: Standing = { kind: 'starting' }
  #link: UpstreamLink | undefined
  #greeting: Greeting | undefined
  #told: JsonObject | undefined
  #failures = 0
  /** Whether the opening still waits for what becomes of it. */
  #isPromising = true
  #waiting: (() => void)[] = []
  #readySince = 0
  #cancelRestart: () => void = () => undefined
  /** The gateway closes, or cannot use it: it is not started again. */
  #isOver = false
  /** Called once nothing is under way any more, while somebody waits for that. */
  #idle: () => void = () => undefined
  #queuedBytes = 0
  #hasTalked = false

  constructor(server: GatewayServer, parts: SupervisionParts) {
    this.name = server.name
    this.#server = server
    this.#parts = parts
  }

  get standing(): Standing {
    return this.#standing
  }

  /** What it told of itself when it was greeted last; undefined before the first time. */
  get told(): JsonObject | undefined {
    return this.#told
  }

  get greeting(): Greeting | undefined {
    return this.#greeting
  }

  get isReady(): boolean {
    return this.#standing.kind === 'ready'
  }

  hasCapability(name: string): boolean {
    const capabilities = this.#told?.['capabilities']
    return isObject(capabilities) && capabilities[name] !== undefined
  }

  start(): void {
    this.#standing = { kind: 'starting' }
    let link: UpstreamLink
    try {
      link = this.#server.open(line => (this.#link === link ? this.#take(line) : undefined))
    } catch (error) {
      return this.#ended({ kind: 'not_started', reason: error instanceof Error ? error.message : String(error) })
    }
    this.#link = link
    void link.exit.then(exit => {
      if (this.#link === link) this.#ended(exit)
    })
    if (this.#greeting !== undefined) void this.#greet(link, this.#greeting)
  }

  /** Greets it now, and again after each start. Resolves when it is known what becomes of it, which may take its time. */
  greet(greeting: Greeting): Promise<void> {
    this.#greeting = greeting
    if (this.#standing.kind !== 'down') {
      this.#standing = { kind: 'starting' }
      this.#isPromising = true
    }
    if (this.#link !== undefined) void this.#greet(this.#link, greeting)
    return this.settled()
  }

  /** Ends it and starts it anew: a server can be greeted in one way only in each of its lives. */
  async greetAnew(greeting: Greeting): Promise<void> {
    const link = this.#link
    this.#link = undefined
    this.#greeting = greeting
    this.#standing = { kind: 'starting' }
    this.#isPromising = true
    this.#lose('was started anew')
    this.#parts.events.fell()
    await link?.close()
    if (!this.#isOver) this.start()
    return this.settled()
  }

  /** Resolves when it is ready, has refused, or is not coming soon. */
  settled(): Promise<void> {
    if (this.#isSettled()) return Promise.resolve()
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** Gives it up for good, because it cannot be offered beside the others. */
  leaveOut(reason: string): void {
    this.#parts.report(`${this.name} is left out: ${reason}`)
    this.#standing = { kind: 'refused', reason }
    void this.terminate()
  }

  /** A request of ours; undefined where no answer came in time, or none will. */
  async ask(method: string, params: JsonObject, ms: number): Promise<Answer | undefined> {
    const link = this.#link
    if (link === undefined) return undefined
    const id = `mcp-credits-gateway:${this.#parts.newId()}`
    const { timers } = this.#parts
    return new Promise(resolve => {
      const done = (answer: Answer | undefined): undefined => {
        cancelTimer()
        this.#sent.delete(id)
        resolve(answer)
        return undefined
      }
      const cancelTimer = timers.after(ms, () => {
        done(undefined)
        // A handshake cannot be cancelled.
        if (method !== 'initialize') this.notify(cancelledText(id))
      })
      this.send(id, requestText(id, method, params), {
        answered: answer => done(isTooDeep(answer) ? { error: TOO_DEEP } : answer),
        lost: () => void done(undefined)
      })
    })
  }

  /** Sends a request. What it does not take is lost at once, so that a server that does not read holds up nobody else. */
  send(id: RequestId, line: string | Buffer, request: SentRequest): void {
    if (this.#link === undefined) return request.lost('is not running', false)
    if (!this.#hasRoomFor(line)) return request.lost('does not read what it is sent', false)
    this.#sent.set(id, request)
    this.#write(line)
  }

  /** Sends what nobody waits for. */
  notify(line: string | Buffer): void {
    if (this.#hasRoomFor(line)) this.#write(line)
  }

  /** Whoever cancels waits for no answer. */
  forget(id: RequestId): void {
    this.#sent.delete(id)
    this.#seeWhetherIdle()
  }

  /** Resolves once it has answered what it was given, or is gone. Never rejects. */
  closeInput(): Promise<void> {
    this.#stopRestarting()
    this.#link?.closeInput()
    return new Promise(resolve => {
      this.#idle = resolve
      this.#seeWhetherIdle()
    })
  }

  async close(): Promise<void> {
    this.#stopRestarting()
    await this.#link?.close()
    await this.#link?.exit
  }

  async terminate(): Promise<void> {
    this.#stopRestarting()
    await this.#link?.terminate()
    await this.#link?.exit
  }

  async #greet(link: UpstreamLink, greeting: Greeting): Promise<void> {
    const { limits, timers, report, events } = this.#parts
    const answer = await this.ask(greeting.method, greeting.params, limits.startMs)
    if (this.#link !== link || this.#greeting !== greeting) return
    if (answer === undefined || ('error' in answer && answer.error.code === INTERNAL_ERROR)) {
      const said = answer === undefined ? 'did not answer' : `answered: ${answer.error.message}`
      report(`${this.name} ${said} when it was greeted; it is started anew`)
      return link.terminate()
    }
    if ('error' in answer) {
      this.#standing = { kind: 'refused', reason: answer.error.message }
      this.#settle()
      return events.refused()
    }
    this.#standing = { kind: 'ready', result: answer.result }
    this.#told = answer.result
    this.#readySince = timers.now()
    this.#settle()
    events.ready()
  }

  #take(line: Buffer): Promise<void> | undefined {
    const value = parseJson(line.toString())
    if (!Array.isArray(value)) return this.#deliver(value, line)
    const passed = value.map((member: unknown) => this.#deliver(member, Buffer.from(JSON.stringify(member))))
    return Promise.all(passed).then(() => undefined)
  }

  #deliver(value: unknown, raw: Buffer): Promise<void> | undefined {
    if (!isObject(value)) return this.#refuseTalk()
    if (typeof value['method'] === 'string') return isTooDeep(value) ? this.#refuseTalk() : this.#parts.events.received(value, raw)
    const message = readUpstreamMessage(value)
    if (message.kind !== 'answer') return this.#refuseTalk()
    const request = this.#sent.get(message.id)
    this.#sent.delete(message.id)
    const passed = request?.answered(message.answer, raw)
    this.#seeWhetherIdle()
    return passed
  }

  /** Nobody could tell whose it is if it were passed on. */
  #refuseTalk(): undefined {
    if (!this.#hasTalked) this.#parts.report(`${this.name} writes what is no message of the protocol; it is dropped`)
    this.#hasTalked = true
  }

  #ended(exit: UpstreamExit): void {
    const { timers, limits, report, events } = this.#parts
    const wasReady = this.#standing.kind === 'ready'
    this.#link = undefined
    if (!this.#isOver) {
      if (wasReady && timers.now() - this.#readySince >= limits.stableMs) this.#failures = 0
      this.#failures += 1
      const delayMs = restartDelayMs(this.#failures, timers.jitterMs)
      this.#standing = { kind: 'down', retryAt: timers.now() + delayMs }
      this.#cancelRestart = timers.after(delayMs, () => this.start())
      // One that fails for hours is told of ever more rarely.
      if (isPowerOfTwo(this.#failures)) {
        report(`${this.name}: ${describeExit(exit)}; it is started again in ${(delayMs / 1000).toFixed(1)} s`)
      }
    }
    // A crash may be the answer to a question that an old server does not understand, so that a first one is waited out.
    if (exit.kind === 'not_started' || this.#failures > 1) this.#isPromising = false
    this.#lose('ended before it answered')
    this.#settle()
    events.fell()
  }

  #lose(why: string): void {
    const lost = [...this.#sent.values()]
    this.#sent.clear()
    this.#queuedBytes = 0
    for (const request of lost) request.lost(why, true)
    this.#seeWhetherIdle()
  }

  #seeWhetherIdle(): void {
    if (this.#sent.size === 0) this.#idle()
  }

  #stopRestarting(): void {
    this.#isOver = true
    this.#cancelRestart()
    this.#settle()
  }

  #isSettled(): boolean {
    const { kind } = this.#standing
    return this.#isOver || kind === 'ready' || kind === 'refused' || !this.#isPromising
  }

  #settle(): void {
    if (!this.#isSettled()) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  #hasRoomFor(line: string | Buffer): boolean {
    return this.#queuedBytes + line.length <= this.#parts.limits.queuedBytesMax || this.#queuedBytes === 0
  }

  #write(line: string | Buffer): void {
    const link = this.#link
    const drained = link?.write(line)
    if (drained === undefined) return
    this.#queuedBytes += line.length
    void drained.then(() => {
      if (this.#link === link) this.#queuedBytes = 0
    })
  }
}

const TOO_DEEP: JsonRpcError = { code: INTERNAL_ERROR, message: `nested deeper than ${DEPTH_MAX} levels` }

export function cancelledText(requestId: RequestId): string {
  return JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })
}

function describeExit(exit: UpstreamExit): string {
  return exit.kind === 'not_started' ? exit.reason : `ended (${exit.signal ?? `exit code ${String(exit.code)}`})`
}

function isPowerOfTwo(count: number): boolean {
  return Number.isInteger(Math.log2(count))
}
