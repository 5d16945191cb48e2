import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** A request that is over. */
export interface CountedRequest {
  readonly route: string
  readonly status: number
  readonly ms: number
}

/**
 * Figures of this process for Prometheus, in a registry of their own. Labels are routes, statuses and outcomes, all of
 * them words of ours: none is an account, a key, a tool or anything that a client made up, so that their number is bounded
 * and nobody reads of another's doings here.
 */
export class Metrics {
  readonly contentType: string
  readonly #registry = new Registry()
  readonly #requests: Counter<'route' | 'status'>
  readonly #durations: Histogram<'route'>
  readonly #open: Gauge<'route'>
  readonly #calls: Counter<'outcome'>
  readonly #rateLimited: Counter

  constructor(connections: () => Promise<number>) {
    const registers = [this.#registry]
    this.contentType = this.#registry.contentType
    this.#requests = new Counter({ name: 'mcp_credits_http_requests_total', help: 'Requests by route and status.', labelNames: ['route', 'status'], registers })
    this.#durations = new Histogram({
      name: 'mcp_credits_http_request_duration_seconds',
      help: 'From the request to the end of its answer, by route.',
      labelNames: ['route'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    })
    this.#open = new Gauge({
      name: 'mcp_credits_http_requests_open',
      help: 'Requests that are being answered by route, streams of news among them.',
      labelNames: ['route'],
      registers,
    })
    this.#calls = new Counter({
      name: 'mcp_credits_calls_total',
      help: 'Tool calls by outcome: ok, the code of the refusal, or error.',
      labelNames: ['outcome'],
      registers,
    })
    this.#rateLimited = new Counter({ name: 'mcp_credits_rate_limited_total', help: 'Requests that were one too many.', registers })
    const gauge: Gauge = new Gauge({
      name: 'mcp_credits_http_connections',
      help: 'Open connections.',
      registers,
      collect: async () => gauge.set(await connections()),
    })
  }

  began(route: string): void {
    this.#open.inc({ route })
  }

  /** A request that turned out to be of another route than it looked. */
  moved(from: string, to: string): void {
    this.#open.dec({ route: from })
    this.#open.inc({ route: to })
  }

  ended({ route, status, ms }: CountedRequest): void {
    this.#open.dec({ route })
    this.#requests.inc({ route, status: String(status) })
    this.#durations.observe({ route }, ms / 1_000)
    if (status === 429) this.#rateLimited.inc()
  }

  called(outcome: string): void {
    this.#calls.inc({ outcome })
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }
}
