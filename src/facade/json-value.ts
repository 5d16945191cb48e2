import { foundWords } from './problem-words.js'

/** Deeper nesting than this comes from no price's arguments, and writing it as text could overflow the stack. */
const DEPTH_MAX = 64

/** Counted with repetition, since an object that stands in two places is written twice. */
const VALUES_MAX = 100_000

/** `__proto__` is no name that an object keeps when it is copied: what it holds would be lost without a word. */
export const LOST_NAME = '__proto__'

/** Says why a value is no JSON that can be kept; null where it is. An object within itself is one that is nested too deep. */
export function jsonProblem(value: unknown): string | null {
  let values = 0
  return visit(value, 0)

  function visit(part: unknown, depth: number): string | null {
    values += 1
    if (depth > DEPTH_MAX) return `expected at most ${DEPTH_MAX} levels of nesting, and no object within itself`
    if (values > VALUES_MAX) return `expected at most ${VALUES_MAX} values`
    if (part === undefined || part === null || typeof part === 'string' || typeof part === 'boolean') return null
    if (typeof part === 'number' && Number.isFinite(part)) return null
    if (!isPlain(part)) return `expected JSON values, found ${describe(part)}`
    if (Object.hasOwn(part, LOST_NAME)) return `expected names other than ${LOST_NAME}`
    for (const member of Object.values(part)) {
      const problem = visit(member, depth + 1)
      if (problem !== null) return problem
    }
    return null
  }
}

/** Made by a literal or by reading JSON, in whatever realm. */
function isPlain(value: unknown): value is object {
  if (Array.isArray(value)) return true
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function describe(value: unknown): string {
  return typeof value === 'object' && value !== null ? `an object of class ${String(value.constructor?.name).slice(0, 40)}` : foundWords(value)
}
