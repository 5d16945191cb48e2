import type { DoorLimits } from './limits.js'

interface LoggedEvent {
  readonly sequence: number
  readonly stream: number
  readonly message: string
  isDelivered: boolean
}

/**
 * The last events of a session in the order in which they arose, so that a client whose connection broke can read on after
 * the one that it has seen last. An answer that was paid for is not lost with a connection.
 */
export class EventLog {
  readonly #limits: Pick<DoorLimits, 'eventsMax' | 'eventBytesMax'>
  #events: LoggedEvent[] = []
  #bytes = 0
  #sequence = 0

  constructor(limits: Pick<DoorLimits, 'eventsMax' | 'eventBytesMax'>) {
    this.#limits = limits
  }

  /** Returns the event's id. The oldest events go when there are too many or they are too large. */
  append(stream: number, message: string, isDelivered: boolean): string {
    this.#sequence += 1
    this.#events.push({ sequence: this.#sequence, stream, message, isDelivered })
    this.#bytes += message.length
    while (this.#events.length > this.#limits.eventsMax || this.#bytes > this.#limits.eventBytesMax) {
      this.#bytes -= this.#events.shift()?.message.length ?? 0
    }
    return eventId(stream, this.#sequence)
  }

  /** The stream that an event belonged to, and what followed it there; undefined for an id that we never gave. */
  after(id: string): { readonly stream: number; readonly events: readonly SentEvent[] } | undefined {
    const [, stream, sequence] = /^(\d{1,15})-(\d{1,15})$/.exec(id)?.map(Number) ?? []
    if (stream === undefined || sequence === undefined || sequence > this.#sequence) return undefined
    return { stream, events: this.#deliver(event => event.stream === stream && event.sequence > sequence) }
  }

  /** What was never written to any connection, of one stream. */
  undelivered(stream: number): readonly SentEvent[] {
    return this.#deliver(event => event.stream === stream && !event.isDelivered)
  }

  #deliver(isWanted: (event: LoggedEvent) => boolean): readonly SentEvent[] {
    return this.#events.filter(isWanted).map(event => {
      event.isDelivered = true
      return { id: eventId(event.stream, event.sequence), message: event.message }
    })
  }
}

export interface SentEvent {
  readonly id: string
  /** Empty for the event that only gives the client a place to read on from. */
  readonly message: string
}

function eventId(stream: number, sequence: number): string {
  return `${stream}-${sequence}`
}
