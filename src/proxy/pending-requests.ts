import type { Answer, RequestId } from '../json/json-rpc.js'
import type { EndedBy } from './ports.js'

/** How a request stops waiting when no answer will come: from our side, or because the upstream is gone. */
export type Ending = EndedBy | 'upstream_ended'

/** A request that waits, either for the upstream's answer or (metered and own calls) for ours. */
export interface PendingRequest {
  /** Takes the upstream's answer: parsed, and the bytes as they came. Its promise is the client's backpressure. */
  readonly answered: (answer: Answer, raw: Buffer) => Promise<void> | undefined
  readonly ended: (by: Ending) => void
  /** Whether the upstream was given the request: only then does it hear of a cancellation. */
  readonly isUpstream: () => boolean
}

/** Requests by id. JSON-RPC ids are unique only among the requests that are open, so nothing is kept after the answer. */
export class PendingRequests {
  readonly #byId = new Map<RequestId, PendingRequest>()

  get size(): number {
    return this.#byId.size
  }

  has(id: RequestId): boolean {
    return this.#byId.has(id)
  }

  get(id: RequestId): PendingRequest | undefined {
    return this.#byId.get(id)
  }

  add(id: RequestId, request: PendingRequest): void {
    this.#byId.set(id, request)
  }

  remove(id: RequestId): void {
    this.#byId.delete(id)
  }

  endAll(by: Ending): void {
    for (const request of [...this.#byId.values()]) request.ended(by)
  }
}
