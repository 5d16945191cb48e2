import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import type { Home } from './process.js'

type Message = Readonly<Record<string, unknown>>

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

interface Waiting {
  readonly matches: (message: Message) => boolean
  readonly resolve: (message: Message) => void
  readonly reject: (error: Error) => void
}

/** A client that writes JSON-RPC as it stands and reacts to each line in the moment in which it arrives. */
export class RawClient {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #ending: Promise<Ending>
  readonly #waiting: Waiting[] = []
  #lastId = 0

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    this.#ending = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })))
    child.stdin.on('error', () => undefined)
    let diagnostics = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (diagnostics += text))
    void this.#ending.then(({ code, signal }) => {
      const error = new Error(`the server ended (${code ?? signal}) before it sent what was waited for: ${diagnostics}`)
      for (const { reject } of this.#waiting) reject(error)
    })
    let rest = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.#take(JSON.parse(line) as Message)
    })
  }

  /** Starts `serve` and shakes hands. */
  static async start(home: Home, words: readonly string[]): Promise<RawClient> {
    const client = new RawClient(home.start(['serve', ...words]))
    await client.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } })
    client.sendAll([{ method: 'notifications/initialized' }])
    return client
  }

  get nextId(): number {
    return ++this.#lastId
  }

  send(method: string, params: object): number {
    const id = this.nextId
    this.sendAll([{ id, method, params }])
    return id
  }

  /** Several messages in one write. */
  sendAll(messages: readonly object[]): void {
    this.#child.stdin.write(messages.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''))
  }

  request(method: string, params: object): Promise<Message> {
    return this.answerTo(this.send(method, params))
  }

  answerTo(id: number): Promise<Message> {
    return this.#next((message) => message['id'] === id && !('method' in message))
  }

  /** Resolves with the next notification of this kind; rejects if an answer comes instead, which it was to come before. */
  async notification(method: string): Promise<Message> {
    const message = await this.#next((message) => message['method'] === method || 'result' in message || 'error' in message)
    if (message['method'] === method) return message
    throw new Error(`instead of ${method} came ${JSON.stringify(message)}`)
  }

  kill(signal: NodeJS.Signals): Promise<Ending> {
    this.#child.kill(signal)
    return this.#ending
  }

  /** Closes its input, as clients do to end a server. */
  end(): Promise<Ending> {
    this.#child.stdin.end()
    return this.#ending
  }

  #next(matches: (message: Message) => boolean): Promise<Message> {
    return new Promise((resolve, reject) => this.#waiting.push({ matches, resolve, reject }))
  }

  #take(message: Message): void {
    const at = this.#waiting.findIndex(({ matches }) => matches(message))
    this.#waiting.splice(at, at === -1 ? 0 : 1).forEach(({ resolve }) => resolve(message))
  }
}
