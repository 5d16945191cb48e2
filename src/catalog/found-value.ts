import type { Found } from './catalog.js'
import { readPointer } from './json-pointer.js'

/** What stands where the catalog says that a value is to be found. `refused` is there, but is not what was expected. */
export type Read =
  | { readonly kind: 'found'; readonly value: unknown }
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused'; readonly message: string }

/** Reads a value through its pointer, count and map. Its type is the caller's to check: strangers wrote it. */
export function readFound(
  found: Pick<Found<unknown>, 'pointer' | 'map' | 'count' | 'default' | 'from'>,
  document: unknown,
): Read {
  const value = readPointer(document, found.pointer)
  // A null says "not given" as much as an absent member does.
  if (value === undefined || value === null) {
    return found.default === null ? { kind: 'missing' } : { kind: 'found', value: found.default }
  }
  if (found.count) {
    return Array.isArray(value)
      ? { kind: 'found', value: value.length }
      : refused(found, value, 'a list, to be counted')
  }
  if (found.map === null) return { kind: 'found', value }
  const key =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
  return key !== null && Object.hasOwn(found.map, key)
    ? { kind: 'found', value: found.map[key] }
    : refused(found, value, `one of ${Object.keys(found.map).join(', ')}`)
}

function refused({ from, pointer }: Pick<Found<unknown>, 'from' | 'pointer'>, value: unknown, expected: string): Read {
  return { kind: 'refused', message: `${pointer} in the ${from} is ${describeFound(value)}; expected ${expected}` }
}

/** A value in a message: short, and never the whole of what somebody sent. */
export function describeFound(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') {
    return value.length > 60 ? `a text of ${value.length} characters` : JSON.stringify(value)
  }
  if (Array.isArray(value)) return `a list of ${value.length}`
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
