import {
  answerText, type ClientMessage, type ClientRequest, isObject, type JsonObject, type JsonRpcError, METHOD_NOT_FOUND, metaOf,
  parseJson
} from '../../json/json-rpc.js'
import { withReplacedValue } from '../../json/replaced-value.js'
import type { ClosedBy, Connection } from '../connection.js'
import { paramHeaderFault } from '../param-headers.js'
import { type Reply, replyWith, SILENT } from '../reply.js'
import { onOneLine } from './event-stream.js'
import { Exchange } from './exchange.js'
import type { Holding, HoldingOptions } from './holdings.js'

/** A request under way: the client's own names for it, beside the number by which the upstream knows it. */
interface OpenRequest {
  readonly id: string
  readonly progressToken: string | undefined
  readonly exchange: Exchange
  readonly isSubscription: boolean
  /** Whether the relay has it: before, there is nothing to cancel. */
  isBegun: boolean
}

/**
 * The upstream of one caller who speaks 2026-07-28, in which each request stands for itself. All of the caller's clients
 * share it, so that the rounds of a call reach the process that began it. Their ids and progress tokens may be the same:
 * on the way to the upstream each request gets a number, and what comes back gets its client's own words.
 */
export class CallerLine implements Holding {
  readonly caller: string
  readonly idleMs: number
  readonly #options: HoldingOptions
  readonly #connection: Connection
  /** By number, the newest last. */
  readonly #open = new Map<number, OpenRequest>()
  #lastNumber = 0
  #hasLeft = false

  /** @throws Error where the upstream cannot be started */
  constructor(options: HoldingOptions) {
    this.#options = options
    this.caller = options.caller
    this.idleMs = options.limits.callerIdleMs
    this.#connection = options.connect({ write: line => this.#fromUpstream(line.toString()) })
    void this.#connection.gone.then(() => this.#leave())
  }

  get ended(): Promise<unknown> {
    return this.#connection.ended
  }

  isIdle(): boolean {
    return !this.#connection.isBusy && !this.isAttended()
  }

  isAttended(): boolean {
    return this.#open.size > 0
  }

  async close(by: ClosedBy): Promise<void> {
    if (by === 'client_closed') this.#leave()
    await this.#connection.close(by)
  }

  async notify(message: ClientMessage & { kind: 'notification' }, text: string): Promise<void> {
    // Whoever cancels closes the request's stream. By its id it could be any client's, since only they know which is whose.
    if (message.method === 'notifications/cancelled') return
    await this.#connection.take({ kind: 'single', message, value: undefined }, onOneLine(text), SILENT)
  }

  request(request: ClientRequest, text: string, { headers, signal }: Request): Promise<Response> {
    const number = (this.#lastNumber += 1)
    const progressToken = progressTokenOf(request.params)
    const isSubscription = request.method === 'subscriptions/listen'
    const exchange = new Exchange({
      limits: this.#options.limits,
      signal,
      onCancel: () => {
        this.#close(number)
        if (open.isBegun) this.#cancel(number)
      },
      ...(isSubscription ? { onBeat: () => this.#options.listening(this) } : {})
    })
    const open: OpenRequest = {
      id: JSON.stringify(request.id),
      progressToken: progressToken === undefined ? undefined : JSON.stringify(progressToken),
      exchange,
      isSubscription,
      isBegun: false
    }
    this.#open.set(number, open)
    void this.#begin(number, open, request, { text, headers })
    return exchange.response
  }

  /** Hands a request to the relay by its number, once its headers are seen to say what it says. */
  async #begin(number: number, open: OpenRequest, request: ClientRequest, { text, headers }: { readonly text: string; readonly headers: Headers }): Promise<void> {
    const fault = await this.#paramHeaderFault(request, headers)
    // Its client may be gone: an upstream that has just been started takes its time to say what its tools are.
    if (open.exchange.isDone) return
    const reply = this.#replyTo(number, open)
    if (fault !== undefined) return replyWith(reply, number, { error: fault })
    open.isBegun = true
    const isToldProgress = open.progressToken !== undefined
    const numbered = [ID, ...(isToldProgress ? [PROGRESS_TOKEN_ASKED] : [])]
    const raw = numbered.reduce((json, path) => withReplacedValue(json, path, String(number)), onOneLine(text))
    const params = isToldProgress ? { ...request.params, _meta: { ...metaOf(request.params), progressToken: number } } : request.params
    return this.#connection.take({ kind: 'single', message: { ...request, id: number, params }, value: undefined }, raw, reply)
  }

  #replyTo(number: number, { id, exchange, isSubscription }: OpenRequest): Reply {
    return {
      answer: message => {
        this.#close(number)
        const named = withReplacedValue(onOneLine(message.toString()), ID, id)
        return exchange.answer(isSubscription ? withReplacedValue(named, SUBSCRIPTION_RESULT, id) : named)
      },
      nothing: () => {
        this.#close(number)
        exchange.nothing()
      }
    }
  }

  async #paramHeaderFault({ method, params }: ClientRequest, headers: Headers): Promise<JsonRpcError | undefined> {
    const name = params?.['name']
    const args = params?.['arguments']
    if (method !== 'tools/call' || typeof name !== 'string') return undefined
    return paramHeaderFault(headers, await this.#connection.paramHeadersOf(name, params), isObject(args) ? args : undefined)
  }

  #close(number: number): void {
    this.#open.delete(number)
    this.#options.used(this)
  }

  #cancel(number: number): void {
    const params = { requestId: number }
    const message: ClientMessage = { kind: 'notification', method: 'notifications/cancelled', params }
    const raw = JSON.stringify({ jsonrpc: '2.0', method: message.method, params })
    void this.#connection.take({ kind: 'single', message, value: undefined }, raw, SILENT)
  }

  #fromUpstream(text: string): Promise<void> | undefined {
    const message = parseJson(text)
    if (!isObject(message) || typeof message['method'] !== 'string') return undefined
    const { id, method, params } = message
    if (typeof id === 'string' || typeof id === 'number') {
      // No client of this era waits for a question: an upstream that asks one would wait for ever.
      const error = { code: METHOD_NOT_FOUND, message: `Method not found: ${method} is not asked in this version of the protocol` }
      this.#connection.tell(answerText(id, { error }))
      return undefined
    }
    return this.#pass(text, isObject(params) ? params : {})
  }

  /** To the request that it names, in that request's words; a log line to the newest, since nothing tells which it is of. */
  #pass(text: string, params: JsonObject): Promise<void> | undefined {
    const line = onOneLine(text)
    const progressed = this.#open.get(Number(params['progressToken']))
    if (params['progressToken'] !== undefined) {
      if (progressed?.progressToken === undefined) return undefined
      return progressed.exchange.send(withReplacedValue(line, PROGRESS_TOKEN_TOLD, progressed.progressToken))
    }
    const subscription = isObject(params['_meta']) ? params['_meta'][SUBSCRIPTION_ID] : undefined
    if (subscription !== undefined) {
      const listening = this.#open.get(Number(subscription))
      return listening?.exchange.send(withReplacedValue(line, SUBSCRIPTION_TOLD, listening.id))
    }
    const newest = [...this.#open.values()].reverse().find(({ isSubscription }) => !isSubscription)
    return newest?.exchange.send(line)
  }

  #leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.#options.ended(this)
  }
}

function progressTokenOf(params: JsonObject | undefined): string | number | undefined {
  const token = metaOf(params)?.['progressToken']
  return typeof token === 'string' || typeof token === 'number' ? token : undefined
}

const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId'
const ID = ['id']
const PROGRESS_TOKEN_ASKED = ['params', '_meta', 'progressToken']
const PROGRESS_TOKEN_TOLD = ['params', 'progressToken']
const SUBSCRIPTION_TOLD = ['params', '_meta', SUBSCRIPTION_ID]
const SUBSCRIPTION_RESULT = ['result', '_meta', SUBSCRIPTION_ID]
