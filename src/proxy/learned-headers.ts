import { isObject, type JsonObject } from '../json/json-rpc.js'
import { argumentAt, type ParamHeader, paramHeadersOf } from './param-headers.js'
import type { ToolDescription } from './ports.js'
import { Remembered } from './remembered.js'

/**
 * The headers that an upstream's tools want arguments repeated in (2026-07-28). It refuses a call that lacks them, so they
 * are learned from its lists.
 */
export class LearnedHeaders {
  readonly #declared = new Remembered<readonly ParamHeader[]>(TOOLS_MAX)

  /** Takes a page of `tools/list`. */
  learn(page: JsonObject): void {
    const tools = Array.isArray(page['tools']) ? (page['tools'] as readonly unknown[]) : []
    for (const tool of tools) {
      if (!isObject(tool) || typeof tool['name'] !== 'string') continue
      const declared = paramHeadersOf(tool as ToolDescription)
      if (declared.length === 0) this.#declared.delete(tool['name'])
      else this.#declared.set(tool['name'], declared)
    }
  }

  /** For the params of a `tools/call`. What is not there, or is no plain value, has no header. */
  of(params: JsonObject | undefined): Readonly<Record<string, string>> {
    const declared = this.#declared.get(String(params?.['name'])) ?? []
    const headers = declared.flatMap(({ path, name }) => {
      const text = plainText(argumentAt(params?.['arguments'], path))
      return text === undefined ? [] : [[`Mcp-Param-${name}`, encodedHeader(text)] as const]
    })
    return Object.fromEntries(headers)
  }
}

/** An upstream may list other ones each time. */
const TOOLS_MAX = 10_000

function plainText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? undefined : String(value)
}

/** A header holds printable ASCII without space at its ends; any other text stands there in base64, between marks. */
function encodedHeader(text: string): string {
  const isPlain = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/.test(text)
  return isPlain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`
}
