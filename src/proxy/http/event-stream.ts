import type { DoorLimits } from './limits.js'

type StreamLimits = Pick<DoorLimits, 'keepAliveMs' | 'stallMs' | 'streamBytesMax'>

/** The body of a response as server-sent events, and what becomes of it when its reader is slow or gone. */
export class EventStream {
  readonly body: ReadableStream<Uint8Array>
  readonly #limits: StreamLimits
  readonly #keepAlive: NodeJS.Timeout
  readonly #onGone: () => void
  #controller!: ReadableStreamDefaultController<Uint8Array>
  #isOpen = true
  #waiting: { readonly drained: Promise<void>; readonly resolve: () => void } | undefined
  #stall: NodeJS.Timeout | undefined

  /**
   * @param onGone called once if the reader goes, or is given up, before {@link end}
   * @param onBeat called again and again while it is open
   */
  constructor(limits: StreamLimits, { onGone, onBeat }: { readonly onGone: () => void; readonly onBeat?: () => void }) {
    this.#limits = limits
    this.#onGone = onGone
    this.body = new ReadableStream<Uint8Array>(
      {
        start: controller => {
          this.#controller = controller
        },
        pull: () => this.#drain(),
        cancel: () => this.#lose()
      },
      new ByteLengthQueuingStrategy({ highWaterMark: limits.streamBytesMax })
    )
    this.#keepAlive = setInterval(() => {
      // A reader who is behind gets no more to read, and is known to be there.
      if (this.#waiting === undefined) this.write(': keepalive\n\n')
      onBeat?.()
    }, limits.keepAliveMs)
    this.#keepAlive.unref()
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Undefined while the reader takes more; otherwise a promise for when it does again, or is gone. Never rejects. */
  write(frame: string): Promise<void> | undefined {
    if (!this.#isOpen) return undefined
    this.#controller.enqueue(ENCODER.encode(frame))
    return (this.#controller.desiredSize ?? 1) > 0 ? undefined : this.#drained()
  }

  end(): void {
    if (this.#finish()) this.#controller.close()
  }

  #drained(): Promise<void> {
    if (this.#waiting === undefined) {
      let resolve = (): void => undefined
      const drained = new Promise<void>(settle => {
        resolve = settle
      })
      this.#waiting = { drained, resolve }
      this.#stall = setTimeout(() => {
        this.#controller.error(new Error('the stream was not read'))
        this.#lose()
      }, this.#limits.stallMs)
      this.#stall.unref()
    }
    return this.#waiting.drained
  }

  #drain(): void {
    clearTimeout(this.#stall)
    this.#waiting?.resolve()
    this.#waiting = undefined
  }

  #lose(): void {
    if (this.#finish()) this.#onGone()
  }

  #finish(): boolean {
    if (!this.#isOpen) return false
    this.#isOpen = false
    clearInterval(this.#keepAlive)
    this.#drain()
    return true
  }
}

/** A message as an event. JSON may stand on several lines; an event's data may not. */
export function messageEvent(message: string, id?: string): string {
  return `event: message\n${id === undefined ? '' : `id: ${id}\n`}data: ${onOneLine(message)}\n\n`
}

/** JSON with the white space that would end a line taken out. In a string it cannot stand as it is. */
export function onOneLine(json: string): string {
  return json.replace(/[\r\n]+/g, ' ')
}

export const EVENT_STREAM_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no'
}

const ENCODER = new TextEncoder()
