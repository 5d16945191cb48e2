import { createInterface } from 'node:readline/promises'
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

  get isInteractive(): boolean {
    return process.stdin.isTTY === true && process.stdout.isTTY === true
  }

  async ask(question: string): Promise<string> {
    const terminal = createInterface({ input: process.stdin, output: process.stdout })
    try {
      return (await terminal.question(question)).trim()
    } finally {
      terminal.close()
    }
  }

  stop(): AbortSignal {
    const stop = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
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
