import { type Approval, approvalDocument, PENDING_BY_KEY_MAX } from '../budgets/approval.js'
import { budgetOf, concernsParty, type SpendFacts } from '../budgets/budget.js'
import type { Standing } from '../budgets/standing.js'
import { OPEN_RECORDS_MAX } from '../ledger/account-record.js'
import { sha256 } from '../ledger/chain.js'
import { DAY_MS } from '../time/instant.js'
import type { RequestCreditsCommand } from './guard-command.js'
import { closeLapsed, isTooMany, tellAsked } from './consent.js'
import type { Draft } from './draft.js'
import { takesNoMore } from './grant.js'
import { ABOVE } from './limits.js'
import { guardOn } from './guards.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { isAbove } from './own-part.js'
import { openRecord, postRecord, unknownRecord } from './records.js'
import { ANYTHING, keyNameOf, spendFacts } from './spend-facts.js'
import { type Spending, spendingOn, standingsOn, tightestOn } from './standings.js'

/** How long a request waits where no guard says how long people take: over a weekend and then some. */
const WAIT_MS = 7 * DAY_MS

/**
 * Asks people for more than may be spent now: a higher limit, more credits, or a yes in advance. An agent can ask and never
 * give (AX-16): nothing changes by it but that people are told.
 */
export function decideRequestCredits(draft: Draft, command: RequestCreditsCommand): Outcome {
  const { actor, amount, asks, reason } = command
  if (draft.account.state === 'closed') return takesNoMore()
  if (amount <= 0n) return refuse('invalid_amount', 'credits: expected more than zero')
  if (command.budget !== null && asks !== 'budget') {
    return refuse('invalid_request', 'budget: goes with the kind budget only', { details: { field: 'budget' } })
  }
  const budget = asks === 'budget' ? budgetToRaise(draft, command) : null
  if (budget !== null && typeof budget !== 'string') return budget
  const guard = guardOn(draft, 'approval')
  if (asks === 'approval' && guard === null) return needsNoApproval(draft)
  if (isTooMany(closeLapsed(draft), actor.key)) return tooManyWaiting(draft)
  const approval: Approval = {
    id: requestId(draft),
    asks,
    state: 'pending',
    key: actor.key,
    operation: null,
    variant: null,
    tool: null,
    quantity: null,
    labels: null,
    keyName: keyNameOf(draft, actor.key),
    maximum: amount,
    budget,
    reason,
    asked: 1,
    askedAt: draft.at,
    expiresAt: draft.at + (asks === 'approval' && guard !== null ? guard.waitMs : WAIT_MS),
    answeredBy: null,
    usedBy: null,
  }
  const document = approvalDocument(approval)
  const made = postRecord(draft, command, { kind: 'approval', id: approval.id, change: 'credits_requested', document }, null)
  tellAsked(draft, approval)
  return made
}

/** By the sequence of the row that asks, and not to be guessed from it. */
function requestId({ nextSequence, account }: Draft): string {
  return `rq_${nextSequence}_${sha256(`${account.labelSalt}\nrequest ${nextSequence}`).slice(0, 10)}`
}

/**
 * The budget that is named, or the one that would stop this party first: a person is to see which limit is meant. Where that
 * stands above a delegated key, to the key it is called so; asked for its own, a yes would help it nothing.
 */
function budgetToRaise(draft: Draft, { actor, budget: id }: RequestCreditsCommand): string | Refused {
  const facts = spendFacts(draft, actor, ANYTHING)
  const spending = spendingOn(draft, facts)
  if (facts.isDelegated && id === ABOVE) return tightestAbove(spending)?.budget.id ?? nothingAbove()
  if (id !== null) return isItsOwn(draft, facts, id) ? id : unknownRecord(draft, 'budget', 'unknown_budget', id)
  const tightest = tightestOn(spending)
  if (tightest !== null) return tightest.budget.id
  const words = 'No budget limits all that this party spends; name the one to raise, or ask for a top_up'
  return refuse('invalid_request', words, { details: { field: 'budget' } })
}

/** The hard limit above a delegated key that leaves the least, also where its own leaves less than that. */
function tightestAbove(spending: Spending): Standing | null {
  const above = standingsOn(spending).filter((standing) => standing.budget.enforcement === 'hard' && isAbove(spending.facts, standing))
  return above.reduce<Standing | null>((least, one) => (least === null || one.remaining < least.remaining ? one : least), null)
}

function nothingAbove(): Refused {
  return refuse('invalid_request', 'budget: no limit above this key holds for all that it spends; name its own, or ask for a top_up', { details: { field: 'budget' } })
}

/** A budget of somebody else is one that is not there; a delegated key knows those of its own name. */
function isItsOwn(draft: Draft, facts: SpendFacts, id: string): boolean {
  const record = openRecord(draft, 'budget', id)
  if (record === null) return false
  const { scope } = budgetOf(record)
  if (facts.isDelegated) return scope.values.key === facts.key || scope.each === 'key'
  return concernsParty({ scope }, facts)
}

function needsNoApproval({ account }: Draft): Refused {
  return refuse('invalid_request', `Nothing in the account ${account.id} asks for approval; make the call`, { details: { kind: 'approval' } })
}

function tooManyWaiting({ account }: Draft): Refused {
  const bounds = `${PENDING_BY_KEY_MAX} of one key may, and ${OPEN_RECORDS_MAX.approval} of an account`
  return refuse('invalid_request', `Too many requests wait for an answer: ${bounds}`, {
    details: { pendingMax: PENDING_BY_KEY_MAX, accountPendingMax: OPEN_RECORDS_MAX.approval },
    advice: [`Have some answered first: npx mcp-credits approvals --account ${account.id}`],
  })
}
