import type { Table } from '../tables.js'
import { ACCOUNTS_ALONE, BELONGINGS, CATALOGS, isSameRow, JOURNAL, keyOf, WHOLE_ACCOUNTS } from './copied-tables.js'
import { CopyRefused, type CopySource, type CopyTarget, type JournalEnd, type Key, type Row } from './sides.js'
import { pairedEnds, pairedRows } from './walk.js'

/** Rows that are read at once and written in one write: what a cut costs at most, and what is held in memory. */
const PAGE = 1_000

/** A catalog is a whole document, so fewer of them are a page. */
const CATALOGS_PAGE = 10

export interface RowsCopied {
  /** Whether rows were there that an earlier run had copied. */
  readonly isContinued: boolean
  readonly accounts: number
  readonly transactions: number
  /** Rows that this run has written. */
  readonly written: number
  /** Rows that an earlier run had copied and that the source has changed or removed since. */
  readonly changed: number
}

/** Told after each page; `done` counts what an earlier run had copied as well. */
export type OnRows = (table: string, done: number, total: number) => void

/**
 * Makes a target hold the rows of a source, every one as it is, table by table in the order of primary keys. What the
 * target holds is its own record of how far the copy has come: a run that was cut is continued by comparing, so that
 * also what the source has changed in between is taken along. Journals are only ever added to: as far as they are
 * there they are compared by their newest hash, on which every one before it rests.
 *
 * @throws CopyRefused for a target that holds anything but the beginning of this very ledger
 */
export async function copyRows(source: CopySource, target: CopyTarget, onRows: OnRows, pageSize = PAGE): Promise<RowsCopied> {
  await seeThatThereIsSomething(source)
  const copy = new Copy({ source, target, onRows, pageSize })
  // Before it is taken over: whoever names a wrong ledger must not end the run that copies the right one.
  const known = await target.origin()
  if (known !== null) await copy.seeThatItBeginsSo(known)
  const from = await target.begin(source.location)
  if (from !== null && known === null) await copy.seeThatItBeginsSo(from)
  await copy.rows({ isContinued: from !== null })
  await target.analyze()
  await copy.seeThatNothingDiffers()
  return { ...copy.tally, isContinued: from !== null }
}

async function seeThatThereIsSomething(source: CopySource): Promise<void> {
  const [first] = await source.page(CATALOGS, null, 1)
  if (first !== undefined) return
  throw new CopyRefused(`${source.location} holds no ledger: it has no catalog`, ['See that it is the ledger meant.'])
}

interface CopyOptions {
  readonly source: CopySource
  readonly target: CopyTarget
  readonly onRows: OnRows
  readonly pageSize: number
}

class Copy {
  readonly tally = { accounts: 0, transactions: 0, written: 0, changed: 0 }
  readonly #source: CopySource
  readonly #target: CopyTarget
  readonly #onRows: OnRows
  readonly #pageSize: number

  constructor({ source, target, onRows, pageSize }: CopyOptions) {
    this.#source = source
    this.#target = target
    this.#onRows = onRows
    this.#pageSize = pageSize
  }

  /** Catalogs are never changed, accounts never removed, and a journal that is there continues as the source's does. */
  async seeThatItBeginsSo(from: string): Promise<void> {
    const differs = (what: string): CopyRefused => this.#otherLedger(from, what)
    for await (const { source, target } of this.#pairs(CATALOGS)) {
      if (target !== null && (source === null || !isSameRow(source, target))) throw differs(`catalog version ${String(target[0])}`)
    }
    for await (const { source, target } of this.#pairs(ORIGINS)) {
      if (target !== null && (source === null || !isSameRow(source, target))) throw differs(`account ${JSON.stringify(target[0])}`)
    }
    for await (const { source, target } of pairedEnds(this.#source, this.#target, this.#pageSize)) {
      if (target === null || (await this.#continues(source, target))) continue
      throw differs(`the journal of account ${JSON.stringify(target.account)}`)
    }
  }

  async #continues(source: JournalEnd | null, target: JournalEnd): Promise<boolean> {
    if (source === null || source.sequence < target.sequence) return false
    if (source.sequence === target.sequence) return source.hash === target.hash
    const [row] = await this.#source.page(HASHES, [target.account, String(target.sequence - 1)], 1)
    const [account, sequence, hash] = row ?? []
    const isThere = account === target.account && sequence === String(target.sequence)
    return isThere && (hash as Buffer).toString('hex') === target.hash
  }

  #otherLedger(from: string, what: string): CopyRefused {
    const words = `${this.#target.location} holds the beginning of a copy of ${from}, and ${this.#source.location} does not continue it`
    const advice = ['Name the ledger that the copy was begun from by --from, or another database by --to.']
    return new CopyRefused(`${words}: ${what} differs`, advice)
  }

  async rows({ isContinued }: { readonly isContinued: boolean }): Promise<void> {
    await this.#bring(CATALOGS)
    await this.#bring(ACCOUNTS_ALONE)
    await this.#bring(WHOLE_ACCOUNTS)
    for (const table of BELONGINGS) {
      // What is no more goes before anything comes: two rows may not have the same look-up, and it may have passed from one to another.
      if (isContinued) await this.#removeStale(table)
      await this.#bring(table)
    }
    await this.#bringJournals()
  }

  /** Adds every row that the target has not, or has otherwise. */
  async #bring(table: Table): Promise<void> {
    const pages = await this.#pages(table)
    for await (const { source, target } of this.#pairs(table)) {
      if (source === null) continue
      if (table === WHOLE_ACCOUNTS) this.tally.accounts += 1
      if (target !== null && isSameRow(source, target)) {
        pages.pass()
        continue
      }
      if (target !== null && table === ACCOUNTS_ALONE) this.tally.changed += 1
      await pages.add(source)
    }
    await pages.flush()
  }

  async #removeStale(table: Table): Promise<void> {
    let stale: Key[] = []
    const remove = async (): Promise<void> => {
      if (stale.length > 0) await this.#target.remove(table, stale)
      this.tally.changed += stale.length
      stale = []
    }
    for await (const { source, target } of this.#pairs(table)) {
      if (target === null || (source !== null && isSameRow(source, target))) continue
      stale.push(keyOf(table, target))
      if (stale.length === this.#pageSize) await remove()
    }
    await remove()
  }

  async #bringJournals(): Promise<void> {
    const pages = await this.#pages(JOURNAL)
    for await (const { source, target } of pairedEnds(this.#source, this.#target, this.#pageSize)) {
      if (source === null) continue
      this.tally.transactions += source.sequence
      let sequence = target?.sequence ?? 0
      pages.pass(sequence)
      while (sequence < source.sequence) {
        const limit = Math.min(this.#pageSize, source.sequence - sequence)
        const rows = await this.#source.page(JOURNAL, [source.account, String(sequence)], limit)
        const own = rows.filter(([account]) => account === source.account)
        if (own.length === 0) break
        for (const row of own) await pages.add(row)
        sequence = Number(own.at(-1)?.[1])
      }
    }
    await pages.flush()
  }

  /** @throws CopyRefused when somebody else has written to the target: only who had it open before the copy began can */
  async seeThatNothingDiffers(): Promise<void> {
    const differs = (what: string): CopyRefused =>
      new CopyRefused(`${what} in ${this.#target.location} are not those of ${this.#source.location}: something else has written to it`, [
        'Stop whatever else uses it, and copy to an empty database.',
      ])
    for (const table of [CATALOGS, WHOLE_ACCOUNTS, ...BELONGINGS]) {
      for await (const { source, target } of this.#pairs(table)) {
        if (source === null || target === null || !isSameRow(source, target)) throw differs(table.name)
      }
    }
    for await (const { source, target } of pairedEnds(this.#source, this.#target, this.#pageSize)) {
      if (source?.sequence !== target?.sequence || source?.hash !== target?.hash) throw differs(JOURNAL.name)
    }
  }

  #pairs(table: Table) {
    return pairedRows(table, this.#source, this.#target, this.#sizeOf(table))
  }

  #sizeOf(table: Table): number {
    return table === CATALOGS ? Math.min(this.#pageSize, CATALOGS_PAGE) : this.#pageSize
  }

  async #pages(table: Table): Promise<Pages> {
    const total = await this.#source.count(table)
    return new Pages({
      size: this.#sizeOf(table),
      write: async (rows) => {
        await this.#target.add(table, rows)
        if (table !== WHOLE_ACCOUNTS) this.tally.written += rows.length
      },
      onDone: (done) => this.#onRows(table.name, done, total),
    })
  }
}

/** What an account is from its beginning: the salt alone tells two ledgers apart. */
const ORIGINS: Table = { name: 'accounts', columns: ['id', 'is_test', 'label_salt', 'created_at'], key: ['id'], changing: [] }

const HASHES: Table = { ...JOURNAL, columns: ['account', 'sequence', 'hash'] }

interface PagesOptions {
  readonly size: number
  readonly write: (rows: readonly Row[]) => Promise<void>
  readonly onDone: (done: number) => void
}

/** Rows gathered to pages. */
class Pages {
  readonly #options: PagesOptions
  #rows: Row[] = []
  #done = 0

  constructor(options: PagesOptions) {
    this.#options = options
  }

  /** Rows that are there already. */
  pass(count = 1): void {
    this.#done += count
  }

  async add(row: Row): Promise<void> {
    this.#rows.push(row)
    if (this.#rows.length >= this.#options.size) await this.flush()
  }

  async flush(): Promise<void> {
    if (this.#rows.length > 0) await this.#options.write(this.#rows)
    this.#done += this.#rows.length
    this.#rows = []
    this.#options.onDone(this.#done)
  }
}
