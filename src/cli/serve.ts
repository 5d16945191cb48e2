import type { Credits } from '../credits.js'
import { CreditError } from '../errors.js'
import type { Need } from '../mcp/ledger-access.js'
import type { Meter } from '../proxy/ports.js'
import type { OpenUpstream } from '../proxy/upstream-link.js'
import type { Invocation } from './definition.js'
import type { HttpOptions } from './http-options.js'
import { ListedPrices } from './listed-prices.js'
import { packageVersion } from './package-version.js'
import { Housekeeping } from './housekeeping.js'
import { ensureBudgets, seeThatBudgetsCanBeSet, type ServeBudget } from './serve-budgets.js'
import { isThere } from './settings.js'
import { toolsetsAlone, toolsetsBeside } from './toolsets.js'

export interface ServeOptions {
  /** Names with commas between them; undefined for what is usual. */
  readonly toolsets: string | undefined
  /** Whether a metered result may carry a line for the model once credits run low. */
  readonly hasNotes: boolean
  /** What the account may spend through this server at most, beside all other limits. */
  readonly budgets: readonly ServeBudget[]
}

export interface ServeEverywhereOptions extends ServeOptions {
  /** Null for the standard streams. */
  readonly http: HttpOptions | null
  /** A client's configuration, whose servers are offered; undefined for the command, if there is one. */
  readonly upstreams: string | undefined
}

/**
 * Composes the doors: the MCP server on the standard streams or, with a command or a file of servers, the relay in front of
 * them with every tool call metered. Starting writes nothing: clients start a server only to look at it. Resolves with the
 * exit code once the client has closed or a signal has come.
 */
export async function serve(invocation: Invocation, { http, upstreams, ...options }: ServeEverywhereOptions): Promise<number> {
  const upstream = await upstreamOf(invocation, upstreams)
  if (http !== null) return serveHttpDoor(invocation, options, http, upstream)
  // Only a key may be too little; where there is no ledger yet there is no key of it.
  const { key, database } = invocation.settings
  if (key !== null && isThere(database)) await seeThatBudgetsCanBeSet(invocation.open, options.budgets)
  const note = (line: string) => invocation.io.note(`mcp-credits: ${line}`)
  const run = runOf(invocation.settings.run)
  const look = async (need: Need | null): Promise<Credits> => {
    const credits = (await invocation.open({ scope: need })).as({ run: await run() })
    // No key of one account looks after all of them.
    housekeeping.start(credits.as({ account: null, key: null, holder: 'operator' }))
    return credits
  }
  const prices = new ListedPrices({ isThere: () => isThere(invocation.settings.database), open: () => look(null), note })
  const housekeeping = new Housekeeping(prices, note)
  const limited = once((credits: Credits) => ensureBudgets(credits, options.budgets))
  const open = async (need: Need | null): Promise<Credits> => {
    const credits = await look(need)
    await limited(credits)
    return credits
  }
  const stop = invocation.io.stop()
  try {
    return upstream === null
      ? await serveAlone({ ...options, invocation, open, stop })
      : await serveBefore({ ...options, invocation, open, stop, prices, upstream })
  } finally {
    housekeeping.stop()
  }
}

/** Null where we stand alone, which needs none of the code for what stands behind us. */
async function upstreamOf({ command, settings, io }: Invocation, file: string | undefined): Promise<OpenUpstream | null> {
  if (command.length === 0 && file === undefined) return null
  const { chosenUpstream } = await import('./upstreams.js')
  return chosenUpstream({ command, file, database: settings.database, note: (line) => io.note(`mcp-credits: ${line}`) })
}

/** The run that whoever started us has named, or one of our own, the same for as long as we live; made by the first call. */
function runOf(named: string | null): () => Promise<string> {
  let run: Promise<string> | undefined
  return () => (run ??= named === null ? import('../random.js').then(({ randomId }) => randomId()) : Promise.resolve(named))
}

async function serveHttpDoor(invocation: Invocation, options: ServeOptions, http: HttpOptions, upstream: OpenUpstream | null): Promise<number> {
  const { creditsDoor, serveOverHttp } = await import('./serve-http.js')
  const door = upstream === null ? creditsDoor : (await import('./relay-door.js')).relayDoor(upstream)
  return serveOverHttp(invocation, options, http, door)
}

/** Does a piece of work until it has been done once. */
function once(work: (credits: Credits) => Promise<void>): (credits: Credits) => Promise<void> {
  let done: Promise<void> | undefined
  return (credits) => {
    done ??= work(credits).catch((error: unknown) => {
      done = undefined
      throw error
    })
    return done
  }
}

interface Serving extends ServeOptions {
  readonly invocation: Invocation
  /**
   * Opens the ledger at the first call that needs it, sets the limits that the server was started with, and has the
   * ledger looked after from then on. The key is looked at each time, for what the call needs of it; null for any that holds.
   */
  readonly open: (need: Need | null) => Promise<Credits>
  readonly stop: AbortSignal
}

async function serveAlone({ invocation, open, stop, toolsets }: Serving): Promise<number> {
  const { serveCreditsOnStdio } = await import('../mcp/serve-stdio.js')
  const offered = await toolsetsAlone(toolsets)
  const { note } = invocation.io
  const connection = serveCreditsOnStdio(
    { credits: open, toolsets: offered, version: packageVersion(), report: (line) => note(`mcp-credits: ${line}`) },
    { input: process.stdin, output: process.stdout },
  )
  stop.addEventListener('abort', () => connection.finish(), { once: true })
  await connection.closed
  // Reading goes on otherwise, and keeps the process alive for a client that was told goodbye.
  process.stdin.destroy()
  return 0
}

async function serveBefore({ open, stop, toolsets, hasNotes, prices, upstream }: Serving & {
  readonly prices: ListedPrices
  readonly upstream: OpenUpstream
}): Promise<number> {
  const [{ runStdioProxy }, { ownServer }, { instructionsFor }, { randomId }] = await Promise.all([
    import('../proxy/stdio-proxy.js'),
    import('../mcp/own-server.js'),
    import('../mcp/instructions.js'),
    import('../random.js'),
  ])
  const offered = await toolsetsBeside(toolsets)
  // The ledger and its driver are loaded while the upstream starts; only a list of tools waits for the prices.
  void prices.refresh()
  const exit = await runStdioProxy({
    upstream,
    input: process.stdin,
    output: process.stdout,
    diagnostics: process.stderr,
    stop,
    meter: meterOf(open, hasNotes),
    own: ownServer({ credits: open, toolsets: offered }),
    prices,
    instructions: instructionsFor(offered, 'upstream'),
    newId: randomId,
  })
  return exit.code
}

/** A ledger that cannot be opened refuses the call, in the words and form in which any refusal reaches a model. */
function meterOf(open: Serving['open'], hasNotes: boolean): Meter {
  return async (call) => {
    let credits: Credits
    try {
      // Whether the key may spend is asked where something is spent: free calls take any key that holds.
      credits = await open(null)
    } catch (error) {
      if (!(error instanceof CreditError)) throw error
      const { refusalResult } = await import('../refusal-body.js')
      return { kind: 'result', result: refusalResult(error) }
    }
    return credits.meter(call, { withoutNotes: !hasNotes })
  }
}
