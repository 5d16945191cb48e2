import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server'
import { type ClientLine, isObject, type JsonObject, parseJson } from '../../json/json-rpc.js'
import type { ClosedBy, Connection } from '../connection.js'
import { type Reply, SILENT } from '../reply.js'
import { onOneLine } from './event-stream.js'
import type { Holding, HoldingOptions } from './holdings.js'
import { idOf } from './posted.js'
import { accepted, badRequest, ending, jsonResponse, notAcceptable, tooManyStreams } from './refusals.js'
import { SessionStreams } from './session-streams.js'

export interface SessionOptions extends HoldingOptions {
  readonly id: string
}

/**
 * A session as protocol versions up to 2025-11-25 have it: one client with an upstream of its own. A connection that
 * breaks ends nothing; what is answered meanwhile is kept for the client to read on.
 */
export class Session implements Holding {
  readonly id: string
  readonly caller: string
  readonly idleMs: number
  readonly #options: SessionOptions
  readonly #streams: SessionStreams
  readonly #connection: Connection
  #version: string | undefined
  #hasLeft = false

  /** @throws Error where the upstream cannot be started */
  constructor(options: SessionOptions) {
    this.#options = options
    this.id = options.id
    this.caller = options.caller
    this.idleMs = options.limits.sessionIdleMs
    const { limits } = options
    const watch = { onGone: () => options.used(this), onBeat: () => options.listening(this) }
    this.#streams = new SessionStreams({ limits, headers: { 'mcp-session-id': options.id }, watch })
    this.#connection = options.connect({ write: line => this.#fromUpstream(line.toString()) })
    void this.#connection.gone.then(() => this.#leave())
    void this.#connection.ended.then(() => this.#streams.end())
  }

  get ended(): Promise<unknown> {
    return this.#connection.ended
  }

  isIdle(): boolean {
    return !this.#connection.isBusy && !this.#streams.hasListeners
  }

  isAttended(): boolean {
    return this.#streams.hasReaders
  }

  async close(by: ClosedBy): Promise<void> {
    // Until it is stopped, a call under way may wait for what its client answers by another request.
    if (by === 'client_closed') {
      this.#leave()
      this.#streams.end()
    }
    await this.#connection.close(by)
  }

  /** Begins the session with `initialize`. One that the upstream refuses has never begun, and its answer names no session. */
  async begin(read: ClientLine, text: string): Promise<Response> {
    const answer = await this.#answer(read, text)
    const message = answer === undefined ? undefined : parseJson(answer)
    const result = isObject(message) && isObject(message['result']) ? message['result'] : undefined
    if (answer === undefined || result === undefined) {
      void this.close('client_closed')
      return answer === undefined ? ending(idOf(read)) : jsonResponse(answer, 200)
    }
    const version = result['protocolVersion']
    this.#version = typeof version === 'string' ? version : undefined
    return jsonResponse(answer, 200, { 'mcp-session-id': this.id })
  }

  /** Takes what the client posts once the session has begun. */
  async post(read: ClientLine, text: string, headers: Headers): Promise<Response> {
    const fault = this.#versionFault(headers)
    if (fault !== undefined) return fault
    if (read.kind === 'batch' && read.members.some(({ message }) => message.kind === 'request' || message.kind === 'invalid')) {
      // An event holds one message to the clients of that time, so that an array can only be the body.
      const answers = await this.#answer(read, text)
      return answers === undefined ? accepted() : jsonResponse(answers, 200, { 'mcp-session-id': this.id })
    }
    if (read.kind === 'batch' || read.message.kind !== 'request') {
      await this.#connection.take(read, onOneLine(text), SILENT)
      return accepted()
    }
    const { response, reply } = this.#streams.open(this.#isPrimed(headers))
    void this.#connection.take(read, onOneLine(text), this.#using(reply))
    return response
  }

  /** Opens a stream for what the upstream says unasked, or goes on with one that broke. */
  listen(headers: Headers): Response {
    const fault = this.#versionFault(headers)
    if (fault !== undefined) return fault
    if (!(headers.get('accept') ?? '').includes('text/event-stream')) return notAcceptable()
    const lastEventId = headers.get('last-event-id')
    const opened = lastEventId === null ? this.#streams.listen() : this.#streams.resume(lastEventId)
    if (opened === 'too_many') return tooManyStreams(this.#options.limits.standaloneStreamsMax)
    return opened === 'unknown_event' ? badRequest('nothing follows the event in Last-Event-ID') : opened
  }

  #answer(read: ClientLine, text: string): Promise<string | undefined> {
    return new Promise(resolve => {
      const reply: Reply = {
        answer: message => void resolve(message.toString()),
        nothing: () => resolve(undefined)
      }
      void this.#connection.take(read, onOneLine(text), this.#using(reply))
    })
  }

  /** An answer is a sign of life: only from then on is a session idle. */
  #using(reply: Reply): Reply {
    return {
      answer: message => {
        this.#options.used(this)
        return reply.answer(message)
      },
      nothing: () => {
        this.#options.used(this)
        reply.nothing()
      }
    }
  }

  #fromUpstream(text: string): Promise<void> | undefined {
    const message = parseJson(text)
    // What is no message can be nothing to a client over HTTP.
    if (!isObject(message)) return undefined
    return this.#streams.send(text, belongsToWork(message))
  }

  #versionFault(headers: Headers): Response | undefined {
    const version = headers.get('mcp-protocol-version')
    if (version === null || version === this.#version || SUPPORTED_PROTOCOL_VERSIONS.includes(version)) return undefined
    return badRequest(`Unsupported protocol version: ${version} (supported versions: ${SUPPORTED_PROTOCOL_VERSIONS.join(', ')})`)
  }

  #isPrimed(headers: Headers): boolean {
    return (headers.get('mcp-protocol-version') ?? this.#version ?? '') >= FIRST_PRIMED
  }

  #leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.#options.ended(this)
  }
}

/** Changes of what is on offer have nothing to do with a request; progress, logs and questions do. */
function belongsToWork({ method }: JsonObject): boolean {
  return typeof method !== 'string' || !/\/list_changed$|^notifications\/(?:resources\/updated|tasks)/.test(method)
}

/** The first version whose clients read an event without data as the place to read on from. */
const FIRST_PRIMED = '2025-11-25'
