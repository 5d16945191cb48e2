import type { TransformStreamDefaultController, Transformer } from 'node:stream/web'

const NEWLINE = 0x0a
const RETURN = 0x0d

/**
 * Watches the body of an answer on its way: it fails once more than `bytesMax` have come, in a stream of events since the
 * last one ended, and waits while whoever takes messages has no room.
 */
export class BodyGauge implements Transformer<Uint8Array, Uint8Array> {
  readonly #bytesMax: number
  readonly #isStream: boolean
  readonly #room: () => Promise<void> | undefined
  #bytes = 0
  #isLineEmpty = true

  constructor({ bytesMax, isStream, room }: {
    readonly bytesMax: number
    readonly isStream: boolean
    readonly room: () => Promise<void> | undefined
  }) {
    this.#bytesMax = bytesMax
    this.#isStream = isStream
    this.#room = room
  }

  async transform(chunk: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>): Promise<void> {
    await this.#room()
    const longest = this.#isStream ? this.#longestIn(chunk) : (this.#bytes += chunk.length)
    if (longest > this.#bytesMax) throw new Error(`a message is longer than ${this.#bytesMax} bytes`)
    controller.enqueue(chunk)
  }

  /** How far the longest event of those in this chunk has come. An event ends at an empty line. */
  #longestIn(chunk: Uint8Array): number {
    let longest = 0
    for (const byte of chunk) {
      this.#bytes += 1
      longest = Math.max(longest, this.#bytes)
      if (byte === NEWLINE && this.#isLineEmpty) this.#bytes = 0
      if (byte !== RETURN) this.#isLineEmpty = byte === NEWLINE
    }
    return longest
  }
}
