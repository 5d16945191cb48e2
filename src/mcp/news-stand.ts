import { CreditError } from '../errors.js'
import { accessOf, type HttpCaller } from './http-caller.js'
import { ResourceWatch, type Ticker } from './resource-watch.js'
import { isResource, readResource } from './resources.js'

/** The resources that one subscription may name. There are a few that change, and each is read again at every change. */
export const SUBSCRIBED_URIS_MAX = 32

/**
 * How many looks pass until everything is read again though the ledger stands still: time alone ends credentials and
 * grants.
 */
const LOOKS_A_ROUND = 15

/** Somebody who listens. */
export interface Listener {
  readonly caller: HttpCaller
  readonly uris: readonly string[]
  readonly changed: (uri: string) => void
  /** The credential holds no more: there is no news for it. */
  readonly over: () => void
}

/** A resource as one credential reads it, and whoever listens to it. */
interface Topic {
  readonly uri: string
  readonly caller: HttpCaller
  readonly listeners: Set<Listener>
}

/**
 * Tells those who listen that a resource of theirs reads differently. All of them are watched by one timer and one question
 * a second, and a resource is read once for all who listen with the same credential.
 */
export class NewsStand {
  readonly #topics = new Map<string, Topic>()
  readonly #counts = new Map<string, number>()
  readonly #watch: ResourceWatch
  #looks = 0

  constructor(ticker: Ticker) {
    const counting: Ticker = (run) =>
      ticker(() => {
        this.#looks += 1
        run()
      })
    this.#watch = new ResourceWatch({
      mark: () => this.#mark(),
      read: (topic) => this.#read(topic),
      changed: (topic) => this.#tell(topic),
      ticker: counting,
    })
  }

  /** How many listen with this caller's credential. */
  countOf({ credential }: HttpCaller): number {
    return this.#counts.get(credential) ?? 0
  }

  /** Resolves, and never rejects, once later changes are sure to be told. */
  async join(listener: Listener): Promise<void> {
    this.#counts.set(listener.caller.credential, this.countOf(listener.caller) + 1)
    await Promise.all(topicsOf(listener).map(([topic, uri]) => this.#listen(topic, uri, listener)))
  }

  /** To be called once for each that has joined. */
  leave(listener: Listener): void {
    const left = this.countOf(listener.caller) - 1
    if (left > 0) this.#counts.set(listener.caller.credential, left)
    else this.#counts.delete(listener.caller.credential)
    for (const [topic] of topicsOf(listener)) {
      const standing = this.#topics.get(topic)
      standing?.listeners.delete(listener)
      if (standing?.listeners.size !== 0) continue
      this.#topics.delete(topic)
      this.#watch.leave(topic)
    }
  }

  #listen(topic: string, uri: string, listener: Listener): Promise<void> {
    const standing = this.#topics.get(topic)
    if (standing === undefined) this.#topics.set(topic, { uri, caller: listener.caller, listeners: new Set([listener]) })
    else standing.listeners.add(listener)
    return this.#watch.listen(topic, [topic])
  }

  /** What the whole ledger stands at, which any caller may ask. */
  async #mark(): Promise<string> {
    const [anyone] = this.#topics.values()
    const round = Math.floor(this.#looks / LOOKS_A_ROUND)
    return `${round} ${anyone === undefined ? '' : await anyone.caller.credits.changeMark()}`
  }

  /** With the credential as it is now: a key that was revoked has no news any more. */
  async #read(topic: string): Promise<string> {
    const standing = this.#topics.get(topic)
    if (standing === undefined) return ''
    try {
      const caller = await standing.caller.again()
      return (await readResource(standing.uri, accessOf(caller)))?.contents[0].text ?? ''
    } catch (error) {
      if (!(error instanceof CreditError) || !ENDS.has(error.code)) throw error
      for (const listener of [...standing.listeners]) listener.over()
      return ''
    }
  }

  #tell(topic: string): void {
    const standing = this.#topics.get(topic)
    if (standing === undefined) return
    for (const listener of [...standing.listeners]) listener.changed(standing.uri)
  }
}

/** What a credential that is asked again may be refused with for good. */
const ENDS: ReadonlySet<string> = new Set(['unauthenticated', 'forbidden', 'unknown_account'])

/** What a listener hears of: each of our resources that it names, as its credential reads it. */
function topicsOf({ caller, uris }: Listener): readonly (readonly [topic: string, uri: string])[] {
  return [...new Set(uris.filter(isResource))].map((uri) => [`${caller.credential} ${uri}`, uri])
}
