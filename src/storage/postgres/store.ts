import { Kysely, PostgresDialect, sql } from 'kysely'
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
import { jitterMs } from '../../random.js'
import type { Instant } from '../../time/instant.js'
import { type Answer, decideBatch, type Pending, type Request, type Settled } from '../batch.js'
import { CatalogCache, type CatalogRow } from '../catalog-cache.js'
import type { LedgerDatabase, LedgerTables } from '../database.js'
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
  type TimeWindow,
  type TransactionQuery,
  type UsageQuery,
  type UsageSum,
} from '../port.js'
import * as queries from '../queries.js'
import { readAccount } from '../read-account.js'
import * as recordQueries from '../record-queries.js'
import { rollUp, type RollUpDialect, type Steps, usageTail } from '../rollups.js'
import { usageSums } from '../usage-sums.js'
import { connectionPool, inRead, inUnsyncedWrite, inWrite, isConflict, type Query, unavailable, unreachable } from './connection.js'
import { answerFrom } from './loader.js'
import { migrate } from './migrate.js'
import { AccountOpenedMeanwhile, write } from './writer.js'

/** How often a write is tried that others were in the way of. Accounts are locked in one order, so even one is rare. */
const TRIES_MAX = 10

/** Longest pause before another try; jittered, so that those who met do not meet again. */
const PAUSE_MAX_MS = 20

/**
 * A ledger on PostgreSQL, for many machines. Its tables stand in the schema that the connection's `search_path` names
 * first.
 *
 * @throws SchemaTooNew, LedgerUnavailable
 */
export async function openPostgresStore(url: string): Promise<Store> {
  const location = locationOf(url)
  const pool = await connectionPool(url)
  try {
    return new PostgresStore(location, pool, await migrate(pool))
  } catch (error) {
    await pool.end()
    throw unavailable(error)
  }
}

/** Host and database; no user, password or setting. */
function locationOf(url: string): string {
  try {
    const { host, pathname } = new URL(url)
    return `postgres://${host}${pathname}`
  } catch (error) {
    throw new LedgerUnavailable('The address of the database is not a URL; expected postgres://user@host/database', 'none', error)
  }
}

class PostgresStore implements Store {
  readonly location: string
  readonly schema: SchemaChange
  readonly #pool: Pool
  readonly #db: LedgerDatabase
  readonly #catalogs = new CatalogCache()
  readonly #commits = new GroupCommit((pending) => this.#commit(pending))
  #closing: Promise<void> | null = null

  constructor(location: string, pool: Pool, schema: SchemaChange) {
    this.location = location
    this.schema = schema
    this.#pool = pool
    this.#db = new Kysely<LedgerTables>({ dialect: new PostgresDialect({ pool }) })
  }

  update(command: Command, now: Instant): Promise<Outcome> {
    return this.#commits.enqueue(command, now)
  }

  /** One short transaction, tried again as a whole where another process was in the way and nothing of it was kept. */
  async #commit(pending: readonly Pending[]): Promise<readonly Settled[]> {
    const inTransaction = pending.some(({ command }) => mustBeSynced(command)) ? inWrite : inUnsyncedWrite
    for (let tries = 1; ; tries += 1) {
      try {
        return await inTransaction(this.#pool, (query) => this.#decide(query, pending))
      } catch (error) {
        if (!isConflict(error) && !(error instanceof AccountOpenedMeanwhile)) throw unavailable(error)
        if (tries >= TRIES_MAX) throw new LedgerUnavailable('Other writes of the same accounts were in the way', 'none', error)
      }
      await new Promise((resolve) => setTimeout(resolve, jitterMs(PAUSE_MAX_MS)))
    }
  }

  async #decide(query: Query, pending: readonly Pending[]): Promise<readonly Settled[]> {
    const known = new Set<string>()
    const answer = async (request: Request): Promise<Answer> => {
      const answered = await answerFrom(query, request, true)
      if (answered.kind === 'accounts') for (const account of answered.accounts) if (account !== null) known.add(account.id)
      return answered
    }
    const { settled, changes } = await run(decideBatch(pending, await this.#loadCatalogs(query)), answer)
    await write(query, changes, known)
    return settled
  }

  read<T>(account: string, now: Instant, reader: Reader<T>): Promise<T | null> {
    return this.#whenOpen(() =>
      inRead(this.#pool, async (query) => {
        const catalogs = await this.#loadCatalogs(query)
        return run(readAccount(account, now, catalogs, reader), (request) => answerFrom(query, request, false))
      }),
    )
  }

  async #loadCatalogs(query: Query): Promise<readonly CatalogVersion[]> {
    const newer = 'select version, effective_at, created_at, document from catalogs where version > $1 order by version'
    const { rows } = await query<CatalogRow>(newer, [this.#catalogs.newest])
    return this.#catalogs.add(rows)
  }

  catalogs(): Promise<readonly CatalogVersion[]> {
    return this.#whenOpen(() => inRead(this.#pool, (query) => this.#loadCatalogs(query)))
  }

  /** Where the first is the next one, those after it are as well: all are added or none. */
  addCatalogs(versions: readonly NewCatalogVersion[], now: Instant): Promise<boolean> {
    const insert = `insert into catalogs (version, effective_at, created_at, document)
      select $1::int8, $2, $3, $4
      where $1 = 1 + (select coalesce(max(version), 0) from catalogs)
      on conflict (version) do nothing`
    return this.#whenOpen(() =>
      inWrite(this.#pool, async (query) => {
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
    return this.#query(() => queries.selectTransactions(this.#db, query, labelOf))
  }

  usage(query: UsageQuery): Promise<readonly UsageSum[]> {
    return this.#whenOpen(() => inRead(this.#pool, (ask) => answered(ask, usageSums(this.#db, query, labelOf))))
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
    return this.#query(() => recordQueries.selectKindSums(this.#db, account, range))
  }

  /** The sums can be made again at any time, so nobody waits for the disk. */
  rollUp(account: string, limit: number): Promise<number> {
    return this.#whenOpen(async () => {
      const tail = await inRead(this.#pool, (ask) => answered(ask, usageTail(this.#db, account)))
      if (tail === 0 || limit <= 0) return tail
      return inUnsyncedWrite(this.#pool, (ask) => answered(ask, rollUp(this.#db, account, limit, ROLL_UP_DIALECT)))
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
    await this.#db.destroy()
    // The query builder ends the pool only if it was ever asked something.
    if (!this.#pool.ending) await this.#pool.end()
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

async function answered<T>(ask: Query, steps: Steps<T>): Promise<T> {
  let step = steps.next()
  while (step.done !== true) step = steps.next((await ask(step.value.sql, step.value.parameters)).rows)
  return step.value
}
