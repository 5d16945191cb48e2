import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Draft } from '../decide/draft.js'
import { nameWithin } from '../decide/idempotency.js'
import { CreditError } from '../errors.js'
import { sha256 } from '../ledger/chain.js'
import { formatId, type Transaction, TRANSACTION_KINDS, type TransactionKind, transactionId } from '../ledger/transaction.js'
import { toCredits } from '../money/credits.js'
import type { TimeWindow, TransactionQuery } from '../storage/port.js'
import { formatInstant, type Instant } from '../time/instant.js'
import type { Ledger } from './ledger.js'
import type { OwnPart } from './own-keys.js'
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
  /** The part of the account that is the asker's to see; null for all of it. */
  readonly own: OwnPart | null
}

/** Rows that record a change of the account itself move no credits: they are shown to whoever asks for them. */
const MOVING_KINDS = TRANSACTION_KINDS.filter((kind) => kind !== 'amend')

/**
 * A page of the journal, newest first. What time has made necessary and no write has recorded yet stands in it as it
 * will be recorded, so that the history always explains the balance. Where few rows are what was asked for, a page may
 * hold fewer than its limit, or none, and still have a cursor: the next page goes on looking.
 *
 * @throws CreditError `unknown_account`; `invalid_request` for a cursor that is not this account's
 */
export async function history(ledger: Ledger, asked: HistoryAsked): Promise<TransactionsResult> {
  const { account, own } = asked
  const due = await ledger.read(account, (draft, due) => (own === null ? due : due.filter((row) => isOwnRow(draft, row, own))))
  const before = asked.cursor === null ? Infinity : sequenceOfCursor(asked, asked.cursor)
  const { first, last } = await ledger.query((store) => store.sequences(asked.account, timeOf(asked)))
  const filter: Filter = {
    account: asked.account,
    kinds: asked.type === null ? MOVING_KINDS : [asked.type],
    withoutMeter: asked.withoutMeter,
    ...(asked.operation === null ? {} : { operation: asked.operation }),
    ...(asked.label === null ? {} : { label: asked.label }),
    ...(own === null ? {} : { keys: own.keys }),
  }
  // What was recorded between the two reads is among the stored rows.
  const unrecorded = due.filter((row) => row.sequence > last && row.sequence < before && isWithin(row, asked) && isAskedFor(row, filter)).reverse()
  const limit = asked.limit - unrecorded.length
  const stored = await findTransactions(ledger, { filter, first, before: Math.min(last + 1, before), limit, windowsMax: WINDOWS_MAX })
  const found = [...unrecorded, ...stored.rows]
  const page = found.slice(0, asked.limit)
  const goesOnBefore = found.length > page.length ? (page.at(-1) as Transaction).sequence : stored.unseenBefore
  return {
    transactions: page.map((transaction) => transactionResult(transaction, { withoutMeter: asked.withoutMeter, own })),
    nextCursor: goesOnBefore === null ? null : cursorBefore(asked, goesOnBefore),
  }
}

/** How many sequences are looked at before everybody else has a turn: on a local file a query holds up the process. */
const WINDOW = 10_000

/** How many windows a page looks at. One that is not full then ends there, and its cursor goes on. */
const WINDOWS_MAX = 20

type Filter = Omit<TransactionQuery, 'from' | 'before' | 'limit'>

interface Search {
  readonly filter: Filter
  /** The lowest sequence that counts. */
  readonly first: number
  /** Exclusive. */
  readonly before: number
  /** How many rows are enough. */
  readonly limit: number
  /** Infinity looks until it finds. */
  readonly windowsMax: number
}

interface Found {
  /** Newest first; one more than is enough where the last window has it, which tells that there are more. */
  readonly rows: readonly Transaction[]
  /** Rows before this sequence were not looked at; null when there are none. */
  readonly unseenBefore: number | null
}

/** Looks through an account's journal, newest first, a window at a time. */
export async function findTransactions(ledger: Ledger, { filter, first, before, limit, windowsMax }: Search): Promise<Found> {
  const rows: Transaction[] = []
  let end = before
  for (let windows = 0; end > first && rows.length < limit && windows < windowsMax; windows += 1) {
    if (windows > 0) await nextTurn()
    const window = { from: Math.max(first, end - WINDOW), before: end, limit: limit + 1 - rows.length }
    rows.push(...(await ledger.query((store) => store.transactions({ ...filter, ...window }))))
    end = window.from
  }
  return { rows, unseenBefore: end > first ? end : null }
}

function timeOf({ since: asked, until, own }: HistoryAsked): TimeWindow {
  const since = own === null ? asked : Math.max(own.since, asked ?? own.since)
  return { ...(since === null ? {} : { since }), ...(until === null ? {} : { until }) }
}

function isWithin({ at }: Transaction, { since, until }: HistoryAsked): boolean {
  return at >= (since ?? at) && at < (until ?? Infinity)
}

function isAskedFor(row: Transaction, filter: Filter): boolean {
  return (
    (filter.kinds ?? [row.kind]).includes(row.kind) &&
    (filter.operation ?? row.operation) === row.operation &&
    (filter.label === undefined || row.labels?.[filter.label.name] === filter.label.value) &&
    !(filter.withoutMeter === true && isOfMeter(row))
  )
}

/** Whether a row is of a part of the account: what its keys did, and what gives that back, whoever gives it back. */
export function isOwnRow(draft: Draft, { kind, key, refersTo }: Transaction, { keys }: OwnPart): boolean {
  if (key !== null && keys.includes(key)) return true
  if (refersTo === null || (kind !== 'release' && kind !== 'refund')) return false
  const origin = kind === 'release' ? draft.reservation(refersTo) : draft.transaction(refersTo)
  return origin !== null && origin.key !== null && keys.includes(origin.key)
}

/** What the meter reserves and gives back, which no agent is shown. */
export function isOfMeter({ kind, detail }: Transaction): boolean {
  return (kind === 'reserve' || kind === 'release') && detail['holder'] === 'meter'
}

interface Shown {
  readonly withoutMeter?: boolean
  /** The part of the account that is the reader's to see; null for all of it. */
  readonly own?: OwnPart | null
}

/**
 * A row of the journal as a reader gets it. `reservation` is the one that the row made or ended; the meter's stays
 * unnamed unless it is asked for, because an agent must not learn of what it could not end anyway.
 */
export function transactionResult(transaction: Transaction, shown: Shown = {}): TransactionResult {
  const { withoutMeter = true, own = null } = shown
  const isHidden = withoutMeter && transaction.detail['holder'] === 'meter'
  return {
    id: transactionId(transaction),
    type: transaction.kind,
    at: formatInstant(transaction.at),
    operation: transaction.operation,
    variant: transaction.variant,
    tool: transaction.tool,
    credits: toCredits(transaction.credits),
    balanceAfter: own?.isDelegated === true ? leftAfter(transaction, own) : toCredits(transaction.balanceAfter),
    labels: transaction.labels ?? {},
    reservation: isHidden ? null : reservationOf(transaction),
    idempotencyKey: transaction.idempotencyKey === null ? null : nameWithin(own?.isDelegated === true ? (own.keys[0] ?? null) : null, transaction.idempotencyKey),
  }
}

/**
 * What a delegated key had left of its own part after a row. A row tells what the key had whose work it is: what one below
 * had left is not the reader's balance, and what the reader had then stands nowhere.
 */
function leftAfter({ key, detail }: Transaction, { keys }: OwnPart): number | null {
  const isOwn = key === keys[0] || keys.length === 1
  return isOwn ? ((detail['left'] as number | undefined) ?? null) : null
}

function reservationOf(transaction: Transaction): string | null {
  if (transaction.kind === 'reserve') return formatId('rs', transaction.sequence, transaction.hash)
  const { reservation } = transaction.detail
  return typeof reservation === 'string' ? reservation : null
}

type Reader = Pick<HistoryAsked, 'account' | 'own'>

/** A cursor carries a digest of the account and the part of it, so that another's is the same miss as a text that never was one. */
function cursorBefore({ account, own }: Reader, sequence: number): string {
  const part = own === null ? [] : [own.keys[0]]
  return `${sequence}.${sha256(JSON.stringify(['cursor', account, sequence, ...part])).slice(0, 16)}`
}

function sequenceOfCursor(reader: Reader, cursor: string): number {
  const sequence = Number(/^([1-9]\d{0,14})\./.exec(cursor)?.[1])
  if (Number.isSafeInteger(sequence) && cursorBefore(reader, sequence) === cursor) return sequence
  throw new CreditError('invalid_request', 'cursor is not one of this account; expected one that the page before gave', {
    details: { field: 'cursor' },
  })
}
