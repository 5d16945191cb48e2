import type { JsonRpcError } from '../../json/json-rpc.js'
import { isObject, parseJson } from '../../json/json-rpc.js'
import { EVENT_STREAM_HEADERS, EventStream, messageEvent } from './event-stream.js'
import type { DoorLimits } from './limits.js'
import { ending, jsonResponse, statusOf } from './refusals.js'

/**
 * The response to one request of 2026-07-28: JSON with the status of what it says, or a stream of events as soon as
 * something is said before the answer, or the answer keeps the client waiting. A client that closes it cancels the request.
 */
export class Exchange {
  readonly response: Promise<Response>
  readonly #limits: DoorLimits
  readonly #onCancel: () => void
  readonly #onBeat: (() => void) | undefined
  readonly #patience: NodeJS.Timeout
  #resolve: (response: Response) => void = () => undefined
  #stream: EventStream | undefined
  #isDone = false

  /**
   * `onCancel` is called once if the client goes before the answer, `onBeat` again and again while the response is a stream
   * that is open.
   */
  constructor(options: {
    readonly limits: DoorLimits
    readonly signal: AbortSignal
    readonly onCancel: () => void
    readonly onBeat?: () => void
  }) {
    this.#limits = options.limits
    this.#onCancel = options.onCancel
    this.#onBeat = options.onBeat
    this.response = new Promise(resolve => {
      this.#resolve = resolve
    })
    // A response that does not begin is given up by whoever stands between.
    this.#patience = setTimeout(() => void this.#open(), options.limits.keepAliveMs)
    this.#patience.unref()
    const cancel = (): void => this.#cancel()
    if (options.signal.aborted) queueMicrotask(cancel)
    else options.signal.addEventListener('abort', cancel, { once: true })
  }

  get isDone(): boolean {
    return this.#isDone
  }

  send(message: string): Promise<void> | undefined {
    return this.#isDone ? undefined : this.#open().write(messageEvent(message))
  }

  answer(message: string): Promise<void> | undefined {
    if (!this.#finish()) return undefined
    if (this.#stream === undefined) {
      this.#resolve(jsonResponse(message, statusOf(errorIn(message))))
      return undefined
    }
    const taken = this.#stream.write(messageEvent(message))
    this.#stream.end()
    return taken
  }

  /** Ends without an answer, as what was cancelled does, and what is not done when the server ends. */
  nothing(): void {
    if (!this.#finish()) return
    this.#stream?.end()
    this.#resolve(ending())
  }

  #open(): EventStream {
    this.#stream ??= this.#opened()
    return this.#stream
  }

  #opened(): EventStream {
    const onGone = (): void => this.#cancel()
    const stream = new EventStream(this.#limits, this.#onBeat === undefined ? { onGone } : { onGone, onBeat: this.#onBeat })
    this.#resolve(new Response(stream.body, { headers: EVENT_STREAM_HEADERS }))
    return stream
  }

  #cancel(): void {
    if (this.#isDone) return
    this.nothing()
    this.#onCancel()
  }

  #finish(): boolean {
    if (this.#isDone) return false
    this.#isDone = true
    clearTimeout(this.#patience)
    return true
  }
}

/** The error of an answer that is one. A long answer is taken for a result, so as not to be read a second time. */
function errorIn(message: string): JsonRpcError | undefined {
  if (message.length > ERROR_LENGTH_MAX) return undefined
  const value = parseJson(message)
  const error = isObject(value) ? value['error'] : undefined
  return isObject(error) ? (error as unknown as JsonRpcError) : undefined
}

const ERROR_LENGTH_MAX = 64 * 1024
