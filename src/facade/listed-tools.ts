import { versionAt } from '../catalog/version.js'
import type { Ledger } from '../usage/ledger.js'
import { type ListedSubject, type ListedTool, priceDecorator } from '../usage/price-decorator.js'

export interface PricedTools {
  readonly tools: readonly ListedTool[]
  /** Until the next price change that is announced; null where none is. */
  readonly validForMs: number | null
}

/**
 * Tools as they are listed, each with its price.
 *
 * @param subjectOf what the tools' own server prices a tool as; undefined for what the catalog maps it to
 * @throws CreditError `ledger_unavailable` where the prices were never read
 */
export async function pricedTools(
  ledger: Ledger,
  tools: readonly ListedTool[],
  subjectOf: (tool: string) => ListedSubject | undefined,
): Promise<PricedTools> {
  const versions = await ledger.catalogs()
  const now = ledger.now()
  const decorate = priceDecorator(versionAt(versions, now))
  const next = versions.find(({ effectiveAt }) => effectiveAt > now)
  const validForMs = next === undefined ? null : next.effectiveAt - now
  return { tools: tools.map((tool) => decorate(tool, subjectOf(tool.name))), validForMs }
}
