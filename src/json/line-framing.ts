/** One line without its end, or the notice that a line was longer than allowed and has been skipped. */
export type Line = { readonly kind: 'line'; readonly bytes: Buffer } | { readonly kind: 'too_long' }

const NEWLINE = 0x0a

/**
 * Cuts a byte stream into lines. Bytes are kept as they came, because what the proxy does not touch is passed on byte for
 * byte. What is held is bounded: a line over `bytesMax` is dropped while it arrives and reported once, at its end.
 */
export class LineSplitter {
  readonly #bytesMax: number
  #parts: Buffer[] = []
  #size = 0
  #skipping = false

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  push(chunk: Buffer): Line[] {
    const lines: Line[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#hold(chunk.subarray(start, end))
      lines.push(this.#take())
      start = end + 1
    }
    this.#hold(chunk.subarray(start))
    return lines
  }

  /** The last line, where the stream ended without a newline: `printf '{…}' | mcp-credits serve` is a fair request. */
  end(): Line[] {
    return this.#size === 0 && !this.#skipping ? [] : [this.#take()]
  }

  #hold(part: Buffer): void {
    if (this.#skipping || part.length === 0) return
    this.#size += part.length
    if (this.#size <= this.#bytesMax) {
      this.#parts.push(part)
      return
    }
    this.#skipping = true
    this.#parts = []
  }

  #take(): Line {
    const [only] = this.#parts
    const line: Line = this.#skipping
      ? { kind: 'too_long' }
      : { kind: 'line', bytes: this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts) }
    this.#parts = []
    this.#size = 0
    this.#skipping = false
    return line
  }
}
