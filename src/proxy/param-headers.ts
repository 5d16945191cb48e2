import { isObject, type JsonObject, type JsonRpcError } from '../json/json-rpc.js'
import type { ToolDescription } from './ports.js'

/** An argument that a call over HTTP repeats in a header, so that whoever routes it need not read the body (2026-07-28). */
export interface ParamHeader {
  /** The names on the way to the argument. */
  readonly path: readonly string[]
  /** The header's name after `Mcp-Param-`. */
  readonly name: string
  readonly isNumber: boolean
}

/** What a tool's input schema declares by `x-mcp-header`, on properties and on properties of those. */
export function paramHeadersOf(tool: ToolDescription): readonly ParamHeader[] {
  return declared(tool['inputSchema'], [])
}

function declared(schema: unknown, path: readonly string[]): readonly ParamHeader[] {
  if (!isObject(schema) || path.length > DEPTH_MAX) return []
  const name = schema['x-mcp-header']
  const own = typeof name === 'string' && TOKEN.test(name) && path.length > 0
    ? [{ path, name, isNumber: schema['type'] === 'integer' || schema['type'] === 'number' }]
    : []
  const properties = isObject(schema['properties']) ? Object.entries(schema['properties']) : []
  return [...own, ...properties.flatMap(([property, value]) => declared(value, [...path, property]))]
}

/** Deeper than any tool's arguments that somebody wants to route by. */
const DEPTH_MAX = 16

/** What may be a header's name (RFC 9110). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** The first header that does not say what the arguments say: it would be routed as one call and carried out as another. */
export function paramHeaderFault(headers: Headers, declarations: readonly ParamHeader[], args: JsonObject | undefined): JsonRpcError | undefined {
  for (const { path, name, isNumber } of declarations) {
    const value = argumentAt(args, path)
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') continue
    const header = headers.get(`mcp-param-${name}`)
    const what = `the Mcp-Param-${name} header`
    if (header === null) return headerMismatch('(missing)', `the body carries ${path.join('.')}, and ${what} is missing`)
    const told = decodedHeader(header)
    if (told === undefined) return headerMismatch(header, `${what} is not well encoded`)
    const isSame = isNumber && typeof value === 'number' && DECIMAL.test(told) ? Number(told) === value : told === String(value)
    if (!isSame) return headerMismatch(header, `the body has another ${path.join('.')} than ${what}`)
  }
  return undefined
}

/** What stands at the end of a way through a call's arguments; undefined where nothing does. */
export function argumentAt(args: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((within, name) => (isObject(within) && Object.hasOwn(within, name) ? within[name] : undefined), args)
}

/** A value that a header cannot hold as it is stands there in base64, between marks. Undefined where that is broken. */
export function decodedHeader(header: string): string | undefined {
  const value = header.trim()
  if (!value.startsWith('=?base64?') || !value.endsWith('?=')) return value
  const encoded = value.slice('=?base64?'.length, -'?='.length)
  if (!BASE64.test(encoded)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64'))
  } catch {
    return undefined
  }
}

export function headerMismatch(header: string, body: string): JsonRpcError {
  const message = `Bad Request: the request headers and body disagree: ${body}`
  return { code: HEADER_MISMATCH, message, data: { mismatch: { header, body } } }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const DECIMAL = /^-?\d+(?:\.\d+)?$/
export const HEADER_MISMATCH = -32020
