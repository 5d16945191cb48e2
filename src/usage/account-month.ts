import type { Book } from '../ledger/books.js'
import type { Transaction, TransactionKind } from '../ledger/transaction.js'
import type { MicroCredits } from '../money/credits.js'
import type { KindSum, SequenceRange } from '../storage/port.js'
import type { Instant } from '../time/instant.js'
import { findTransactions } from './history.js'
import type { Ledger } from './ledger.js'

export interface Window {
  readonly since: Instant
  /** Exclusive. */
  readonly until: Instant
}

/** What an account owned at the two ends of a window, and all that changed it in between. */
export interface AccountMonth {
  readonly account: string
  readonly opening: MicroCredits
  readonly closing: MicroCredits
  readonly reserved: MicroCredits
  readonly uncollected: MicroCredits
  readonly sums: readonly KindSum[]
  readonly grantedBy: ReadonlyMap<string, MicroCredits>
  readonly range: SequenceRange
  readonly head: string | null
}

/**
 * Reads a window of an account's journal. What time has made necessary in it and no write has recorded yet is in it as it
 * will be recorded, so that a month that is over never changes any more.
 */
export async function accountMonth(ledger: Ledger, id: string, window: Window): Promise<AccountMonth> {
  const journal = await ProjectedJournal.of(ledger, id)
  const range = await journal.range(window)
  const last = await journal.row(range.last)
  return {
    account: id,
    opening: await journal.owned(range.first - 1),
    closing: await journal.owned(range.last),
    reserved: await journal.reserved(range.last),
    uncollected: await journal.movedInto('uncollected', range),
    sums: await journal.sums(range),
    grantedBy: await journal.grantedBySource(range),
    range,
    head: last?.hash ?? null,
  }
}

/** Rows that one page of a search holds. */
const PAGE = 500

/** The stored rows of an account with those that are due after them: one journal, whose sequences go on without a gap. */
class ProjectedJournal {
  readonly #ledger: Ledger
  readonly #account: string
  /** The newest stored sequence that counts: what others write meanwhile is not in it. */
  readonly #newest: number
  readonly #due: readonly Transaction[]

  private constructor(ledger: Ledger, account: string, newest: number, due: readonly Transaction[]) {
    this.#ledger = ledger
    this.#account = account
    this.#newest = newest
    this.#due = due
  }

  static async of(ledger: Ledger, id: string): Promise<ProjectedJournal> {
    const { account, due } = await ledger.read(id, (draft, rows) => ({ account: draft.account, due: rows }))
    return new ProjectedJournal(ledger, account.id, account.sequence - due.length, due)
  }

  async range({ since, until }: Window): Promise<SequenceRange> {
    const { first, last } = await this.#ledger.query((store) => store.sequences(this.#account, { since, until }))
    const before = (at: Instant): number => this.#due.filter((row) => row.at < at).length
    return { first: Math.min(first, this.#newest + 1) + before(since), last: Math.min(last, this.#newest) + before(until) }
  }

  async row(sequence: number): Promise<Transaction | null> {
    if (sequence < 1) return null
    const due = this.#due[sequence - this.#newest - 1]
    if (due !== undefined) return due
    const [stored] = await this.#ledger.query((store) => store.journal(this.#account, sequence - 1, 1))
    return stored ?? null
  }

  /** Available and reserved after a transaction. */
  async owned(sequence: number): Promise<MicroCredits> {
    const row = await this.row(sequence)
    return (row?.balanceAfter ?? 0n) + (await this.reserved(sequence))
  }

  /** The newest entry of a book holds its sum: there is one only where something was ever reserved. */
  async reserved(sequence: number): Promise<MicroCredits> {
    for await (const row of this.#rows({ book: 'reserved' }, { first: 1, last: sequence })) {
      return row.entries.findLast(({ book }) => book === 'reserved')?.balanceAfter ?? 0n
    }
    return 0n
  }

  async movedInto(book: Book, range: SequenceRange): Promise<MicroCredits> {
    let moved = 0n
    for await (const row of this.#rows({ book }, range)) {
      for (const entry of row.entries) if (entry.book === book) moved += entry.amount
    }
    return moved
  }

  async grantedBySource(range: SequenceRange): Promise<ReadonlyMap<string, MicroCredits>> {
    const sources = new Map<string, MicroCredits>()
    for await (const { detail, credits } of this.#rows({ kinds: ['grant'] }, range)) {
      const source = String(detail['source'])
      sources.set(source, (sources.get(source) ?? 0n) + credits)
    }
    return sources
  }

  async sums(range: SequenceRange): Promise<readonly KindSum[]> {
    const stored = { first: range.first, last: Math.min(range.last, this.#newest) }
    const sums = stored.first > stored.last ? [] : await this.#ledger.query((store) => store.kindSums(this.#account, stored))
    const due = this.#dueIn(range).map(({ kind, operation, credits }) => ({ kind, operation, count: 1, credits }))
    return [...sums, ...due]
  }

  #dueIn({ first, last }: SequenceRange): readonly Transaction[] {
    return this.#due.filter(({ sequence }) => sequence >= first && sequence <= last)
  }

  /** Rows of a range, newest first. */
  async *#rows(filter: { readonly book?: Book; readonly kinds?: readonly TransactionKind[] }, range: SequenceRange): AsyncGenerator<Transaction> {
    const isAsked = (row: Transaction): boolean =>
      (filter.kinds?.includes(row.kind) ?? true) && (filter.book === undefined || row.entries.some(({ book }) => book === filter.book))
    yield* this.#dueIn(range).filter(isAsked).toReversed()
    let before: number | null = Math.min(range.last, this.#newest) + 1
    while (before !== null) {
      const search = { filter: { account: this.#account, ...filter }, first: range.first, before, limit: PAGE, windowsMax: Infinity }
      const { rows, unseenBefore } = await findTransactions(this.#ledger, search)
      yield* rows
      before = rows.length > PAGE ? (rows.at(-1) as Transaction).sequence : unseenBefore
    }
  }
}
