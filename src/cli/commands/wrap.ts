import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CreditError } from '../../errors.js'
import { command } from '../definition.js'
import { printable } from '../output.js'

interface Options {
  readonly db?: string
  readonly account?: string
}

export const wrapCommand = command<Options>({
  name: 'wrap',
  summary: "print an MCP client's configuration with every stdio server behind the meter",
  arguments: [{ flags: '<mcp.json>', summary: 'the configuration; it is read and left as it is' }],
  example: 'wrap mcp.json > mcp.metered.json',
  run: async ({ arguments: [file = ''], options, io }) => {
    const wrapped = wrapConfiguration(await readConfiguration(file), ownWords(options))
    for (const { name, reason } of wrapped.left) io.note(`${printable(name)} is left as it is: ${reason}`)
    return { result: wrapped.configuration, isWire: true, text: () => [JSON.stringify(wrapped.configuration, null, 2)] }
  },
})

type JsonObject = { readonly [member: string]: unknown }

async function readConfiguration(file: string): Promise<JsonObject> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new CreditError('invalid_request', `${JSON.stringify(file)} cannot be read`, { cause })
  }
  try {
    const parsed: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
    if (isObject(parsed)) return parsed
  } catch {
    // Said below, together with what is JSON and still no configuration.
  }
  throw new CreditError('invalid_request', `${JSON.stringify(file)} is not a client's configuration: expected a JSON object with "mcpServers"`)
}

/** A client starts servers wherever it likes: a relative path would be another file there. */
function ownWords({ db, account }: Options): readonly string[] {
  const database = db === undefined || /^postgres(ql)?:/.test(db) ? db : resolve(db)
  return [...(database === undefined ? [] : ['--db', database]), ...(account === undefined ? [] : ['--account', account])]
}

interface Wrapped {
  readonly configuration: JsonObject
  readonly left: readonly { readonly name: string; readonly reason: string }[]
}

/** Where clients keep their servers; all but one editor use the first. */
const SERVER_MEMBERS = ['mcpServers', 'servers'] as const

/** The configuration with `serve --` before every server's command; everything else in it stays. @throws CreditError `invalid_request` */
export function wrapConfiguration(configuration: JsonObject, words: readonly string[]): Wrapped {
  const member = SERVER_MEMBERS.find((name) => isObject(configuration[name]))
  if (member === undefined) throw new CreditError('invalid_request', 'there is no "mcpServers" in the configuration')
  const servers = Object.entries(configuration[member] as JsonObject).map(([name, server]) => ({ name, ...wrapServer(server, words) }))
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

function wrapServer(server: unknown, words: readonly string[]): WrappedServer {
  if (!isObject(server)) return { server, reason: 'it is not a server' }
  if (typeof server['command'] !== 'string') return { server, reason: 'it is reached over HTTP; only servers that a client starts are wrapped' }
  const args = server['args'] ?? []
  if (!Array.isArray(args) || !args.every((arg) => typeof arg === 'string')) return { server, reason: 'its "args" are not a list of texts' }
  if (isMetered(server['command'], args)) return { server, reason: 'it is behind the meter already' }
  const command = ['-y', 'mcp-credits', 'serve', ...words, '--', server['command'], ...args]
  return { server: { ...server, command: 'npx', args: command }, reason: null }
}

const OURS = /(^|[\\/])mcp-credits(@[^\\/]+|\.js|\.cmd)?$/
const LAUNCHER = /^-|(^|[\\/])(npx|node|bunx?|x|pnpm|yarn|dlx|cmd|\/c)(\.exe|\.cmd)?$/i

/** `npx -y mcp-credits serve …`, `mcp-credits serve …`, `node …/mcp-credits.js serve …`, of any version. */
function isMetered(command: string, args: readonly string[]): boolean {
  const words = [command, ...args]
  const at = words.findIndex((word) => OURS.test(word))
  return at !== -1 && words[at + 1] === 'serve' && words.slice(0, at).every((word) => LAUNCHER.test(word))
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
