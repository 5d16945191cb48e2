import { readFile } from 'node:fs/promises'
import { CreditError } from '../errors.js'

export type JsonObject = { readonly [member: string]: unknown }

/** Reads the configuration that MCP clients keep their servers in. @throws CreditError `invalid_request` */
export async function readConfiguration(file: string): Promise<JsonObject> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new CreditError('invalid_request', `${JSON.stringify(file)} cannot be read`, { cause })
  }
  const parsed = parsedJson(file, text.replace(/^\uFEFF/, ''))
  if (isObject(parsed)) return parsed
  throw new CreditError('invalid_request', `${JSON.stringify(file)} is not a client's configuration: expected a JSON object with "mcpServers"`)
}

function parsedJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const { message } = error as SyntaxError
    // The reader's own words repeat a part of the file, which may hold a secret: only the place is told.
    throw new CreditError('invalid_request', `${JSON.stringify(file)} is not JSON: there is a mistake in line ${lineOfMistake(text, message)}`)
  }
}

/** The reader names a position, or the character that it did not expect, or nothing where the text ends too soon. */
function lineOfMistake(text: string, message: string): number {
  const position = /at position (\d+)/.exec(message)?.[1]
  const unexpected = /^Unexpected token '(.+?)', /su.exec(message)?.[0]
  const end = position !== undefined ? Number(position) : unexpected !== undefined ? endAtWhich(text, unexpected) : text.length
  return text.slice(0, end).split('\n').length
}

/** Where the shortest beginning of a text ends that is refused for the same character. */
function endAtWhich(text: string, refusal: string): number {
  const character = refusal.slice("Unexpected token '".length, -"', ".length)
  for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) {
    if (refusalOf(text.slice(0, at + character.length)).startsWith(refusal)) return at
  }
  return text.length
}

function refusalOf(text: string): string {
  try {
    JSON.parse(text)
    return ''
  } catch (error) {
    return (error as SyntaxError).message
  }
}

/** Where clients keep their servers; all but one editor use the first. */
const SERVER_MEMBERS = ['mcpServers', 'servers'] as const

/** Where this configuration has its servers. @throws CreditError `invalid_request` */
export function serversMember(configuration: JsonObject): (typeof SERVER_MEMBERS)[number] {
  const member = SERVER_MEMBERS.find((name) => isObject(configuration[name]))
  if (member === undefined) throw new CreditError('invalid_request', 'there is no "mcpServers" in the configuration')
  return member
}

const OURS = /(^|[\\/])mcp-credits(@[^\\/]+|\.js|\.cmd)?$/
const LAUNCHER = /^-|(^|[\\/])(npx|node|bunx?|x|pnpm|yarn|dlx|cmd|\/c)(\.exe|\.cmd)?$/i

/**
 * What stands after `serve` where a server is ours: `npx -y mcp-credits serve …`, `mcp-credits serve …`,
 * `node …/mcp-credits.js serve …`, of any version. Null for any other server.
 */
export function ownServe(command: string, args: readonly string[]): readonly string[] | null {
  const words = [command, ...args]
  const at = words.findIndex((word) => OURS.test(word))
  const isOurs = at !== -1 && words[at + 1] === 'serve' && words.slice(0, at).every((word) => LAUNCHER.test(word))
  return isOurs ? words.slice(at + 2) : null
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
