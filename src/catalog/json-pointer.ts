/**
 * The value at a JSON Pointer (RFC 6901), undefined where nothing stands. Only a document's own members count, so
 * that no pointer reaches what an object inherits.
 */
export function readPointer(document: unknown, pointer: string): unknown {
  if (pointer === '') return document
  let value = document
  for (const token of pointer.slice(1).split('/').map(unescaped)) {
    if (Array.isArray(value)) value = INDEX.test(token) ? (value as unknown[])[Number(token)] : undefined
    else if (typeof value === 'object' && value !== null && Object.hasOwn(value, token)) {
      value = (value as Record<string, unknown>)[token]
    } else return undefined
  }
  return value
}

const INDEX = /^(?:0|[1-9]\d{0,9})$/

/** `~1` before `~0`, as the RFC demands: `~01` is `~1` and no slash. */
function unescaped(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~')
}
