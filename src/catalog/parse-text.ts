import { parseDocument } from 'yaml'
import { type CatalogProblem, problemAt } from './catalog-problem.js'

/** No catalog for people comes near it; a text beyond would only keep the parser busy. */
const TEXT_MAX = 1_000_000

export type ParsedText =
  | { readonly ok: true; readonly document: unknown }
  | { readonly ok: false; readonly problems: readonly CatalogProblem[] }

/** Reads a catalog file's text, YAML or JSON (which is YAML), as a document for `parseCatalog`. */
export function parseCatalogText(text: string): ParsedText {
  if (text.length > TEXT_MAX) return refused(`a text of ${text.length} characters`, `at most ${TEXT_MAX} characters`)
  const parsed = parseDocument(text.startsWith('\uFEFF') ? text.slice(1) : text, { prettyErrors: true })
  const problems = parsed.errors.map(({ message, linePos }) => {
    const line = linePos?.[0].line
    return problemAt([line === undefined ? 'text' : `line ${line}`], firstLine(message), 'YAML or JSON')
  })
  if (problems.length > 0) return { ok: false, problems }
  try {
    return { ok: true, document: parsed.toJS() }
  } catch (error) {
    // Aliases that multiply beyond bounds come to light only here.
    return refused(error instanceof Error ? firstLine(error.message) : 'a text that cannot be read', 'YAML or JSON')
  }
}

function refused(found: string, expected: string): ParsedText {
  return { ok: false, problems: [problemAt(['text'], found, expected)] }
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '')
}
