import type { z } from 'zod'

type Issue = z.core.$ZodIssue

/** Longest text of somebody else's that a message repeats. */
const ECHO_MAX = 40

/** What is wrong with one field of an input: what was expected and what was found, in a few words of ours. */
export function problemWords(issue: Issue, input: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return found(`expected ${NOUNS[issue.expected] ?? issue.expected}`, valueAt(input, issue.path))
    case 'too_small':
      return found(`expected ${issue.inclusive === false ? 'more than' : 'at least'} ${measure(issue.origin, issue.minimum)}`, valueAt(input, issue.path))
    case 'too_big':
      return found(`expected at most ${measure(issue.origin, issue.maximum)}`, valueAt(input, issue.path))
    case 'invalid_value':
      return found(`expected one of ${issue.values.join(', ')}`, valueAt(input, issue.path))
    case 'unrecognized_keys':
      return `unknown field ${issue.keys.slice(0, KEYS_MAX).map((key) => foundWords(key)).join(', ')}`
    case 'invalid_key':
      return `a name: ${issue.issues.map((one) => problemWords(one, issue.path.at(-1))).join(', ')}`
    case 'invalid_format':
      return found(issue.message, valueAt(input, issue.path))
    default:
      return issue.message
  }
}

/** The field that a problem is about, `labels.customer` or `calls.0.operation`; names by strangers are cut short. */
export function fieldOf({ path }: Issue, of: string | null = null): string {
  return [...(of === null ? [] : [of]), ...path.map((part) => shortened(String(part)))].join('.') || 'input'
}

/** A value in a message: enough to recognise it by, never the whole of what somebody sent. */
export function foundWords(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return value.length > ECHO_MAX ? `a text of ${value.length} characters` : JSON.stringify(value)
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  if (Array.isArray(value)) return `a list of ${value.length}`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

const KEYS_MAX = 5

const NOUNS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  nonoptional: 'a value',
}

function found(expected: string, value: unknown): string {
  return `${expected}, found ${foundWords(value)}`
}

function measure(origin: string, bound: number | bigint): string {
  if (origin === 'string') return `${bound} ${bound === 1 ? 'character' : 'characters'}`
  return origin === 'array' ? `${bound} ${bound === 1 ? 'item' : 'items'}` : String(bound)
}

function shortened(text: string): string {
  return text.length > ECHO_MAX ? `${text.slice(0, ECHO_MAX - 1)}…` : text
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Readonly<Record<PropertyKey, unknown>>)[part]
  }
  return value
}
