import { budgetDocument, budgetOf, DEFAULT_THRESHOLDS, SPENDING_CAP, type StoredBudget } from '../budgets/budget.js'
import type { Plan } from '../catalog/catalog.js'
import type { Instant } from '../time/instant.js'
import type { Draft } from './draft.js'

/**
 * Makes the running plan's spending cap the account's budget `spending_cap`, so that one rule counts, raises and refuses
 * every limit there is (SN-06, T26). A plan without a cap ends the one before. The same cap goes on as it is, a raise
 * with it; another limit takes its place without losing what was counted, unless it counts over another window.
 */
export function setPlanCap(draft: Draft, plan: Plan | null, at: Instant): void {
  const record = hasRules(draft) ? draft.record('budget', SPENDING_CAP) : null
  const before = record !== null && record.isOpen ? budgetOf(record) : null
  const cap = plan?.spendingCap ?? null
  if (cap === null) {
    if (record !== null && before !== null) draft.putRecord({ ...record, isOpen: false, sequence: draft.account.sequence }, record)
    return
  }
  const window = cap.window === 'period' ? ({ kind: 'billing_period' } as const) : ({ kind: 'total' } as const)
  if (before !== null && before.limit === cap.credits && before.window.kind === window.kind) return
  const goesOn = before !== null && before.window.kind === window.kind
  const budget: StoredBudget = {
    name: null,
    scope: { values: {}, each: null },
    window,
    limit: cap.credits,
    enforcement: 'hard',
    thresholds: DEFAULT_THRESHOLDS.hard,
    since: goesOn ? before.since : at,
    origin: goesOn ? before.origin : draft.account.sequence,
    raise: goesOn ? before.raise : null,
  }
  draft.putRecord(
    { kind: 'budget', id: SPENDING_CAP, sequence: draft.account.sequence, isOpen: true, lookup: null, document: budgetDocument(budget) },
    record,
  )
}

/** An account that never had a rule has no cap to look for. */
function hasRules({ account, view }: Draft): boolean {
  return account.rules > 0 || (view.account?.rules ?? 0) > 0
}
