import type { ClosedBy, Connection } from '../connection.js'
import type { ClientLines } from '../reply.js'
import type { DoorLimits } from './limits.js'

/** An upstream that is held open for a caller, from one request to the next. */
export interface Holding {
  readonly caller: string
  /** How long it is held once it is idle. */
  readonly idleMs: number
  /** Whether nothing waits for an answer, for an outcome or for news. */
  readonly isIdle: () => boolean
  /** Whether its caller is connected to it. */
  readonly isAttended: () => boolean
  /** Resolves once it is gone, by itself or as it was told, and all that was begun is settled. Never rejects. */
  readonly ended: Promise<unknown>
  readonly close: (by: ClosedBy) => Promise<void>
}

/** What one is made with, and whom it tells of itself. */
export interface HoldingOptions {
  /** Whoever it is opened for: nobody else can use it. */
  readonly caller: string
  /** @throws Error where the upstream cannot be started */
  readonly connect: (client: ClientLines) => Connection
  readonly limits: DoorLimits
  /** Called whenever it was used, and when a stream of it has closed. */
  readonly used: (holding: Holding) => void
  /** Called again and again while somebody listens to it. */
  readonly listening: (holding: Holding) => void
  /** Called once, when its upstream is gone or was told to go. */
  readonly ended: (holding: Holding) => void
}

type HoldingLimits = Pick<DoorLimits, 'upstreamsMax' | 'upstreamsPerCallerMax' | 'unattendedMs'>

/**
 * What is held open for all callers: no more than there is room for, and nothing for longer than it is idle. Room is made
 * by ending what is idle: a caller's own first, and otherwise of whoever holds the most, so that nobody is driven out by one
 * who opens and never closes.
 */
export class Holdings {
  readonly #limits: HoldingLimits
  /** The longest unused first, each with the timer that ends it. */
  readonly #held = new Map<Holding, NodeJS.Timeout>()
  readonly #closing = new Map<Holding, Promise<unknown>>()

  constructor(limits: HoldingLimits) {
    this.#limits = limits
  }

  /**
   * The limit that keeps this caller from opening one more; undefined where there is room, or where some could be made. What
   * is ending runs until it has ended: as many of it may there be as of what is held, and no more.
   */
  limitReached(caller: string): number | undefined {
    const { upstreamsMax, upstreamsPerCallerMax } = this.#limits
    const [held, closing] = [[...this.#held.keys()], [...this.#closing.keys()]]
    const own = held.filter(of(caller))
    if (closing.filter(of(caller)).length >= upstreamsPerCallerMax) return upstreamsPerCallerMax
    if (closing.length >= upstreamsMax) return upstreamsMax
    if (own.length >= upstreamsPerCallerMax) return this.#evict(own) ? undefined : upstreamsPerCallerMax
    return held.length < upstreamsMax || this.#evict(held) ? undefined : upstreamsMax
  }

  /** Holds it from now on, until it was idle for its time, was left alone for too long, or is ended. */
  hold(holding: Holding, unattendedMs = this.#limits.unattendedMs): void {
    const timer = setTimeout(() => {
      const leftMs = holding.isAttended() ? this.#limits.unattendedMs : unattendedMs - holding.idleMs
      if (holding.isIdle() || leftMs <= 0) this.end(holding, 'client_closed')
      else this.hold(holding, leftMs)
    }, holding.idleMs)
    timer.unref()
    this.#held.set(holding, timer)
  }

  /** Counts its idle time from now. */
  used(holding: Holding): void {
    if (!this.#held.has(holding)) return
    this.#forget(holding)
    this.hold(holding)
  }

  /** Ends it, and has its end waited for by {@link closeAll}. */
  end(holding: Holding, by: ClosedBy): void {
    this.#forget(holding)
    this.#await(holding, holding.close(by))
  }

  /** Takes note that it went by itself. */
  gone(holding: Holding): void {
    this.#forget(holding)
    this.#await(holding, holding.ended)
  }

  /** Ends all of it, also what is ending already. Resolves once everything is settled. */
  async closeAll(by: ClosedBy): Promise<void> {
    for (const holding of [...this.#held.keys(), ...this.#closing.keys()]) this.end(holding, by)
    await Promise.all(this.#closing.values())
  }

  #await(holding: Holding, end: Promise<unknown>): void {
    const done = end.finally(() => {
      if (this.#closing.get(holding) === done) this.#closing.delete(holding)
    })
    this.#closing.set(holding, done)
  }

  #forget(holding: Holding): void {
    clearTimeout(this.#held.get(holding))
    this.#held.delete(holding)
  }

  #evict(among: readonly Holding[]): boolean {
    const [first, ...others] = among.filter(holding => holding.isIdle())
    if (first === undefined) return false
    const count = ({ caller }: Holding): number => among.filter(of(caller)).length
    this.end(others.reduce((most, holding) => (count(holding) > count(most) ? holding : most), first), 'client_closed')
    return true
  }
}

function of(caller: string): (holding: Holding) => boolean {
  return holding => holding.caller === caller
}
