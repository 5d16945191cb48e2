import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import type { Ending } from '../cli/raw-client.js'
import type { Home } from '../cli/process.js'
import { type Asked, modernRequest } from './support.js'

/** A process that serves over HTTP, on whichever port was free. */
export class HttpProcess {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #ending: Promise<Ending>
  readonly #output: { text: string }
  /** The address of `/mcp`, as the process has told it. */
  readonly url: string

  private constructor(child: ChildProcessWithoutNullStreams, ending: Promise<Ending>, output: { text: string }, url: string) {
    this.#child = child
    this.#ending = ending
    this.#output = output
    this.url = url
  }

  static async start(home: Home, ...words: readonly string[]): Promise<HttpProcess> {
    const child = home.start(['serve', '--http', '0', ...words])
    const output = { text: '' }
    const ending = new Promise<Ending>((resolve) => child.on('close', (code, signal) => resolve({ code, signal })))
    const url = await new Promise<string>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        output.text += text
        const [, told] = /^mcp-credits: listening on (\S+)$/m.exec(output.text) ?? []
        if (told !== undefined) resolve(told)
      })
      void ending.then(() => reject(new Error(`the server ended before it listened: ${output.text}`)))
    })
    return new HttpProcess(child, ending, output, url)
  }

  get base(): string {
    return this.url.replace(/\/mcp$/, '')
  }

  /** What it has written on standard error so far. */
  get stderr(): string {
    return this.#output.text
  }

  async ask(method: string, params: Record<string, unknown>, headers: Record<string, string> = {}): Promise<Asked> {
    const response = await fetch(this.url, { method: 'POST', ...modernRequest(method, params, headers) })
    return { status: response.status, headers: response.headers, body: (await response.json()) as Asked['body'] }
  }

  call(name: string, args: Record<string, unknown> = {}, key?: string): Promise<Asked> {
    return this.ask('tools/call', { name, arguments: args }, key === undefined ? {} : { authorization: `Bearer ${key}` })
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
    this.#child.kill(signal)
    return this.#ending
  }
}
