import type { Reply } from '../reply.js'
import { EventLog, type SentEvent } from './event-log.js'
import { EVENT_STREAM_HEADERS, EventStream, messageEvent } from './event-stream.js'
import type { DoorLimits } from './limits.js'

/** One stream of events, which may have a connection to flow through or none at the moment. */
interface Channel {
  readonly number: number
  sink: EventStream | undefined
}

export interface StreamWatch {
  /** Called when a connection broke. */
  readonly onGone: () => void
  /** Called again and again while somebody listens. */
  readonly onBeat: () => void
}

/** Of the streams that a client opens by GET, which need no request: they are one to it, whatever connection it reads. */
const STANDALONE = 0

/** The streams of one session: one for each request that waits for its answer, and those that the client listens on. */
export class SessionStreams {
  readonly #limits: DoorLimits
  readonly #headers: Readonly<Record<string, string>>
  readonly #watch: StreamWatch
  readonly #log: EventLog
  /** By number, the newest last. */
  readonly #requests = new Map<number, Channel>()
  readonly #listeners = new Set<EventStream>()
  #lastNumber = STANDALONE

  /** @param headers of each response */
  constructor({ limits, headers, watch }: {
    readonly limits: DoorLimits
    readonly headers: Readonly<Record<string, string>>
    readonly watch: StreamWatch
  }) {
    this.#limits = limits
    this.#headers = { ...EVENT_STREAM_HEADERS, ...headers }
    this.#watch = watch
    this.#log = new EventLog(limits)
  }

  get hasListeners(): boolean {
    return this.#listeners.size > 0
  }

  /** Whether anybody is connected, to listen or to wait for an answer. */
  get hasReaders(): boolean {
    return this.hasListeners || [...this.#requests.values()].some(({ sink }) => sink !== undefined)
  }

  /**
   * Opens the stream of a request.
   *
   * @param isPrimed whether the client is told at once where it may read on from; those before 2025-11-25 choke on it
   */
  open(isPrimed: boolean): { readonly response: Response; readonly reply: Reply } {
    this.#lastNumber += 1
    const channel: Channel = { number: this.#lastNumber, sink: undefined }
    this.#requests.set(channel.number, channel)
    const response = this.#connect(channel)
    if (isPrimed) channel.sink?.write(primingEvent(this.#log.append(channel.number, '', true)))
    const finish = (): void => {
      this.#requests.delete(channel.number)
      channel.sink?.end()
    }
    const reply: Reply = {
      answer: message => {
        const taken = this.#write(channel, message.toString())
        finish()
        return taken
      },
      nothing: finish
    }
    return { response, reply }
  }

  /** Opens a stream for what is said unasked, beginning with what was said while nobody listened. */
  listen(): Response | 'too_many' {
    if (this.#listeners.size >= this.#limits.standaloneStreamsMax) return 'too_many'
    return this.#listener(this.#log.undelivered(STANDALONE))
  }

  /** Goes on with a stream after the event with this id, if that is one of ours and the stream has more to say. */
  resume(lastEventId: string): Response | 'unknown_event' | 'too_many' {
    const missed = this.#log.after(lastEventId)
    if (missed === undefined) return 'unknown_event'
    if (missed.stream === STANDALONE) {
      return this.#listeners.size >= this.#limits.standaloneStreamsMax ? 'too_many' : this.#listener(missed.events)
    }
    const open = this.#requests.get(missed.stream)
    if (open === undefined && missed.events.length === 0) return 'unknown_event'
    const channel: Channel = open ?? { number: missed.stream, sink: undefined }
    channel.sink?.end()
    const response = this.#connect(channel)
    replay(channel.sink, missed.events)
    if (open === undefined) channel.sink?.end()
    return response
  }

  /**
   * Sends what is no answer. What belongs to work under way goes with the newest request that is open, as on a single pipe
   * nothing tells which; what does not goes to whoever listens. Where there is no connection it is kept for the next one.
   */
  send(message: string, belongsToWork: boolean): Promise<void> | undefined {
    const requests = [...this.#requests.values()].reverse()
    const connected = requests.find(({ sink }) => sink !== undefined)
    const listener = [...this.#listeners].at(-1)
    const standalone: Channel = { number: STANDALONE, sink: listener }
    const channel = belongsToWork
      ? (connected ?? (listener === undefined ? requests[0] : undefined) ?? standalone)
      : listener === undefined
        ? (connected ?? standalone)
        : standalone
    return this.#write(channel, message)
  }

  end(): void {
    for (const { sink } of this.#requests.values()) sink?.end()
    for (const sink of this.#listeners) sink.end()
    this.#requests.clear()
    this.#listeners.clear()
  }

  #write(channel: Channel, message: string): Promise<void> | undefined {
    const id = this.#log.append(channel.number, message, channel.sink !== undefined)
    return channel.sink?.write(messageEvent(message, id))
  }

  #connect(channel: Channel): Response {
    const sink = new EventStream(this.#limits, {
      onGone: () => {
        if (channel.sink === sink) channel.sink = undefined
        this.#watch.onGone()
      }
    })
    channel.sink = sink
    return new Response(sink.body, { headers: this.#headers })
  }

  #listener(missed: readonly SentEvent[]): Response {
    const sink = new EventStream(this.#limits, {
      onGone: () => {
        this.#listeners.delete(sink)
        this.#watch.onGone()
      },
      onBeat: this.#watch.onBeat
    })
    this.#listeners.add(sink)
    replay(sink, missed)
    return new Response(sink.body, { headers: this.#headers })
  }
}

function replay(sink: EventStream | undefined, events: readonly SentEvent[]): void {
  for (const { id, message } of events) {
    if (message !== '') sink?.write(messageEvent(message, id))
  }
}

/** With how long to wait before reading on. */
function primingEvent(id: string): string {
  return `id: ${id}\nretry: ${RETRY_MS}\ndata: \n\n`
}

const RETRY_MS = 1_000
