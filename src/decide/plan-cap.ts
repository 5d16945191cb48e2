import { type Budget, budgetDocument, budgetOf, DEFAULT_THRESHOLDS, type StoredBudget } from '../budgets/budget.js'
import type { Plan } from '../catalog/catalog.js'
import { type AccountRecord, SPENDING_CAP } from '../ledger/account-record.js'
import { AMOUNT_MAX, smaller } from '../money/credits.js'
import type { Instant } from '../time/instant.js'
import type { Draft } from './draft.js'

interface CapChange {
  readonly at: Instant
  /** Whether the plan is the one that ran before, in a further period of it. */
  readonly isSamePlan?: boolean
  /** What a row of its own says of the change, where its write has posted none yet. */
  readonly row?: Readonly<Record<string, unknown>> | null
}

/**
 * Makes the running plan's spending cap the account's budget `spending_cap`, so that one rule counts, raises and refuses
 * every limit there is (SN-06, T26). A plan without a cap ends the one before. Another limit takes its place without losing
 * what was counted, unless it counts over another window. A raise for a time goes on to its end; one for good holds as
 * long as the plan does, for another plan's cap is what was agreed with that.
 *
 * Called after the rows of its write: the cap is what the last of them has made it, and counts what comes after.
 */
export function setPlanCap(draft: Draft, plan: Plan | null, change: CapChange): void {
  const record = hasRules(draft) ? draft.record('budget', SPENDING_CAP) : null
  const before = record !== null && record.isOpen ? budgetOf(record) : null
  const terms = plan === null ? null : termsOf(plan, before, change)
  if (terms === null ? before === null : before !== null && isAlike(before, terms)) return
  if (change.row != null) draft.post('amend', [], { credits: 0n, at: change.at, detail: change.row })
  const { sequence } = draft.account
  if (terms !== null) draft.putRecord(capRecord(sequence, budgetWith(terms, before, change, sequence)), record)
  else if (record !== null) draft.putRecord({ ...record, isOpen: false, sequence }, record)
}

type CapTerms = Pick<Budget, 'window' | 'limit' | 'raisedBy'>

function termsOf({ spendingCap }: Plan, before: Budget | null, { isSamePlan = false }: CapChange): CapTerms | null {
  if (spendingCap === null) return null
  const window = spendingCap.window === 'period' ? ({ kind: 'billing_period' } as const) : ({ kind: 'total' } as const)
  const kept = isSamePlan && before?.window.kind === window.kind ? before.raisedBy : 0n
  const raisedBy = smaller(kept, AMOUNT_MAX - spendingCap.credits)
  return { window, limit: spendingCap.credits + raisedBy, raisedBy }
}

function isAlike(before: Budget, { window, limit, raisedBy }: CapTerms): boolean {
  return before.window.kind === window.kind && before.limit === limit && before.raisedBy === raisedBy
}

function budgetWith(terms: CapTerms, before: Budget | null, { at, isSamePlan = false }: CapChange, sequence: number): StoredBudget {
  const gone = { since: at, origin: sequence, raises: [], setBy: sequence }
  const { since, origin, raises, setBy } = before?.window.kind === terms.window.kind ? before : gone
  return {
    ...terms,
    name: null,
    scope: { values: {}, each: null },
    enforcement: 'hard',
    thresholds: DEFAULT_THRESHOLDS.hard,
    since,
    origin,
    raises,
    setBy: isSamePlan ? setBy : sequence,
  }
}

function capRecord(sequence: number, budget: StoredBudget): AccountRecord {
  return { kind: 'budget', id: SPENDING_CAP, sequence, isOpen: true, lookup: null, document: budgetDocument(budget) }
}

/** An account that never had a rule has no cap to look for. */
function hasRules({ account, view }: Draft): boolean {
  return account.rules > 0 || (view.account?.rules ?? 0) > 0
}
