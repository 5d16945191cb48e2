import { type AccountRecord, OPEN_RECORDS_MAX, type RecordDocument, type RecordKind } from '../ledger/account-record.js'
import type { ErrorCode } from '../errors.js'
import type { Actor } from './command.js'
import type { Draft } from './draft.js'
import { type Done, type Outcome, refuse, type Refused } from './outcome.js'
import { recorded } from './result.js'

/** A command about one record, as the journal keeps it. */
export interface Signed {
  readonly actor: Actor
  readonly idempotencyKey: string | null
  readonly fingerprint: string | null
}

/** A record as it is to become; `change` names it in the journal. */
interface Wanted {
  readonly kind: RecordKind
  readonly id: string
  readonly change: string
  readonly document: RecordDocument
  readonly isOpen?: boolean
  readonly lookup?: string | null
  /** What the journal tells beside the document. */
  readonly detail?: RecordDocument
}

/**
 * Writes a record with a row of the journal that says what it has become, so that such a change stands in the chain and
 * whoever recomputes the ledger finds every record in it.
 */
export function postRecord(draft: Draft, command: Signed, wanted: Wanted, before: AccountRecord | null): Done {
  const { kind, id, change, document, isOpen = true, lookup = before?.lookup ?? null, detail = {} } = wanted
  const transaction = draft.post('amend', [], {
    credits: 0n,
    actor: command.actor,
    idempotencyKey: command.idempotencyKey,
    fingerprint: command.fingerprint,
    detail: { change, [kind]: id, ...(isOpen ? { document } : {}), ...detail },
  })
  const record = draft.putRecord({ kind, id, sequence: transaction.sequence, isOpen, lookup, document }, before)
  return recorded(draft, transaction, record)
}

/** Closes a record that is open. */
export function closeRecord(draft: Draft, command: Signed, record: AccountRecord, change: string): Outcome {
  return postRecord(draft, command, { kind: record.kind, id: record.id, change, document: record.document, isOpen: false }, record)
}

/** The open record of an id; a closed one is gone, as is one that never was. */
export function openRecord(draft: Draft, kind: RecordKind, id: string): AccountRecord | null {
  const record = draft.record(kind, id)
  return record !== null && record.isOpen ? record : null
}

interface Counting {
  /** Which records count: those that hold. */
  readonly holds?: (record: AccountRecord) => boolean
  /** How room is made, in words. */
  readonly room?: string
}

/** Why one more record of a kind cannot be opened; null when it can. */
export function tooMany(draft: Draft, kind: RecordKind, { holds = () => true, room = 'remove some first' }: Counting = {}): Refused | null {
  const max = OPEN_RECORDS_MAX[kind]
  if (draft.records(kind).filter(holds).length < max) return null
  return refuse('invalid_request', `The account ${draft.account.id} has ${max} of these already; ${room}`, { details: { kind, max } })
}

/** The one answer about a record that is not there. */
export function unknownRecord(draft: Draft, kind: RecordKind, code: ErrorCode, id: string): Refused {
  return refuse(code, `The account ${draft.account.id} has no ${kind} ${JSON.stringify(id.slice(0, 64))}`, {
    details: { [kind]: id.slice(0, 64) },
    advice: [`See which there are: npx mcp-credits ${kind} list --account ${draft.account.id}`],
  })
}
