import type { Answer } from '../json/json-rpc.js'
import type { ClientPerson } from './client-person.js'
import type { Ending, PendingRequests } from './pending-requests.js'
import type { JsonObject, JsonRpcError, ProxyLimits } from './ports.js'

/** What the parts of the relay share: both directions, the open requests, and the work that an exit has to wait for. */
export interface Wires {
  readonly limits: ProxyLimits
  readonly pending: PendingRequests
  readonly toUpstream: (line: string | Buffer) => Promise<void> | undefined
  /** A request of our own. Its id is random, its answer goes nowhere else. Resolves with an error if the upstream ends. */
  readonly askUpstream: (method: string, params: JsonObject) => Promise<Answer>
  /** Why nothing more is forwarded, once that is so: a call that is only now ready to run ends by it. */
  readonly closedBy: () => Ending | undefined
  /** What answers a request that the upstream, which is gone, does not. */
  readonly goneError: () => JsonRpcError
  /** Who may be asked whether something may be spent. */
  readonly person: ClientPerson
  /** Keeps the exit waiting for `work`, and reports its rejection, which is a bug. */
  readonly track: (work: Promise<unknown>) => void
  /** One line for the person who reads the diagnostics. */
  readonly report: (text: string) => void
}

/** An error as the diagnostics show it. It never goes to a client: it may name paths or secrets. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error)
}
