import { type Budget, budgetDocument, budgetOf, type BudgetTerms, limitAt, type Raise, RAISES_MAX, scopeName, windowName } from '../budgets/budget.js'
import { counterAt } from '../budgets/window.js'
import { keyOf, whyInvalid } from '../keys/key.js'
import { type AccountRecord, SPENDING_CAP } from '../ledger/account-record.js'
import { AMOUNT_MAX, formatCredits, type MicroCredits, smaller, toCredits } from '../money/credits.js'
import { formatInstant } from '../time/instant.js'
import { closeExpired, expiredKeys, staysWithout } from './closed-keys.js'
import type { RaiseBudgetCommand, RemoveBudgetCommand, SetBudgetCommand } from './command.js'
import type { Draft } from './draft.js'
import { ABOVE } from './limits.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { closeRecord, openRecord, postRecord, tooMany, unknownRecord } from './records.js'

/**
 * Makes a budget or changes one. A new one counts from now on; a changed limit neither forgets nor imports what was
 * counted (T25). Another window or scope is another thing to count, and begins anew.
 */
export function decideSetBudget(draft: Draft, command: SetBudgetCommand): Outcome {
  const { id, terms } = command
  if (id === SPENDING_CAP) return ofThePlan()
  if (id === ABOVE) return meantOtherwise()
  if (isLimitOfKey(draft, id) && !limitsKey(terms, id)) return ofTheKey(id)
  const record = openRecord(draft, 'budget', id)
  const expired = record === null && tooMany(draft, 'budget') !== null ? expiredKeys(draft) : []
  const full = record === null ? tooMany(draft, 'budget', { holds: staysWithout(expired) }) : null
  if (full !== null) return full
  const before = record === null ? null : budgetOf(record)
  const countsAlike = before !== null && scopeName(before.scope) === scopeName(terms.scope) && windowName(before.window) === windowName(terms.window)
  if (before !== null && countsAlike) rearm(draft, before)
  const anew = { since: draft.at, origin: draft.nextSequence, raises: [] }
  const made = countsAlike ? { since: before.since, origin: before.origin, raises: before.raises } : anew
  const budget = { ...terms, ...made, setBy: draft.nextSequence, raisedBy: 0n }
  const done = postRecord(draft, command, { kind: 'budget', id, change: 'budget_set', document: budgetDocument(budget) }, record)
  closeExpired(draft, command.actor, expired)
  return done
}

/** A changed threshold or limit is told of anew once it is reached (SF-09). Counters of many subjects re-arm by their window. */
function rearm(draft: Draft, budget: Budget): void {
  if (budget.scope.each !== null || budget.window.kind === 'run') return
  const key = { budget: budget.id, subject: '' }
  const counter = counterAt(budget, key, draft.counters([key])[0] ?? null, draft.at, draft.account)
  if (counter.fired > 0) draft.putCounter({ ...counter, fired: 0 })
}

export function decideRemoveBudget(draft: Draft, command: RemoveBudgetCommand): Outcome {
  if (command.id === SPENDING_CAP) return ofThePlan()
  if (isLimitOfKey(draft, command.id)) return ofTheKey(command.id)
  const record = openRecord(draft, 'budget', command.id)
  return record === null ? unknownBudget(draft, command.id) : closeRecord(draft, command, record, 'budget_removed')
}

/**
 * Raises a limit for a time or for good; a plan's spending cap as any other (T26). Raises add up, each until its own end,
 * so that a further one never lowers the limit.
 */
export function decideRaiseBudget(draft: Draft, command: RaiseBudgetCommand): Outcome {
  const { id, amount, until } = command
  const record = openRecord(draft, 'budget', id)
  if (record === null) return unknownBudget(draft, id)
  if (amount <= 0n) return refuse('invalid_amount', 'credits: expected more than zero')
  if (until !== null && until <= draft.at) {
    return refuse('invalid_request', `until is ${formatInstant(until)}; expected an instant to come`, { details: { field: 'until' } })
  }
  const before = budgetOf(record)
  const limit = limitAt(before, draft.at)
  if (limit + amount > AMOUNT_MAX) return beyondAmounts(id, limit)
  const raises = before.raises.filter((raise) => draft.at < raise.until)
  if (until !== null && raises.length >= RAISES_MAX) return tooManyRaises(id, raises)
  rearm(draft, before)
  const budget = until === null ? { ...raisedForGood(before, amount), raises } : { ...before, raises: [...raises, { amount, until }] }
  return postRecord(draft, command, { kind: 'budget', id, change: 'budget_raised', document: budgetDocument(budget) }, record)
}

function raisedForGood(budget: Budget, amount: MicroCredits): Budget {
  return { ...budget, limit: budget.limit + amount, raisedBy: budget.raisedBy + amount }
}

function beyondAmounts(id: string, limit: MicroCredits): Refused {
  const possible = AMOUNT_MAX - limit
  const figures = `the limit of ${id} is ${formatCredits(limit)} and can be raised by ${formatCredits(possible)} at most`
  return refuse('invalid_amount', `credits: ${figures}`, {
    details: { budget: id, limit: toCredits(limit), possible: toCredits(possible) },
  })
}

function tooManyRaises(id: string, raises: readonly Raise[]): Refused {
  const next = Math.min(...raises.map(({ until }) => until))
  return refuse('invalid_request', `The budget ${id} has ${RAISES_MAX} raises that still hold; raise it for good, or set another limit`, {
    details: { budget: id, max: RAISES_MAX },
    advice: [`The first of them ends on ${formatInstant(next)}`],
  })
}

/** By how much of `amount` a limit can be raised for good: what was paid for is granted even where no limit goes further. */
export function raisable(record: AccountRecord, amount: MicroCredits): MicroCredits {
  return smaller(amount, AMOUNT_MAX - budgetOf(record).limit)
}

/**
 * Raises a limit for good by credits that were bought for it (ND-12), or lowers it by a negative amount once they are
 * given back, in the write of the purchase, whose row tells of it.
 */
export function moveLimit(draft: Draft, record: AccountRecord, amount: MicroCredits): void {
  const before = budgetOf(record)
  rearm(draft, before)
  const document = budgetDocument(raisedForGood(before, amount))
  draft.putRecord({ ...record, sequence: draft.account.sequence, document }, record)
}

function unknownBudget(draft: Draft, id: string): Refused {
  return unknownRecord(draft, 'budget', 'unknown_budget', id)
}

function meantOtherwise(): Refused {
  return refuse('invalid_request', `id: ${ABOVE} is what a limit above a delegated key is called to it; choose another`, { details: { field: 'id' } })
}

/** Whether it is the limit with which a key was carved out that holds: without it the key would see and spend what its account has. */
function isLimitOfKey(draft: Draft, id: string): boolean {
  const record = draft.record('key', id)
  const key = record === null ? null : keyOf(record)
  return key !== null && key.isDelegated && whyInvalid(key, draft.at) === null && openRecord(draft, 'budget', id) !== null
}

/** Whether terms hold back all that a key spends. */
function limitsKey({ scope: { values, each }, window, enforcement }: BudgetTerms, key: string): boolean {
  return values.key === key && Object.keys(values).length === 1 && each === null && window.kind !== 'run' && enforcement === 'hard'
}

function ofTheKey(id: string): Refused {
  return refuse('invalid_request', `The budget ${id} is the limit with which the key ${id} was delegated; while the key holds, it stays a hard limit on all that the key spends`, {
    details: { budget: id, key: id },
    advice: [`Revoke the key, and its limit goes with it: npx mcp-credits key revoke ${id}`, `Or raise the limit: npx mcp-credits budget raise ${id} <credits>`],
  })
}

function ofThePlan(): Refused {
  return refuse('invalid_request', 'The spending cap comes with the plan; raise it, or change the plan', {
    advice: [`Raise it for a time: npx mcp-credits budget raise ${SPENDING_CAP} <credits> --until <instant>`],
  })
}
