import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import type { PassThrough, Readable, Writable } from 'node:stream'
import type { JsonObject } from '../../src/proxy/ports.js'
import type { Proxied } from './harness.js'
import { Lines } from './harness.js'

/** One side of a recorded conversation: what was sent and what came, in order. */
export interface Recording {
  readonly sent: JsonObject[]
  readonly received: JsonObject[]
}

/**
 * A transport for the clients of both SDKs over a pair of streams, which records what passes. It checks nothing and adds
 * nothing, so that the recordings of a direct and of a proxied connection differ only by the proxy.
 */
export class RecordingTransport {
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: (message: never) => void
  readonly recording: Recording = { sent: [], received: [] }
  readonly lines: Lines
  readonly #output: Writable
  readonly #end: () => Promise<unknown>

  constructor(streams: { readonly input: Readable; readonly output: Writable; readonly end: () => Promise<unknown> }) {
    this.#output = streams.output
    this.#end = streams.end
    this.lines = new Lines(streams.input as PassThrough, line => {
      const message = JSON.parse(line) as JsonObject
      this.recording.received.push(message)
      this.onmessage?.(message as never)
    })
  }

  async start(): Promise<void> {}

  async send(message: object): Promise<void> {
    this.recording.sent.push(JSON.parse(JSON.stringify(message)) as JsonObject)
    this.#output.write(`${JSON.stringify(message)}\n`)
  }

  async close(): Promise<void> {
    this.#output.end()
    await this.#end()
    this.onclose?.()
  }
}

export function proxiedTransport(proxied: Proxied): RecordingTransport {
  return new RecordingTransport({ input: proxied.output, output: proxied.input, end: () => proxied.exit })
}

export function directTransport(args: readonly string[]): RecordingTransport {
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, args)
  const exit = new Promise(resolve => child.once('exit', resolve))
  return new RecordingTransport({
    input: child.stdout,
    output: child.stdin,
    end: () => {
      child.kill('SIGTERM')
      return exit
    }
  })
}
