import { isWriting } from '../../tools/definition.js'
import type { Toolset } from '../../tools/index.js'
import { withHeaderKey } from '../facade/idempotency-header.js'
import type { JsonObject } from '../json/json-rpc.js'
import { listedTools } from './listed-tools.js'

/** The arguments of a call with the key that stands beside it. @throws CreditError `invalid_request` for another key among them */
export type WithCallKey = (name: unknown, args: JsonObject, key: string) => JsonObject

/**
 * Our tools that write take as an argument the key that a client gives any call, in a header or in `_meta`. A call that only
 * asks is left as it is.
 */
export function callKeyOf(toolsets: readonly Toolset[]): WithCallKey {
  const keyed = new Map<unknown, Toolset>(toolsets.flatMap((toolset) => listedTools([toolset]).filter(takesKey).map(({ name }) => [name, toolset] as const)))
  return (name, args, key) => {
    const toolset = keyed.get(name)
    return toolset !== undefined && isWriting({ toolset }, args) ? withHeaderKey(args, 'idempotency_key', key) : args
  }
}

function takesKey({ inputSchema }: { readonly inputSchema: object }): boolean {
  return 'idempotency_key' in ((inputSchema as { readonly properties?: object }).properties ?? {})
}
