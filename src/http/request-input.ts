import { CreditError } from '../errors.js'
import { foundWords } from '../facade/problem-words.js'
import { inspectJson } from '../json/json-text.js'
import { HttpRefusal } from './http-refusal.js'
import { type FieldSchema, readParameter } from './query-parameter.js'

/** How much of somebody's own text a refusal repeats. */
const SHOWN_LENGTH = 80

/**
 * The members of a body. No body is an empty object.
 *
 * Read as strictly as a message of the protocol: what two readers of JSON could read differently is refused, and so is a
 * number that reading would change.
 *
 * @throws CreditError `invalid_request`, with the status 415 for anything but JSON
 */
export async function bodyInput(request: Request): Promise<Record<string, unknown>> {
  const bytes = await request.arrayBuffer()
  if (bytes.byteLength === 0) return {}
  seeThatItIsJson(request.headers.get('content-type'))
  const text = textOf(bytes)
  const value = parsed(text)
  const { duplicateMember, inexactNumber, isTooDeep } = inspectJson(text, 0)
  if (isTooDeep) refuse('The body is nested too deep')
  if (duplicateMember !== undefined) refuse(`The body has the member ${quoted(duplicateMember)} twice in one object`)
  if (inexactNumber !== undefined) refuse(`The body has the number ${inexactNumber.slice(0, SHOWN_LENGTH)}, which cannot be read exactly`)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  return refuse(`The body: expected an object, found ${foundWords(value)}`)
}

/** The fields of a query, each read as what its schema says. @throws CreditError `invalid_request` for one that stands twice */
export function queryInput(parameters: URLSearchParams, fields: Readonly<Record<string, FieldSchema>>): Record<string, unknown> {
  const names = [...parameters.keys()]
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) refuse(`The parameter ${quoted(repeated)} stands twice`, { field: repeated.slice(0, SHOWN_LENGTH) })
  return Object.fromEntries([...parameters].map(([name, text]) => [name, readParameter(text, Object.hasOwn(fields, name) ? fields[name] : undefined)]))
}

/** What stands where nobody looks for it would be passed over without a word. @throws CreditError `invalid_request` */
export function seeNoQuery(parameters: URLSearchParams): void {
  const [name] = parameters.keys()
  if (name === undefined) return
  refuse(`${quoted(name)} stands in the query; this route takes its input as the JSON body`, { field: name.slice(0, SHOWN_LENGTH) })
}

/** See {@link seeNoQuery}. @throws CreditError `invalid_request` */
export async function seeNoBody(request: Request): Promise<void> {
  if (request.body === null || (await request.arrayBuffer()).byteLength === 0) return
  refuse('The request has a body; this route takes its input as query parameters')
}

/** `application/json`, or a type that is made of it; in the one encoding that JSON has. */
function seeThatItIsJson(type: string | null): void {
  const [essence = '', ...parameters] = (type ?? '').toLowerCase().split(';').map((part) => part.trim())
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))
  const isUtf8 = charset === undefined || /^charset="?utf-?8"?$/.test(charset)
  if (isUtf8 && /^application\/(?:[\w.+-]+\+)?json$/.test(essence)) return
  throw new HttpRefusal(415, new CreditError('invalid_request', `The body is ${foundWords(type ?? undefined)}; expected application/json in UTF-8`, { advice: ['Send the header Content-Type: application/json'] }))
}

function textOf(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return refuse('The body is not valid UTF-8')
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return refuse('The body is not valid JSON')
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, SHOWN_LENGTH))
}

function refuse(message: string, details: Readonly<Record<string, unknown>> = {}): never {
  throw new CreditError('invalid_request', message, { details })
}
