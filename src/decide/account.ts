import { versionAt } from '../catalog/version.js'
import { openAccount } from '../ledger/account.js'
import type { Transaction } from '../ledger/transaction.js'
import { NO_PLAN } from '../plans/period.js'
import type { Instant } from '../time/instant.js'
import type { Command, CreateAccountCommand, SetStateCommand } from './command.js'
import { Draft } from './draft.js'
import { withSaltedFingerprint } from './idempotency.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { setPlanCap } from './plan-cap.js'
import { settleItems } from './recurring-items.js'
import { beginPlan, endPlan } from './renew.js'
import { done } from './result.js'
import { unknownPlan } from './subscribe.js'
import type { AccountView } from './view.js'

/** An account that was not there before. */
interface Opened {
  readonly kind: 'opened'
  readonly draft: Draft
  /** The row that carries the command's key; null where it has none. */
  readonly transaction: Transaction | null
}

/**
 * Opens an account, on its plan and with that plan's first grant. Opening the same account again in the same way is
 * answered by the account as it is, so that several processes may make the default account at once.
 *
 * A key takes a row of its own, the account's first: repeated after the account was changed, the same call must still find
 * that it was made.
 */
export function decideCreateAccount(view: AccountView, command: CreateAccountCommand, at: Instant): Opened | Refused {
  const { catalog } = versionAt(view.catalogs, at)
  const plan = command.plan ?? catalog.defaultPlan ?? NO_PLAN
  if (plan !== NO_PLAN && catalog.plans[plan] === undefined) return unknownPlan(plan, Object.keys(catalog.plans))
  const draft = new Draft(view, openAccount(command.settings, at), at)
  draft.change({})
  const transaction = postOpening(draft, withSaltedFingerprint(command, command.settings.labelSalt))
  if (plan !== NO_PLAN) {
    beginPlan(draft, plan, at, 'sign_up')
    const row = draft.account.sequence > 0 ? null : { change: 'plan_begun', occasion: 'sign_up', plan, period: 0 }
    setPlanCap(draft, catalog.plans[plan] ?? null, { at, row })
  }
  return { kind: 'opened', draft, transaction }
}

function postOpening(draft: Draft, { actor, idempotencyKey, fingerprint }: Command): Transaction | null {
  if (idempotencyKey === null) return null
  return draft.post('amend', [], { credits: 0n, actor, idempotencyKey, fingerprint, detail: { change: 'account_opened' } })
}

/** What an account that exists answers to being opened again. */
export function decideOpenedAgain(draft: Draft, command: CreateAccountCommand): Outcome {
  const { account } = draft
  const { timeZone, parent, isTest, debtMax } = command.settings
  const isSame =
    account.timeZone === timeZone && account.parent === parent && account.isTest === isTest && account.debtMax === debtMax
  const isSamePlan = command.plan === null || (account.subscription?.plan ?? NO_PLAN) === command.plan
  if (isSame && isSamePlan) return { ...done(draft, postOpening(draft, command)), replayed: true }
  return refuse('invalid_request', `The account ${account.id} exists already, with other settings`, {
    details: { account: account.id, plan: account.subscription?.plan ?? null, timeZone: account.timeZone },
    advice: ['Choose another id, or change the account by its own commands.'],
  })
}

/**
 * Suspends, resumes or closes an account. Work that was admitted before may still be settled and refunded. A suspended
 * account keeps its plan and is given its allowances; closing ends the plan, and scheduled grants lapse at their time.
 *
 * The state that the account has already needs no row, but a key takes one: repeated after somebody else has changed the
 * state, the same call must find its answer and not act a second time.
 */
export function decideSetState(draft: Draft, command: SetStateCommand): Outcome {
  const { state, subscription } = draft.account
  if (state === 'closed' && command.state !== 'closed') {
    return refuse('account_suspended', `The account ${draft.account.id} is closed for good`)
  }
  if (state === command.state && command.idempotencyKey === null) return done(draft, null)
  const ended = command.state === 'closed' ? (subscription?.plan ?? null) : null
  // What was kept until now is charged while the allowance is still there to pay for it.
  if (command.state === 'closed') settleItems(draft, draft.at)
  // Before the row that answers for the command, so that it tells the balance without what ends with the plan.
  if (ended !== null) endPlan(draft, draft.at)
  const transaction = draft.post('amend', [], {
    credits: 0n,
    actor: command.actor,
    idempotencyKey: command.idempotencyKey,
    fingerprint: command.fingerprint,
    detail: {
      change: 'state',
      from: state,
      to: command.state,
      ...(ended === null ? {} : { planEnded: ended }),
      ...(command.reason === null ? {} : { reason: command.reason }),
    },
  })
  draft.change({ state: command.state })
  if (ended !== null) setPlanCap(draft, null, { at: draft.at })
  return done(draft, transaction)
}
