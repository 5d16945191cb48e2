import { type CatalogProblem, problemAt } from './catalog-problem.js'
import type { CatalogDocument } from './schema.js'

/**
 * Surcharges that lead back to where they began: their price would have no end. Each circle is told once, at the
 * first surcharge that closes it.
 */
export function surchargeCycles(document: CatalogDocument): CatalogProblem[] {
  const problems: CatalogProblem[] = []
  const finished = new Set<string>()
  const visit = (node: string, trail: readonly string[]): void => {
    if (finished.has(node)) return
    for (const { path, target } of surchargesOf(document, node)) {
      const start = [...trail, node].indexOf(target)
      if (start === -1) visit(target, [...trail, node])
      else {
        const circle = [...trail.slice(start), node, target]
        problems.push(problemAt(path, circle.join(' → '), 'surcharges that do not come back to where they began'))
      }
    }
    finished.add(node)
  }
  for (const [id, { variants = {} }] of Object.entries(document.operations)) {
    const ids = Object.keys(variants)
    if (ids.length === 0) visit(id, [])
    for (const variant of ids) visit(`${id}/${variant}`, [])
  }
  return problems
}

/** The edges that leave `operation` or `operation/variant`: its surcharges, its operation's where it has none itself. */
function surchargesOf(
  document: CatalogDocument,
  node: string,
): { readonly path: readonly string[]; readonly target: string }[] {
  const [id = '', variant] = node.split('/')
  const operation = own(document.operations, id)
  const found = variant === undefined ? undefined : own(operation?.variants ?? {}, variant)
  const isOwn = found?.surcharges !== undefined
  const base = ['operations', id, ...(isOwn && variant !== undefined ? ['variants', variant] : []), 'surcharges']
  return (found?.surcharges ?? operation?.surcharges ?? []).flatMap((surcharge, index) => {
    const target = surcharge.operation === undefined ? undefined : own(document.operations, surcharge.operation)
    if (surcharge.operation === undefined || target === undefined) return []
    const chosen = surcharge.variant ?? target.default_variant
    return [
      {
        path: [...base, String(index)],
        target: chosen === undefined ? surcharge.operation : `${surcharge.operation}/${chosen}`,
      },
    ]
  })
}

function own<Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}
