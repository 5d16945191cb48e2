import { budgetDocument, type BudgetTerms, DEFAULT_THRESHOLDS } from '../budgets/budget.js'
import { DEFAULT_SCOPES, hasScope, isOfOperations, type Key, keyDocument, keyLookup, keyOf, type KeyTerms, keyWords, whyInvalid } from '../keys/key.js'
import type { AccountRecord } from '../ledger/account-record.js'
import { toCredits } from '../money/credits.js'
import { type Instant, NEVER } from '../time/instant.js'
import { refusalByParty } from './authorise.js'
import { closeExpired, expiredKeys, ofNobody, staysWithout } from './closed-keys.js'
import type { DelegateCommand } from './command.js'
import type { Draft } from './draft.js'
import { refusalByState } from './limits.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { postRecord, tooMany } from './records.js'
import { refusalToHandOn } from './runaway.js'
import { beyond, refusalOfScopes } from './scopes.js'
import { ANYTHING, keyNamed, spendFacts } from './spend-facts.js'

/** How many keys may stand above one another: each of them is looked at by every charge of the lowest. */
export const DEPTH_MAX = 8

/**
 * Carves a key out of what a party may spend (AX-03): with a limit of its own, an end, and no more rights than the party
 * has. Nothing is set aside by it. The key's spending counts for every key above it, so that a limit is never more than
 * what all of them leave, and what it does not spend needs no return.
 */
export function decideDelegate(draft: Draft, command: DelegateCommand): Outcome {
  const { id, actor, amount } = command
  const parent = parentOf(draft, command)
  const facts = spendFacts(draft, actor, ANYTHING)
  const refused = refusalByState(draft.account) ?? refusalByParty(draft, facts) ?? refusalByParent(parent) ?? refusalToHandOn(draft, facts)
  if (refused !== null) return refused
  if (amount <= 0n) return refuse('invalid_amount', 'credits: expected more than zero')
  const operations = command.operations === null ? null : [...new Set(command.operations)]
  const beyondParent = operations === null ? null : (refusalOfScopes(draft, operations, 'operations') ?? refusalByRights(draft, parent, operations))
  if (beyondParent !== null) return beyondParent
  const expired = expiredKeys(draft)
  const full = tooMany(draft, 'budget', { holds: staysWithout(expired), room: ROOM }) ?? tooMany(draft, 'key', { holds: isHolding(draft), room: ROOM })
  if (full !== null) return full
  if (draft.record('key', id) !== null || draft.record('budget', id) !== null) {
    return refuse('invalid_request', `The account has a key or a budget ${id} already`, { details: { key: id } })
  }
  const terms = termsOf(draft, command, { parent, operations })
  const made = { kind: 'key', id, change: 'key_created', document: keyDocument(terms, draft.at), lookup: keyLookup(command.digest) } as const
  const done = postRecord(draft, command, { ...made, detail: { limit: toCredits(amount) } }, null)
  const origin = draft.nextSequence
  const budget = { ...limitOf(command), since: draft.at, origin, setBy: origin, raisedBy: 0n, raises: [] }
  postRecord(draft, ofNobody(actor), { kind: 'budget', id, change: 'budget_set', document: budgetDocument(budget) }, null)
  closeExpired(draft, actor, expired)
  return done
}

const ROOM = 'revoke keys that are no longer needed, which frees their budgets as well'

function isHolding({ at }: Draft): (record: AccountRecord) => boolean {
  return (record) => whyInvalid(keyOf(record), at) === null
}

/** The key above the one to be made: none for a party without a key, and none for an operator's of another account. */
function parentOf(draft: Draft, { actor }: DelegateCommand): Key | null {
  return actor.key === null || actor.keyOf !== undefined ? null : keyNamed(draft, actor.key)
}

function refusalByParent(parent: Key | null): Refused | null {
  if (parent === null) return null
  if (!parent.mayDelegate) {
    return refuse('forbidden', `${keyWords(parent)} may not delegate`, {
      details: { key: parent.id, mayDelegate: false },
      advice: ['Work with this key, or ask whoever made it for one that may delegate (may_delegate).'],
    })
  }
  if (parent.ancestors.length + 1 <= DEPTH_MAX) return null
  return refuse('forbidden', `${keyWords(parent)} is ${parent.ancestors.length} below the first; ${DEPTH_MAX} is as deep as delegation goes`, {
    details: { key: parent.id, depth: parent.ancestors.length, max: DEPTH_MAX },
    advice: ['Work with this key, or have a key higher up delegate.'],
  })
}

function refusalByRights(draft: Draft, parent: Key | null, operations: readonly string[]): Refused | null {
  const lacking = parent === null ? null : beyond(draft, parent.scopes, operations)
  if (parent === null || lacking === null) return null
  return refuse('forbidden', `${keyWords(parent)} may not use ${lacking} itself; its scopes are ${parent.scopes.join(', ')}`, {
    details: { field: 'operations', scope: lacking, scopes: parent.scopes },
  })
}

interface Carved {
  readonly parent: Key | null
  readonly operations: readonly string[] | null
}

function termsOf(draft: Draft, command: DelegateCommand, { parent, operations }: Carved): KeyTerms {
  return {
    name: command.name,
    prefix: command.prefix,
    scopes: operations ?? scopesBelow(parent),
    environment: parent?.environment ?? null,
    member: parent === null ? command.actor.member : parent.member,
    ancestors: parent === null ? [] : [parent.id, ...parent.ancestors],
    expiresAt: endOf(draft, command, parent),
    mayDelegate: command.mayDelegate,
    isDelegated: true,
  }
}

/** All that the key above may spend on. What it may manage is no part of that: nobody below raises a limit. */
function scopesBelow(parent: Key | null): readonly string[] {
  if (parent === null || hasScope(parent.scopes, 'admin') || parent.scopes.includes('credits:spend')) return DEFAULT_SCOPES
  return parent.scopes.filter((scope) => isOfOperations(scope) || scope === 'credits:read')
}

/** No later than the end of the key above, whose own end is none later than that of those above it. */
function endOf({ at }: Draft, { lifeMs }: DelegateCommand, parent: Key | null): Instant {
  return Math.min(at + lifeMs, parent?.expiresAt ?? NEVER, NEVER)
}

/** All of the limit at once, over the whole life of the key: it counts what the keys below it spend as well. */
function limitOf({ id, name, amount }: DelegateCommand): BudgetTerms {
  return {
    name,
    scope: { values: { key: id }, each: null },
    window: { kind: 'total' },
    limit: amount,
    enforcement: 'hard',
    thresholds: DEFAULT_THRESHOLDS.hard,
  }
}
