import type { Streams } from './definition.js'

/** The standard streams and signals of this process. */
export class ProcessStreams implements Streams {
  #isGuarded = false

  write(text: string): Promise<void> {
    this.#guard()
    return new Promise((resolve) => process.stdout.write(text, () => resolve()))
  }

  note(line: string): void {
    process.stderr.write(`${line}\n`)
  }

  get isTerminal(): boolean {
    return process.stdout.isTTY === true
  }

  get isErrorTerminal(): boolean {
    return process.stderr.isTTY === true
  }

  get isInteractive(): boolean {
    return process.stdin.isTTY === true && process.stdout.isTTY === true
  }

  async ask(question: string): Promise<string> {
    const { createInterface } = await import('node:readline/promises')
    const terminal = createInterface({ input: process.stdin, output: process.stdout })
    try {
      return (await terminal.question(question)).trim()
    } finally {
      terminal.close()
    }
  }

  stop(count = 1): AbortSignal {
    const stop = new AbortController()
    let seen = 0
    let isEcho = false
    const onSignal = () => {
      if (isEcho) return
      isEcho = true
      setTimeout(() => (isEcho = false), ECHO_MS).unref()
      seen += 1
      if (seen < count) return
      // Who waits for a single signal is ended by a second; who has been hurried is on the way out already.
      if (count === 1) for (const signal of SIGNALS) process.off(signal, onSignal)
      stop.abort()
    }
    for (const signal of SIGNALS) process.on(signal, onSignal)
    return stop.signal
  }

  /** A reader that has seen enough (`| head`) is no fault of the command. */
  #guard(): void {
    if (this.#isGuarded) return
    this.#isGuarded = true
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** One key press may come twice: from the terminal, and from whatever started us, which passes it on. */
const ECHO_MS = 300
