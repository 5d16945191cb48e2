import { onTestFinished } from 'vitest'
import { assumedFigures } from '../../src/catalog/assumed.js'
import type { Catalog } from '../../src/catalog/catalog.js'
import { type Credits, openCredits } from '../../src/credits.js'

export type Figure = string | number | null

/**
 * Every figure of a catalog's document by its path, but for those that are marked as ours: numbers, decimal text, and
 * null where a figure could stand. A test that knows the document's figures by hand compares them with all of these.
 */
export function documentedFigures(catalog: Catalog): Readonly<Record<string, Figure>> {
  const ours = assumedFigures(catalog)
  const figures = leaves(JSON.parse(catalog.source), []).filter(([, value]) => isFigure(value))
  return Object.fromEntries(
    figures.filter(([path]) => !ours.some((marked) => path.startsWith(`${marked}/`))),
  ) as Record<string, Figure>
}

/** The figures of what has a price by the unit or for the job: operation, variant or null, credits. */
export function priceFigures(
  prices: readonly (readonly [operation: string, variant: string | null, credits: string, ...more: readonly unknown[]])[],
): Record<string, Figure> {
  return Object.fromEntries(
    prices.map(([operation, variant, credits]) => [`${pathOf(operation, variant)}/price/credits`, credits]),
  )
}

function pathOf(operation: string, variant: string | null): string {
  return variant === null ? `operations/${operation}` : `operations/${operation}/variants/${variant}`
}

function leaves(value: unknown, path: readonly string[]): [path: string, value: unknown][] {
  if (typeof value !== 'object' || value === null) return [[path.join('/'), value]]
  return Object.entries(value).flatMap(([key, member]) => leaves(member, [...path, key]))
}

function isFigure(value: unknown): boolean {
  return value === null || typeof value === 'number' || (typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value))
}

/** The instant of every ledger that {@link openedWith} opens, unless a test moves its clock. */
export const OPENED_AT = Date.parse('2026-03-10T12:00:00Z')

/**
 * A ledger in memory with a catalog (a bundled one by its name, or a file), closed when the test ends, and in it the
 * account `acme` without a plan, which holds so many credits: what a plan gives or caps does not count in a test of prices.
 */
export async function openedWith(catalog: string, { granted }: { readonly granted: number }): Promise<Credits> {
  const ledger = await openCredits({ database: ':memory:', catalog, clock: { now: () => OPENED_AT } })
  onTestFinished(() => ledger.close())
  await ledger.createAccount({ id: 'acme', plan: 'none' })
  if (granted > 0) await ledger.grant({ account: 'acme', credits: granted })
  return ledger.as({ account: 'acme' })
}
