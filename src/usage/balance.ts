import type { CatalogVersion } from '../catalog/version.js'
import { versionAt } from '../catalog/version.js'
import type { Draft } from '../decide/draft.js'
import { levelAfter, pressureAfter } from '../decide/level.js'
import type { Party } from '../decide/command.js'
import { spendable } from '../decide/limits.js'
import { leftOf, ownLimits } from '../decide/own-part.js'
import { ANYTHING, keyNamed, spendFacts } from '../decide/spend-facts.js'
import { spendingOn, standingOfBudget } from '../decide/standings.js'
import { nextGrantAt } from '../plans/next-grant.js'
import { SPENDING_CAP } from '../ledger/account-record.js'
import { OPEN_GRANTS_MAX } from '../ledger/account.js'
import type { Transaction } from '../ledger/transaction.js'
import { toCredits } from '../money/credits.js'
import { toUsd } from '../money/fiat.js'
import { formatInstantOrNull, NEVER } from '../time/instant.js'
import type { Ledger } from './ledger.js'
import type { BalanceResult } from './results.js'
import { findTransactions, history, isOfMeter, transactionResult } from './history.js'
import { DELEGATED, type OwnPart } from './own-keys.js'

export interface BalanceAsked {
  /** For whom it is: what is spendable depends on the budgets of a key, a member, a run. */
  readonly party: Party
  readonly withoutMeter: boolean
  /** The part of the account that is the party's to see; null for all of it. */
  readonly own: OwnPart | null
}

/**
 * The whole state of an account as of now, one moment of it: balance, grants, plan, level. `withoutMeter` leaves out of
 * it what the meter reserved and gave back: an agent is told of the last transaction before that.
 */
export async function readBalance(ledger: Ledger, account: string, { party, withoutMeter, own }: BalanceAsked): Promise<BalanceResult> {
  if (own?.isDelegated === true) return readOwnBalance(ledger, account, { party, withoutMeter, own })
  if (own !== null) {
    const { transactions } = await history(ledger, { ...EVERYTHING, account, own, withoutMeter })
    return { ...(await ledger.read(account, (draft) => balanceOf(draft, party))), lastTransaction: transactions[0] ?? null }
  }
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

/**
 * The same of a delegated key: what is left of its own part, as one grant that ends with the key. What the account has
 * beside that, where it comes from and when more of it does, is not for it to know.
 */
async function readOwnBalance(ledger: Ledger, account: string, { party, withoutMeter, own }: BalanceAsked & { readonly own: OwnPart }): Promise<BalanceResult> {
  const balance = await ledger.read(account, (draft) => ownPartOf(draft, party))
  const { transactions } = await history(ledger, { ...EVERYTHING, account, own, withoutMeter })
  const used = await ledger.query((store) => store.usage({ account, since: own.since, until: END, by: null, keys: own.keys }))
  return {
    ...balance,
    lifetimeUsed: toCredits(used.reduce((sum, { credits }) => sum + credits, 0n)),
    lastTransaction: transactions[0] ?? null,
  }
}

const EVERYTHING = { type: null, operation: null, label: null, since: null, until: null, limit: 1, cursor: null } as const

/** After every instant that a clock tells. */
const END = NEVER

function ownPartOf(draft: Draft, party: Party): Omit<BalanceResult, 'lastTransaction' | 'lifetimeUsed'> {
  const { account } = draft
  const { unit } = versionAt(draft.view.catalogs, draft.at).catalog
  const spending = spendingOn(draft, spendFacts(draft, party, ANYTHING))
  const left = leftOf(draft, spending)
  const reserved = ownLimits(spending).reduce((most, { counter }) => (counter.reserved > most ? counter.reserved : most), 0n)
  const expiresAt = formatInstantOrNull(keyNamed(draft, party.key as string)?.expiresAt ?? NEVER)
  return {
    account: account.id,
    state: account.state,
    balance: toCredits(left),
    spendable: toCredits(spendable(draft, party)),
    reserved: toCredits(reserved),
    pending: 0,
    unit: { name: unit.name, plural: unit.plural, creditUsd: unit.creditUsd === null ? null : toUsd(unit.creditUsd) },
    plan: null,
    level: pressureAfter(draft, spending, 0n, 0n),
    spendingCap: null,
    grants: left === 0n ? [] : [{ id: DELEGATED, source: DELEGATED, remaining: toCredits(left), expiresAt }],
  }
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
