import { existsSync } from 'node:fs'
import type { Toolset } from '../../tools/index.js'
import type { Credits } from '../credits.js'
import { CreditError } from '../errors.js'
import type { Meter } from '../proxy/ports.js'
import type { Invocation } from './definition.js'
import { ListedPrices } from './listed-prices.js'
import { packageVersion } from './package-version.js'
import { Housekeeping } from './housekeeping.js'
import { upstreamEnvironment } from './upstream-environment.js'

export interface ServeOptions {
  /** Names with commas between them; undefined for what is usual. */
  readonly toolsets: string | undefined
  /** Whether a metered result may carry a line for the model once credits run low. */
  readonly hasNotes: boolean
}

/**
 * Composes the doors: the MCP server on the standard streams or, with a command, the relay in front of that server
 * with every tool call metered. Starting writes nothing: clients start a server only to look at it. Resolves with the
 * exit code once the client has closed or a signal has come.
 */
export async function serve(invocation: Invocation, options: ServeOptions): Promise<number> {
  const prices = new ListedPrices()
  const housekeeping = new Housekeeping(prices, (line) => invocation.io.note(`mcp-credits: ${line}`))
  const open = async (): Promise<Credits> => {
    const credits = await invocation.open()
    housekeeping.start(credits)
    return credits
  }
  const stop = invocation.io.stop()
  try {
    return invocation.command.length === 0
      ? await serveAlone({ ...options, invocation, open, stop })
      : await serveBefore({ ...options, invocation, open, stop, prices })
  } finally {
    housekeeping.stop()
  }
}

interface Serving extends ServeOptions {
  readonly invocation: Invocation
  /** Opens the ledger at the first call that needs it, and has it looked after from then on. */
  readonly open: () => Promise<Credits>
  readonly stop: AbortSignal
}

async function serveAlone({ invocation, open, stop, toolsets }: Serving): Promise<number> {
  const { serveCreditsOnStdio } = await import('../mcp/serve-stdio.js')
  const offered = await readToolsets(toolsets, (known) => known)
  const { note } = invocation.io
  const connection = serveCreditsOnStdio(
    { credits: open, toolsets: offered, version: packageVersion(), report: (line) => note(`mcp-credits: ${line}`) },
    { input: process.stdin, output: process.stdout },
  )
  stop.addEventListener('abort', () => void connection.close(), { once: true })
  await connection.closed
  // Reading goes on otherwise, and keeps the process alive for a client that was told goodbye.
  process.stdin.destroy()
  return 0
}

async function serveBefore({ invocation, open, stop, toolsets, hasNotes, prices }: Serving & { readonly prices: ListedPrices }): Promise<number> {
  const [{ runStdioProxy }, { ownServer }, { instructionsFor }, { randomId }] = await Promise.all([
    import('../proxy/stdio-proxy.js'),
    import('../mcp/own-server.js'),
    import('../mcp/instructions.js'),
    import('../random.js'),
  ])
  // The meter spends for whoever calls an upstream tool; an agent gets tools that spend by themselves only on request.
  const offered = await readToolsets(toolsets, (known) => known.filter((name) => name !== 'spend'))
  // The ledger and its driver are loaded while the upstream starts; only a list of tools waits for the prices.
  const learned = learnPrices({ invocation, open, prices })
  const [command = '', ...args] = invocation.command
  const exit = await runStdioProxy({
    command,
    args,
    env: upstreamEnvironment(process.env),
    input: process.stdin,
    output: process.stdout,
    diagnostics: process.stderr,
    stop,
    meter: meterOf(open, hasNotes),
    own: ownServer({ credits: open, toolsets: offered }),
    prices: { decorate: prices.decorate, validForMs: prices.validForMs, ready: () => learned },
    instructions: instructionsFor(offered, 'upstream'),
    newId: randomId,
  })
  return exit.code
}

/** @throws CreditError `invalid_request` for a set that there is none of */
async function readToolsets(names: string | undefined, usual: (known: readonly Toolset[]) => readonly Toolset[]): Promise<readonly Toolset[]> {
  const { TOOLSETS } = await import('../../tools/definition.js')
  if (names === undefined) return usual(TOOLSETS)
  return names.split(',').map((name) => {
    const known = TOOLSETS.find((toolset) => toolset === name.trim())
    if (known !== undefined) return known
    throw new CreditError('invalid_request', `--toolsets: ${JSON.stringify(name)} is none of ${TOOLSETS.join(', ')}`)
  })
}

/**
 * Reads the prices of a ledger that is there. One that is not there yet is made by the first call, and with the
 * catalog that these prices are from. One that cannot be read costs the prices in the list and nothing else: calls are
 * refused for as long as it cannot, each with its reason.
 */
async function learnPrices({ invocation, open, prices }: Pick<Serving, 'invocation' | 'open'> & { readonly prices: ListedPrices }): Promise<void> {
  const { database } = invocation.settings
  const isThere = /^postgres(ql)?:\/\//.test(database) || existsSync(database)
  try {
    if (isThere) await prices.refresh(await open())
    else await prices.useStarter()
  } catch (error) {
    invocation.io.note(`mcp-credits: ${error instanceof CreditError ? error.message : `the prices cannot be read: ${String(error)}`}`)
  }
}

/** A ledger that cannot be opened refuses the call, in the words and form in which any refusal reaches a model. */
function meterOf(open: () => Promise<Credits>, hasNotes: boolean): Meter {
  return async (call) => {
    let credits: Credits
    try {
      credits = await open()
    } catch (error) {
      if (!(error instanceof CreditError)) throw error
      const { refusalResult } = await import('../refusal-body.js')
      return { kind: 'result', result: refusalResult(error) }
    }
    return credits.meter(call, { withoutNotes: !hasNotes })
  }
}
