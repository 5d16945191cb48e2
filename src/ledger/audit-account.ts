import { monthBoundary } from '../time/calendar.js'
import { type Instant, parseInstant } from '../time/instant.js'
import type { Account, AccountState, Subscription } from './account.js'
import type { Report } from './audit-finding.js'
import { type Transaction, transactionId } from './transaction.js'

/** A change of plan that is to come. */
interface NextPlan {
  readonly plan: string
  readonly at: Instant
}

/** The word that a row says for no plan any more; the account says the same of its next period. */
const NO_PLAN = 'none'

/**
 * Follows what the journal says of the account itself: its state, plan, zone and a test account's clock. A period that
 * brings no credits leaves no row, so that a plan is followed from one row that names it to the next. What an account was
 * opened with, its parent and the debt it may have, is in no row and not compared.
 */
export class AccountAudit {
  readonly #report: Report
  readonly #createdAt: Instant
  #state: AccountState = 'active'
  #zone: string | null = null
  #aheadMs = 0
  /** Undefined as long as no row has named one. */
  #plan: string | null | undefined = undefined
  #period = 0
  #anchorAt: Instant
  #next: NextPlan | null = null

  constructor(account: Account, report: Report) {
    this.#report = report
    this.#createdAt = account.createdAt
    this.#anchorAt = this.#createdAt
  }

  add(transaction: Transaction): void {
    const { detail, at } = transaction
    const { change, plan } = detail
    if (typeof detail['occasion'] === 'string' && detail['occasion'] !== 'switch') this.#openPeriod(String(plan), Number(detail['period']))
    else if (change === 'state') this.#changeState(transaction)
    else if (change === 'time_zone') this.#changeZone(transaction)
    else if (change === 'clock_advanced') this.#aheadMs += Number(detail['byMs'])
    else if (change === 'plan_begun') {
      this.#openPeriod(String(plan), 0)
      this.#anchorAt = at
    } else if (change === 'plan_switched' || change === 'plan_kept') this.#runs(String(plan), null)
    else if (change === 'plan_cancelled') this.#runs(String(plan), { plan: NO_PLAN, at: instantOf(detail['at']) })
    else if (change === 'plan_change') this.#runs(String(plan), { plan: String(detail['nextPlan']), at: instantOf(detail['at']) })
    else if (change === 'plan_ended') this.#end()
  }

  #openPeriod(plan: string, period: number): void {
    this.#runs(plan, null)
    this.#period = period
  }

  #runs(plan: string, next: NextPlan | null): void {
    this.#plan = plan
    this.#next = next
  }

  #end(): void {
    this.#plan = null
    this.#next = null
  }

  #changeState(transaction: Transaction): void {
    const { from, to, planEnded } = transaction.detail
    if (from !== this.#state) this.#report(transactionId(transaction), 'account', `it changes the state ${String(from)}; the rows before it made that ${this.#state}`)
    this.#state = to as AccountState
    if (planEnded !== undefined) this.#end()
  }

  #changeZone(transaction: Transaction): void {
    const { from, to } = transaction.detail
    if (this.#zone !== null && from !== this.#zone) {
      this.#report(transactionId(transaction), 'account', `it changes the zone ${String(from)}; the rows before it made that ${this.#zone}`)
    }
    this.#zone = String(to)
  }

  finish({ id, state, timeZone, clockAheadMs, subscription }: Account): void {
    const found = (message: string) => this.#report(id, 'account', message)
    if (state !== this.#state) found(`the account says ${state}; its transactions made it ${this.#state}`)
    if (this.#zone !== null && timeZone !== this.#zone) found(`the account says the zone ${timeZone}; its transactions set ${this.#zone}`)
    if (clockAheadMs !== this.#aheadMs) found(`the account's clock is ${clockAheadMs} ms ahead; its transactions advanced it by ${this.#aheadMs}`)
    this.#checkPlan(subscription, found)
    if (subscription !== null) this.#checkPeriod(subscription, timeZone, found)
  }

  #checkPlan(subscription: Subscription | null, found: (message: string) => void): void {
    if (this.#plan === undefined) return
    const hasCome = this.#next !== null && subscription !== null && subscription.periodStart >= this.#next.at
    const plan = hasCome ? (this.#next?.plan ?? null) : this.#plan
    const next = hasCome ? null : (this.#next?.plan ?? null)
    const running = subscription?.plan ?? null
    if (running !== plan) found(`the account says the plan ${running ?? NO_PLAN}; its transactions say ${plan ?? NO_PLAN}`)
    const announced = subscription?.nextPlan ?? null
    if (announced !== next) found(`the account says ${announced ?? 'the same'} for the next period; its transactions say ${next ?? 'the same'}`)
  }

  /** Boundaries come from the anchor in the account's zone; of one that was changed nobody knows any more which it was then. */
  #checkPeriod({ anchorAt, period, periodStart, periodEnd }: Subscription, timeZone: string, found: (message: string) => void): void {
    if (anchorAt !== this.#anchorAt) found(`the account's plan is counted from ${anchorAt}; it began at ${this.#anchorAt}`)
    if (period < this.#period) found(`the account says period ${period}; its transactions opened ${this.#period}`)
    if (this.#zone !== null) return
    const since = period === 0 ? anchorAt : monthBoundary(anchorAt, period, timeZone)
    const until = monthBoundary(anchorAt, period + 1, timeZone)
    if (periodStart !== since || periodEnd !== until) found(`the account's period is ${periodStart} to ${periodEnd}; counted from its anchor it is ${since} to ${until}`)
  }
}

function instantOf(text: unknown): Instant {
  return parseInstant(text) ?? 0
}
