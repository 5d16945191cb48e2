import { CreditError } from '../errors.js'
import { sha256 } from '../ledger/chain.js'
import { formatId, type Transaction, TRANSACTION_KINDS, type TransactionKind, transactionId } from '../ledger/transaction.js'
import { toCredits } from '../money/credits.js'
import type { TransactionQuery } from '../storage/port.js'
import { formatInstant, type Instant } from '../time/instant.js'
import type { Ledger } from './ledger.js'
import type { TransactionResult, TransactionsResult } from './results.js'

export interface HistoryAsked {
  readonly account: string
  /** Null for every type that moves credits. */
  readonly type: TransactionKind | null
  readonly operation: string | null
  readonly label: { readonly name: string; readonly value: string } | null
  readonly since: Instant | null
  /** Exclusive. */
  readonly until: Instant | null
  readonly limit: number
  /** The `nextCursor` of the page before. */
  readonly cursor: string | null
  /** What the meter reserves and gives back is left out, and its reservations are not named. */
  readonly withoutMeter: boolean
}

/** Rows that record a change of the account itself move no credits: they are shown to whoever asks for them. */
const MOVING_KINDS = TRANSACTION_KINDS.filter((kind) => kind !== 'amend')

/**
 * A page of the journal, newest first. What time has made necessary and no write has recorded yet stands in it as it
 * will be recorded, so that the history always explains the balance.
 *
 * @throws CreditError `unknown_account`; `invalid_request` for a cursor that is not this account's
 */
export async function history(ledger: Ledger, asked: HistoryAsked): Promise<TransactionsResult> {
  const due = await ledger.read(asked.account, (draft) => draft.changes().transactions)
  const before = asked.cursor === null ? null : sequenceOfCursor(asked.account, asked.cursor)
  const query: TransactionQuery = {
    account: asked.account,
    kinds: asked.type === null ? MOVING_KINDS : [asked.type],
    limit: asked.limit + 1,
    withoutMeter: asked.withoutMeter,
    ...(asked.operation === null ? {} : { operation: asked.operation }),
    ...(asked.label === null ? {} : { label: asked.label }),
    ...(asked.since === null ? {} : { since: asked.since }),
    ...(asked.until === null ? {} : { until: asked.until }),
    ...(before === null ? {} : { before }),
  }
  const stored = await ledger.query((store) => store.transactions(query))
  const found = [...dueOnly(due, stored, query), ...stored]
  const page = found.slice(0, asked.limit)
  const last = page.at(-1)
  return {
    transactions: page.map((transaction) => transactionResult(transaction, { withoutMeter: asked.withoutMeter })),
    nextCursor: found.length > page.length && last !== undefined ? cursorAfter(asked.account, last.sequence) : null,
  }
}

/** Due rows that the query asks for, newest first, without those that were recorded between the two reads. */
function dueOnly(due: readonly Transaction[], stored: readonly Transaction[], query: TransactionQuery): readonly Transaction[] {
  const recorded = new Set(stored.map((row) => row.sequence))
  return due.filter((row) => !recorded.has(row.sequence) && isAskedFor(row, query)).reverse()
}

function isAskedFor(row: Transaction, query: TransactionQuery): boolean {
  return (
    (query.kinds ?? [row.kind]).includes(row.kind) &&
    (query.operation ?? row.operation) === row.operation &&
    (query.label === undefined || row.labels?.[query.label.name] === query.label.value) &&
    row.at >= (query.since ?? row.at) &&
    row.at < (query.until ?? row.at + 1) &&
    row.sequence < (query.before ?? row.sequence + 1) &&
    !(query.withoutMeter === true && isOfMeter(row))
  )
}

/** What the meter reserves and gives back, which no agent is shown. */
export function isOfMeter({ kind, detail }: Transaction): boolean {
  return (kind === 'reserve' || kind === 'release') && detail['holder'] === 'meter'
}

/**
 * A row of the journal as a reader gets it. `reservation` is the one that the row made or ended; the meter's stays
 * unnamed unless it is asked for, because an agent must not learn of what it could not end anyway.
 */
export function transactionResult(transaction: Transaction, shown: { readonly withoutMeter: boolean } = { withoutMeter: true }): TransactionResult {
  const isHidden = shown.withoutMeter && transaction.detail['holder'] === 'meter'
  return {
    id: transactionId(transaction),
    type: transaction.kind,
    at: formatInstant(transaction.at),
    operation: transaction.operation,
    variant: transaction.variant,
    tool: transaction.tool,
    credits: toCredits(transaction.credits),
    balanceAfter: toCredits(transaction.balanceAfter),
    labels: transaction.labels ?? {},
    reservation: isHidden ? null : reservationOf(transaction),
    idempotencyKey: transaction.idempotencyKey,
  }
}

function reservationOf(transaction: Transaction): string | null {
  if (transaction.kind === 'reserve') return formatId('rs', transaction.sequence, transaction.hash)
  const { reservation } = transaction.detail
  return typeof reservation === 'string' ? reservation : null
}

/** A cursor carries a digest of the account, so that another account's is the same miss as a text that never was one. */
function cursorAfter(account: string, sequence: number): string {
  return `${sequence}.${sha256(JSON.stringify(['cursor', account, sequence])).slice(0, 16)}`
}

function sequenceOfCursor(account: string, cursor: string): number {
  const sequence = Number(/^([1-9]\d{0,14})\./.exec(cursor)?.[1])
  if (Number.isSafeInteger(sequence) && cursorAfter(account, sequence) === cursor) return sequence
  throw new CreditError('invalid_request', 'cursor is not one of this account; expected the nextCursor of a page before', {
    details: { field: 'cursor' },
  })
}
