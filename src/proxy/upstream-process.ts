import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import type { Writable } from 'node:stream'
import spawn from 'cross-spawn'
import { LineSplitter, type Line } from '../json/line-framing.js'
import { LineWriter } from './line-writer.js'
import type { ProxyLimits } from './ports.js'
import { within } from './within.js'

export interface UpstreamOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string | undefined
  readonly diagnostics: Writable
  readonly limits: Pick<ProxyLimits, 'upstreamLineBytesMax' | 'closeGraceMs' | 'terminateGraceMs'>
}

export type UpstreamExit =
  | { readonly kind: 'exited'; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly kind: 'not_started'; readonly reason: string }

/** The upstream MCP server as a child process: its lines, and an end that comes for certain. */
export class UpstreamProcess {
  /** Resolves once, when the process is gone and every line that it wrote has been read. Never rejects. */
  readonly exit: Promise<UpstreamExit>
  readonly #child: ChildProcessWithoutNullStreams
  readonly #writer: LineWriter
  readonly #limits: UpstreamOptions['limits']

  /** `onLine` is awaited before more is read from the upstream: its promise is the client's backpressure. */
  constructor(options: UpstreamOptions, onLine: (line: Buffer) => Promise<void> | undefined) {
    this.#limits = options.limits
    this.#child = spawn(options.command, options.args, {
      env: { ...options.env },
      cwd: options.cwd,
      // A group of its own, so that a launcher such as npx cannot leave the server that it started behind.
      detached: OWN_GROUP,
      windowsHide: true
    }) as ChildProcessWithoutNullStreams
    this.#child.stderr.on('error', ignore)
    this.#child.stderr.pipe(options.diagnostics, { end: false })
    this.#writer = new LineWriter(this.#child.stdin, ignore)
    const read = this.#readLines(options.limits.upstreamLineBytesMax, onLine)
    this.exit = this.#ended().then(async exit => {
      // A grandchild may hold the pipe open after the process is gone.
      if (!(await within(read, this.#limits.terminateGraceMs))) this.#signal('SIGKILL')
      await within(read, this.#limits.terminateGraceMs)
      this.#child.stdout.destroy()
      return exit
    })
  }

  write(line: string | Buffer): Promise<void> | undefined {
    return this.#writer.write(line)
  }

  /** A promise for when the upstream takes more input; undefined where it does already. */
  congestion(): Promise<void> | undefined {
    return this.#writer.congestion()
  }

  /** Asks the upstream to end, which on stdio is done by closing its input. */
  closeInput(): void {
    this.#child.stdin.end()
  }

  /** Closes the upstream's input and makes sure that it ends. */
  async close(): Promise<void> {
    this.closeInput()
    if (!(await within(this.exit, this.#limits.closeGraceMs))) await this.terminate()
  }

  /** Ends the upstream without waiting for it to finish: SIGTERM, then SIGKILL. */
  async terminate(): Promise<void> {
    this.closeInput()
    this.#signal('SIGTERM')
    if (!(await within(this.exit, this.#limits.terminateGraceMs))) this.#signal('SIGKILL')
  }

  async #readLines(bytesMax: number, onLine: (line: Buffer) => Promise<void> | undefined): Promise<void> {
    const splitter = new LineSplitter(bytesMax)
    const pass = async (lines: readonly Line[]): Promise<void> => {
      for (const line of lines) {
        if (line.kind === 'too_long') this.#signal('SIGKILL')
        else await onLine(line.bytes)
      }
    }
    try {
      for await (const chunk of this.#child.stdout) await pass(splitter.push(chunk as Buffer))
      await pass(splitter.end())
    } catch {
      // The pipe broke: the process is gone or was taken from us, and `exit` says so.
    }
  }

  #ended(): Promise<UpstreamExit> {
    return new Promise(resolve => {
      this.#child.once('exit', (code, signal) => resolve({ kind: 'exited', code, signal }))
      this.#child.once('error', error => {
        if (this.#child.pid === undefined) resolve({ kind: 'not_started', reason: error.message })
      })
    })
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      process.kill(OWN_GROUP ? -pid : pid, signal)
    } catch {
      // Already gone.
    }
  }
}

/** Windows has no process groups to signal, and a detached child would open a console window there. */
const OWN_GROUP = process.platform !== 'win32'

function ignore(): void {
  // A broken pipe to a process that has ended is reported by its exit.
}
