/** What a query has to know of a field: its schema as JSON Schema. */
export interface FieldSchema {
  readonly type?: unknown
  readonly [keyword: string]: unknown
}

/**
 * A parameter's text as a value of its field's type; the text itself where it is none, so that the field's own check says
 * what was expected and what was found.
 */
export function readParameter(text: string, schema: FieldSchema | undefined): unknown {
  switch (schema?.type) {
    case 'number':
    case 'integer':
      return readNumber(text)
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'object':
      return readPair(text)
    default:
      return text
  }
}

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

function readNumber(text: string): number | string {
  const value = Number(text)
  return JSON_NUMBER.test(text) && Number.isFinite(value) ? value : text
}

/** A label, `customer_id:c1`: its name goes up to the first colon. One with a colon in its name is asked for by a body. */
export const PAIR_PATTERN = '^[^:]+:'

/** A label as it stands in a query. */
export function pairText({ name, value }: { readonly name: string; readonly value: string }): string {
  return `${name}:${value}`
}

function readPair(text: string): { readonly name: string; readonly value: string } | string {
  const colon = text.indexOf(':')
  return colon < 1 ? text : { name: text.slice(0, colon), value: text.slice(colon + 1) }
}
