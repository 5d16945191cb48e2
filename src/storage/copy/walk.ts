import type { Table } from '../tables.js'
import { compareKeys, keyOf } from './copied-tables.js'
import type { JournalEnd, LedgerRows, Row } from './sides.js'

/** What stands in the same place of two ledgers; null where one of them has nothing there. */
export interface Pair<T> {
  readonly source: T | null
  readonly target: T | null
}

/** Rows of a table of both sides beside each other, in the order of their keys. Rows before the present place may be written meanwhile. */
export function pairedRows(table: Table, source: LedgerRows, target: LedgerRows, pageSize: number): AsyncGenerator<Pair<Row>> {
  const rowsOf = (side: LedgerRows) =>
    paged<Row>(pageSize, (after) => side.page(table, after === null ? null : keyOf(table, after), pageSize))
  return paired(rowsOf(source), rowsOf(target), (one, other) => compareKeys(table, keyOf(table, one), keyOf(table, other)))
}

/** Ends of journals of both sides beside each other, by account. */
export function pairedEnds(source: LedgerRows, target: LedgerRows, pageSize: number): AsyncGenerator<Pair<JournalEnd>> {
  const endsOf = (side: LedgerRows) => paged<JournalEnd>(pageSize, (after) => side.journalEnds(after?.account ?? null, pageSize))
  return paired(endsOf(source), endsOf(target), (one, other) => Buffer.compare(Buffer.from(one.account), Buffer.from(other.account)))
}

export async function* paged<T>(pageSize: number, load: (after: T | null) => Promise<readonly T[]>): AsyncGenerator<T> {
  for (let after: T | null = null; ; ) {
    const page: readonly T[] = await load(after)
    yield* page
    after = page.at(-1) ?? null
    if (page.length < pageSize) return
  }
}

/** Both sides are a row ahead before a pair is told, so that what is written in its place is never read as the target's own. */
async function* paired<T>(
  source: AsyncGenerator<T>,
  target: AsyncGenerator<T>,
  compare: (one: T, other: T) => number,
): AsyncGenerator<Pair<T>> {
  let left = await source.next()
  let right = await target.next()
  while (left.done !== true || right.done !== true) {
    const order = left.done === true ? 1 : right.done === true ? -1 : compare(left.value, right.value)
    const pair = { source: order <= 0 ? (left.value as T) : null, target: order >= 0 ? (right.value as T) : null }
    if (order <= 0) left = await source.next()
    if (order >= 0) right = await target.next()
    yield pair
  }
}
