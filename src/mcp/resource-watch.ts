/** Calls `run` about once a second until the returned function is called. */
export type Ticker = (run: () => void) => () => void

/** Never keeps the process alive: who closed the connection does not wait for news. */
export const everySecond: Ticker = (run) => {
  const timer = setInterval(run, 1_000)
  timer.unref()
  return () => clearInterval(timer)
}

export interface Watched {
  /** Differs once anything in the ledger has changed; cheap, asked each second. */
  readonly mark: () => Promise<string>
  /** The resource as text. */
  readonly read: (uri: string) => Promise<string>
  readonly changed: (uri: string) => void
  readonly ticker: Ticker
}

/**
 * Tells when a watched resource reads differently than before, whoever changed it, other processes included. Asks only
 * while somebody listens; a resource is read again only after the ledger's mark has moved.
 */
export class ResourceWatch {
  readonly #watched: Watched
  readonly #listeners = new Map<unknown, readonly string[]>()
  readonly #texts = new Map<string, string | null>()
  #mark: string | null = null
  #stop: (() => void) | undefined
  #isLooking = false

  constructor(watched: Watched) {
    this.#watched = watched
  }

  /** Adds a listener by an id of the caller's. Resolves once later changes are sure to be noticed. Never rejects. */
  async listen(listener: unknown, uris: readonly string[]): Promise<void> {
    this.#listeners.set(listener, uris)
    this.#stop ??= this.#watched.ticker(() => void this.look())
    // The mark first: a change between the two readings then costs one reading more, and is never missed.
    this.#mark ??= await this.#watched.mark().catch(() => null)
    for (const uri of uris) {
      if (!this.#texts.has(uri)) this.#texts.set(uri, await this.#watched.read(uri).catch(() => null))
    }
  }

  leave(listener: unknown): void {
    this.#listeners.delete(listener)
    if (this.#listeners.size === 0) this.close()
    // What nobody listens to is not kept up; who listens next begins with what it reads then.
    for (const uri of this.#texts.keys()) if (!this.#uris().has(uri)) this.#texts.delete(uri)
  }

  close(): void {
    this.#stop?.()
    this.#stop = undefined
    this.#listeners.clear()
    this.#texts.clear()
    this.#mark = null
  }

  /** Looks once. Never rejects: a ledger that cannot be reached has nothing to tell, and the next look asks again. */
  async look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      const mark = await this.#watched.mark()
      if (mark === this.#mark) return
      for (const uri of this.#uris()) await this.#compare(uri)
      this.#mark = this.#listeners.size === 0 ? null : mark
    } catch {
      this.#mark = null
    } finally {
      this.#isLooking = false
    }
  }

  #uris(): ReadonlySet<string> {
    return new Set([...this.#listeners.values()].flat())
  }

  async #compare(uri: string): Promise<void> {
    const text = await this.#watched.read(uri)
    if (text === this.#texts.get(uri) || !this.#uris().has(uri)) return
    this.#texts.set(uri, text)
    this.#watched.changed(uri)
  }
}
