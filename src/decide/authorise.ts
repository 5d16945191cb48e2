import type { SpendFacts } from '../budgets/budget.js'
import { ASK_FOR_ANOTHER_KEY, hasScope, keyWords, mayUse, usedNow, whyInvalid } from '../keys/key.js'
import { maySpend, memberOf } from '../keys/member.js'
import type { Command } from './command.js'
import type { Draft } from './draft.js'
import { refuse, type Refused } from './outcome.js'
import { keyNamed } from './spend-facts.js'

/** What an agent does, and a key with `credits:spend`. */
const SPENDING: ReadonlySet<Command['kind']> = new Set(['charge', 'reserve', 'reserve_quoted', 'delegate', 'request_credits', 'sweep'])

/** What binds a price and spends nothing: whoever may see prices may have one promised. */
const READING: ReadonlySet<Command['kind']> = new Set(['quote'])

/** Work that was admitted under a key is finished and charged, whatever became of the key: only its holder can (AX-06). */
const FINISHING: ReadonlySet<Command['kind']> = new Set(['extend', 'settle', 'release'])

/** The meter gives back what it charged of work that turned out to have failed. */
function isGivingBack({ kind, actor }: Command): boolean {
  return kind === 'refund' && actor.holder === 'meter'
}

/** Whether a command takes an operator: whatever gives credits, sets limits or changes the account (AX-16). */
function isOperators(draft: Draft, command: Command): boolean {
  if (command.kind === 'purchase') return !command.isSelfService
  if (command.kind === 'resolve_approval') return command.by === 'operator'
  if (command.kind === 'revoke_key') return command.actor.holder === 'operator' || !isBelow(draft, command.id, command.actor)
  return !SPENDING.has(command.kind) && !READING.has(command.kind) && !FINISHING.has(command.kind) && !isGivingBack(command)
}

/** Whoever has handed credits on takes them back: a key revokes those below it, and of no other learns whether there is one. */
export function isBelow(draft: Draft, id: string, { key }: Command['actor']): boolean {
  return key !== null && keyNamed(draft, id)?.ancestors.includes(key) === true
}

/**
 * Why the key with which a command comes may not give it: revoked or expired by now, of another account, or without the
 * scope. Read in the write itself, so that a revocation acts at once, in every process.
 */
export function refusalByKey(draft: Draft, command: Command): Refused | null {
  const { actor, kind } = command
  if (isOperators(draft, command) && actor.holder !== 'operator') return onlyOperators(command)
  const isFinishing = (FINISHING.has(kind) && actor.holder !== 'operator') || isGivingBack(command)
  if (actor.key === null || isFinishing || actor.keyOf !== undefined) return null
  const key = keyNamed(draft, actor.key)
  const why = key === null ? 'is not known' : whyInvalid(key, draft.at)
  if (key === null || why !== null) {
    return refuse('unauthenticated', `${key === null ? 'The key' : keyWords(key)} ${why}`, { advice: [ASK_FOR_ANOTHER_KEY] })
  }
  // Credits to spend were handed on, and with them no right to have more bought for whoever handed them on.
  if (kind === 'purchase' && key.isDelegated) return refuse('forbidden', `${keyWords(key)} was delegated and buys nothing`, { details: { command: kind } })
  const scope = isOperators(draft, command) ? 'admin' : READING.has(kind) ? 'credits:read' : 'credits:spend'
  if (hasScope(key.scopes, scope)) return null
  return refuse('forbidden', `${keyWords(key)} may not do this; it takes the scope ${scope}`, { details: { scope, scopes: key.scopes } })
}

/** A key that may revoke some is told which, in the same words whatever else it has named. */
function onlyOperators({ kind, actor }: Command): Refused {
  const words = kind === 'revoke_key' && actor.key !== null ? 'A key revokes the keys below it and no other; ask an operator' : 'Only an operator does this; ask one'
  return refuse('forbidden', words, { details: { command: kind } })
}

/** Remembers that a key was used, to the hour, in the write of what it was used for. */
export function noteUse(draft: Draft, { actor }: Command): void {
  const record = actor.key === null ? null : draft.record('key', actor.key)
  const used = record === null ? null : usedNow(record, draft.at)
  if (used !== null) draft.putRecord(used, record)
}

/** Why a party may not spend on this: a viewer never may, and a key only on the operations that its scopes name. */
export function refusalByParty(draft: Draft, facts: SpendFacts): Refused | null {
  return refusalByRole(draft, facts) ?? refusalByScope(draft, facts)
}

function refusalByRole(draft: Draft, { member }: SpendFacts): Refused | null {
  if (member === null) return null
  const record = draft.record('member', member)
  if (record === null || !record.isOpen) {
    return refuse('unknown_member', `The account ${draft.account.id} has no member ${JSON.stringify(member.slice(0, 64))}`, {
      details: { member },
      advice: [`Add it first: npx mcp-credits member add ${member.slice(0, 64)} --account ${draft.account.id}`],
    })
  }
  const { role } = memberOf(record)
  if (maySpend(role)) return null
  return refuse('forbidden', `${member} is a ${role} of the account ${draft.account.id} and spends nothing`, {
    details: { member, role },
    advice: [`Give another role: npx mcp-credits member add ${member} --role member --account ${draft.account.id}`],
  })
}

/** Why a key may not spend on this: its scopes name other operations. */
export function refusalByScope(draft: Draft, { key: id, operation, category }: SpendFacts): Refused | null {
  const key = id === null ? null : keyNamed(draft, id)
  if (key === null || operation === null || mayUse(key.scopes, operation, category)) return null
  return refuse('forbidden', `${keyWords(key)} may not spend on ${operation}; its scopes are ${key.scopes.join(', ')}`, {
    details: { operation, category, scopes: key.scopes },
  })
}
