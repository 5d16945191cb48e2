import { INTERNAL_ERROR, isObject, type JsonObject, metaOf, type RequestId } from '../../json/json-rpc.js'
import { cancelledText, type SupervisedServer } from './supervised-server.js'

interface Question {
  readonly server: SupervisedServer
  /** As the server knows it. */
  readonly id: RequestId
  readonly progressToken: unknown
}

/** What happens to a question of a server: it goes to the client in other words, or back because too many wait. */
export type Asked = { readonly toClient: JsonObject } | { readonly toServer: JsonObject }

/**
 * Requests of the servers to the client (elicitation, sampling, roots). Each server counts its ids by itself, so that two
 * may use the same: the client sees ids, and progress tokens, of ours.
 */
export class ClientQuestions {
  readonly #open = new Map<number, Question>()
  readonly #max: number
  #lastId = 0

  constructor(max: number) {
    this.#max = max
  }

  ask(server: SupervisedServer, message: JsonObject, id: RequestId): Asked {
    const open = [...this.#open.values()].filter(question => question.server === server)
    if (open.length >= this.#max) {
      const error = { code: INTERNAL_ERROR, message: `Too many requests to the client are open (${this.#max})` }
      return { toServer: { jsonrpc: '2.0', id, error } }
    }
    const ours = (this.#lastId += 1)
    const params = isObject(message['params']) ? message['params'] : undefined
    const meta = metaOf(params)
    const progressToken = meta?.['progressToken']
    this.#open.set(ours, { server, id, progressToken })
    // Nothing but a question: with a result beside it a client could take it for the answer to a request of its own.
    const question = { jsonrpc: '2.0', id: ours, method: message['method'] }
    if (params === undefined) return { toClient: question }
    const asked = progressToken === undefined ? params : { ...params, _meta: { ...meta, progressToken: ours } }
    return { toClient: { ...question, params: asked } }
  }

  /** The client's answer, with the id that the server gave; undefined where the server no longer waits. */
  answer(message: JsonObject): { readonly server: SupervisedServer; readonly message: JsonObject } | undefined {
    const id = message['id']
    const question = typeof id === 'number' ? this.#open.get(id) : undefined
    if (question === undefined) return undefined
    this.#open.delete(id as number)
    return { server: question.server, message: { ...message, id: question.id } }
  }

  /** The client's progress on an open question, with the token that the server gave. */
  progress(params: JsonObject): { readonly server: SupervisedServer; readonly params: JsonObject } | undefined {
    const token = params['progressToken']
    const question = typeof token === 'number' ? this.#open.get(token) : undefined
    if (question?.progressToken === undefined) return undefined
    return { server: question.server, params: { ...params, progressToken: question.progressToken } }
  }

  /** The server takes its question back: the client's name for it. */
  withdrawn(server: SupervisedServer, id: unknown): number | undefined {
    for (const [ours, question] of this.#open) {
      if (question.server !== server || question.id !== id) continue
      this.#open.delete(ours)
      return ours
    }
    return undefined
  }

  /** The server is gone: what tells the client to stop asking its user for it. */
  abandoned(server: SupervisedServer): readonly string[] {
    const ids = [...this.#open].flatMap(([id, question]) => (question.server === server ? [id] : []))
    for (const id of ids) this.#open.delete(id)
    return ids.map(cancelledText)
  }
}
