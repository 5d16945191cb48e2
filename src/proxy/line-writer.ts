import type { Writable } from 'node:stream'

const NEWLINE = Buffer.from('\n')

/**
 * Writes lines to a stream. `write` returns undefined while the stream takes more, and otherwise a promise that resolves
 * when it does again (or is gone): whoever reads from one side awaits it before reading on, so that a slow reader on one
 * side slows the writer on the other instead of filling our memory.
 */
export class LineWriter {
  readonly #stream: Writable
  #drained: Promise<void> | undefined
  #isGone = false

  /** `onGone` is called once when the other side no longer reads (EPIPE): from then on lines go nowhere. */
  constructor(stream: Writable, onGone: () => void) {
    this.#stream = stream
    const gone = (): void => {
      if (this.#isGone) return
      this.#isGone = true
      onGone()
    }
    stream.on('error', gone)
    stream.on('close', gone)
  }

  write(line: string | Buffer): Promise<void> | undefined {
    if (this.#isGone || this.#stream.writableEnded) return undefined
    if (typeof line === 'string') {
      return this.#stream.write(`${line}\n`) ? undefined : this.#drain()
    }
    this.#stream.cork()
    this.#stream.write(line)
    const takesMore = this.#stream.write(NEWLINE)
    this.#stream.uncork()
    return takesMore ? undefined : this.#drain()
  }

  /** A promise for when the stream takes more; undefined where it does already or is gone. */
  congestion(): Promise<void> | undefined {
    return this.#isGone || !this.#stream.writableNeedDrain ? undefined : this.#drain()
  }

  #drain(): Promise<void> {
    this.#drained ??= new Promise(resolve => {
      const done = (): void => {
        this.#drained = undefined
        for (const event of ENDS) this.#stream.off(event, done)
        resolve()
      }
      for (const event of ENDS) this.#stream.on(event, done)
    })
    return this.#drained
  }
}

const ENDS = ['drain', 'error', 'close'] as const
