import type { Counter } from '../../budgets/counter.js'
import type { CatalogVersion, NewCatalogVersion } from '../../catalog/version.js'
import { type Command, mustBeSynced } from '../../decide/command.js'
import type { Outcome } from '../../decide/outcome.js'
import type { Account } from '../../ledger/account.js'
import type { AccountRecord } from '../../ledger/account-record.js'
import type { Grant } from '../../ledger/grant.js'
import type { Reservation } from '../../ledger/reservation.js'
import type { Transaction } from '../../ledger/transaction.js'
import type { Instant } from '../../time/instant.js'
import { type Answer, decideBatch, type Pending, type Request, type Settled } from '../batch.js'
import { CatalogCache } from '../catalog-cache.js'
import type { LedgerDatabase } from '../database.js'
import { GroupCommit } from '../group-commit.js'
import {
  type KindSum,
  LedgerUnavailable,
  type Orphan,
  type Reader,
  type RecordQuery,
  type SchemaChange,
  type SequenceRange,
  type Store,
  type StoreOpening,
  type TimeWindow,
  type TransactionQuery,
  type UsageQuery,
  type UsageSum,
  WHOLE_LEDGER,
} from '../port.js'
import { readAccount } from '../read-account.js'
import { type Connection, inRead, openConnection, unavailable, whenNotBusy } from './connection.js'
import { KeptState } from './kept-state.js'
import { answerFrom } from './loader.js'
import { OpenedFile } from './opened-file.js'
import { prepareStatements, type Statements } from './statements.js'
import { writeChanges } from './write-changes.js'
import { Writer } from './writer.js'

/**
 * A ledger in one SQLite file (or in memory). Several processes on one file are the normal case: every chat client
 * starts a server of its own.
 *
 * @throws SchemaTooNew, UnfinishedCopy, LedgerUnavailable
 */
export async function openSqliteStore(file: string, opening: StoreOpening = WHOLE_LEDGER): Promise<Store> {
  const { connection, schema } = await openConnection(file, opening)
  return new SqliteStore(file, connection, schema)
}

/** What reads and reports are made with. */
type Reads = Omit<typeof import('./reads.js'), 'builderOver'> & { readonly db: LedgerDatabase }

class SqliteStore implements Store {
  readonly location: string
  readonly schema: SchemaChange
  readonly #connection: Connection
  /** Null for a ledger in memory. */
  readonly #file: OpenedFile | null
  readonly #statements: Statements
  readonly #writer: Writer
  #reads: Promise<Reads> | undefined
  readonly #catalogs = new CatalogCache()
  readonly #kept = new KeptState()
  readonly #commits = new GroupCommit((pending) => this.#commit(pending))

  constructor(file: string, connection: Connection, schema: SchemaChange) {
    this.location = file
    this.schema = schema
    this.#connection = connection
    this.#file = connection.memory ? null : new OpenedFile(file)
    this.#statements = prepareStatements(connection)
    this.#writer = new Writer(connection)
  }

  update(command: Command, now: Instant): Promise<Outcome> {
    return this.#commits.enqueue(command, now)
  }

  async #commit(pending: readonly Pending[]): Promise<readonly Settled[]> {
    const isSynced = pending.some(({ command }) => mustBeSynced(command))
    const decide = () => this.#decide(pending)
    // What is kept is the database's own state only while this write is the last one; one that fails keeps nothing.
    return this.#guard(() => this.#kept.during(() => (isSynced ? this.#writer.synced(decide) : this.#writer.unsynced(decide))))
  }

  #decide(pending: readonly Pending[]) {
    const kept = this.#kept.asOf(this.#statements.dataVersion.get() ?? 0)
    const { settled, changes, loaded } = this.#run(decideBatch(pending, this.#loadCatalogs(), kept))
    for (const change of changes) writeChanges(this.#statements, change)
    return { result: settled, loaded }
  }

  async read<T>(account: string, now: Instant, reader: Reader<T>): Promise<T | null> {
    return this.#guard(() =>
      inRead(this.#connection, () => this.#run(readAccount(account, now, this.#loadCatalogs(), reader))),
    )
  }

  /** Answers a generator's requests until it returns. Everything here is one turn: nobody sees a write half done. */
  #run<T>(steps: Generator<Request, T, Answer>): T {
    let step = steps.next()
    while (step.done !== true) step = steps.next(answerFrom(this.#statements, step.value))
    return step.value
  }

  #loadCatalogs(): readonly CatalogVersion[] {
    const after = this.#catalogs.newest
    return this.#catalogs.add(this.#statements.catalogs.all(after), after)
  }

  get knownCatalogs(): readonly CatalogVersion[] {
    return this.#catalogs.versions
  }

  async catalogs(): Promise<readonly CatalogVersion[]> {
    return this.#guard(() => this.#loadCatalogs())
  }

  addCatalogs(versions: readonly NewCatalogVersion[], now: Instant): Promise<boolean> {
    const rows = versions.map(({ version, effectiveAt, catalog }) => ({ version, effectiveAt, createdAt: now, document: catalog.source }))
    // Where the first is the next one, those after it are as well: all are added or none.
    return this.#guard(() => this.#writer.synced(() => rows.every((row) => this.#statements.insertCatalog.run(row).changes === 1)))
  }

  sequences(account: string, window: TimeWindow): Promise<SequenceRange> {
    return this.#query(({ queries, db }) => queries.selectSequences(db, account, window))
  }

  transactions(query: TransactionQuery): Promise<readonly Transaction[]> {
    return this.#query(({ queries, db, labelOf }) => queries.selectTransactions(db, query, labelOf))
  }

  usage(query: UsageQuery): Promise<readonly UsageSum[]> {
    return this.#query(({ answered, usageSums, db, labelOf }) =>
      inRead(this.#connection, () => answered(this.#connection, usageSums(db, query, labelOf))),
    )
  }

  journal(account: string, after: number, limit: number): Promise<readonly Transaction[]> {
    return this.#query(({ queries, db }) => queries.selectJournal(db, account, after, limit))
  }

  grants(account: string, after: number, limit: number): Promise<readonly Grant[]> {
    return this.#query(({ queries, db }) => queries.selectGrants(db, account, after, limit))
  }

  reservations(account: string, after: number, limit: number): Promise<readonly Reservation[]> {
    return this.#query(({ queries, db }) => queries.selectReservations(db, account, after, limit))
  }

  accounts(after: string | null, limit: number): Promise<readonly Account[]> {
    return this.#query(({ queries, db }) => queries.selectAccounts(db, after, limit))
  }

  children(parent: string, after: string | null, limit: number): Promise<readonly Account[]> {
    return this.#query(({ recordQueries, db }) => recordQueries.selectChildren(db, parent, after, limit))
  }

  records(query: RecordQuery): Promise<readonly AccountRecord[]> {
    return this.#query(({ recordQueries, db }) => recordQueries.selectRecords(db, query))
  }

  recordByLookup(lookup: string): Promise<{ readonly account: string; readonly record: AccountRecord } | null> {
    return this.#query(({ recordQueries, db }) => recordQueries.selectRecordByLookup(db, lookup))
  }

  counters(account: string, budget: string | null, limit: number): Promise<readonly Counter[]> {
    return this.#query(({ recordQueries, db }) => recordQueries.selectCounters(db, account, budget, limit))
  }

  kindSums(account: string, range: SequenceRange): Promise<readonly KindSum[]> {
    return this.#query(({ recordQueries, db }) => recordQueries.selectKindSums(db, account, range))
  }

  /** The sums can be made again at any time, so nobody waits for the disk; it keeps the order in which they were written. */
  rollUp(account: string, limit: number): Promise<number> {
    return this.#query(({ answered, rollUp, usageTail, rollUpDialect, db }) => {
      const tail = inRead(this.#connection, () => answered(this.#connection, usageTail(db, account)))
      if (tail === 0 || limit <= 0) return tail
      return this.#writer.unsynced(() => answered(this.#connection, rollUp(db, account, limit, rollUpDialect)))
    })
  }

  orphans(limit: number): Promise<readonly Orphan[]> {
    return this.#query(({ recordQueries, db }) => recordQueries.selectOrphans(db, limit))
  }

  dueAccounts(at: Instant, limit: number): Promise<readonly string[]> {
    return this.#query(({ queries, db }) => queries.selectDueAccounts(db, at, limit))
  }

  async changeMark(): Promise<string> {
    return this.#guard(() => {
      const others = this.#connection.pragma('data_version', { simple: true }) as number
      return `${others}.${this.#ownWrites()}`
    })
  }

  /** `data_version` speaks of other connections only; our own writes are counted by SQLite as well. */
  #ownWrites(): number {
    const row = this.#connection.prepare<unknown[], { changes: number }>('select total_changes() as changes').get()
    return row?.changes ?? 0
  }

  async close(): Promise<void> {
    await this.#commits.close()
    await (await this.#reads)?.db.destroy()
    if (this.#connection.open) this.#connection.close()
  }

  /** Loaded by the first read that needs it: a query builder of hundreds of files is no part of a start or a charge. */
  async #query<T>(work: (reads: Reads) => T | Promise<T>): Promise<T> {
    this.#reads ??= import('./reads.js').then(({ builderOver, ...reads }) => ({ ...reads, db: builderOver(this.#connection) }))
    const reads = await this.#reads
    return this.#guard(() => work(reads))
  }

  /** Repeats `work` while other processes are in its way. */
  async #guard<T>(work: () => T | Promise<T>): Promise<T> {
    if (!this.#connection.open) throw new LedgerUnavailable('The ledger is closed', 'none')
    this.#file?.seeThatItIsThere()
    try {
      return await whenNotBusy(work)
    } catch (error) {
      throw unavailable(error)
    }
  }
}
