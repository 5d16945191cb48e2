import { type Budget, budgetOf, type SpendFacts } from '../budgets/budget.js'
import type { CounterKey } from '../budgets/counter.js'
import { type BudgetGroup, groupsOf, subjectsIn } from '../budgets/group.js'
import { percentUsed, type Standing, standingOf } from '../budgets/standing.js'
import { holds, moveTally, standingsIn, type Tally, tallyOf, tightestIn } from '../budgets/tally.js'
import { counterAt } from '../budgets/window.js'
import type { Reservation } from '../ledger/reservation.js'
import { refundedBeyond } from '../ledger/settlement.js'
import type { Transaction } from '../ledger/transaction.js'
import { type MicroCredits, toCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'
import type { Draft } from './draft.js'
import { tell } from './messages.js'
import { factsOfReservation, factsOfTransaction } from './spend-facts.js'

/** A piece of spending with every budget that it counts for: looked up once and asked about by limits, levels and counts. */
export interface Spending {
  readonly facts: SpendFacts
  /** The budgets of one scope and subject together. */
  readonly tallies: readonly Tally[]
}

/** Spending that no budget concerns. */
export const NO_BUDGETS: Pick<Spending, 'tallies'> = { tallies: [] }

/** None of it costs an account without budgets. */
export function spendingOn(draft: Draft, facts: SpendFacts, at: Instant = draft.at): Spending {
  if (draft.account.rules === 0) return { facts, tallies: NO_TALLIES }
  const tallies: Tally[] = []
  for (const group of groupsOf(draft.records('budget'))) {
    for (const subject of subjectsIn(group, facts)) tallies.push(tallyFor(draft, group, subject, at))
  }
  return { facts, tallies }
}

const NO_TALLIES: readonly Tally[] = []

function tallyFor(draft: Draft, group: BudgetGroup, subject: string, at: Instant): Tally {
  const known = draft.tally(group, subject)
  if (known !== null && holds(known, at, draft.account)) return known
  const counters = draft.counters(group.budgets.map(({ id }) => ({ budget: id, subject })))
  return tallyOf(group, subject, counters, at, draft.account)
}

/** Every budget that spending counts for, as it stands. */
export function standingsOn({ tallies }: Spending): readonly Standing[] {
  return tallies.flatMap(standingsIn)
}

/** The hard budget that leaves the least; null where none is hard. */
export function tightestOn({ tallies }: Spending): Standing | null {
  return tallies.map(tightestIn).reduce((least, one) => (least === null || (one !== null && one.remaining < least.remaining) ? one : least), null)
}

/** A budget that counts everything together, with its counter; null where there is none of this id. */
export function standingOfBudget(draft: Draft, id: string): Standing | null {
  if (draft.account.rules === 0) return null
  const record = draft.records('budget').find((one) => one.id === id)
  if (record === undefined) return null
  return standingsOf(draft, [{ budget: budgetOf(record), key: { budget: id, subject: '' } }])[0] ?? null
}

interface Wanted {
  readonly budget: Budget
  readonly key: CounterKey
}

export function standingsOf(draft: Draft, wanted: readonly Wanted[], at: Instant = draft.at): readonly Standing[] {
  if (wanted.length === 0) return []
  const counters = draft.counters(wanted.map(({ key }) => key))
  return wanted.map(({ budget, key }, index) =>
    standingOf(budget, counterAt(budget, key, counters[index] ?? null, at, draft.account), at),
  )
}

/** The transaction by which work began, and when that was. */
export interface Beginning {
  readonly at: Instant
  readonly sequence: number
}

export function beginningOf({ openedAt, sequence }: Reservation): Beginning {
  return { at: openedAt, sequence }
}

function latest({ account }: Draft): Beginning {
  return { at: account.lastAt, sequence: account.sequence }
}

/** What a row of the journal moves in the budgets that it concerns. */
export interface Movement {
  readonly used?: MicroCredits
  readonly reserved?: MicroCredits
  /** What began the work: the row just posted unless given. */
  readonly began?: Beginning
}

/**
 * Counts spending in every budget that it concerns, in the same write, and tells of the thresholds that it reaches.
 *
 * @returns the spending with its budgets as they stand then
 */
export function count(draft: Draft, spending: Spending, { used = 0n, reserved = 0n, began = latest(draft) }: Movement, at: Instant = draft.at): Spending {
  if (spending.tallies.length === 0 || (used === 0n && reserved === 0n)) return spending
  const change = { used, reserved, began: began.at, beganBy: began.sequence }
  const tallies = spending.tallies.map((before) => {
    const { tally, reached } = moveTally(before, change, at, draft.account)
    draft.putTally(tally)
    for (const { standing, threshold } of reached) tellOfBudget(draft, standing, threshold)
    return tally
  })
  return { ...spending, tallies }
}

function tellOfBudget(draft: Draft, { budget, counter, limit }: Standing, threshold: number): void {
  const remaining = limit > counter.used ? limit - counter.used : 0n
  tell(draft, {
    type: 'budget_threshold',
    budget: budget.id,
    subject: counter.subject === '' ? null : counter.subject,
    threshold,
    limit: toCredits(limit),
    used: toCredits(counter.used),
    remaining: toCredits(remaining),
    usedPercent: percentUsed(counter.used, limit),
    remainingPercent: limit === 0n ? 0 : percentUsed(remaining, limit),
    windowStart: counter.windowStart,
    resetsAt: counter.windowEnd,
  })
}

/** Gives budgets back what a reservation held in them. */
export function countReturned(draft: Draft, reservation: Reservation, at: Instant = draft.at): void {
  if (draft.account.rules === 0) return
  const spending = spendingOn(draft, factsOfReservation(draft, reservation), at)
  count(draft, spending, { reserved: -reservation.amount, began: beginningOf(reservation) }, at)
}

/**
 * Gives budgets back what a refund returns, in the windows that counted it: a charge's own, and of a settlement its
 * reservation's, but for what it charged beyond that.
 */
export function countRefunded(draft: Draft, charge: Transaction, refundedBefore: MicroCredits, amount: MicroCredits): void {
  if (draft.account.rules === 0) return
  const reservation = charge.kind === 'settle' && charge.refersTo !== null ? draft.reservation(charge.refersTo) : null
  const spending = spendingOn(draft, factsOfTransaction(draft, charge))
  const beyond = refundedBeyond(charge, refundedBefore, amount)
  const rest = count(draft, spending, { used: -beyond, began: charge })
  count(draft, rest, { used: beyond - amount, began: reservation === null ? charge : beginningOf(reservation) })
}
