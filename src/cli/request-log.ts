/** So much of the log waits at most for somebody to read it. */
const BACKLOG_BYTES_MAX = 1024 * 1024

/** Lines of a log for a reader that may be slow or gone: they are left out then, and counted, rather than kept in memory. */
export class RequestLog {
  readonly #write: (line: string) => void
  readonly #backlog: () => number
  #leftOut = 0

  constructor(write: (line: string) => void, backlog: () => number) {
    this.#write = write
    this.#backlog = backlog
  }

  write(line: string): void {
    if (this.#backlog() > BACKLOG_BYTES_MAX) {
      this.#leftOut += 1
      return
    }
    if (this.#leftOut > 0) this.#write(JSON.stringify({ left_out: this.#leftOut }))
    this.#leftOut = 0
    this.#write(line)
  }
}
