import assert from 'node:assert/strict'
import type { Account } from '../ledger/account.js'
import { isQuoteId } from '../ledger/quote.js'
import type { Instant } from '../time/instant.js'
import { decideCreateAccount, decideOpenedAgain, decideSetState } from './account.js'
import { decideAdjust } from './adjust.js'
import { decideRemoveAlert, decideSetAlert, watchBalance } from './alerts.js'
import { decideResolveApproval } from './approvals.js'
import { noteUse, refusalByKey } from './authorise.js'
import { decideRaiseBudget, decideRemoveBudget, decideSetBudget } from './budgets.js'
import { decideCharge } from './charge.js'
import type { Command, CreateAccountCommand } from './command.js'
import { decideDelegate } from './delegate.js'
import { Draft } from './draft.js'
import { advance } from './due.js'
import { decideEnd } from './end.js'
import { decideExtend } from './extend.js'
import { decideGrant } from './grant.js'
import { decideRemoveGuard, decideResetGuard, decideSetGuard } from './guards.js'
import { refusalByName, refusalOfRunning, replayOf, withOwnNames, withSaltedFingerprint } from './idempotency.js'
import { type Changes, type Decision, type Outcome, refuse, type Refused } from './outcome.js'
import { decideCreateKey, decidePutMember, decideRemoveMember, decideRevokeKey } from './parties.js'
import { balanceOfParty } from './own-part.js'
import { decideEndPlan, decideExtendPlan } from './plan.js'
import { pressureAfterCommand } from './pressure.js'
import { decideCancelPurchase, decidePurchase, decideSettlePurchase } from './purchase.js'
import { decideQuote } from './quote.js'
import { decideSetItem } from './recurring-items.js'
import { decideRefund } from './refund.js'
import { decideRefundPurchase } from './refund-purchase.js'
import { decideRequestCredits } from './request-credits.js'
import { decideReserve } from './reserve.js'
import { decideReserveQuoted } from './reserve-quoted.js'
import { done } from './result.js'
import { decideSetSelfService } from './self-service.js'
import { decideSubscribe, decideUnsubscribe } from './subscribe.js'
import { accountTime, decideAdvanceClock, leapOf } from './test-clock.js'
import { decideSetTimeZone } from './time-zone.js'
import { type AccountView, NotLoaded } from './view.js'

/**
 * The whole of the rules: from one account as loaded, one command and the instant, to an outcome and the rows to write.
 * Pure and synchronous, so that it runs alike on every store. What time has made necessary is decided first and kept
 * whatever the outcome; a refusal adds nothing to it.
 */
export function decide(view: AccountView, command: Command, now: Instant): Decision {
  try {
    return decideLoaded(view, command, now)
  } catch (error) {
    if (error instanceof NotLoaded) return { kind: 'need', need: error.need }
    throw error
  }
}

function decideLoaded(view: AccountView, command: Command, now: Instant): Decision {
  const { account } = view
  if (account === null) return command.kind === 'create_account' ? create(view, command, now) : decided(UNCHANGED, unknownAccount(command.account))
  // A clock that steps back never reorders a ledger: time goes on from the account's last transaction.
  const leapMs = leapOf(view, account, command, now)
  const draft = new Draft(view, account, accountTime(account, now + leapMs))
  if (!advance(draft)) return { kind: 'unfinished', changes: draft.changes() }
  const before = draft.account
  const signed = withOwnNames(draft, withSaltedFingerprint(command, account.labelSalt))
  const { idempotencyKey: key, fingerprint } = signed
  const refused = (leapMs > 0 ? null : refusalByKey(draft, signed)) ?? refusalByName(draft, signed)
  const repeated = refused ?? replayOf(draft, signed, { key, fingerprint }) ?? refusalOfRunning(draft, signed.actor, { key, fingerprint })
  const outcome = repeated ?? decideOne(draft, signed)
  assert(outcome.kind === 'done' || draft.account.sequence === before.sequence, 'a refusal moves no credits')
  noteUse(draft, signed)
  watchBalance(draft, before)
  if (outcome.kind === 'refused') return decided(draft.changes(), outcome)
  const pressure = pressureAfterCommand(draft, signed, outcome)
  return decided(draft.changes(), { ...outcome, account: draft.account, pressure, ownBalance: balanceOfParty(draft, signed, outcome) })
}

function decideOne(draft: Draft, command: Command): Outcome {
  switch (command.kind) {
    case 'create_account':
      return decideOpenedAgain(draft, command)
    case 'subscribe':
      return decideSubscribe(draft, command)
    case 'unsubscribe':
      return decideUnsubscribe(draft, command)
    case 'advance_clock':
      return decideAdvanceClock(draft, command)
    case 'set_time_zone':
      return decideSetTimeZone(draft, command)
    case 'grant':
      return decideGrant(draft, command)
    case 'charge':
      return decideCharge(draft, command)
    case 'quote':
      return decideQuote(draft, command)
    case 'reserve':
      return decideReserve(draft, command)
    case 'reserve_quoted':
      return decideReserveQuoted(draft, command)
    case 'extend':
      return isQuoteId(command.reservation) ? decideExtendPlan(draft, command) : decideExtend(draft, command)
    case 'settle':
    case 'release':
      return isQuoteId(command.reservation) ? decideEndPlan(draft, command) : decideEnd(draft, command)
    case 'refund':
      return decideRefund(draft, command)
    case 'adjust':
      return decideAdjust(draft, command)
    case 'set_state':
      return decideSetState(draft, command)
    case 'set_budget':
      return decideSetBudget(draft, command)
    case 'remove_budget':
      return decideRemoveBudget(draft, command)
    case 'raise_budget':
      return decideRaiseBudget(draft, command)
    case 'set_alert':
      return decideSetAlert(draft, command)
    case 'remove_alert':
      return decideRemoveAlert(draft, command)
    case 'set_guard':
      return decideSetGuard(draft, command)
    case 'remove_guard':
      return decideRemoveGuard(draft, command)
    case 'reset_guard':
      return decideResetGuard(draft, command)
    case 'request_credits':
      return decideRequestCredits(draft, command)
    case 'resolve_approval':
      return decideResolveApproval(draft, command)
    case 'put_member':
      return decidePutMember(draft, command)
    case 'remove_member':
      return decideRemoveMember(draft, command)
    case 'create_key':
      return decideCreateKey(draft, command)
    case 'revoke_key':
      return decideRevokeKey(draft, command)
    case 'delegate':
      return decideDelegate(draft, command)
    case 'purchase':
      return decidePurchase(draft, command)
    case 'settle_purchase':
      return decideSettlePurchase(draft, command)
    case 'cancel_purchase':
      return decideCancelPurchase(draft, command)
    case 'refund_purchase':
      return decideRefundPurchase(draft, command)
    case 'set_self_service':
      return decideSetSelfService(draft, command)
    case 'set_item':
      return decideSetItem(draft, command)
    case 'sweep':
      return done(draft, null)
  }
}

const UNCHANGED: Changes = { account: null, transactions: [], grants: [], reservations: [], records: [], counters: [], tallies: [] }

function create(view: AccountView, command: CreateAccountCommand, at: Instant): Decision {
  const created = decideCreateAccount(view, command, at)
  if (created.kind === 'refused') return decided(UNCHANGED, created)
  return decided(created.draft.changes(), done(created.draft, created.transaction))
}

function decided(changes: Changes, outcome: Outcome): Decision {
  return { kind: 'decided', changes, outcome }
}

/** The one answer about an account that is not there, to reads and writes alike. */
export function unknownAccount(id: string): Refused {
  return refuse('unknown_account', `There is no account ${JSON.stringify(id.slice(0, 64))}`, {
    advice: [`Make it first: npx mcp-credits account create ${id.slice(0, 64)}`],
  })
}

/** An account with what is due decided in memory; unfinished when more is due than one step takes. */
export interface Projection {
  readonly draft: Draft
  readonly isFinished: boolean
}

/**
 * The account as it would be at `now`: what is due is decided in memory and nothing is written.
 *
 * @throws NotLoaded when rows are missing; the caller loads them and projects again.
 */
export function project(view: AccountView & { readonly account: Account }, now: Instant): Projection {
  const draft = new Draft(view, view.account, accountTime(view.account, now))
  return { draft, isFinished: advance(draft) }
}
