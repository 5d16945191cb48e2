import { resolve } from 'node:path'
import { isAddress } from '../../database-text.js'
import { command } from '../definition.js'
import { isObject, type JsonObject, ownServe, readConfiguration, serversMember } from '../mcp-configuration.js'
import { printable } from '../output.js'
import type { Settings } from '../settings.js'

interface Options {
  readonly db?: string
  readonly account?: string
  readonly key?: string
}

export const wrapCommand = command<Options>({
  name: 'wrap',
  summary: "print an MCP client's configuration with every stdio server behind the meter",
  arguments: [{ flags: '<mcp.json>', summary: 'the configuration; it is read and left as it is' }],
  example: 'wrap mcp.json > mcp.metered.json',
  run: async ({ arguments: [file = ''], options, settings, io }) => {
    const wrapped = wrapConfiguration(await readConfiguration(file), ownWords(options), {
      usual: ownVariables(options, settings),
      told: secretVariables(options),
    })
    for (const { name, reason } of wrapped.left) io.note(`${printable(name)} is left as it is: ${reason}`)
    return { result: wrapped.configuration, isWire: true, text: () => [JSON.stringify(wrapped.configuration, null, 2)] }
  },
})

/** A client starts servers wherever it likes: a relative path would be another file there. */
function ownWords({ db, account }: Options): readonly string[] {
  return [...(db === undefined || isAddress(db) ? [] : ['--db', absolute(db)]), ...(account === undefined ? [] : ['--account', account])]
}

/** What the environment says goes into the environment of each server: a client starts it with one of its own. */
function ownVariables(options: Options, { database, isDefaultDatabase, account, isDefaultAccount, key }: Settings): Readonly<Record<string, string>> {
  return {
    ...(options.db !== undefined || isDefaultDatabase ? {} : { MCP_CREDITS_DB: absolute(database) }),
    ...(options.account !== undefined || isDefaultAccount ? {} : { MCP_CREDITS_ACCOUNT: account }),
    ...(options.key !== undefined || key === null ? {} : { MCP_CREDITS_KEY: key }),
  }
}

/** Every user of a machine may read the arguments of its processes: a key, and an address that may hold a password, go past them. */
function secretVariables({ db, key }: Options): Variables {
  return { ...(db !== undefined && isAddress(db) ? { MCP_CREDITS_DB: db } : {}), ...(key === undefined ? {} : { MCP_CREDITS_KEY: key }) }
}

function absolute(database: string): string {
  return database === ':memory:' || isAddress(database) ? database : resolve(database)
}

interface Wrapped {
  readonly configuration: JsonObject
  readonly left: readonly { readonly name: string; readonly reason: string }[]
}

/** The configuration with `serve --` before every server's command; everything else in it stays. @throws CreditError `invalid_request` */
export function wrapConfiguration(configuration: JsonObject, words: readonly string[], variables: OwnVariables = { usual: {}, told: {} }): Wrapped {
  const member = serversMember(configuration)
  const servers = Object.entries(configuration[member] as JsonObject).map(([name, server]) => ({ name, ...wrapServer(server, words, variables) }))
  return {
    configuration: { ...configuration, [member]: Object.fromEntries(servers.map(({ name, server }) => [name, server])) },
    left: servers.flatMap(({ name, reason }) => (reason === null ? [] : [{ name, reason }])),
  }
}

interface WrappedServer {
  readonly server: unknown
  /** Why it is left as it is; null for one that was wrapped. */
  readonly reason: string | null
}

type Variables = Readonly<Record<string, string>>

/** A server's own environment says otherwise than what is usual, but not than what the command line tells. */
interface OwnVariables {
  readonly usual: Variables
  readonly told: Variables
}

function wrapServer(server: unknown, words: readonly string[], { usual, told }: OwnVariables): WrappedServer {
  if (!isObject(server)) return { server, reason: 'it is not a server' }
  if (typeof server['command'] !== 'string') return { server, reason: typeof server['url'] === 'string' ? REMOTE : 'it has neither a "command" nor a "url" that is a text' }
  const args = server['args'] ?? []
  if (!Array.isArray(args) || !args.every((arg) => typeof arg === 'string')) return { server, reason: 'its "args" are not a list of texts' }
  if (ownServe(server['command'], args) !== null) return { server, reason: 'it is behind the meter already' }
  const command = ['-y', 'mcp-credits', 'serve', ...words, '--', server['command'], ...args]
  const own = isObject(server['env']) ? server['env'] : {}
  const env = { ...usual, ...own, ...told }
  return { server: { ...server, command: 'npx', args: command, ...(Object.keys(env).length === 0 ? {} : { env }) }, reason: null }
}

const REMOTE = 'it is reached over HTTP; only servers that a client starts are wrapped'
