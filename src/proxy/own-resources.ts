import type { Answer, ClientRequest } from '../json/json-rpc.js'
import { isOwnUri, type OwnWork } from './own-relay.js'
import type { Era, OwnResources } from './ports.js'

/** Requests about resources under `credits:`, subscriptions (up to 2025-11-25) included. */
export class OwnResourceRequests {
  readonly #resources: OwnResources | undefined
  readonly #updated: (uri: string) => void
  readonly #watched = new Map<string, () => void>()

  /** `updated` is called whenever a resource that the client has subscribed to reads differently. */
  constructor(resources: OwnResources | undefined, updated: (uri: string) => void) {
    this.#resources = resources
    this.#updated = updated
  }

  /** What answers a request here; undefined where it is the upstream's to answer. */
  workFor({ method, params }: ClientRequest): OwnWork | undefined {
    const resources = this.#resources
    const uri = params?.['uri']
    if (resources === undefined || !isOwnUri(uri)) return undefined
    const { watch } = resources
    if (method === 'resources/read') return asked => resources.read(uri, asked)
    if (watch === undefined) return undefined
    if (method === 'resources/subscribe') return ({ era }) => this.#subscribe(watch, uri, era)
    if (method === 'resources/unsubscribe') return async () => this.#unsubscribe(uri)
    return undefined
  }

  async #subscribe(watch: NonNullable<OwnResources['watch']>, uri: string, era: Era): Promise<Answer> {
    const watching = watch(uri, era, () => this.#updated(uri))
    if ('error' in watching) return watching
    this.#watched.get(uri)?.()
    this.#watched.set(uri, watching.stop)
    await watching.ready
    return { result: {} }
  }

  #unsubscribe(uri: string): Answer {
    this.#watched.get(uri)?.()
    this.#watched.delete(uri)
    return { result: {} }
  }

  close(): void {
    for (const stop of this.#watched.values()) stop()
    this.#watched.clear()
  }
}
