/** What stands in a JSON text that a parsed value no longer shows. */
export interface JsonFindings {
  /** The first member name that stands twice in one object. */
  readonly duplicateMember?: string
  /** The first number that would be written differently after parsing: 12345678901234567890, 1e309. */
  readonly inexactNumber?: string
  readonly isTooDeep: boolean
}

/** Deeper nesting than this comes from no tool, and writing it again would overflow the stack. */
export const DEPTH_MAX = 512

/**
 * Looks for what makes two readers of the same JSON see different messages. Which of two duplicate members counts differs
 * between parsers, so a call priced by one and run by the other would be metered as something that it is not. In the
 * outer `foldedDepth` levels names also collide when they differ only in case, as some parsers match members so; deeper,
 * in a tool's arguments, `a` and `A` are two names.
 *
 * @param text valid JSON: `JSON.parse` has accepted it.
 */
export function inspectJson(text: string, foldedDepth: number): JsonFindings {
  const levels: (Set<string> | null)[] = []
  let inexactNumber: string | undefined
  let isNameNext = false
  let at = 0
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfString(text, at)
      const names = levels[levels.length - 1]
      if (isNameNext && names) {
        const name = JSON.parse(text.slice(at, end)) as string
        const key = levels.length <= foldedDepth ? foldCase(name) : name
        if (names.has(key)) return findings({ duplicateMember: name, inexactNumber })
        names.add(key)
        isNameNext = false
      }
      at = end
      continue
    }
    if (code === OBJECT_START || code === ARRAY_START) {
      if (levels.length === DEPTH_MAX) return { isTooDeep: true }
      levels.push(code === OBJECT_START ? new Set() : null)
      isNameNext = code === OBJECT_START
    } else if (code === OBJECT_END || code === ARRAY_END) {
      levels.pop()
      isNameNext = false
    } else if (code === COMMA) {
      isNameNext = levels[levels.length - 1] !== null
    } else if (code === MINUS || isDigit(code)) {
      const end = endOfNumber(text, at)
      if (inexactNumber === undefined && !isExact(text.slice(at, end))) inexactNumber = text.slice(at, end)
      at = end
      continue
    }
    at += 1
  }
  return findings({ duplicateMember: undefined, inexactNumber })
}

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const BACKSLASH = 0x5c
const ARRAY_START = 0x5b
const ARRAY_END = 0x5d
const OBJECT_START = 0x7b
const OBJECT_END = 0x7d

function findings(found: { duplicateMember: string | undefined; inexactNumber: string | undefined }): JsonFindings {
  return {
    isTooDeep: false,
    ...(found.duplicateMember === undefined ? {} : { duplicateMember: found.duplicateMember }),
    ...(found.inexactNumber === undefined ? {} : { inexactNumber: found.inexactNumber })
  }
}

/**
 * A name as parsers see it that match names in any case. Upper case first: it also maps the long s and the Kelvin sign,
 * which fold to s and k but are lower-case themselves.
 */
export function foldCase(name: string): string {
  return name.toUpperCase().toLowerCase()
}

/** The place after a string's closing quote. @param start that of its opening quote */
export function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end + 1
}

function isEscaped(text: string, quote: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes += 1
  return backslashes % 2 === 1
}

function endOfNumber(text: string, start: number): number {
  let end = start + 1
  while (end < text.length && NUMBER_CHARACTERS.includes(text.charAt(end))) end += 1
  return end
}

const NUMBER_CHARACTERS = '0123456789+-.eE'

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

/**
 * An integer must keep every digit. A fraction may lose digits beyond a double's, as it does in every reader that uses
 * doubles, but must stay finite.
 */
function isExact(number: string): boolean {
  const value = Number(number)
  if (!Number.isFinite(value)) return false
  if (Number.isSafeInteger(value) || !INTEGER.test(number)) return true
  return String(value) === number || BigInt(number) === BigInt(value)
}

const INTEGER = /^-?\d+$/
