import type { AccountRecord } from '../ledger/account-record.js'
import { type Budget, budgetOf, scopeName, type SpendFacts, subjectsOf } from './budget.js'

/** Budgets of one scope: whatever counts for one of them counts for all. */
export interface BudgetGroup {
  readonly budgets: readonly Budget[]
  /** Budgets of rolling windows, which are counted slice by slice. */
  readonly isRolling: boolean
}

const GROUPS = new WeakMap<readonly AccountRecord[], readonly BudgetGroup[]>()

/** The budgets of a list of records, by scope; remembered as long as the list is, for every charge asks. */
export function groupsOf(records: readonly AccountRecord[]): readonly BudgetGroup[] {
  let groups = GROUPS.get(records)
  if (groups === undefined) {
    groups = grouped(records.map(budgetOf))
    GROUPS.set(records, groups)
  }
  return groups
}

function grouped(budgets: readonly Budget[]): readonly BudgetGroup[] {
  const byScope = new Map<string, Budget[]>()
  for (const budget of budgets) {
    const name = groupName(budget)
    const same = byScope.get(name) ?? []
    byScope.set(name, same)
    same.push(budget)
  }
  return [...byScope.values()].map((same) => ({ budgets: same, isRolling: same[0]?.window.kind === 'rolling' }))
}

/** A window of each run counts as a scope of each run does; rolling windows are counted in another way. */
function groupName({ scope, window }: Budget): string {
  const each = window.kind === 'run' ? 'run' : scope.each
  return `${window.kind === 'rolling'} ${scopeName({ ...scope, each })}`
}

/** The subjects that a piece of spending counts for in a group; none where it does not concern the group. */
export function subjectsIn({ budgets }: BudgetGroup, facts: SpendFacts): readonly string[] {
  const [first] = budgets
  return first === undefined ? [] : subjectsOf(first, facts)
}
