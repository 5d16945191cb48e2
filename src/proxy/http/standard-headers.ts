import { type ClientRequest, type JsonRpcError, metaOf, PROTOCOL_VERSION } from '../../json/json-rpc.js'
import { decodedHeader, headerMismatch } from '../param-headers.js'

/**
 * What the headers that 2026-07-28 requires of a request lack. That they say what the body says is what lets a proxy route
 * by them: one that says something else would be routed as one thing and carried out as another. The version's and the
 * method's agreement is looked at where the era is told; here are what must be there, and the name.
 */
export function headerFault(request: ClientRequest, headers: Headers): JsonRpcError | undefined {
  if (headers.get('mcp-protocol-version') === null) {
    return headerMismatch('(missing)', `the body names version ${String(metaOf(request.params)?.[PROTOCOL_VERSION])}, and the MCP-Protocol-Version header is missing`)
  }
  if (headers.get('mcp-method') === null) return headerMismatch('(missing)', `the body names method ${request.method}, and the Mcp-Method header is missing`)
  const field = NAMED_BY.get(request.method)
  const name = field === undefined ? undefined : request.params?.[field]
  if (field === undefined || typeof name !== 'string') return undefined
  const header = headers.get('mcp-name')
  if (header === null) return headerMismatch('(missing)', `the body has params.${field}, and the Mcp-Name header is missing`)
  const told = decodedHeader(header)
  if (told === undefined) return headerMismatch(header, 'the Mcp-Name header is not well encoded')
  return told === name ? undefined : headerMismatch(header, `the body has another params.${field} than the Mcp-Name header`)
}

/** The member of `params` that the `Mcp-Name` header repeats, by method. */
const NAMED_BY: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId']
])
