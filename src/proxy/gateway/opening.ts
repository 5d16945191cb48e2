import {
  type Answer, envelopeOf, type Era, type JsonObject, type JsonRpcError, METHOD_NOT_FOUND, PROTOCOL_VERSION
} from '../../json/json-rpc.js'
import { MODERN_VERSIONS, UNSUPPORTED_PROTOCOL_VERSION } from '../../json/meta-fault.js'
import type { GatewayLimits, Identity, Timers } from './gateway-ports.js'
import { commonVersion, mergedDiscover, mergedInitialize, type Told } from './merged-offer.js'
import type { Greeting, SupervisedServer } from './supervised-server.js'

export interface OpeningParts {
  readonly servers: readonly SupervisedServer[]
  readonly identity: Identity
  readonly timers: Timers
  readonly limits: GatewayLimits
}

export type Fit =
  | { readonly kind: 'fits' }
  | { readonly kind: 'greet_anew'; readonly greeting: Greeting }
  | { readonly kind: 'unfit'; readonly reason: string }

/**
 * Brings the servers and the client to one era. Each server hears from the client what it would hear alone, so that none is
 * asked what it may not understand: `server/discover` binds nobody, and the first request of either era binds all. The
 * modern era is offered where all servers speak it; otherwise the client learns what a legacy server would tell it.
 */
export class Opening {
  readonly #parts: OpeningParts
  #era: Era | undefined
  #version: string = LATEST_LEGACY
  /** What servers are greeted with once a legacy version is agreed on. */
  #common: Greeting | undefined
  #under: { readonly era: Era; readonly done: Promise<JsonRpcError | undefined> } | undefined

  constructor(parts: OpeningParts) {
    this.#parts = parts
  }

  get era(): Era | undefined {
    return this.#era
  }

  /** Undefined where the era is the one that counts already; otherwise a promise for that, or for what stands against it. */
  need(era: Era, params: JsonObject | undefined): Promise<JsonRpcError | undefined> | undefined {
    if (this.#era === era) return undefined
    if (this.#era !== undefined) return Promise.resolve(this.#otherEra(params))
    return this.#open(era, era === 'modern' ? discovering(params) : { method: 'initialize', params: UNGREETED })
  }

  /** The client's handshake up to 2025-11-25. */
  async initialize(params: JsonObject): Promise<Answer> {
    if (this.#era === 'modern') return { error: this.#otherEra(params) }
    const error = this.#era === 'legacy' ? undefined : await this.#open('legacy', { method: 'initialize', params })
    if (error !== undefined) return { error }
    return { result: mergedInitialize(this.#told(), { version: this.#version, identity: this.#parts.identity }) }
  }

  /** What the servers say to the client's probe, if they all speak the era that it asks about. */
  async discover(params: JsonObject | undefined): Promise<Answer> {
    if (this.#era === 'legacy') return { error: NO_DISCOVERY }
    const { servers, limits } = this.#parts
    const started = servers.filter(({ standing }) => standing.kind !== 'down')
    const told = await Promise.all(servers.map(async server => {
      if (!started.includes(server)) return { server, answer: undefined, isThere: false }
      const answer = await server.ask('server/discover', params ?? {}, limits.probeMs)
      // One that has ended meanwhile says nothing about the era; one that is silent does not know the question.
      return { server, answer, isThere: server.standing.kind !== 'down' }
    }))
    const there = told.filter(({ isThere }) => isThere)
    const isModern = there.length > 0 && there.every(({ answer }) => answer !== undefined && 'result' in answer)
    if (!isModern) return { error: NO_DISCOVERY }
    const offers: readonly Told[] = told.map(({ server, answer }) =>
      answer !== undefined && 'result' in answer ? { server: server.name, result: answer.result } : { server: server.name })
    return { result: mergedDiscover(offers, { version: versionOf(params), identity: this.#parts.identity }) }
  }

  /** Whether a server that has answered its greeting can be offered beside the others. */
  fit(server: SupervisedServer): Fit {
    const { standing } = server
    if (standing.kind === 'refused') return { kind: 'unfit', reason: `it does not speak as the others do (${standing.reason})` }
    const version = standing.kind === 'ready' ? standing.result['protocolVersion'] : undefined
    const common = this.#common
    if (common === undefined || version === undefined || version === common.params['protocolVersion']) return { kind: 'fits' }
    // A server that has agreed on a newer version than another would use what the client may not know.
    if (server.greeting !== common) return { kind: 'greet_anew', greeting: common }
    return { kind: 'unfit', reason: `it answers in version ${String(version)} of the protocol, and the client speaks ${this.#version}` }
  }

  #open(era: Era, greeting: Greeting): Promise<JsonRpcError | undefined> {
    if (this.#under !== undefined && this.#under.era !== era) return Promise.resolve(this.#otherEra(greeting.params))
    this.#under ??= {
      era,
      done: this.#greetAll(era, greeting).then(error => {
        if (error === undefined) this.#era = era
        this.#under = undefined
        return error
      })
    }
    return this.#under.done
  }

  async #greetAll(era: Era, greeting: Greeting): Promise<JsonRpcError | undefined> {
    const { servers } = this.#parts
    await this.#inTime(Promise.all(servers.map(server => server.greet(greeting))))
    const refusing = servers.filter(({ standing }) => standing.kind === 'refused')
    if (refusing.length > 0) return this.#cannotServe(era, refusing, greeting.params)
    if (era === 'legacy') await this.#agreeOn(greeting)
    return undefined
  }

  async #agreeOn({ method, params }: Greeting): Promise<void> {
    const { servers } = this.#parts
    const asked = typeof params['protocolVersion'] === 'string' ? params['protocolVersion'] : LATEST_LEGACY
    this.#version = commonVersion(this.#told(), asked)
    const common: Greeting = { method, params: { ...params, protocolVersion: this.#version } }
    this.#common = common
    for (const server of servers) if (server.standing.kind === 'down') void server.greet(common)
    const others = servers.filter(server => server.isReady && this.fit(server).kind !== 'fits')
    await this.#inTime(Promise.all(others.map(server => server.greetAnew(common))))
  }

  async #inTime(work: Promise<unknown>): Promise<void> {
    const { timers, limits } = this.#parts
    let cancel: () => void = () => undefined
    const late = new Promise<void>(resolve => {
      cancel = timers.after(limits.openMs, resolve)
    })
    await Promise.race([work, late])
    cancel()
  }

  #told(): readonly Told[] {
    return this.#parts.servers.map(server => (server.isReady && server.told !== undefined
      ? { server: server.name, result: server.told }
      : { server: server.name }))
  }

  #cannotServe(era: Era, refusing: readonly SupervisedServer[], params: JsonObject): JsonRpcError {
    const names = (servers: readonly SupervisedServer[]): string => servers.map(({ name }) => name).join(', ')
    const others = this.#parts.servers.filter(server => server.isReady)
    const requested = versionOf(params)
    const versions = era === 'legacy' ? `the versions up to ${LATEST_LEGACY}` : requested
    const said = refusing.map(({ name, standing }) => (standing.kind === 'refused' ? `${name} (it answered: ${standing.reason})` : name)).join(', ')
    const speak = `${said} ${refusing.length === 1 ? 'does' : 'do'} not speak ${versions}`
    const beside = others.length === 0 ? '' : `, which ${names(others)} would have to be spoken to in; serve them behind another address`
    const supported = era === 'legacy' ? MODERN_VERSIONS : [LATEST_LEGACY]
    const message = `Unsupported protocol version: ${speak}${beside}`
    return { code: UNSUPPORTED_PROTOCOL_VERSION, message, data: { supported, requested } }
  }

  #otherEra(params: JsonObject | undefined): JsonRpcError {
    const supported = this.#era === 'legacy' || this.#under?.era === 'legacy' ? [this.#version] : MODERN_VERSIONS
    const message = `Unsupported protocol version: this connection speaks ${supported.join(', ')}`
    return { code: UNSUPPORTED_PROTOCOL_VERSION, message, data: { supported, requested: versionOf(params) } }
  }
}

/** As a server answers that knows no such method: clients then shake hands as they did before. */
const NO_DISCOVERY: JsonRpcError = { code: METHOD_NOT_FOUND, message: 'Method not found' }

export const LATEST_LEGACY = '2025-11-25'

/** For a client that asks without having shaken hands, as old servers let it. */
const UNGREETED: JsonObject = { protocolVersion: LATEST_LEGACY, capabilities: {}, clientInfo: { name: 'mcp-credits', version: '1' } }

function discovering(params: JsonObject | undefined): Greeting {
  return { method: 'server/discover', params: envelopeOf(params) }
}

function versionOf(params: JsonObject | undefined): string {
  const meta = params?.['_meta'] as JsonObject | undefined
  const version = meta?.[PROTOCOL_VERSION] ?? params?.['protocolVersion']
  return typeof version === 'string' ? version : MODERN_VERSIONS[0] ?? LATEST_LEGACY
}
