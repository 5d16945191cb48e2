import { keyDocument, keyLookup, keyOf, keyWords, subjectLookup, whyInvalid } from '../keys/key.js'
import { memberDocument } from '../keys/member.js'
import { closeKey, ofNobody } from './closed-keys.js'
import type { CreateKeyCommand, PutMemberCommand, RemoveMemberCommand, RevokeKeyCommand } from './command.js'
import type { Draft } from './draft.js'
import { takesNoMore } from './grant.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { closeRecord, openRecord, postRecord, tooMany, unknownRecord } from './records.js'
import { beyond, refusalOfScopes } from './scopes.js'
import { keyNamed } from './spend-facts.js'

/** Adds a member to the account, or gives one another role or name. */
export function decidePutMember(draft: Draft, command: PutMemberCommand): Outcome {
  const { id, name, role } = command
  const record = openRecord(draft, 'member', id)
  const full = record === null ? tooMany(draft, 'member') : null
  if (full !== null) return full
  return postRecord(draft, command, { kind: 'member', id, change: 'member_set', document: memberDocument({ name, role }) }, record ?? draft.record('member', id))
}

/** Takes a member out: it spends no more, and what it spent stays its own. */
export function decideRemoveMember(draft: Draft, command: RemoveMemberCommand): Outcome {
  const record = openRecord(draft, 'member', command.id)
  return record === null ? unknownRecord(draft, 'member', 'unknown_member', command.id) : closeRecord(draft, command, record, 'member_removed')
}

/**
 * Makes a key. The ledger is given the digest of its secret and never the secret, or what an authorization server calls
 * its holder. Whoever makes it with a key gives no right that this key has not itself.
 */
export function decideCreateKey(draft: Draft, command: CreateKeyCommand): Outcome {
  const { id, terms, subject = null } = command
  if (draft.account.state === 'closed') return takesNoMore()
  if (draft.record('key', id) !== null) return refuse('invalid_request', `The account has a key ${id} already`, { details: { key: id } })
  const full = tooMany(draft, 'key', { holds: (record) => whyInvalid(keyOf(record), draft.at) === null })
  if (full !== null) return full
  if (terms.expiresAt <= draft.at) return refuse('invalid_request', 'expiresAt: expected an instant to come', { details: { field: 'expiresAt' } })
  if (terms.member !== null && openRecord(draft, 'member', terms.member) === null) {
    return unknownRecord(draft, 'member', 'unknown_member', terms.member)
  }
  const refused = refusalOfScopes(draft, terms.scopes, 'scopes') ?? refusalByMaker(draft, command)
  if (refused !== null) return refused
  const lookup = subject === null ? keyLookup(command.digest) : subjectLookup(subject)
  const holder = subject === null ? undefined : draft.records('key').find((record) => record.lookup === lookup)
  if (holder !== undefined) {
    if (whyInvalid(keyOf(holder), draft.at) === null) return hasKey(holder.id)
    closeKey(draft, ofNobody(command.actor), holder)
  }
  return postRecord(draft, command, { kind: 'key', id, change: 'key_created', document: keyDocument(terms, draft.at), lookup }, null)
}

function hasKey(id: string): Refused {
  return refuse('invalid_request', `The key ${id} is this subject's already; revoke it first`, { details: { key: id, field: 'subject' } })
}

/** A party without a key is the local operator; an operator's key of another account has every right. */
function refusalByMaker(draft: Draft, { actor, terms }: CreateKeyCommand): Refused | null {
  const maker = actor.key === null || actor.keyOf !== undefined ? null : keyNamed(draft, actor.key)
  const lacking = maker === null ? null : beyond(draft, maker.scopes, terms.scopes)
  if (maker === null || lacking === null) return null
  return refuse('forbidden', `${keyWords(maker)} has not the scope ${lacking} itself and cannot give it`, {
    details: { scope: lacking, scopes: maker.scopes },
  })
}

/** Revokes a key, and with it every key below it, from this write on, in every process. */
export function decideRevokeKey(draft: Draft, command: RevokeKeyCommand): Outcome {
  const record = openRecord(draft, 'key', command.id)
  return record === null ? unknownRecord(draft, 'key', 'unknown_key', command.id) : closeKey(draft, command, record)
}
