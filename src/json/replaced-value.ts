import { endOfString } from './json-text.js'

/** The names on the way from the outermost object to a value. */
export type ValuePath = readonly string[]

/**
 * A JSON text with one value replaced and every other byte as it was: parsed and written again, numbers that no double
 * holds would change. A text without such a value is returned as it is.
 *
 * @param text valid JSON in which no name stands twice in one object
 * @param value JSON
 */
export function withReplacedValue(text: string, path: ValuePath, value: string): string {
  let start = skipSpace(text, 0)
  for (const name of path) {
    const member = startOfMember(text, start, name)
    if (member === undefined) return text
    start = member
  }
  return text.slice(0, start) + value + text.slice(endOfValue(text, start))
}

/** Where the value of a member begins, if an object begins at `start` and has it. */
function startOfMember(text: string, start: number, name: string): number | undefined {
  if (text[start] !== '{') return undefined
  let at = skipSpace(text, start + 1)
  while (text[at] === '"') {
    const nameEnd = endOfString(text, at)
    const isIt = JSON.parse(text.slice(at, nameEnd)) === name
    at = skipSpace(text, skipSpace(text, nameEnd) + 1)
    if (isIt) return at
    at = skipSpace(text, endOfValue(text, at))
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return undefined
}

function endOfValue(text: string, start: number): number {
  let depth = 0
  let at = start
  do {
    const character = text.charAt(at)
    if (character === '"') {
      at = endOfString(text, at)
      continue
    }
    if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') depth -= 1
    else if (depth === 0) return endOfWord(text, at)
    at += 1
  } while (depth > 0)
  return at
}

/** A number, `true`, `false` or `null`. */
function endOfWord(text: string, start: number): number {
  let at = start
  while (at < text.length && !ENDS_WORD.includes(text.charAt(at))) at += 1
  return at
}

const SPACE = ' \t\r\n'
const ENDS_WORD = `${SPACE},]}`

function skipSpace(text: string, start: number): number {
  let at = start
  while (at < text.length && SPACE.includes(text.charAt(at))) at += 1
  return at
}
