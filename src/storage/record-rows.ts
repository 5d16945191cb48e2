import type { Counter, Slice } from '../budgets/counter.js'
import type { AccountRecord, RecordDocument, RecordKind } from '../ledger/account-record.js'
import type { Integer } from './rows.js'

export interface RecordRow {
  readonly account: string
  readonly kind: string
  readonly id: string
  readonly sequence: Integer
  readonly is_open: Integer
  readonly lookup: string | null
  readonly document: string
}

export const RECORD_COLUMNS = [
  'account', 'kind', 'id', 'sequence', 'is_open', 'lookup', 'document',
] as const satisfies readonly (keyof RecordRow)[]

export function recordFromRow(row: RecordRow): AccountRecord {
  return {
    kind: row.kind as RecordKind,
    id: row.id,
    sequence: Number(row.sequence),
    isOpen: Number(row.is_open) === 1,
    lookup: row.lookup,
    document: JSON.parse(row.document) as RecordDocument,
  }
}

/** The values of a record in the order of {@link RECORD_COLUMNS}. */
export function recordValues(account: string, { kind, id, sequence, isOpen, lookup, document }: AccountRecord): readonly unknown[] {
  return [account, kind, id, sequence, Number(isOpen), lookup, JSON.stringify(document)]
}

export interface CounterRow {
  readonly account: string
  readonly budget: string
  readonly subject: string
  readonly origin: Integer
  readonly window_start: Integer
  readonly window_end: Integer
  readonly used: Integer
  readonly reserved: Integer
  readonly fired_percent: Integer
  readonly slices: string
}

export const COUNTER_COLUMNS = [
  'account', 'budget', 'subject', 'origin', 'window_start', 'window_end', 'used', 'reserved', 'fired_percent', 'slices',
] as const satisfies readonly (keyof CounterRow)[]

export function counterFromRow(row: CounterRow): Counter {
  return {
    budget: row.budget,
    subject: row.subject,
    origin: Number(row.origin),
    windowStart: Number(row.window_start),
    windowEnd: Number(row.window_end),
    used: BigInt(row.used),
    reserved: BigInt(row.reserved),
    fired: Number(row.fired_percent),
    slices: slicesFromText(row.slices),
  }
}

/** The values of a counter in the order of {@link COUNTER_COLUMNS}. */
export function counterValues(account: string, counter: Counter): readonly unknown[] {
  return [
    account, counter.budget, counter.subject, counter.origin, counter.windowStart, counter.windowEnd, counter.used,
    counter.reserved, counter.fired, slicesText(counter.slices),
  ]
}

/** What the slices of nearly every counter are: only a rolling window has any. */
const NO_SLICES = '[]'

function slicesText(slices: readonly Slice[]): string {
  if (slices.length === 0) return NO_SLICES
  return JSON.stringify(slices.map(({ start, used, reserved }) => [start, Number(used), Number(reserved)]))
}

function slicesFromText(text: string): readonly Slice[] {
  if (text === NO_SLICES) return []
  return (JSON.parse(text) as [number, number, number][]).map(([start, used, reserved]) => ({
    start,
    used: BigInt(used),
    reserved: BigInt(reserved),
  }))
}
