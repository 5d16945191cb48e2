import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { CreditError } from '../errors.js'
import { isObject, type JsonObject, ownServe, serversMember } from './mcp-configuration.js'

/** A server of a client's configuration, ready to be started or reached. */
export type UpstreamServer =
  | {
      readonly kind: 'process'
      readonly name: string
      readonly command: string
      readonly args: readonly string[]
      /** What it has beside the environment that every server gets. */
      readonly env: Readonly<Record<string, string>>
      readonly cwd: string | undefined
    }
  | { readonly kind: 'http'; readonly name: string; readonly url: string; readonly headers: Readonly<Record<string, string>> }

export interface UpstreamServers {
  readonly servers: readonly UpstreamServer[]
  readonly skipped: readonly { readonly name: string; readonly reason: string }[]
}

export interface Reading {
  /** The configuration's file, by which a server is known that would start this one again. */
  readonly file: string
  /** Where `${NAME}` is looked up. Our own variables are nobody else's. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * The servers of the usual configuration (`mcpServers`, in one editor `servers`): a `command` with `args`, `env` and `cwd`, or
 * a `url` with `headers`.
 *
 * @throws CreditError `invalid_request` with the place of the first mistake; no value is repeated, since it may be a secret
 */
export function readUpstreamServers(configuration: JsonObject, reading: Reading): UpstreamServers {
  const member = serversMember(configuration)
  const entries = Object.entries(configuration[member] as JsonObject)
  const read = entries.map(([name, server]) => readServer({ name, server, place: `${member}.${name}`, reading }))
  const servers = read.filter((server) => server.kind !== 'skipped')
  if (servers.length === 0) throw fault(member, 'there is no server to offer')
  if (servers.length > SERVERS_MAX) throw fault(member, `expected at most ${SERVERS_MAX} servers, and there are ${servers.length}`)
  return { servers, skipped: read.filter((server) => server.kind === 'skipped') }
}

/** Each of them may be a process, of a client that may be one of many. */
const SERVERS_MAX = 64

interface Entry {
  readonly name: string
  readonly server: unknown
  readonly place: string
  readonly reading: Reading
}

type Read = UpstreamServer | { readonly kind: 'skipped'; readonly name: string; readonly reason: string }

function readServer(entry: Entry): Read {
  const { name, server, place } = entry
  if (name.trim() === '') throw fault(place, 'expected a server to have a name')
  if (!isObject(server)) throw fault(place, 'expected an object with a "command" or a "url"')
  if (server['disabled'] === true || server['enabled'] === false) return { kind: 'skipped', name, reason: 'it is disabled' }
  const [command, url] = [server['command'], server['url']]
  if (command !== undefined && url !== undefined) throw fault(place, 'expected a "command" or a "url", and there are both')
  if (url !== undefined) return readRemote(entry, server)
  if (command === undefined) throw fault(place, 'expected a "command" or a "url"')
  return readProcess(entry, server)
}

function readProcess({ name, place, reading }: Entry, server: JsonObject): Read {
  const type = server['type'] ?? 'stdio'
  if (type !== 'stdio') throw fault(`${place}.type`, 'expected "stdio" for a server with a "command"')
  if (server['envFile'] !== undefined) throw fault(`${place}.envFile`, 'such files are not read; name the variables under "env"')
  const command = text(server['command'], `${place}.command`, reading)
  if (command.trim() === '') throw fault(`${place}.command`, 'expected a command')
  const args = server['args'] ?? []
  if (!Array.isArray(args)) throw fault(`${place}.args`, 'expected a list of texts')
  const words = args.map((arg: unknown, index) => text(arg, `${place}.args[${index}]`, reading))
  const cwd = server['cwd'] === undefined ? undefined : text(server['cwd'], `${place}.cwd`, reading)
  const ours = ownServe(command, words)
  if (ours !== null) return readOwn({ name, place, reading }, ours, cwd)
  return { kind: 'process', name, command, args: words, env: texts(server['env'], `${place}.env`, reading), cwd }
}

/** A server of ours: its tools stand beside the others anyway, and what is behind its meter would be paid twice. */
function readOwn({ name, place, reading }: Omit<Entry, 'server'>, words: readonly string[], cwd: string | undefined): Read {
  const inner = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  const given = inner.findIndex((word) => word === '--upstreams' || word.startsWith('--upstreams='))
  if (given !== -1) {
    const file = inner[given]?.includes('=') === true ? inner[given]?.slice('--upstreams='.length) : inner[given + 1]
    if (realPath(resolve(cwd ?? '.', file ?? '')) === realPath(reading.file)) {
      throw fault(place, ITSELF)
    }
  }
  if (given !== -1 || words.includes('--')) throw fault(place, PAID_TWICE)
  return { kind: 'skipped', name, reason: 'it is mcp-credits itself, whose tools are offered beside the others anyway' }
}

const ITSELF = "this is the server that offers this file, and would start itself again and again; keep it in the client's own configuration"

const PAID_TWICE =
  'this server is behind the meter already, and each call would be paid twice; name the server itself, without mcp-credits before it'

function realPath(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return resolve(file)
  }
}

function readRemote({ name, place, reading }: Entry, server: JsonObject): UpstreamServer {
  const type = server['type'] ?? 'http'
  if (type === 'sse') throw fault(`${place}.type`, SSE_ALONE)
  if (!HTTP_TYPES.includes(type)) throw fault(`${place}.type`, 'expected "http" for a server with a "url"')
  return {
    kind: 'http',
    name,
    url: address(text(server['url'], `${place}.url`, reading), `${place}.url`),
    headers: headers(texts(server['headers'], `${place}.headers`, reading), `${place}.headers`),
  }
}

const SSE_ALONE = 'servers that speak HTTP with SSE alone are not reached; use "npx -y mcp-remote <url>" as a "command" instead'

/** As different clients call it. */
const HTTP_TYPES: readonly unknown[] = ['http', 'streamable-http', 'streamableHttp']

function address(value: string, place: string): string {
  const url = URL.canParse(value) ? new URL(value) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw fault(place, 'expected an address that begins with http:// or https://')
  }
  if (url.username !== '' || url.password !== '') {
    throw fault(place, 'an address with a user or password is not called; put them into "headers" as "Authorization"')
  }
  return value
}

function headers(values: Readonly<Record<string, string>>, place: string): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(values)) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) throw fault(`${place}.${name}`, 'this is no name that a header can have')
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) throw fault(`${place}.${name}`, 'expected one line of text that a header can hold')
  }
  return values
}

function texts(value: unknown, place: string, reading: Reading): Readonly<Record<string, string>> {
  if (value === undefined) return {}
  if (!isObject(value)) throw fault(place, 'expected an object of texts')
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, text(one, `${place}.${name}`, reading)]))
}

/** A text in which `${NAME}`, `${env:NAME}` and `${NAME:-otherwise}` stand for variables of the environment. */
function text(value: unknown, place: string, { env }: Reading): string {
  if (typeof value !== 'string') throw fault(place, 'expected a text')
  return value.replace(PLACEHOLDER, (_, name?: string, otherwise?: string, other?: string) => {
    if (name === undefined) {
      throw fault(place, `\${${other ?? ''}} cannot be filled in here; a variable of the environment is written \${NAME}`)
    }
    if (/^MCP_CREDITS_/i.test(name)) throw fault(place, `${name} is for mcp-credits alone and goes to no other server`)
    const found = env[name] || otherwise
    if (found === undefined) throw fault(place, `the environment has no ${name}`)
    return found
  })
}

const PLACEHOLDER = /\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{([^}]*)\}/g

function fault(place: string, message: string): CreditError {
  return new CreditError('invalid_request', `${place}: ${message}`)
}
