import type { z } from 'zod'
import { describeFound } from './found-value.js'
import { readPointer } from './json-pointer.js'

/** One thing that is wrong with a catalog document: where, what stands there, what should. */
export interface CatalogProblem {
  /** The keys that lead there, joined by `/`; empty for the document itself. */
  readonly path: string
  readonly found: string
  readonly expected: string
}

/** All problems for people, one a line. */
export function describeProblems(problems: readonly CatalogProblem[]): string {
  return problems
    .map(({ path, found, expected }) => `${path === '' ? 'the document' : path}: found ${found}, expected ${expected}`)
    .join('\n')
}

type Path = readonly PropertyKey[]

/** What zod found wrong with `document`, in our words. */
export function problemsFromIssues(
  issues: readonly z.core.$ZodIssue[],
  document: unknown,
  base: Path = [],
): CatalogProblem[] {
  return issues.flatMap((issue) => {
    const path = [...base, ...issue.path]
    const value = valueAt(document, path)
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => problemAt([...path, key], 'a field of no meaning', issue.message))
      case 'invalid_key':
        return [
          problemAt(
            path,
            `the key ${describeFound(String(path.at(-1)))}`,
            issue.issues.map(({ message }) => message).join(', '),
          ),
        ]
      case 'invalid_union': {
        const branch = nearestBranch(issue.errors)
        if (branch !== undefined) return problemsFromIssues(branch, document, path)
        return [
          problemAt(
            path,
            issue.discriminator === undefined
              ? describeValue(value)
              : describeDiscriminator(value, issue.discriminator),
            issue.message,
          ),
        ]
      }
      default:
        return [problemAt(path, describeValue(value), issue.message)]
    }
  })
}

export function problemAt(path: Path, found: string, expected: string): CatalogProblem {
  return { path: path.map((part) => shortened(String(part))).join('/'), found, expected }
}

/** No name of a catalog comes near it; what a stranger sends as one is not sent back whole. */
const NAME_SHOWN = 200

function shortened(name: string): string {
  return name.length > NAME_SHOWN ? `${name.slice(0, NAME_SHOWN - 1)}…` : name
}

/** Which kind of value it is matters where a number stands for a text: `5` and `"5"` look alike. */
export function describeValue(value: unknown): string {
  return typeof value === 'number' ? `the number ${value}` : describeFound(value)
}

function describeDiscriminator(value: unknown, discriminator: string): string {
  const member =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[discriminator] : undefined
  return typeof value === 'object' && value !== null
    ? `${discriminator} ${describeValue(member)}`
    : describeValue(value)
}

/** The branch of a union that was meant: the one that the value has at least the right type for. */
function nearestBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  return branches.find((issues) => !issues.some((issue) => issue.code === 'invalid_type' && issue.path.length === 0))
}

function valueAt(document: unknown, path: Path): unknown {
  return readPointer(
    document,
    path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
  )
}
