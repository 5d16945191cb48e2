import { budgetOf } from '../budgets/budget.js'
import { keyOf, whyInvalid } from '../keys/key.js'
import type { AccountRecord } from '../ledger/account-record.js'
import type { Actor } from './command.js'
import type { Draft } from './draft.js'
import type { Done } from './outcome.js'
import { leftNow } from './own-part.js'
import { postRecord, type Signed } from './records.js'

/**
 * Closes a key, everything below it and the budgets that delegation made for them: whose key holds no more spends nothing,
 * and a limit on nothing would only take a place.
 */
export function closeKey(draft: Draft, command: Signed, record: AccountRecord): Done {
  const below = draft.records('key').filter((other) => keyOf(other).ancestors.includes(record.id))
  for (const other of below) {
    if (whyInvalid(keyOf(other), draft.at) === null) draft.putRecord({ ...closed(other), sequence: draft.nextSequence }, other)
  }
  const { document, lookup } = closed(record)
  const detail = leftNow(draft, command.actor)
  const done = postRecord(draft, command, { kind: 'key', id: record.id, change: 'key_revoked', document, isOpen: false, lookup, detail }, record)
  for (const one of [record, ...below]) closeBudget(draft, command.actor, one)
  return done
}

/** How many expired keys one write closes: more than one delegation adds, so that they never pile up, and few enough for it not to notice. */
const CLOSED_AT_ONCE = 20

/** Keys that delegation made and that have expired meanwhile, as many as one write closes: their places are free once it does. */
export function expiredKeys(draft: Draft): readonly AccountRecord[] {
  return draft
    .records('key')
    .filter((record) => {
      const key = keyOf(record)
      return key.isDelegated && whyInvalid(key, draft.at) !== null
    })
    .slice(0, CLOSED_AT_ONCE)
}

/** Whether a budget takes a place once the budgets of these keys are closed. */
export function staysWithout(expired: readonly AccountRecord[]): (budget: AccountRecord) => boolean {
  const ids = new Set(expired.map(({ id }) => id))
  return (budget) => !(ids.has(budget.id) && isOwnLimit(budget))
}

export function closeExpired(draft: Draft, actor: Actor, expired: readonly AccountRecord[]): void {
  for (const record of expired) {
    const document = { ...record.document, hasExpired: true }
    postRecord(draft, ofNobody(actor), { kind: 'key', id: record.id, change: 'key_expired', document, isOpen: false }, record)
    closeBudget(draft, actor, record)
  }
}

/** The limit with which a key was carved out. One that somebody has given another scope is not it any more. */
function closeBudget(draft: Draft, actor: Actor, { id, document }: AccountRecord): void {
  const budget = document['isDelegated'] === true ? draft.record('budget', id) : null
  if (budget === null || !budget.isOpen || !isOwnLimit(budget)) return
  postRecord(draft, ofNobody(actor), { kind: 'budget', id, change: 'budget_removed', document: budget.document, isOpen: false }, budget)
}

function isOwnLimit(budget: AccountRecord): boolean {
  return budgetOf(budget).scope.values.key === budget.id
}

/** A row beside the one that a command is answered by carries no key of its own. */
export function ofNobody(actor: Actor): Signed {
  return { actor, idempotencyKey: null, fingerprint: null }
}

/** What an authorization server calls somebody may be given another key afterwards; a secret is never given again. */
function closed(record: AccountRecord): AccountRecord {
  return { ...record, isOpen: false, lookup: record.lookup?.startsWith('subject:') === true ? null : record.lookup }
}
