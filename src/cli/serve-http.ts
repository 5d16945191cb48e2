import { systemClock } from '../clock.js'
import type { Credits } from '../credits.js'
import { CreditError } from '../errors.js'
import type { Identify } from '../http/identity.js'
import type { ResourceServer } from '../http/oauth.js'
import type { McpDoor } from '../http/ports.js'
import { randomId } from '../random.js'
import type { Invocation } from './definition.js'
import { Housekeeping } from './housekeeping.js'
import type { HttpOptions } from './http-options.js'
import { ListedPrices } from './listed-prices.js'
import { RequestLog } from './request-log.js'
import { packageVersion } from './package-version.js'
import type { ServeOptions } from './serve.js'
import { ensureBudgets } from './serve-budgets.js'
import { isThere } from './settings.js'
import { toolsetsAlone } from './toolsets.js'
import { shellWord } from './shell-word.js'

/** What a door is made with. Whoever calls comes with each request, and has the ledger as it may use it. */
export interface DoorSurroundings {
  readonly invocation: Invocation
  readonly options: ServeOptions
  readonly http: HttpOptions
  /** Kept up while the server runs, for lists of tools with prices. */
  readonly prices: ListedPrices
  /** Takes a line about what went wrong inside, which no client is told. */
  readonly report: (line: string) => void
}

/** Makes what is served at `/mcp`, before anything is listened to. */
export type OpenDoor = (surroundings: DoorSurroundings) => Promise<McpDoor>

/** Our own tools and resources alone. */
export const creditsDoor: OpenDoor = async ({ options, report }) => {
  const { creditsHttpDoor } = await import('../mcp/http-door.js')
  return creditsHttpDoor({ toolsets: await toolsetsAlone(options.toolsets), version: packageVersion(), report })
}

/**
 * Composes the doors over HTTP: the protocol at `/mcp`, the REST API, health and figures, behind one look at who asks.
 * Resolves with the exit code after a signal, once what was under way is answered. A second signal hurries.
 *
 * @throws CreditError `invalid_request` where there is no ledger, or an address that cannot be listened on; `unknown_account`
 *   where `--account` names none
 */
export async function serveOverHttp(invocation: Invocation, options: ServeOptions, http: HttpOptions, openDoor: OpenDoor): Promise<number> {
  const { settings, io } = invocation
  if (settings.key !== null) {
    throw new CreditError('invalid_request', 'serve --http: every caller brings a key of its own', { advice: ['Leave out --key and MCP_CREDITS_KEY.'] })
  }
  if (http.hasAuth) seeThatThereIsALedger(settings.database)
  const note = (line: string) => io.note(`mcp-credits: ${line}`)
  const run = settings.run ?? randomId()
  const open = async (): Promise<Credits> => {
    const credits = (await invocation.open({ scope: null })).as({ account: null, key: null, member: null, run, holder: 'operator' })
    housekeeping.start(credits)
    return credits
  }
  const prices = new ListedPrices({ isThere: () => isThere(settings.database), open, note })
  const housekeeping = new Housekeeping(prices, note)
  const [stop, hurry] = [io.stop(), io.stop(2)]
  try {
    const [{ serveHttp }, { restHandler }, { openApiDocument }] = await Promise.all([
      import('../http/server.js'),
      import('../http/rest.js'),
      import('../http/open-api.js'),
    ])
    const openSeen = async (): Promise<void> => {
      const credits = await open()
      // Nobody makes the one that --account names, and every key would be refused as if it were none.
      if (!settings.isMadeWhenMissing) await credits.account({ account: settings.account })
    }
    if (isThere(settings.database)) await openAtOnce(openSeen, note)
    const version = packageVersion()
    const resourceServer = http.oauth === null ? null : (await import('../http/oauth.js')).resourceServer(http.oauth, systemClock)
    const identify = await identifyFor({ invocation, options, http, open, run, resourceServer })
    const door = await openDoor({ invocation, options, http, prices, report: note })
    const log = new RequestLog(io.note, () => process.stderr.writableLength)
    const server = await serveHttp({
      host: http.host,
      port: http.port,
      door,
      identify,
      rest: restHandler({ version, report: note }),
      openApi: () => openApiDocument({ version }),
      isWell: () => answers(open, settings.database, http.hasAuth),
      areFiguresOpen: !http.hasAuth,
      allowedHosts: http.allowedHosts,
      allowedOrigins: http.allowedOrigins,
      ...(resourceServer === null ? {} : { resourceServer }),
      limits: { ...(http.bodyBytesMax === undefined ? {} : { bodyBytesMax: http.bodyBytesMax }), ...(http.rateMax === undefined ? {} : { rateMax: http.rateMax }) },
      clock: systemClock,
      newId: randomId,
      ...(http.hasLog ? { log: (line: string) => log.write(line) } : {}),
      report: note,
    }).catch(async (error: unknown) => {
      await door.close()
      throw listenError(error, http)
    })
    if (!http.hasAuth) note(`no key is asked for (--no-auth): whoever reaches this address on this machine spends from the account ${settings.account}`)
    note(`listening on ${server.address}/mcp`)
    await new Promise<void>((resolve) => (stop.aborted ? resolve() : stop.addEventListener('abort', () => resolve(), { once: true })))
    await server.close(hurry)
    return 0
  } finally {
    housekeeping.stop()
  }
}

/** @throws CreditError `invalid_request` for a file that is not there: nobody has a key of a ledger that is made now */
function seeThatThereIsALedger(database: string): void {
  if (isThere(database)) return
  throw new CreditError('invalid_request', `no ledger at ${database}, and callers need a key of it`, {
    advice: [`Make both: npx mcp-credits init --db ${shellWord(database)}, then npx mcp-credits key create --db ${shellWord(database)}`, 'For a trial on this machine alone, without keys: --no-auth'],
  })
}

/** What is wrong with a ledger for good is said now. One that is away may come back: until then health tells. */
async function openAtOnce(open: () => Promise<void>, note: (line: string) => void): Promise<void> {
  try {
    await open()
  } catch (error) {
    if (!(error instanceof CreditError && error.code === 'ledger_unavailable' && error.retryable)) throw error
    note(`${error.message}; it is asked again with each request`)
  }
}

interface Identifying {
  readonly invocation: Invocation
  readonly options: ServeOptions
  readonly http: HttpOptions
  readonly open: () => Promise<Credits>
  readonly run: string
  readonly resourceServer: ResourceServer | null
}

async function identifyFor({ invocation, options, http, open, run, resourceServer }: Identifying): Promise<Identify> {
  const { identifyByCredential, identifyNobody } = await import('../http/identity.js')
  const { account, isDefaultAccount } = invocation.settings
  const limited = new Set<string>()
  /** Sets the limits that the server was started with in each account that comes, as the operator, who has started it. */
  const admit = async (credits: Credits, id: string): Promise<void> => {
    if (limited.has(id)) return
    await ensureBudgets(credits.as({ account: id }), options.budgets)
    if (options.budgets.length > 0) limited.add(id)
  }
  if (http.hasAuth) {
    return identifyByCredential({ open, run, account: isDefaultAccount ? null : account, admit, ...(resourceServer === null ? {} : { verify: resourceServer.verify }) })
  }
  return identifyNobody(async () => {
    const credits = await open()
    await admit(credits, account)
    return credits.as({ account, holder: 'agent' })
  }, account)
}

/** As long as whoever asks for health may wait for a ledger. */
const HEALTH_MS = 2_000

async function answers(open: () => Promise<Credits>, database: string, isNeeded: boolean): Promise<void> {
  if (!isThere(database)) {
    if (!isNeeded) return
    throw new CreditError('ledger_unavailable', 'The ledger is not there')
  }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new CreditError('ledger_unavailable', 'The ledger does not answer')), HEALTH_MS)
  })
  await Promise.race([open().then((credits) => credits.changeMark()), late]).finally(() => clearTimeout(timer))
}

const LISTEN_WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program',
  EACCES: 'may not be listened on by this user',
  EADDRNOTAVAIL: 'is no address of this machine',
  ENOTFOUND: 'is no address of this machine',
}

function listenError(error: unknown, { host, port }: HttpOptions): unknown {
  const words = LISTEN_WORDS[(error as NodeJS.ErrnoException).code ?? '']
  if (words === undefined) return error
  return new CreditError('invalid_request', `--http: ${host}:${port} ${words}`, { advice: ['Name another port, or 0 for any that is free.'], cause: error })
}
