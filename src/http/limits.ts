import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { CreditError } from '../errors.js'
import { HttpRefusal } from './http-refusal.js'

/** What bounds the work that strangers, and callers, can make this server do. */
export interface HttpLimits {
  readonly bodyBytesMax: number
  /** Requests of one caller in a window, and as many again the moment the next begins. */
  readonly rateMax: number
  readonly rateWindowMs: number
  /** Connections; further ones are dropped. */
  readonly connectionsMax: number
  /** For a request's headers to arrive, and for all of it. */
  readonly headersMs: number
  readonly requestMs: number
  /** How often connections are looked at for those that take too long. */
  readonly checkMs: number
  /** For a client to take something of an answer that waits for it. */
  readonly unreadMs: number
  /** For the next request on a connection that stands idle. */
  readonly idleMs: number
  /** For what is under way when the server is told to stop. */
  readonly graceMs: number
}

export const HTTP_LIMITS: HttpLimits = {
  bodyBytesMax: 4 * 1024 * 1024,
  rateMax: 300,
  rateWindowMs: 1_000,
  connectionsMax: 8_192,
  // Whoever sends a byte at a time holds a connection no longer than this.
  headersMs: 10_000,
  requestMs: 60_000,
  checkMs: 5_000,
  // News for whoever never reads it would be kept, without an end. Who only waits for an answer is not meant.
  unreadMs: 60_000,
  // Longer than the minute after which most proxies drop an idle connection: one that we close first is a lost request.
  idleMs: 65_000,
  graceMs: 10_000,
}

/** Counts requests by whoever makes them. It knows nothing of money: what credits allow is the ledger's to say (ND-18). */
export class RequestRate {
  readonly #callers: RateLimiterMemory
  readonly #addresses: RateLimiterMemory

  constructor({ rateMax, rateWindowMs }: Pick<HttpLimits, 'rateMax' | 'rateWindowMs'>) {
    const window = { points: rateMax, duration: rateWindowMs / 1_000 }
    this.#callers = new RateLimiterMemory({ ...window, keyPrefix: 'caller' })
    this.#addresses = new RateLimiterMemory({ ...window, keyPrefix: 'address' })
  }

  /** A request of somebody who was identified. @throws HttpRefusal 429 */
  caller(id: string): Promise<void> {
    return taken(this.#callers, id)
  }

  /**
   * A request of nobody we know, by where it comes from. Callers with a credential are never counted by address: behind a
   * proxy all of them share one, and a stranger could use up what is theirs.
   *
   * @throws HttpRefusal 429
   */
  stranger(address: string): Promise<void> {
    return taken(this.#addresses, address)
  }
}

async function taken(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key)
  } catch (refused) {
    throw refused instanceof RateLimiterRes ? tooMany(refused.msBeforeNext) : refused
  }
}

function tooMany(waitMs: number): HttpRefusal {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1_000))
  const refusal = new CreditError('rate_limited', `Too many requests; the next one may come in ${retryAfterSeconds} s`, {
    details: { retryAfterSeconds },
    advice: ['Wait as long as Retry-After says and send the same request again. Nothing was charged, and this is not about credits.'],
  })
  return new HttpRefusal(429, refusal, { 'retry-after': String(retryAfterSeconds) })
}

/**
 * The request, which has no more of a body than it may. A length that is told is believed, since no more is read than was
 * told; a body without one is counted as it comes.
 *
 * @throws HttpRefusal 413
 */
export async function withinBody(request: Request, bytesMax: number): Promise<Request> {
  if (request.method === 'GET' || request.method === 'HEAD') return request
  const told = request.headers.get('content-length')
  if (told !== null && !request.headers.has('transfer-encoding')) return Number(told) <= bytesMax ? request : refuseBody(bytesMax)
  if (!request.headers.has('transfer-encoding') || request.body === null) return request
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength
    if (length > bytesMax) refuseBody(bytesMax)
    chunks.push(chunk)
  }
  return new Request(request.url, { method: request.method, headers: request.headers, body: Buffer.concat(chunks), signal: request.signal })
}

function refuseBody(bytesMax: number): never {
  throw new HttpRefusal(413, new CreditError('invalid_request', `The body is longer than ${bytesMax} bytes`, { details: { limit: bytesMax } }))
}
