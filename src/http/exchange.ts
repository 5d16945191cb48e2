import type { ServerResponse } from 'node:http'
import type { Clock } from '../clock.js'
import type { Metrics } from './metrics.js'
import type { Caller, Telling } from './ports.js'
import { CLIENT_GONE } from './problem.js'
import { callLine, logLine } from './request-log.js'

/** Whoever is told when a request is over. */
export interface Observers {
  readonly clock: Clock
  readonly metrics: Metrics
  readonly log: ((line: string) => void) | undefined
}

/** Until a request is known to be of one of our routes. */
const ELSEWHERE = 'other'

/** A request from its first byte to the last of its answer: what is known of it, for its line in the log and the figures. */
export class Exchange implements Telling {
  readonly id: string
  /** Whoever asks, once known. */
  caller: Caller | null = null
  readonly #observers: Observers
  readonly #calls: { readonly tool: string; readonly outcome: string }[] = []
  #route = ELSEWHERE
  #isOver = false

  constructor({ id, method, outgoing }: { readonly id: string; readonly method: string; readonly outgoing: ServerResponse }, observers: Observers) {
    this.id = id
    this.#observers = observers
    const { clock, metrics, log } = observers
    const at = clock.now()
    metrics.began(this.#route)
    outgoing.once('close', () => {
      this.#isOver = true
      const ms = Math.max(0, clock.now() - at)
      const status = outgoing.headersSent ? outgoing.statusCode : CLIENT_GONE
      metrics.ended({ route: this.#route, status, ms })
      log?.(logLine({ at, id, method, route: this.#route, status, ms, ...whoIs(this.caller), calls: this.#calls, isCut: !outgoing.writableFinished }))
    })
  }

  /** The route that it is of, as the route's owner writes it. */
  get pattern(): string {
    return this.#route
  }

  readonly route = (pattern: string): void => {
    this.#observers.metrics.moved(this.#route, pattern)
    this.#route = pattern
  }

  readonly call = (tool: string, outcome: string): void => {
    const { clock, metrics, log } = this.#observers
    metrics.called(outcome)
    if (this.#isOver) log?.(callLine({ at: clock.now(), id: this.id, ...whoIs(this.caller), call: { tool, outcome } }))
    else if (this.#calls.length < CALLS_LOGGED_MAX) this.#calls.push({ tool, outcome })
  }
}

/** A batch has no more members than that. */
const CALLS_LOGGED_MAX = 100

function whoIs(caller: Caller | null): { readonly key: string | null; readonly account: string | null } {
  return { key: caller?.id ?? null, account: caller?.account ?? null }
}
