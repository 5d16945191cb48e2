import { versionAt } from '../catalog/version.js'
import type { Done } from '../decide/outcome.js'
import { AMOUNT_MAX, smaller, toCredits } from '../money/credits.js'
import { itemLines, itemOf, meteredTo } from '../plans/recurring-item.js'
import { formatInstant, formatInstantOrNull } from '../time/instant.js'
import type { Ledger } from './ledger.js'
import type { ItemResult, SetItemResult } from './sales-results.js'
import { writeResult } from './write-results.js'

/** The recurring items that an account keeps, with what each has come to since it was charged last (ND-21). */
export function readItems(ledger: Ledger, account: string): Promise<readonly ItemResult[]> {
  return ledger.read(account, (draft) => {
    const { catalogs } = draft.view
    const { recurringItems } = versionAt(catalogs, draft.at).catalog
    return draft.records('item').map((record) => {
      const item = meteredTo(itemOf(record), draft.at, catalogs)
      const lines = itemLines(item, catalogs)
      const known = recurringItems[item.id] ?? lines.at(-1)?.item
      return {
        id: item.id,
        name: known?.name ?? item.id,
        unit: known?.unit.name ?? 'unit',
        quantity: item.quantity,
        since: formatInstant(item.since),
        chargedAt: formatInstantOrNull(draft.account.itemsDueAt),
        unitHours: lines.reduce((sum, line) => sum + line.unitHours * 1e6, 0) / 1e6,
        accrued: toCredits(smaller(lines.reduce((sum, line) => sum + line.cost, 0n), AMOUNT_MAX)),
      }
    })
  })
}

export function setItemResult(done: Done): SetItemResult {
  const detail = done.transaction?.detail ?? done.record?.document ?? {}
  return {
    ...writeResult(done),
    item: (detail['item'] as string | undefined) ?? done.record?.id ?? '',
    quantity: (detail['quantity'] as number | undefined) ?? 0,
  }
}
