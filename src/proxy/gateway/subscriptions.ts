import { INTERNAL_ERROR, isObject, type JsonObject, type JsonRpcError, metaOf, type RequestId, requestText } from '../../json/json-rpc.js'
import { type GatewayLimits, SUBSCRIPTION_ID, type Timers } from './gateway-ports.js'
import { restartDelayMs } from './restart-delay.js'
import { cancelledText, type SupervisedServer } from './supervised-server.js'

export interface SubscriptionParts {
  readonly timers: Timers
  readonly limits: GatewayLimits
  readonly newId: () => string
  readonly emit: (message: JsonObject) => Promise<void> | undefined
  /** Whom a resource's changes may come from. */
  readonly candidates: (uri: string) => readonly SupervisedServer[]
}

/** One `subscriptions/listen` of the client. */
interface Subscription {
  readonly id: RequestId
  readonly params: JsonObject
  readonly filter: JsonObject
  readonly parts: Map<SupervisedServer, Part>
  /** What came before the client was told that it is subscribed; undefined since. */
  held: JsonObject[] | undefined
}

/** What one server was asked for of it. */
interface Part {
  readonly id: string
  readonly since: number
  /** How often in a row it was asked. */
  readonly attempt: number
  acknowledged: JsonObject | undefined
  readonly settle: () => void
}

/** The client's subscriptions (2026-07-28), each spread over the servers that have to do with it. */
export class Subscriptions {
  readonly #parts: SubscriptionParts
  readonly #open = new Map<RequestId, Subscription>()

  constructor(parts: SubscriptionParts) {
    this.#parts = parts
  }

  /** Listens on all servers that are there. Resolves with an error where it cannot. */
  async listen(id: RequestId, params: JsonObject, servers: readonly SupervisedServer[]): Promise<JsonRpcError | undefined> {
    const filter = params['notifications']
    if (!isObject(filter)) return NO_FILTER
    if (this.#open.size >= this.#parts.limits.rememberedMax) return TOO_MANY
    const subscription: Subscription = { id, params, filter, parts: new Map(), held: [] }
    this.#open.set(id, subscription)
    await Promise.all(servers.map(server => this.#join(subscription, server, 1)))
    if (!this.#open.has(id)) return undefined
    const { held = [] } = subscription
    subscription.held = undefined
    void this.#parts.emit(stamped({ method: ACKNOWLEDGED, params: { notifications: honoured(subscription) } }, id))
    for (const message of held) void this.#parts.emit(message)
    return undefined
  }

  /** A server is there again: whoever listened to it does again. */
  rejoin(server: SupervisedServer): void {
    for (const subscription of this.#open.values()) void this.#join(subscription, server, 1)
  }

  /** The client no longer wants what the request with this id subscribed to, if it did. */
  cancel(id: RequestId): void {
    const subscription = this.#open.get(id)
    if (subscription === undefined) return
    this.#open.delete(id)
    for (const [server, part] of subscription.parts) {
      server.forget(part.id)
      server.notify(cancelledText(part.id))
      part.settle()
    }
  }

  /**
   * Takes a server's notification of a subscription, and passes it on under the client's id. What is of one that is over goes
   * nowhere. Undefined for any other notification.
   */
  received(server: SupervisedServer, message: JsonObject): { readonly passed: Promise<void> | undefined } | undefined {
    const params = isObject(message['params']) ? message['params'] : undefined
    const cancelled = message['method'] === 'notifications/cancelled' ? params?.['requestId'] : undefined
    const partId = cancelled ?? metaOf(params)?.[SUBSCRIPTION_ID]
    const subscription = [...this.#open.values()].find(({ parts }) => parts.get(server)?.id === partId)
    const part = subscription?.parts.get(server)
    if (subscription === undefined || part === undefined) {
      return cancelled === undefined && partId !== undefined ? { passed: undefined } : undefined
    }
    if (cancelled !== undefined) {
      server.forget(part.id)
      this.#ended(subscription, server, part)
      return { passed: undefined }
    }
    if (message['method'] === ACKNOWLEDGED) {
      part.acknowledged = isObject(params?.['notifications']) ? params['notifications'] : {}
      part.settle()
      return { passed: undefined }
    }
    return { passed: this.#pass(subscription, stamped(message, subscription.id)) }
  }

  /** Tells whoever asked to hear of it that a list changed. */
  tell(method: string): void {
    const flag = CHANGES.get(method)
    for (const subscription of this.#open.values()) {
      if (flag !== undefined && subscription.filter[flag] === true) void this.#pass(subscription, stamped({ method }, subscription.id))
    }
  }

  #pass(subscription: Subscription, message: JsonObject): Promise<void> | undefined {
    if (subscription.held === undefined) return this.#parts.emit(message)
    // Who was not told yet that it is subscribed misses nothing that it was promised.
    if (subscription.held.length < this.#parts.limits.heldMax) subscription.held.push(message)
    return undefined
  }

  /** Resolves when the server has acknowledged, has ended it, or has had its time. */
  #join(subscription: Subscription, server: SupervisedServer, attempt: number): Promise<void> {
    const filter = this.#filterFor(subscription, server)
    if (Object.keys(filter).length === 0) return Promise.resolve()
    const { timers, limits, newId } = this.#parts
    return new Promise(resolve => {
      const cancelTimer = timers.after(limits.probeMs, resolve)
      const settle = (): void => {
        cancelTimer()
        resolve()
      }
      const part: Part = { id: `mcp-credits-gateway:${newId()}`, since: timers.now(), attempt, acknowledged: undefined, settle }
      subscription.parts.set(server, part)
      const over = (): undefined => {
        this.#ended(subscription, server, part)
      }
      const params = { ...subscription.params, notifications: filter }
      server.send(part.id, requestText(part.id, 'subscriptions/listen', params), { answered: over, lost: over })
    })
  }

  /** A server that is there and had promised to tell is asked again after a while; one that is gone joins when it is back. */
  #ended(subscription: Subscription, server: SupervisedServer, part: Part): void {
    part.settle()
    if (subscription.parts.get(server) !== part) return
    subscription.parts.delete(server)
    if (!server.isReady || Object.keys(part.acknowledged ?? {}).length === 0) return
    const { timers, limits } = this.#parts
    const next = timers.now() - part.since >= limits.stableMs ? 1 : part.attempt + 1
    timers.after(restartDelayMs(next, timers.jitterMs), () => {
      const isOpen = this.#open.get(subscription.id) === subscription
      if (isOpen && server.isReady && !subscription.parts.has(server)) void this.#join(subscription, server, next)
    })
  }

  #filterFor({ filter }: Subscription, server: SupervisedServer): JsonObject {
    const { resourceSubscriptions, ...flags } = filter
    const uris = Array.isArray(resourceSubscriptions) ? resourceSubscriptions.filter(uri => typeof uri === 'string') : []
    const theirs = uris.filter(uri => this.#parts.candidates(uri).includes(server))
    const asked = Object.entries(flags).filter(([, value]) => value !== false)
    return { ...Object.fromEntries(asked), ...(theirs.length === 0 ? {} : { resourceSubscriptions: theirs }) }
  }
}

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'

/** What asks for each change of a list. */
const CHANGES: ReadonlyMap<string, string> = new Map([
  ['notifications/tools/list_changed', 'toolsListChanged'],
  ['notifications/prompts/list_changed', 'promptsListChanged'],
  ['notifications/resources/list_changed', 'resourcesListChanged']
])

const NO_FILTER: JsonRpcError = { code: -32602, message: 'Invalid params: "notifications" must be an object' }
const TOO_MANY: JsonRpcError = { code: INTERNAL_ERROR, message: 'Subscription limit reached' }

/** Of changes of the lists we tell ourselves; of the rest what the servers have promised. */
function honoured({ filter, parts }: Subscription): JsonObject {
  const promised = [...parts.values()].map(({ acknowledged }) => acknowledged ?? {})
  const flags = [...CHANGES.values()].filter(flag => filter[flag] === true).map(flag => [flag, true] as const)
  const uris = promised.flatMap(({ resourceSubscriptions: of }) => (Array.isArray(of) ? (of as readonly unknown[]) : []))
  return {
    ...Object.assign({}, ...promised),
    ...Object.fromEntries(flags),
    ...(uris.length === 0 ? {} : { resourceSubscriptions: [...new Set(uris)] })
  }
}

function stamped(message: JsonObject, id: RequestId): JsonObject {
  const params = isObject(message['params']) ? message['params'] : {}
  return { jsonrpc: '2.0', ...message, params: { ...params, _meta: { ...metaOf(params), [SUBSCRIPTION_ID]: id } } }
}
