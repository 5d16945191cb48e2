import { resolve } from 'node:path'
import { systemClock } from '../clock.js'
import { CreditError } from '../errors.js'
import { sha256 } from '../ledger/chain.js'
import type { GatewayServer } from '../proxy/gateway/gateway-ports.js'
import type { OpenUpstream } from '../proxy/upstream-link.js'
import { jitterMs, randomId } from '../random.js'
import { readConfiguration } from './mcp-configuration.js'
import { printable } from './output.js'
import { packageVersion } from './package-version.js'
import { type Environment, upstreamEnvironment } from './upstream-environment.js'
import { readUpstreamServers, type UpstreamServer } from './upstream-servers.js'

export interface ChosenUpstream {
  /** The command after `--`; empty where there is a file. */
  readonly command: readonly string[]
  /** The file of `--upstreams`. */
  readonly file: string | undefined
  /** The ledger, whose credentials no server gets. */
  readonly database: string
  /** Takes a line for people. */
  readonly note: (line: string) => void
}

/**
 * What is offered behind the meter, for whichever door: the command after `--`, or the servers of a client's configuration.
 * Nothing is started before the upstream is opened.
 *
 * @throws CreditError `invalid_request`
 */
export async function chosenUpstream({ command, file, database, note }: ChosenUpstream): Promise<OpenUpstream> {
  if (file === undefined) return commandUpstream(command, upstreamEnvironment(process.env, database))
  if (command.length > 0) throw new CreditError('invalid_request', '--upstreams: expected either a file or a command after --, not both')
  const path = resolve(file)
  const [own, starters] = [sha256(path), startersOf(process.env[STARTERS])]
  if (starters.includes(own)) {
    throw new CreditError('invalid_request', `--upstreams: ${JSON.stringify(file)} starts itself again; one of its servers is this one`)
  }
  const { servers, skipped } = readUpstreamServers(await readConfiguration(file), { file: path, env: process.env })
  for (const { name, reason } of skipped) note(`${printable(name)} is left out: ${reason}`)
  const env = { ...upstreamEnvironment(process.env, database), [STARTERS]: [...starters, own].join(',') }
  const [{ gateway }, opened] = await Promise.all([
    import('../proxy/gateway/gateway.js'),
    Promise.all(servers.map(async (server): Promise<GatewayServer> => ({ name: server.name, open: await opening(server, env) }))),
  ])
  return gateway({
    servers: opened,
    identity: { name: 'mcp-credits', version: packageVersion() },
    timers: { now: () => systemClock.now(), after, jitterMs },
    newId: randomId,
    report: (line) => note(printable(line)),
  })
}

/**
 * The files whose servers we are one of, however we were started: by it a file is found that is its own upstream. Every
 * server gets it, and where the user keeps files is no business of theirs: it holds digests.
 */
const STARTERS = 'MCP_CREDITS_UPSTREAMS_OF'

function startersOf(value = ''): readonly string[] {
  return value.split(',').filter((digest) => digest !== '')
}

async function commandUpstream([command = '', ...args]: readonly string[], env: Environment): Promise<OpenUpstream> {
  const { upstreamProcess } = await import('../proxy/upstream-process.js')
  return upstreamProcess({ command, args, env, diagnostics: process.stderr })
}

async function opening(server: UpstreamServer, env: Environment): Promise<OpenUpstream> {
  if (server.kind === 'http') {
    const { httpUpstream } = await import('../proxy/http-upstream.js')
    return httpUpstream({ url: server.url, headers: server.headers, jitterMs })
  }
  const { upstreamProcess } = await import('../proxy/upstream-process.js')
  const { command, args, cwd } = server
  return upstreamProcess({ command, args, env: { ...env, ...server.env }, cwd, diagnostics: process.stderr, prefix: `[${printable(server.name)}] ` })
}

/** Never keeps the process alive: it ends with its client, and not with what it still wanted to try. */
function after(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms)
  timer.unref()
  return () => clearTimeout(timer)
}
