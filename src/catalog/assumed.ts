import type { Catalog } from './catalog.js'

/** The paths of everything that is marked `assumed`: figures that are ours, because the document followed gives none. */
export function assumedFigures({ source }: Catalog): readonly string[] {
  return walk(JSON.parse(source), [])
}

function walk(value: unknown, path: readonly string[]): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, member]) =>
    key === 'assumed' && member === true ? [path.join('/')] : walk(member, [...path, key]),
  )
}
