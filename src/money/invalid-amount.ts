/** A value that was given as an amount or a quantity and is none: says which field, what was found, what was expected. */
export class InvalidAmount extends Error {
  readonly field: string
  readonly expected: string

  constructor(field: string, found: unknown, expected: string) {
    super(found === undefined ? `${field}: expected ${expected}` : `${field} is ${describe(found)}; expected ${expected}`)
    this.name = 'InvalidAmount'
    this.field = field
    this.expected = expected
  }
}

/** Long or structured input is not repeated whole: a message must stay readable and must not echo a secret. */
function describe(found: unknown): string {
  if (Object.is(found, -0)) return '-0'
  if (typeof found === 'number' || typeof found === 'boolean' || found === null || found === undefined) return String(found)
  if (typeof found === 'string') return found.length > 40 ? `a text of ${found.length} characters` : JSON.stringify(found)
  return Array.isArray(found) ? 'a list' : `a value of type ${typeof found}`
}
