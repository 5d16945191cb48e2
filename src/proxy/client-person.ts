import { type ClientAnswer, readYesOrNo, roundsIn, showsForms, yesOrNo } from '../json/elicitation.js'
import { clientCapabilities, type ClientRequest, eraOf, isObject, type JsonObject, requestText, type RequestId } from '../json/json-rpc.js'
import type { AskingPerson } from './ports.js'

export interface ClientPersonOptions {
  readonly write: (line: string) => unknown
  /** Random, so that nobody but who was asked can answer. */
  readonly newId: () => string
  /** How long a person may take. */
  readonly timeoutMs: number
}

/**
 * The person at the client, as far as the client lets us ask: in the modern era by a result that asks for input, in the
 * legacy era by a request of our own, under a random id whose answer goes no further.
 */
export class ClientPerson {
  readonly #options: ClientPersonOptions
  readonly #open = new Map<RequestId, (result: unknown) => void>()
  /** What nobody waits for any more: an answer to it that comes all the same is not the upstream's either. */
  readonly #given = new Set<RequestId>()
  #canAskUnasked = false
  #isClosed = false

  constructor(options: ClientPersonOptions) {
    this.#options = options
  }

  /** Sees what the client says of itself: in the legacy era it does so once. */
  seen({ method, params }: ClientRequest): void {
    if (method === 'initialize') this.#canAskUnasked = showsForms(params?.['capabilities'])
  }

  /** Takes the client's answer, if it is one to a question of ours. */
  takes(id: RequestId | null, result: unknown): boolean {
    if (id === null) return false
    const resolve = this.#open.get(id)
    resolve?.(result)
    return resolve !== undefined || this.#given.delete(id)
  }

  /** In which way the person may be asked about a call, if in any. */
  reach(params: JsonObject | undefined, signal: AbortSignal): AskingPerson {
    if (eraOf(params) === 'modern') {
      const rounds = roundsIn(params)
      return rounds === undefined ? {} : { rounds, canAskByRound: showsForms(clientCapabilities(params)) }
    }
    return this.#canAskUnasked ? { ask: ({ message }) => this.#ask(message, signal) } : {}
  }

  /** Nobody is there any more: what is open stays unanswered. */
  close(): void {
    this.#isClosed = true
    for (const resolve of [...this.#open.values()]) resolve(undefined)
  }

  #ask(message: string, signal: AbortSignal): Promise<ClientAnswer> {
    if (this.#isClosed || signal.aborted) return Promise.resolve('unanswered')
    const id = `mcp-credits:${this.#options.newId()}`
    return new Promise((resolve) => {
      const end = (result: unknown): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', withdraw)
        this.#open.delete(id)
        resolve(readYesOrNo(result))
      }
      const withdraw = (): void => {
        this.#forget(id)
        const params = { requestId: id, reason: 'nobody waits for the answer any more' }
        this.#options.write(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params }))
        end(undefined)
      }
      const timer = setTimeout(withdraw, this.#options.timeoutMs)
      signal.addEventListener('abort', withdraw, { once: true })
      this.#open.set(id, end)
      this.#options.write(requestText(id, 'elicitation/create', yesOrNo(message)))
    })
  }

  #forget(id: RequestId): void {
    this.#given.add(id)
    const [oldest] = this.#given
    if (this.#given.size > GIVEN_MAX && oldest !== undefined) this.#given.delete(oldest)
  }
}

/** Late answers come soon or never; an id that is kept costs little, and no more than so many are. */
const GIVEN_MAX = 1_000

/** The result of a client's answer; an error is none. */
export function resultOf(value: unknown): unknown {
  return isObject(value) ? value['result'] : undefined
}
