import { classifyInboundRequest, isJsonContentType, readRequestBody } from '@modelcontextprotocol/server'
import { CreditError, ERRORS } from '../../errors.js'
import { IDEMPOTENCY_HEADER, keyOfHeader, withHeaderKey } from '../../facade/idempotency-header.js'
import { type ClientLine, type ClientMessage, invalidRequest, metaOf, readClientLine, type RequestId, tooLong } from '../../json/json-rpc.js'
import { metaFault } from '../../json/meta-fault.js'
import { refusalBody } from '../../refusal-body.js'
import type { DoorLimits } from './limits.js'
import { refuse } from './refusals.js'
import { headerFault } from './standard-headers.js'

/** The body of a request that was understood, with the era whose rules it follows. */
export type Posted =
  | { readonly era: 'modern'; readonly text: string; readonly message: Exclude<ClientMessage, { kind: 'invalid' | 'response' }> }
  | { readonly era: 'legacy'; readonly text: string; readonly read: ClientLine }

export interface PostedOptions {
  readonly limits: Pick<DoorLimits, 'clientLineBytesMax' | 'batchMembersMax'>
  /** The member of a call's `_meta` that the `Idempotency-Key` header stands for. */
  readonly idempotencyMember: string
}

/**
 * Reads a POST as strictly as a line on standard input, or says what is wrong with it. What two readers could understand
 * differently, between header and body too, is refused.
 */
export async function readPosted(request: Request, { limits, idempotencyMember }: PostedOptions): Promise<Posted | Response> {
  if (!isJsonContentType(request.headers.get('content-type'))) {
    return refuse(415, { code: -32000, message: 'Unsupported Media Type: Content-Type must be application/json' })
  }
  const body = await readRequestBody(request, limits.clientLineBytesMax)
  if (body.tooLarge) return refuse(413, tooLong(limits.clientLineBytesMax))
  const { text } = body
  const read = readClientLine(text, { batchMembersMax: limits.batchMembersMax, isPassedOn: true })
  const invalid = invalidOf(read)
  if (invalid !== undefined) return refuse(400, invalid.error, { id: invalid.id })
  const id = idOf(read)
  const header = (name: string): string | undefined => request.headers.get(name) ?? undefined
  const [versionHeader, methodHeader, nameHeader] = [header('mcp-protocol-version'), header('mcp-method'), header('mcp-name')]
  const outcome = classifyInboundRequest({
    httpMethod: 'POST',
    body: read.kind === 'single' ? read.value : read.members.map(({ value }) => value),
    ...(versionHeader === undefined ? {} : { protocolVersionHeader: versionHeader }),
    ...(methodHeader === undefined ? {} : { mcpMethodHeader: methodHeader }),
    ...(nameHeader === undefined ? {} : { mcpNameHeader: nameHeader })
  })
  if (outcome.kind === 'reject') {
    const { httpStatus, code, message, data } = outcome
    return refuse(httpStatus, { code, message, ...(data === undefined ? {} : { data }) }, { id })
  }
  const keyed = withIdempotencyKey(read, request.headers.get(IDEMPOTENCY_HEADER), idempotencyMember)
  if (keyed instanceof Response) return keyed
  if (outcome.kind === 'legacy') return { era: 'legacy', text, read: keyed }
  const message = keyed.kind === 'single' ? keyed.message : undefined
  if (message?.kind !== 'request' && message?.kind !== 'notification') return refuse(400, invalidRequest('expected one request'), { id })
  const fault = message.kind === 'request' ? (metaFault(message.params) ?? headerFault(message, request.headers)) : undefined
  return fault === undefined ? { era: 'modern', text, message } : refuse(400, fault, { id })
}

function invalidOf(read: ClientLine): Extract<ClientMessage, { kind: 'invalid' }> | undefined {
  return read.kind === 'single' && read.message.kind === 'invalid' ? read.message : undefined
}

/** Of the one request that a body holds. */
export function idOf(read: ClientLine): RequestId | null {
  return read.kind === 'single' && read.message.kind === 'request' ? read.message.id : null
}

/** The header is for clients that cannot set `_meta`. Which one is meant is not guessed. */
function withIdempotencyKey(read: ClientLine, header: string | null, member: string): ClientLine | Response {
  if (header === null) return read
  if (read.kind === 'batch') return refuse(400, invalidRequest(`${IDEMPOTENCY_HEADER} stands for one call; send the calls one by one`))
  const { message } = read
  if (message.kind !== 'request' || message.method !== 'tools/call') return read
  const { params } = message
  // A `_meta` that is no object is refused where the call is read.
  if (params?.['_meta'] !== undefined && metaOf(params) === undefined) return read
  try {
    const meta = withHeaderKey(metaOf(params) ?? {}, member, keyOfHeader(header))
    return { ...read, message: { ...message, params: { ...params, _meta: meta } } }
  } catch (error) {
    if (!(error instanceof CreditError)) throw error
    return refuse(ERRORS[error.code].status, { ...invalidRequest(error.message), data: refusalBody(error) }, { id: message.id })
  }
}
