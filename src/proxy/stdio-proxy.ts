import { LineSplitter, type Line } from '../json/line-framing.js'
import { LineWriter } from './line-writer.js'
import { DEFAULT_LIMITS, type EndedBy, type ProxyExit, type ProxyOptions } from './ports.js'
import { Relay } from './relay.js'
import { UpstreamProcess, type UpstreamExit } from './upstream-process.js'
import { within } from './within.js'

/**
 * Relays raw JSON-RPC between a client on `input`/`output` and an upstream MCP server that it starts, with every tool call
 * metered. Resolves when the client has closed, `stop` was aborted or the upstream has ended, and what was in flight is
 * settled; it never rejects for anything that either side does. Writes nothing to the ledger by itself.
 */
export async function runStdioProxy(options: ProxyOptions): Promise<ProxyExit> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const report = (text: string): void => void options.diagnostics.write(`mcp-credits: ${text}\n`)
  const closing = new Closing(options)
  const client = new LineWriter(options.output, () => closing.begin('client_closed'))
  const upstream = startUpstream()
  if (upstream === undefined) return { code: 1, reason: 'upstream_not_started' }
  const relay = new Relay({
    client,
    toUpstream: line => upstream.write(line),
    meter: options.meter,
    own: options.own,
    prices: options.prices,
    instructions: options.instructions,
    limits,
    newId: options.newId,
    report
  })

  let isReading = true
  void readClient()
  const end = await Promise.race([closing.begun, upstream.exit])
  isReading = false
  const exit = typeof end === 'string' ? await close(end) : ended(end)
  relay.endAll(typeof end === 'string' ? end : 'upstream_ended')
  if (!(await within(relay.settled(), limits.settleGraceMs))) report('some calls were not settled in time')
  await within(client.congestion() ?? Promise.resolve(), limits.settleGraceMs)
  options.input.destroy()
  return exit

  function startUpstream(): UpstreamProcess | undefined {
    const { command, args, env, cwd, diagnostics } = options
    try {
      const onLine = (line: Buffer): Promise<void> | undefined => relay.fromUpstream(line) ?? client.congestion()
      return new UpstreamProcess({ command, args, env, cwd, diagnostics, limits }, onLine)
    } catch (error) {
      report(`cannot start ${command}: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    }
  }

  async function readClient(): Promise<void> {
    const splitter = new LineSplitter(limits.clientLineBytesMax)
    try {
      for await (const chunk of options.input) {
        await pass(splitter.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as string)))
      }
      await pass(splitter.end())
    } catch {
      // A broken input is an ended one.
    }
    closing.begin('client_closed')
  }

  async function pass(lines: readonly Line[]): Promise<void> {
    for (const line of lines) {
      if (!isReading) return
      const taken = line.kind === 'line' ? relay.fromClient(line.bytes) : relay.refuseLongLine()
      await (taken ?? upstream?.congestion())
    }
  }

  /**
   * What the client sent is still forwarded and answered, whoever asks us to end. A signal that comes after the client has
   * closed cuts the wait short: the client is done with us, and only in a hurry.
   */
  async function close(by: ClosedBy): Promise<ProxyExit> {
    if (upstream !== undefined) await (by === 'stopped' ? answerAll(upstream) : Promise.race([closePolitely(upstream), closing.stopped]))
    if (closing.isStopped) relay.endAll(by)
    await upstream?.terminate()
    return { code: 0, reason: by }
  }

  async function closePolitely(upstream: UpstreamProcess): Promise<void> {
    await within(relay.admitted(), limits.answerGraceMs)
    relay.stopForwarding('client_closed')
    upstream.closeInput()
    await Promise.race([within(relay.answered(), limits.answerGraceMs), upstream.exit])
    await upstream.close()
  }

  /** The upstream's input stays open meanwhile: there are servers that drop what they are at when it closes. */
  async function answerAll(upstream: UpstreamProcess): Promise<void> {
    const answered = relay.admitted().then(() => relay.answered())
    await Promise.race([within(answered, limits.answerGraceMs), upstream.exit])
  }

  function ended(end: UpstreamExit): ProxyExit {
    if (end.kind === 'not_started') {
      report(`cannot start ${options.command}: ${end.reason}`)
      return { code: 1, reason: 'upstream_not_started' }
    }
    const isClean = end.code === 0 && !relay.hasOpenRequests
    if (!isClean) report(`the upstream server ended (${end.signal ?? `exit code ${String(end.code)}`})`)
    return { code: isClean ? 0 : end.code || 1, reason: 'upstream_ended' }
  }
}

type ClosedBy = Exclude<EndedBy, 'cancelled'>

/** Why the proxy closes from our side, if it does. The first reason counts; a stop also cuts a polite close short. */
class Closing {
  readonly begun: Promise<ClosedBy>
  readonly stopped: Promise<void>
  readonly #stop: AbortSignal | undefined
  #resolve: (by: ClosedBy) => void = () => undefined

  constructor({ stop }: Pick<ProxyOptions, 'stop'>) {
    this.#stop = stop
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

  get isStopped(): boolean {
    return this.#stop?.aborted ?? false
  }

  begin(by: ClosedBy): void {
    this.#resolve(by)
  }
}
