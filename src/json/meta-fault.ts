import { invalidParams, isObject, type JsonObject, type JsonRpcError, PROTOCOL_VERSION } from './json-rpc.js'

/** The versions that a request may name in its `_meta`. Older ones are agreed upon once, by `initialize`. */
export const MODERN_VERSIONS: readonly string[] = ['2026-07-28']

export const UNSUPPORTED_PROTOCOL_VERSION = -32022

/**
 * What is wrong with a request's `_meta`: it is no object, or it names a version of the protocol that is not spoken here.
 * A client has to learn that from every request that says so and not only from its first, since whoever carried it out
 * would read, and charge, by rules that nobody knows.
 */
export function metaFault(params: JsonObject | undefined): JsonRpcError | undefined {
  const meta = params?.['_meta']
  if (meta === undefined) return undefined
  if (!isObject(meta)) return invalidParams('"_meta" must be an object')
  const requested = meta[PROTOCOL_VERSION]
  if (typeof requested !== 'string' || MODERN_VERSIONS.includes(requested)) return undefined
  return {
    code: UNSUPPORTED_PROTOCOL_VERSION,
    message: `Unsupported protocol version: ${requested}`,
    data: { supported: MODERN_VERSIONS, requested },
  }
}
