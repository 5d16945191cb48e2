import type { CatalogVersion } from '../catalog/version.js'
import { versionAt } from '../catalog/version.js'
import type { Draft } from '../decide/draft.js'
import { levelAfter } from '../decide/level.js'
import type { Party } from '../decide/command.js'
import { spendable } from '../decide/limits.js'
import { standingOfBudget } from '../decide/standings.js'
import { nextGrantAt } from '../plans/next-grant.js'
import { SPENDING_CAP } from '../ledger/account-record.js'
import { OPEN_GRANTS_MAX } from '../ledger/account.js'
import type { Transaction } from '../ledger/transaction.js'
import { toCredits } from '../money/credits.js'
import { toUsd } from '../money/fiat.js'
import { formatInstantOrNull } from '../time/instant.js'
import type { Ledger } from './ledger.js'
import type { BalanceResult } from './results.js'
import { findTransactions, isOfMeter, transactionResult } from './history.js'

export interface BalanceAsked {
  /** For whom it is: what is spendable depends on the budgets of a key, a member, a run. */
  readonly party: Party
  readonly withoutMeter: boolean
}

/**
 * The whole state of an account as of now, one moment of it: balance, grants, plan, level. `withoutMeter` leaves out of
 * it what the meter reserved and gave back: an agent is told of the last transaction before that.
 */
export async function readBalance(ledger: Ledger, account: string, { party, withoutMeter }: BalanceAsked): Promise<BalanceResult> {
  const { balance, last, due } = await ledger.read(account, (draft, due) => ({
    balance: balanceOf(draft, party),
    last: lastTransaction(draft),
    due,
  }))
  if (last === null || !withoutMeter || !isOfMeter(last)) return { ...balance, lastTransaction: last === null ? null : transactionResult(last) }
  const before = last.sequence - due.length + 1
  const stored = () => findTransactions(ledger, { filter: { account, withoutMeter }, first: 1, before, limit: 1, windowsMax: Infinity })
  const shown = due.findLast((row) => !isOfMeter(row)) ?? (await stored()).rows[0]
  return { ...balance, lastTransaction: shown === undefined ? null : transactionResult(shown) }
}

function balanceOf(draft: Draft, party: Party): Omit<BalanceResult, 'lastTransaction'> {
  const { account } = draft
  const version = versionAt(draft.view.catalogs, draft.at)
  const { unit } = version.catalog
  return {
    account: account.id,
    state: account.state,
    balance: toCredits(account.books.available),
    spendable: toCredits(spendable(draft, party)),
    reserved: toCredits(account.books.reserved),
    pending: toCredits(account.pending),
    unit: { name: unit.name, plural: unit.plural, creditUsd: unit.creditUsd === null ? null : toUsd(unit.creditUsd) },
    plan: planOf(draft, version),
    lifetimeUsed: toCredits(account.books.spent),
    level: levelAfter(draft, 0n),
    spendingCap: capOf(draft),
    grants: draft.openGrants(OPEN_GRANTS_MAX + 1).map((grant) => ({
      id: grant.id,
      source: grant.source,
      remaining: toCredits(grant.remaining),
      expiresAt: formatInstantOrNull(grant.expiresAt),
    })),
  }
}

/** The plan's spending cap with what it counted; null where the plan has none. */
function capOf(draft: Draft): BalanceResult['spendingCap'] {
  const standing = standingOfBudget(draft, SPENDING_CAP)
  if (standing === null) return null
  const { counter, limit } = standing
  return { limit: toCredits(limit), used: toCredits(counter.used), resetsAt: formatInstantOrNull(counter.windowEnd) }
}

function planOf(draft: Draft, { catalog }: CatalogVersion): BalanceResult['plan'] {
  const { subscription } = draft.account
  if (subscription === null) return null
  const plan = catalog.plans[subscription.plan]
  return {
    id: subscription.plan,
    name: plan?.name ?? subscription.plan,
    monthlyCredits: plan === undefined || plan.monthlyCredits === null ? null : toCredits(plan.monthlyCredits),
    renewsAt: formatInstantOrNull(nextGrantAt(subscription, draft.view.catalogs)),
    nextPlan: subscription.nextPlan,
    entitlements: plan?.entitlements ?? {},
  }
}

function lastTransaction(draft: Draft): Transaction | null {
  const { sequence } = draft.account
  return sequence === 0 ? null : draft.transaction(sequence)
}
