import { buildCatalog } from './build-catalog.js'
import type { Catalog } from './catalog.js'
import { type CatalogProblem, describeProblems, problemsFromIssues } from './catalog-problem.js'
import { checkCatalog } from './check-catalog.js'
import { catalogSchema } from './schema.js'

export { type CatalogProblem, describeProblems } from './catalog-problem.js'

export type ParsedCatalog =
  | { readonly ok: true; readonly catalog: Catalog }
  | { readonly ok: false; readonly problems: readonly CatalogProblem[] }

/**
 * Reads a catalog document. A bad one is refused with everything that is wrong about its shape at once or, once the
 * shape is right, with everything that does not agree.
 */
export function parseCatalog(document: unknown): ParsedCatalog {
  const shape = catalogSchema.safeParse(document)
  if (!shape.success) return { ok: false, problems: problemsFromIssues(shape.error.issues, document) }
  const problems = checkCatalog(shape.data)
  return problems.length > 0 ? { ok: false, problems } : { ok: true, catalog: buildCatalog(shape.data) }
}

/** The catalog of a kept `source`. @throws Error where it is not one that was parsed before: the row is damaged. */
export function catalogFromSource(source: string): Catalog {
  const parsed = parseCatalog(JSON.parse(source))
  if (!parsed.ok) throw new Error(`the kept catalog is damaged: ${describeProblems(parsed.problems)}`)
  return parsed.catalog
}
