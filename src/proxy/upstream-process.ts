import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import type { Writable } from 'node:stream'
import spawn from 'cross-spawn'
import { LineSplitter, type Line } from '../json/line-framing.js'
import { LineWriter } from './line-writer.js'
import { passingOn } from './passing-on.js'
import { DEFAULT_LIMITS, type ProxyLimits } from './ports.js'
import type { OpenUpstream, TakeLine, UpstreamExit, UpstreamLink } from './upstream-link.js'
import { within } from './within.js'

export interface ProcessOptions {
  readonly command: string
  readonly args: readonly string[]
  /** Its whole environment: the composition root leaves our own secrets out of it. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd?: string | undefined
  /** Takes its standard error, beside that of other processes. */
  readonly diagnostics: Writable
  /** What stands before each line of it; left out, it is passed on byte for byte. */
  readonly prefix?: string
  readonly limits?: Partial<ProcessLimits>
}

type ProcessLimits = Pick<ProxyLimits, 'upstreamLineBytesMax' | 'closeGraceMs' | 'terminateGraceMs'>

/** An upstream that is a command to start. */
export function upstreamProcess(options: ProcessOptions): OpenUpstream {
  return onLine => {
    try {
      return new UpstreamProcess(options, onLine)
    } catch (error) {
      throw new Error(cannotStart(options.command, error instanceof Error ? error.message : String(error)), { cause: error })
    }
  }
}

/** The upstream MCP server as a child process: its lines, and an end that comes for certain. */
class UpstreamProcess implements UpstreamLink {
  readonly exit: Promise<UpstreamExit>
  readonly #child: ChildProcessWithoutNullStreams
  readonly #writer: LineWriter
  readonly #command: string
  readonly #limits: ProcessLimits

  constructor(options: ProcessOptions, onLine: TakeLine) {
    this.#command = options.command
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#child = spawn(options.command, options.args, {
      env: { ...options.env },
      cwd: options.cwd,
      // A group of its own, so that a launcher such as npx cannot leave the server that it started behind.
      detached: OWN_GROUP,
      windowsHide: true
    }) as ChildProcessWithoutNullStreams
    this.#child.stderr.on('error', ignore)
    this.#child.stderr.pipe(passingOn(options.diagnostics, options.prefix))
    this.#writer = new LineWriter(this.#child.stdin, ignore)
    const read = this.#readLines(this.#limits.upstreamLineBytesMax, onLine)
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

  congestion(): Promise<void> | undefined {
    return this.#writer.congestion()
  }

  closeInput(): void {
    this.#child.stdin.end()
  }

  async close(): Promise<void> {
    this.closeInput()
    if (!(await within(this.exit, this.#limits.closeGraceMs))) await this.terminate()
  }

  /** SIGTERM, then SIGKILL. */
  async terminate(): Promise<void> {
    this.closeInput()
    this.#signal('SIGTERM')
    if (!(await within(this.exit, this.#limits.terminateGraceMs))) this.#signal('SIGKILL')
  }

  async #readLines(bytesMax: number, onLine: TakeLine): Promise<void> {
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
      // The pipe broke, or a line could not be taken: what nobody hears any more is not to go on.
      this.#signal('SIGKILL')
    }
  }

  #ended(): Promise<UpstreamExit> {
    return new Promise(resolve => {
      this.#child.once('exit', (code, signal) => resolve({ kind: 'exited', code, signal }))
      this.#child.once('error', error => {
        if (this.#child.pid === undefined) resolve({ kind: 'not_started', reason: cannotStart(this.#command, error.message) })
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

function cannotStart(command: string, reason: string): string {
  return `cannot start ${command}: ${reason}`
}

/** Windows has no process groups to signal, and a detached child would open a console window there. */
const OWN_GROUP = process.platform !== 'win32'

function ignore(): void {
  // A broken pipe to a process that has ended is reported by its exit.
}
