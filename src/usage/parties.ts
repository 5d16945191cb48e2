import { keyOf } from '../keys/key.js'
import { memberOf } from '../keys/member.js'
import { alertOf } from '../budgets/alert.js'
import type { AccountRecord, RecordKind } from '../ledger/account-record.js'
import { toCredits } from '../money/credits.js'
import { formatInstant, formatInstantOrNull, type Instant } from '../time/instant.js'
import type { Ledger } from './ledger.js'
import type { AlertResult, KeyResult, MemberResult } from './results.js'

/** How many records one list shows. */
const LIST_MAX = 10_000

/** An account's keys, the newest first; those that hold no more as well. Never a secret. */
export async function readKeys(ledger: Ledger, account: string): Promise<readonly KeyResult[]> {
  const at = await ledger.read(account, (draft) => draft.at)
  const records = await ledger.query((store) => store.records({ account, kind: 'key', limit: LIST_MAX }))
  return records.map((record) => keyResult(record, at))
}

export function keyResult(record: AccountRecord, at: Instant): KeyResult {
  const { id, name, prefix, scopes, environment, member, ancestors, createdAt, expiresAt, lastUsedAt, isRevoked } = keyOf(record)
  return {
    id,
    name,
    prefix,
    scopes,
    environment,
    member,
    parent: ancestors[0] ?? null,
    createdAt: formatInstant(createdAt),
    expiresAt: formatInstantOrNull(expiresAt),
    lastUsedAt: formatInstantOrNull(lastUsedAt),
    state: isRevoked ? 'revoked' : expiresAt <= at ? 'expired' : 'active',
  }
}

export async function readMembers(ledger: Ledger, account: string): Promise<readonly MemberResult[]> {
  return (await openRecords(ledger, account, 'member')).map(memberResult)
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
