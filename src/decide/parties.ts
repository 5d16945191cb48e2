import { keyDocument, keyLookup, keyOf, whyInvalid } from '../keys/key.js'
import { memberDocument } from '../keys/member.js'
import type { CreateKeyCommand, PutMemberCommand, RemoveMemberCommand, RevokeKeyCommand } from './command.js'
import type { Draft } from './draft.js'
import { takesNoMore } from './grant.js'
import { type Outcome, refuse } from './outcome.js'
import { closeRecord, openRecord, postRecord, tooMany, unknownRecord } from './records.js'

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

/** Makes a key. The ledger is given the digest of its secret and never the secret. */
export function decideCreateKey(draft: Draft, command: CreateKeyCommand): Outcome {
  const { id, digest, terms } = command
  if (draft.account.state === 'closed') return takesNoMore()
  if (draft.record('key', id) !== null) return refuse('invalid_request', `The account has a key ${id} already`, { details: { key: id } })
  const full = tooMany(draft, 'key', (record) => whyInvalid(keyOf(record), draft.at) === null)
  if (full !== null) return full
  if (terms.expiresAt <= draft.at) return refuse('invalid_request', 'expiresAt: expected an instant to come', { details: { field: 'expiresAt' } })
  if (terms.member !== null && openRecord(draft, 'member', terms.member) === null) {
    return unknownRecord(draft, 'member', 'unknown_member', terms.member)
  }
  const document = keyDocument(terms, draft.at)
  return postRecord(draft, command, { kind: 'key', id, change: 'key_created', document, lookup: keyLookup(digest) }, null)
}

/** Revokes a key, and with it every key below it, from this write on, in every process. */
export function decideRevokeKey(draft: Draft, command: RevokeKeyCommand): Outcome {
  const record = openRecord(draft, 'key', command.id)
  if (record === null) return unknownRecord(draft, 'key', 'unknown_key', command.id)
  for (const other of draft.records('key')) {
    const key = keyOf(other)
    if (key.ancestors.includes(command.id) && whyInvalid(key, draft.at) === null) {
      draft.putRecord({ ...other, isOpen: false, sequence: draft.nextSequence }, other)
    }
  }
  return closeRecord(draft, command, record, 'key_revoked')
}
