import { CreditError } from '../errors.js'

/** The header by which a client over HTTP names a write, or a metered call, whatever door it comes to. */
export const IDEMPOTENCY_HEADER = 'Idempotency-Key'

/**
 * The key that a request's header gives, null without one. The header is a quoted text, as the draft of the header has it
 * (draft-ietf-httpapi-idempotency-key-header), or the bare key, as most clients send it.
 *
 * @throws CreditError `invalid_request` for a header that is no key
 */
export function keyOfHeader(header: string | null): string | null {
  if (header === null) return null
  const text = header.trim()
  if (text === '' || !VISIBLE.test(text)) throw refusal('Idempotency-Key: expected a text of printable ASCII characters')
  if (!text.startsWith('"')) return text
  const [, quoted] = QUOTED.exec(text) ?? []
  if (quoted === undefined) throw refusal('Idempotency-Key: expected a quoted text to end with its quote, and nothing after it')
  return quoted.replaceAll(/\\(["\\])/g, '$1')
}

/**
 * An object with the header's key as one of its members, `idempotency_key` of an input or the member of a call's `_meta`.
 *
 * @throws CreditError `invalid_request` where the member is there already with another key: which one is meant is not guessed
 */
export function withHeaderKey(members: Readonly<Record<string, unknown>>, member: string, key: string | null): Record<string, unknown> {
  const own = members[member]
  if (key === null || own === key) return members
  if (own === undefined) return { ...members, [member]: key }
  throw refusal(`${member}: the body has another key than the header ${IDEMPOTENCY_HEADER}; give one of them`)
}

/** Characters that a header carries the same through every server on the way. */
const VISIBLE = /^[\x20-\x7e]+$/

const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/

function refusal(message: string): CreditError {
  return new CreditError('invalid_request', message, { details: { field: 'idempotency_key' } })
}
