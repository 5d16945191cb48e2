import assert from 'node:assert/strict'
import type { Account } from '../ledger/account.js'
import type { Instant } from '../time/instant.js'
import { decideCreateAccount, decideOpenedAgain, decideSetState, decideSubscribe } from './account.js'
import { decideAdjust } from './adjust.js'
import { decideCharge } from './charge.js'
import type { Command, CreateAccountCommand } from './command.js'
import { Draft } from './draft.js'
import { advance } from './due.js'
import { decideExtend } from './extend.js'
import { decideGrant } from './grant.js'
import { replayOf, withSaltedFingerprint } from './idempotency.js'
import { type Changes, type Decision, type Outcome, refuse, type Refused } from './outcome.js'
import { decideRefund } from './refund.js'
import { decideRelease } from './release.js'
import { decideReserve } from './reserve.js'
import { done } from './result.js'
import { decideSettle } from './settle.js'
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
  const draft = new Draft(view, account, Math.max(now, account.lastAt))
  if (!advance(draft)) return { kind: 'unfinished', changes: draft.changes() }
  const { sequence } = draft.account
  const signed = withSaltedFingerprint(command, account.labelSalt)
  const outcome = replayOf(draft, signed.idempotencyKey, signed.fingerprint) ?? decideOne(draft, signed)
  assert(outcome.kind === 'done' || draft.account.sequence === sequence, 'a refusal moves no credits')
  return decided(draft.changes(), outcome)
}

function decideOne(draft: Draft, command: Command): Outcome {
  switch (command.kind) {
    case 'create_account':
      return decideOpenedAgain(draft.account, command)
    case 'subscribe':
      return decideSubscribe(draft, command)
    case 'grant':
      return decideGrant(draft, command)
    case 'charge':
      return decideCharge(draft, command)
    case 'reserve':
      return decideReserve(draft, command)
    case 'extend':
      return decideExtend(draft, command)
    case 'settle':
      return decideSettle(draft, command)
    case 'release':
      return decideRelease(draft, command)
    case 'refund':
      return decideRefund(draft, command)
    case 'adjust':
      return decideAdjust(draft, command)
    case 'set_state':
      return decideSetState(draft, command)
    case 'sweep':
      return done(draft, null)
  }
}

const UNCHANGED: Changes = { account: null, transactions: [], grants: [], reservations: [] }

function create(view: AccountView, command: CreateAccountCommand, at: Instant): Decision {
  const created = decideCreateAccount(view, command, at)
  return created instanceof Draft ? decided(created.changes(), done(created, null)) : decided(UNCHANGED, created)
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
  const draft = new Draft(view, view.account, Math.max(now, view.account.lastAt))
  return { draft, isFinished: advance(draft) }
}
