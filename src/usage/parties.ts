import type { Done } from '../decide/outcome.js'
import { keyNamed } from '../decide/spend-facts.js'
import { keyOf } from '../keys/key.js'
import { memberOf } from '../keys/member.js'
import { alertOf } from '../budgets/alert.js'
import type { AccountRecord, RecordKind } from '../ledger/account-record.js'
import { toCredits } from '../money/credits.js'
import { formatInstant, formatInstantOrNull, type Instant } from '../time/instant.js'
import type { Ledger } from './ledger.js'
import type { OwnPart } from './own-keys.js'
import type { AlertResult, DelegatedResult, KeyResult, MemberResult } from './results.js'
import { writtenRecord } from './write-results.js'

/** How many records one list shows. */
const LIST_MAX = 10_000

/** An account's keys, or those of a part of it, the newest first; those that hold no more as well. Never a secret. */
export async function readKeys(ledger: Ledger, account: string, own: OwnPart | null = null): Promise<readonly KeyResult[]> {
  const at = await ledger.read(account, (draft) => draft.at)
  const records = await ledger.query((store) => store.records({ account, kind: 'key', limit: LIST_MAX }))
  const seen = own === null ? records : records.filter(({ id }) => own.keys.includes(id))
  return seen.map((record) => ({ ...keyResult(record, at), ...(own?.keys[0] === record.id ? { parent: null } : {}) }))
}

export function keyResult(record: AccountRecord, at: Instant): KeyResult {
  const { id, name, prefix, scopes, environment, member, ancestors, mayDelegate, createdAt, expiresAt, lastUsedAt, isRevoked, hasExpired } = keyOf(record)
  return {
    id,
    name,
    prefix,
    scopes,
    environment,
    member,
    parent: ancestors[0] ?? null,
    mayDelegate,
    createdAt: formatInstant(createdAt),
    expiresAt: formatInstantOrNull(expiresAt),
    lastUsedAt: formatInstantOrNull(lastUsedAt),
    state: isRevoked && !hasExpired ? 'revoked' : expiresAt <= at ? 'expired' : 'active',
  }
}

/** What a delegation made, as its row tells it; the secret only the first time. */
export function delegatedResult(done: Done, secret: string): DelegatedResult {
  const { id, document } = writtenRecord(done, 'key')
  return {
    key: done.replayed ? null : secret,
    keyId: id,
    limit: done.transaction?.detail['limit'] as number,
    expiresAt: formatInstant(document['expiresAt'] as Instant),
    scopes: document['scopes'] as readonly string[],
    mayDelegate: document['mayDelegate'] as boolean,
    replayed: done.replayed,
  }
}

/** An account's members. Of a delegated key's own there is the one in whose name it spends, and no other. */
export function readMembers(ledger: Ledger, account: string, own: OwnPart | null = null): Promise<readonly MemberResult[]> {
  return ledger.read(account, (draft) => {
    const members = draft.records('member')
    if (own === null) return members.map(memberResult)
    const mine = keyNamed(draft, own.keys[0] as string)?.member
    return members.filter(({ id }) => id === mine).map(memberResult)
  })
}

export function memberResult(record: AccountRecord): MemberResult {
  return memberOf(record)
}

export async function readAlerts(ledger: Ledger, account: string): Promise<readonly AlertResult[]> {
  return (await openRecords(ledger, account, 'alert')).map(alertResult)
}

export function alertResult(record: AccountRecord): AlertResult {
  const { level, when, limit } = alertOf(record)
  return {
    id: record.id,
    level,
    when,
    credits: limit.kind === 'absolute' ? toCredits(limit.credits) : null,
    percent: limit.kind === 'absolute' ? null : limit.percent,
  }
}

/** @throws CreditError `unknown_account` */
function openRecords(ledger: Ledger, account: string, kind: RecordKind): Promise<readonly AccountRecord[]> {
  return ledger.read(account, (draft) => draft.records(kind))
}
