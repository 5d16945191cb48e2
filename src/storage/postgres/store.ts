import { CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely'
import type { Pool } from 'pg'
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
import { type Answer, type BatchResult, decideBatch, type Pending, type Request, type Settled } from '../batch.js'
import { CatalogCache } from '../catalog-cache.js'
import type { LedgerDatabase, LedgerTables } from '../database.js'
import { GroupCommit } from '../group-commit.js'
import type { LoadedAccount } from '../loaded-account.js'
import { type InTheWay, whenFree } from '../in-the-way.js'
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
import * as queries from '../queries.js'
import { readAccount } from '../read-account.js'
import * as recordQueries from '../record-queries.js'
import { rollUp, type RollUpDialect, type Steps, usageTail } from '../rollups.js'
import { usageSums } from '../usage-sums.js'
import { addressOf } from './address.js'
import {
  connected,
  connectionPool,
  inRead,
  inUnsyncedWrite,
  inWrite,
  isConflict,
  type Session,
  unavailable,
  unreachable,
} from './connection.js'
import { KeptState, type TakenAccounts } from './kept-state.js'
import { idsOf, loadBatch, type LoadedBatch } from './load-batch.js'
import { findAll, loadCatalogs, readAccounts } from './loader.js'
import { migrate } from './migrate.js'
import { openReplica, type Replica } from './replica.js'
import { seeThatItIsWhole } from './unfinished-copy.js'
import { AccountOpenedMeanwhile, write } from './writer.js'

/**
 * A ledger on PostgreSQL, for many machines. Its tables stand in the schema that the connection's `search_path` names
 * first.
 *
 * @throws SchemaTooNew, UnfinishedCopy, LedgerUnavailable
 */
export async function openPostgresStore(url: string, { unfinishedCopy }: StoreOpening = WHOLE_LEDGER): Promise<Store> {
  const { location, connections, replica } = addressOf(url)
  // A pool of its own for writes: however many read, a write need not wait for a connection.
  const writes = await connectionPool(url, { connectionsMax: 1 })
  try {
    if (unfinishedCopy === 'refused') await seeThatItIsWhole(writes, location)
    const schema = await migrate(url, writes)
    const reads = await connectionPool(url, { connectionsMax: connections - 1 })
    return new PostgresStore({ location, schema, writes, reads, replica: replica === null ? null : await openReplica(replica, connections) })
  } catch (error) {
    await writes.end()
    throw unavailable(error)
  }
}

interface Opened {
  readonly location: string
  readonly schema: SchemaChange
  readonly writes: Pool
  readonly reads: Pool
  readonly replica: Replica | null
}

class PostgresStore implements Store {
  readonly location: string
  readonly schema: SchemaChange
  readonly #writes: Pool
  readonly #reads: Pool
  readonly #db: LedgerDatabase
  readonly #replica: Replica | null
  readonly #catalogs = new CatalogCache()
  readonly #kept = new KeptState()
  readonly #commits = new GroupCommit((pending) => this.#commit(pending))
  #closing: Promise<void> | null = null

  constructor({ location, schema, writes, reads, replica }: Opened) {
    this.location = location
    this.schema = schema
    this.#writes = writes
    this.#reads = reads
    const pool = { connect: () => connected(reads), end: () => reads.end() }
    this.#db = new Kysely<LedgerTables>({ dialect: new PostgresDialect({ pool }) })
    this.#replica = replica
    // Another connection may lead to another server, one that took over and lacks what was known here.
    writes.on('connect', () => {
      this.#kept.clear()
      this.#catalogs.doubt()
    })
  }

  update(command: Command, now: Instant): Promise<Outcome> {
    return this.#commits.enqueue(command, now)
  }

  /** One short transaction, tried again as a whole where another process was in the way and nothing of it was kept. */
  async #commit(pending: readonly Pending[]): Promise<readonly Settled[]> {
    const inTransaction = pending.some(({ command }) => mustBeSynced(command)) ? inWrite : inUnsyncedWrite
    return whenNoConflict(async () => {
      const written = await inTransaction(this.#writes, (session) => this.#decide(session, pending))
      this.#keep(written)
      return written.settled
    })
  }

  async #decide(session: Session, pending: readonly Pending[]): Promise<Written> {
    const taken = this.#kept.take(idsOf(pending))
    const { catalogs, kept, marks, answer } = await loadBatch(session.query, pending, taken, this.#catalogs)
    const decided = await run(decideBatch(pending, catalogs, kept), answer)
    await write(session, decided.changes, new Set(marks.keys()))
    return { ...decided, taken, marks }
  }

  #keep({ loaded, changes, taken, marks }: Written): void {
    const changed = new Set(changes.map(({ account }) => account?.id))
    for (const [id, account] of loaded) {
      if (!isThere(account)) continue
      const found = marks.get(id)
      const revision = found === undefined ? FIRST_REVISION : found.revision + Number(changed.has(id))
      this.#kept.keep(account, { taken, found, now: { revision, head: account.account.head } })
    }
  }

  /** The account and the catalogs come in the first message to the server. */
  read<T>(account: string, now: Instant, reader: Reader<T>): Promise<T | null> {
    return this.#whenOpen(() =>
      inRead(this.#reads, async (query) => {
        const [found, catalogs] = await Promise.all([readAccounts(query, [account]), loadCatalogs(query, this.#catalogs)])
        return run(readAccount(account, now, catalogs, reader), async (request) =>
          request.kind === 'rows'
            ? { kind: 'rows', found: await findAll(query, request.needs) }
            : { kind: 'accounts', accounts: request.ids.map((id) => found.get(id)?.account ?? null) },
        )
      }),
    )
  }

  get knownCatalogs(): readonly CatalogVersion[] {
    return this.#catalogs.versions
  }

  catalogs(): Promise<readonly CatalogVersion[]> {
    return this.#whenOpen(() => inRead(this.#reads, (query) => loadCatalogs(query, this.#catalogs)))
  }

  /** Where the first is the next one, those after it are as well: all are added or none. */
  addCatalogs(versions: readonly NewCatalogVersion[], now: Instant): Promise<boolean> {
    const insert = `insert into catalogs (version, effective_at, created_at, document)
      select $1::int8, $2, $3, $4
      where $1 = 1 + (select coalesce(max(version), 0) from catalogs)
      on conflict (version) do nothing`
    return this.#whenOpen(() =>
      inWrite(this.#reads, async ({ query }) => {
        for (const { version, effectiveAt, catalog } of versions) {
          const { rowCount } = await query(insert, [version, effectiveAt, now, catalog.source])
          if (rowCount !== 1) return false
        }
        return true
      }),
    )
  }

  sequences(account: string, window: TimeWindow): Promise<SequenceRange> {
    return this.#query(() => queries.selectSequences(this.#db, account, window))
  }

  transactions(query: TransactionQuery): Promise<readonly Transaction[]> {
    return this.#query(() => this.#report(query.account, (db) => queries.selectTransactions(db, query, labelOf)))
  }

  usage(query: UsageQuery): Promise<readonly UsageSum[]> {
    return this.#query(() =>
      this.#report(
        query.account,
        (db) => answered((text, values) => db.executeQuery(CompiledQuery.raw(text, [...values])), usageSums(db, query, labelOf)),
        () => inRead(this.#reads, (ask) => answered(ask, usageSums(this.#db, query, labelOf))),
      ),
    )
  }

  /** What decides nothing is read from the replica, where there is one that has all of the account's journal. */
  async #report<T>(
    account: string,
    report: (db: LedgerDatabase) => Promise<T>,
    onPrimary: () => Promise<T> = () => report(this.#db),
  ): Promise<T> {
    if (this.#replica === null) return onPrimary()
    const { last } = await queries.selectSequences(this.#db, account, {})
    const told = await this.#replica.report(account, last, report)
    return told === null ? onPrimary() : told.report
  }

  journal(account: string, after: number, limit: number): Promise<readonly Transaction[]> {
    return this.#query(() => queries.selectJournal(this.#db, account, after, limit))
  }

  grants(account: string, after: number, limit: number): Promise<readonly Grant[]> {
    return this.#query(() => queries.selectGrants(this.#db, account, after, limit))
  }

  reservations(account: string, after: number, limit: number): Promise<readonly Reservation[]> {
    return this.#query(() => queries.selectReservations(this.#db, account, after, limit))
  }

  accounts(after: string | null, limit: number): Promise<readonly Account[]> {
    return this.#query(() => queries.selectAccounts(this.#db, after, limit))
  }

  children(parent: string, after: string | null, limit: number): Promise<readonly Account[]> {
    return this.#query(() => recordQueries.selectChildren(this.#db, parent, after, limit))
  }

  records(query: RecordQuery): Promise<readonly AccountRecord[]> {
    return this.#query(() => recordQueries.selectRecords(this.#db, query))
  }

  recordByLookup(lookup: string): Promise<{ readonly account: string; readonly record: AccountRecord } | null> {
    return this.#query(() => recordQueries.selectRecordByLookup(this.#db, lookup))
  }

  counters(account: string, budget: string | null, limit: number): Promise<readonly Counter[]> {
    return this.#query(() => recordQueries.selectCounters(this.#db, account, budget, limit))
  }

  kindSums(account: string, range: SequenceRange): Promise<readonly KindSum[]> {
    return this.#query(() => this.#report(account, (db) => recordQueries.selectKindSums(db, account, range)))
  }

  /** The sums can be made again at any time, so nobody waits for the disk. */
  rollUp(account: string, limit: number): Promise<number> {
    return this.#whenOpen(async () => {
      const tail = await inRead(this.#reads, (ask) => answered(ask, usageTail(this.#db, account)))
      if (tail === 0 || limit <= 0) return tail
      return inUnsyncedWrite(this.#reads, ({ query }) => answered(query, rollUp(this.#db, account, limit, ROLL_UP_DIALECT)))
    })
  }

  orphans(limit: number): Promise<readonly Orphan[]> {
    return this.#query(() => recordQueries.selectOrphans(this.#db, limit))
  }

  dueAccounts(at: Instant, limit: number): Promise<readonly string[]> {
    return this.#query(() => queries.selectDueAccounts(this.#db, at, limit))
  }

  /**
   * The snapshot: which of the server's transactions a reader sees. A write becomes visible by its transaction's
   * leaving this text or by the text's going past it, so no change is missed; other work on the server changes it too.
   */
  changeMark(): Promise<string> {
    return this.#query(async () => {
      const { rows } = await sql<{ mark: string }>`select pg_current_snapshot()::text as mark`.execute(this.#db)
      return (rows[0] as { mark: string }).mark
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#commits.close()
    await this.#replica?.close()
    await this.#db.destroy()
    // The query builder ends its pool only if it was ever asked something.
    if (!this.#reads.ending) await this.#reads.end()
    await this.#writes.end()
  }

  async #whenOpen<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== null) throw new LedgerUnavailable('The ledger is closed', 'none')
    try {
      return await work()
    } catch (error) {
      throw unavailable(error)
    }
  }

  /** The query builder speaks to the pool itself, so what it throws may be a connection that failed. */
  async #query<T>(work: () => Promise<T>): Promise<T> {
    return this.#whenOpen(async () => {
      try {
        return await work()
      } catch (error) {
        throw unreachable(error)
      }
    })
  }
}

/** A batch that was decided, with what was known of its accounts and how they were found. */
type Written = BatchResult & Pick<LoadedBatch, 'marks'> & { readonly taken: TakenAccounts }

function isThere(loaded: LoadedAccount): loaded is LoadedAccount & { readonly account: Account } {
  return loaded.account !== null
}

/** What an account is opened with. */
const FIRST_REVISION = 0

/**
 * Accounts are locked in one order, so on PostgreSQL itself even a second try is rare; an engine that is always serializable
 * lets one of those who meet through and refuses the rest.
 */
const CONFLICT: InTheWay = {
  isIt: (error) => isConflict(error) || error instanceof AccountOpenedMeanwhile,
  words: 'Other writes of the same accounts were in the way',
  pauseMaxMs: 20,
}

/** Tries again as a whole: each time nothing of the last try was kept. */
async function whenNoConflict<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await whenFree(CONFLICT, work)
  } catch (error) {
    throw unavailable(error)
  }
}

/** Answers a generator's requests, each awaited, until it returns. */
async function run<T>(steps: Generator<Request, T, Answer>, answer: (request: Request) => Promise<Answer>): Promise<T> {
  let step = steps.next()
  while (step.done !== true) step = steps.next(await answer(step.value))
  return step.value
}

function labelOf(column: string, name: string) {
  return sql<string | null>`(${sql.ref(column)}::jsonb ->> ${name}::text)`
}

/** An index of PostgreSQL takes no text of a kilobyte and more, so a key is identified by its digest. */
const ROLL_UP_DIALECT: RollUpDialect = {
  labelRows: (column) => sql`jsonb_each_text(${sql.ref(column)}::jsonb) as l (key, value)`,
  lock: (table) => sql`for update of ${sql.ref(table)}`,
  keyColumns: [
    { name: 'key_digest', value: sql`sha256(convert_to(key, 'UTF8'))` },
    { name: 'key', value: sql.ref('key') },
  ],
}

type Ask = (text: string, values: readonly unknown[]) => Promise<{ readonly rows: readonly unknown[] }>

async function answered<T>(ask: Ask, steps: Steps<T>): Promise<T> {
  let step = steps.next()
  while (step.done !== true) step = steps.next((await ask(step.value.sql, step.value.parameters)).rows)
  return step.value
}
