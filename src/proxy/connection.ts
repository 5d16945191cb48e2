import type { ClientLine } from '../json/json-rpc.js'
import { UPSTREAM_ENDED, UPSTREAM_NOT_STARTED } from './call-relay.js'
import type { ParamHeader } from './param-headers.js'
import type { EndedBy, JsonObject, Meter, OwnServer, Prices, ProxyLimits } from './ports.js'
import { Relay } from './relay.js'
import type { ClientLines, Reply } from './reply.js'
import type { OpenUpstream, UpstreamExit, UpstreamLink } from './upstream-link.js'
import { within } from './within.js'

/** Who ends a connection, if its upstream does not. */
export type ClosedBy = Exclude<EndedBy, 'cancelled'>

export interface ConnectionOptions {
  readonly upstream: OpenUpstream
  /** Takes what the upstream says unasked, and requests of its own. */
  readonly client: ClientLines
  readonly meter: Meter
  readonly own: OwnServer
  readonly prices: Prices
  readonly instructions: string | undefined
  readonly limits: ProxyLimits
  readonly newId: () => string
  readonly report: (text: string) => void
}

/** How a connection ended whose upstream is gone. */
export interface ConnectionEnd {
  readonly exit: UpstreamExit
  /** Whether the upstream ended by itself, without a failure and with nothing left to answer. */
  readonly isClean: boolean
}

/** An upstream of its own with the relay before it: from the first message to when all that was begun is settled. */
export class Connection {
  /** Resolves once the upstream is gone. Never rejects. */
  readonly gone: Promise<void>
  /** Resolves once the upstream is gone and all that was begun is settled, or has had its time. Never rejects. */
  readonly ended: Promise<ConnectionEnd>
  readonly #link: UpstreamLink
  readonly #relay: Relay
  readonly #limits: ProxyLimits
  #closing: ClosedBy | undefined

  /** @throws Error where the upstream cannot be started, with a message for people */
  constructor(options: ConnectionOptions) {
    this.#limits = options.limits
    this.#relay = new Relay({ ...options, toUpstream: line => this.#link.write(line) })
    try {
      this.#link = options.upstream(line => this.#relay.fromUpstream(line) ?? options.client.congestion?.())
    } catch (error) {
      this.#relay.endAll('upstream_ended', UPSTREAM_NOT_STARTED)
      throw error
    }
    this.gone = this.#link.exit.then(() => undefined)
    this.ended = this.#link.exit.then(async exit => {
      const isClean = exit.kind === 'exited' && exit.code === 0 && !this.#relay.hasOpenRequests
      if (this.#closing === undefined && !isClean) options.report(describeExit(exit))
      this.#relay.endAll(this.#closing ?? 'upstream_ended', exit.kind === 'not_started' ? UPSTREAM_NOT_STARTED : UPSTREAM_ENDED)
      if (!(await within(this.#relay.settled(), this.#limits.settleGraceMs))) options.report('some calls were not settled in time')
      return { exit, isClean }
    })
  }

  /** Whether anything waits for an answer or an outcome. */
  get isBusy(): boolean {
    return this.#relay.hasOpenRequests || this.#relay.hasOpenTasks
  }

  /** Takes a line of the client, as {@link Relay.fromClient} does. */
  fromClient(line: Buffer): Promise<void> | undefined {
    return this.#relay.fromClient(line) ?? this.#link.congestion()
  }

  /** Answers a line that was too long to read. */
  refuseLongLine(): Promise<void> | undefined {
    return this.#relay.refuseLongLine() ?? this.#link.congestion()
  }

  /** Takes what the client sent, as {@link Relay.take} does, once the upstream takes more. */
  async take(read: ClientLine, raw: string, reply: Reply): Promise<void> {
    await this.#link.congestion()
    await this.#relay.take(read, raw, reply)
  }

  /** As {@link Relay.paramHeadersOf} tells. */
  paramHeadersOf(name: string, params: JsonObject | undefined): Promise<readonly ParamHeader[]> {
    return this.#relay.paramHeadersOf(name, params)
  }

  /** Says something to the upstream that the client did not say. */
  tell(line: string): void {
    void this.#link.write(line)
  }

  /**
   * Ends the upstream. What the client has sent is still forwarded and answered, whoever asks to end, for some time; then
   * calls are settled as those that their client left, or as stopped. Told to stop while it closes, it waits no longer: the
   * client is done with us, and only in a hurry. Resolves as {@link ended} does.
   */
  async close(by: ClosedBy): Promise<void> {
    const before = this.#closing
    if (before === undefined) {
      this.#closing = by
      this.#relay.stopAsking()
      await (by === 'stopped' ? this.#answerAll() : this.#closePolitely())
    }
    if (before === undefined || by === 'stopped') {
      this.#relay.endAll(before ?? by)
      await this.#link.terminate()
    }
    await this.ended
  }

  async #closePolitely(): Promise<void> {
    await within(this.#relay.admitted(), this.#limits.answerGraceMs)
    this.#relay.stopForwarding('client_closed')
    this.#link.closeInput()
    await Promise.race([within(this.#relay.answered(), this.#limits.answerGraceMs), this.#link.exit])
    await this.#link.close()
  }

  /** The upstream's input stays open meanwhile: there are servers that drop what they are at when it closes. */
  async #answerAll(): Promise<void> {
    const answered = this.#relay.admitted().then(() => this.#relay.answered())
    await Promise.race([within(answered, this.#limits.answerGraceMs), this.#link.exit])
  }
}

function describeExit(exit: UpstreamExit): string {
  if (exit.kind === 'not_started') return exit.reason
  return `the upstream server ended (${exit.signal ?? `exit code ${String(exit.code)}`})`
}
