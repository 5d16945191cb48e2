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
  /** How many listen to each resource: a thousand listeners are not gone through for each of them. */
  readonly #counts = new Map<string, number>()
  readonly #texts = new Map<string, string | null>()
  readonly #readings = new Map<string, Promise<void>>()
  #mark: string | null = null
  #marking: Promise<void> | null = null
  #stop: (() => void) | undefined
  #isLooking = false

  constructor(watched: Watched) {
    this.#watched = watched
  }

  /** Adds a listener by an id of the caller's. Resolves once later changes are sure to be noticed. Never rejects. */
  async listen(listener: unknown, uris: readonly string[]): Promise<void> {
    for (const uri of uris) this.#counts.set(uri, (this.#counts.get(uri) ?? 0) + 1)
    // What it listened to before is let go of last: what others wait for is not read anew in between, and missed.
    this.#forget(listener)
    this.#listeners.set(listener, uris)
    this.#stop ??= this.#watched.ticker(() => void this.look())
    // The mark first: a change between the two readings then costs one reading more, and is never missed.
    if (this.#mark === null) await this.#marked()
    for (const uri of uris) await this.#first(uri)
  }

  /** Asked once however many begin to listen at the same moment. */
  #marked(): Promise<void> {
    this.#marking ??= this.#watched
      .mark()
      .catch(() => null)
      .then((mark) => {
        this.#marking = null
        this.#mark ??= mark
      })
    return this.#marking
  }

  /** The text that later ones are compared with, read once however many begin to listen at the same moment. */
  #first(uri: string): Promise<void> {
    if (this.#texts.has(uri)) return Promise.resolve()
    const reading =
      this.#readings.get(uri) ??
      this.#watched
        .read(uri)
        .catch(() => null)
        .then((text) => {
          this.#readings.delete(uri)
          if (this.#counts.has(uri) && !this.#texts.has(uri)) this.#texts.set(uri, text)
        })
    this.#readings.set(uri, reading)
    return reading
  }

  leave(listener: unknown): void {
    this.#forget(listener)
    if (this.#listeners.size === 0) this.close()
  }

  /** What nobody listens to is not kept up; who listens next begins with what it reads then. */
  #forget(listener: unknown): void {
    for (const uri of this.#listeners.get(listener) ?? []) {
      const left = (this.#counts.get(uri) ?? 1) - 1
      if (left > 0) this.#counts.set(uri, left)
      else {
        this.#counts.delete(uri)
        this.#texts.delete(uri)
      }
    }
    this.#listeners.delete(listener)
  }

  close(): void {
    this.#stop?.()
    this.#stop = undefined
    this.#listeners.clear()
    this.#counts.clear()
    this.#texts.clear()
    this.#mark = null
  }

  /**
   * Looks once. Never rejects: a ledger that cannot be reached has nothing to tell, and the next look asks again. A resource
   * that cannot be read keeps nobody else from the news.
   */
  async look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      const mark = await this.#watched.mark()
      if (mark === this.#mark) return
      const compared: boolean[] = []
      for (const uri of [...this.#counts.keys()]) compared.push(await this.#compare(uri))
      this.#mark = this.#listeners.size > 0 && compared.every(Boolean) ? mark : null
    } catch {
      this.#mark = null
    } finally {
      this.#isLooking = false
    }
  }

  /** Whether the resource could be read. */
  async #compare(uri: string): Promise<boolean> {
    const text = await this.#watched.read(uri).catch(() => null)
    if (text === null) return false
    if (text === this.#texts.get(uri) || !this.#counts.has(uri)) return true
    this.#texts.set(uri, text)
    this.#watched.changed(uri)
    return true
  }
}
