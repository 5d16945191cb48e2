import type { Pool } from 'pg'
import { randomId } from '../../random.js'
import { migrationsOf, pendingMigrations } from '../migrations.js'
import { UnfinishedCopy } from '../port.js'
import { connectionPool, inRead, inUnsyncedWrite, inWrite, type Query, unavailable, WITHOUT_LIMIT } from '../postgres/connection.js'
import { MIGRATION_LOCK, migrate, schemaVersion } from '../postgres/migrate.js'
import { locationOf } from '../postgres/address.js'
import { columnsOf } from '../postgres/array-text.js'
import { markedSource } from '../postgres/unfinished-copy.js'
import { onConflictUpdate, type Table } from '../tables.js'
import { COPIED } from './copied-tables.js'
import { MARK, MARK_SCHEMA } from './mark.js'
import {
  CopyRefused,
  type CopySource,
  type CopyTarget,
  type JournalEnd,
  type Key,
  type LedgerRows,
  notEmpty,
  olderSchema,
  type Row,
  takenOver,
  type Value,
} from './sides.js'

const ALL_TABLES = COPIED.map(({ name }) => name).join(', ')

/** A copy takes as long as it takes; its statements are short, and what holds the source is one transaction. */
const WITHOUT_LIMITS = `
  set local statement_timeout = 0;
  set local idle_in_transaction_session_timeout = 0`

/**
 * Runs `work` on a ledger whose tables are locked against writes: others read on, and what they would write is refused
 * once they have waited for their ten seconds. Nothing in it is changed.
 *
 * @throws CopyRefused, SchemaTooNew, UnfinishedCopy, LedgerUnavailable
 */
export async function fromPostgres<T>(url: string, work: (source: CopySource) => Promise<T>): Promise<T> {
  const location = locationOf(url)
  return withPool(url, (pool) =>
    inWrite(pool, async ({ query }) => {
      const version = await schemaVersion(query)
      if (version === 0) throw new CopyRefused(`${location} holds no ledger`, ['Name the address of the ledger by --from.'])
      if (pendingMigrations(migrationsOf('postgres'), version).length > 0) throw olderSchema(location)
      const from = await markedSource(query)
      if (from !== null) throw new UnfinishedCopy(location, from)
      await query(`lock table ${ALL_TABLES} in share mode`)
      await query(WITHOUT_LIMITS)
      return work(new PostgresRows(location, (reading) => reading(query)))
    }),
  )
}

/** Runs `work` on a database to copy to. @throws CopyRefused, LedgerUnavailable */
export async function toPostgres<T>(url: string, work: (target: CopyTarget) => Promise<T>): Promise<T> {
  const location = locationOf(url)
  return withPool(url, async (pool) => {
    await migrate(url, pool)
    return work(new PostgresTarget(location, pool))
  })
}

async function withPool<T>(url: string, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = await connectionPool(url, { answerPatienceMs: WITHOUT_LIMIT })
  try {
    return await work(pool)
  } catch (error) {
    throw unavailable(error)
  } finally {
    await pool.end()
  }
}

type Asking = <T>(reading: (query: Query) => Promise<T>) => Promise<T>

type NamedRow = Readonly<Record<string, Value>>

class PostgresRows implements LedgerRows {
  readonly location: string
  readonly #ask: Asking

  constructor(location: string, ask: Asking) {
    this.location = location
    this.#ask = ask
  }

  async page(table: Table, after: Key | null, limit: number): Promise<readonly Row[]> {
    const { name, columns, key } = table
    const given = after ?? []
    const isAfter = after === null ? '' : `where (${key.join(', ')}) > (${key.map((_, index) => `$${index + 2}`).join(', ')})`
    const select = `select ${columns.join(', ')} from ${name} ${isAfter} order by ${key.join(', ')} limit $1`
    const { rows } = await this.#ask((query) => query<NamedRow>(select, [limit, ...given]))
    return rows.map((row) => columns.map((column) => row[column] as Value))
  }

  async journalEnds(after: string | null, limit: number): Promise<readonly JournalEnd[]> {
    type End = { readonly account: string; readonly sequence: string; readonly hash: Buffer }
    const { rows } = await this.#ask((query) => query<End>(JOURNAL_ENDS, [after ?? '', limit]))
    return rows.map(({ account, sequence, hash }) => ({ account, sequence: Number(sequence), hash: hash.toString('hex') }))
  }

  async count({ name }: Table): Promise<number> {
    const { rows } = await this.#ask((query) => query<{ count: string }>(`select count(*) as count from ${name}`))
    return Number(rows[0]?.count)
  }
}

const JOURNAL_ENDS = `
  select a.id as account, t.sequence, t.hash
  from accounts as a cross join lateral (
    select sequence, hash from transactions where account = a.id order by sequence desc limit 1
  ) as t
  where a.id > $1
  order by a.id
  limit $2`

const COLUMN_TYPES = `
  select attname as name, format_type(atttypid, null) as type
  from pg_attribute
  where attrelid = to_regclass(quote_ident(current_schema()) || '.' || quote_ident($1)) and attnum > 0 and not attisdropped`

class PostgresTarget extends PostgresRows implements CopyTarget {
  readonly #pool: Pool
  readonly #run = randomId()
  /** The types of columns, by table. */
  readonly #types = new Map<string, ReadonlyMap<string, string>>()

  constructor(location: string, pool: Pool) {
    super(location, (reading) => inRead(pool, reading))
    this.#pool = pool
  }

  origin(): Promise<string | null> {
    return inRead(this.#pool, markedSource)
  }

  begin(source: string): Promise<string | null> {
    return inWrite(this.#pool, async ({ query }) => {
      // Two that begin at once would both find nothing.
      await query(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`)
      const from = await markedSource(query)
      if (from === null) {
        await this.#seeThatItIsEmpty(query)
        await query(MARK_SCHEMA)
      }
      await query(`delete from ${MARK}`)
      await query(`insert into ${MARK} (source, writer) values ($1, $2)`, [source, this.#run])
      return from
    })
  }

  async #seeThatItIsEmpty(query: Query): Promise<void> {
    const filled: string[] = []
    for (const { name } of COPIED) {
      const { rows } = await query(`select 1 from ${name} limit 1`)
      if (rows.length > 0) filled.push(name)
    }
    if (filled.length > 0) throw notEmpty(this.location, filled)
  }

  async add(table: Table, rows: readonly Row[]): Promise<void> {
    const { name, columns } = table
    const replacing = name === 'accounts' ? onConflictUpdate(table) : ''
    await this.#write(async (query) => {
      const given = await this.#rowsGiven(query, name, columns)
      await query(`insert into ${name} (${columns.join(', ')}) select * from ${given} ${replacing}`, columnsOf(rows))
    })
  }

  async remove({ name, key }: Table, keys: readonly Key[]): Promise<void> {
    const isNamed = key.map((column) => `${name}.${column} = n.${column}`).join(' and ')
    await this.#write(async (query) => {
      const given = await this.#rowsGiven(query, name, key)
      await query(`delete from ${name} using ${given} where ${isNamed}`, columnsOf(keys))
    })
  }

  /** The rows to write as a table `n`: one array a column, so that a statement is the same for any number of rows. */
  async #rowsGiven(query: Query, table: string, columns: readonly string[]): Promise<string> {
    let types = this.#types.get(table)
    if (types === undefined) {
      const { rows } = await query<{ name: string; type: string }>(COLUMN_TYPES, [table])
      types = new Map(rows.map(({ name, type }) => [name, type]))
      this.#types.set(table, types)
    }
    const known = types
    const arrays = columns.map((column, index) => `$${index + 1}::${known.get(column)}[]`)
    return `unnest(${arrays.join(', ')}) as n (${columns.join(', ')})`
  }

  async analyze(): Promise<void> {
    await inWrite(this.#pool, async ({ query }) => {
      await query(WITHOUT_LIMITS)
      await query(`analyze ${ALL_TABLES}`)
    })
  }

  finish(): Promise<void> {
    return inWrite(this.#pool, async ({ query }) => {
      await this.#seeThatItIsOurs(query)
      await query(`drop table ${MARK}`)
    })
  }

  /** Not synced one by one: what is lost with the power is missing in the comparison that continues the copy. */
  async #write(work: (query: Query) => Promise<unknown>): Promise<void> {
    await inUnsyncedWrite(this.#pool, async ({ query }) => {
      await this.#seeThatItIsOurs(query)
      await work(query)
    })
  }

  /** Locks the mark, so that nobody takes the copy over in the middle of a write. */
  async #seeThatItIsOurs(query: Query): Promise<void> {
    if ((await markedSource(query)) === null) throw takenOver(this.location)
    const { rows } = await query(`select 1 from ${MARK} where writer = $1 for update`, [this.#run])
    if (rows.length === 0) throw takenOver(this.location)
  }
}
