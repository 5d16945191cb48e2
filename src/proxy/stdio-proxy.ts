import { LineSplitter, type Line } from '../json/line-framing.js'
import { type ClosedBy, Connection, type ConnectionEnd } from './connection.js'
import { LineWriter } from './line-writer.js'
import { DEFAULT_LIMITS, type ProxyExit, type ProxyOptions } from './ports.js'
import { within } from './within.js'

/**
 * Relays raw JSON-RPC between a client on `input`/`output` and the upstream MCP server that it opens, with every tool call
 * metered. Resolves when the client has closed, `stop` was aborted or the upstream has ended, and what was in flight is
 * settled; it never rejects for anything that either side does. Writes nothing to the ledger by itself.
 */
export async function runStdioProxy(options: ProxyOptions): Promise<ProxyExit> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const report = (text: string): void => void options.diagnostics.write(`mcp-credits: ${text}\n`)
  const closing = new Closing(options)
  const client = new LineWriter(options.output, () => closing.begin('client_closed'))
  const connection = open()
  if (connection === undefined) return { code: 1, reason: 'upstream_not_started' }
  let isReading = true
  void readClient(connection)
  const by = await Promise.race([closing.begun, connection.gone])
  isReading = false
  const exit = by === undefined ? exitOf(await connection.ended) : await close(connection, by)
  await within(client.congestion() ?? Promise.resolve(), limits.settleGraceMs)
  options.input.destroy()
  return exit

  function open(): Connection | undefined {
    const { upstream, meter, own, prices, instructions, newId } = options
    try {
      return new Connection({ upstream, client, meter, own, prices, instructions, limits, newId, report })
    } catch (error) {
      report(error instanceof Error ? error.message : String(error))
      return undefined
    }
  }

  async function readClient(connection: Connection): Promise<void> {
    const splitter = new LineSplitter(limits.clientLineBytesMax)
    try {
      for await (const chunk of options.input) {
        await pass(connection, splitter.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as string)))
      }
      await pass(connection, splitter.end())
    } catch {
      // A broken input is an ended one.
    }
    closing.begin('client_closed')
  }

  async function pass(connection: Connection, lines: readonly Line[]): Promise<void> {
    for (const line of lines) {
      if (!isReading) return
      await (line.kind === 'line' ? connection.fromClient(line.bytes) : connection.refuseLongLine())
    }
  }

  async function close(connection: Connection, by: ClosedBy): Promise<ProxyExit> {
    const closed = connection.close(by)
    if (by === 'client_closed') void closing.stopped.then(() => connection.close('stopped'))
    await closed
    return { code: 0, reason: by }
  }
}

function exitOf({ exit, isClean }: ConnectionEnd): ProxyExit {
  if (exit.kind === 'not_started') return { code: 1, reason: 'upstream_not_started' }
  return { code: isClean ? 0 : exit.code || 1, reason: 'upstream_ended' }
}

/** Why the proxy closes from our side, if it does. The first reason counts; a stop also cuts a polite close short. */
class Closing {
  readonly begun: Promise<ClosedBy>
  readonly stopped: Promise<void>
  #resolve: (by: ClosedBy) => void = () => undefined

  constructor({ stop }: Pick<ProxyOptions, 'stop'>) {
    this.begun = new Promise(resolve => {
      this.#resolve = resolve
    })
    this.stopped = new Promise(resolve => {
      const stopNow = (): void => {
        this.begin('stopped')
        resolve()
      }
      if (stop?.aborted) stopNow()
      else stop?.addEventListener('abort', stopNow, { once: true })
    })
  }

  begin(by: ClosedBy): void {
    this.#resolve(by)
  }
}
