import { existsSync, realpathSync } from 'node:fs'
import Database from 'better-sqlite3'
import { randomId } from '../../random.js'
import { migrationsOf, pendingMigrations } from '../migrations.js'
import { type Connection, openConnection, unavailable, whenNotBusy } from '../sqlite/connection.js'
import { insertInto } from '../sqlite/statements.js'
import { markedSource } from '../sqlite/unfinished-copy.js'
import { Writer } from '../sqlite/writer.js'
import { onConflictUpdate, type Table } from '../tables.js'
import { UnfinishedCopy } from '../port.js'
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

/**
 * Runs `work` on a ledger file that is held by a write which writes nothing: other processes read on, and what they
 * would write is refused once they have waited for their ten seconds. The file is neither migrated nor changed.
 *
 * @throws CopyRefused, SchemaTooNew, UnfinishedCopy, LedgerUnavailable
 */
export async function fromSqlite<T>(file: string, work: (source: CopySource) => Promise<T>): Promise<T> {
  if (!existsSync(file)) throw new CopyRefused(`There is no ledger at ${file}`, ['Name the file of the ledger by --from.'])
  const connection = connected(file)
  try {
    await failing(() => whenNotBusy(() => connection.exec('begin immediate')))
    await failing(() => seeThatItIsALedger(connection, file))
    return await work(new SqliteRows(connection, file))
  } finally {
    // Ends the write as well; a rollback that fails after a failed disk would hide why.
    connection.close()
  }
}

/** Runs `work` on a ledger file to copy to, which is made where there is none. @throws CopyRefused, LedgerUnavailable */
export async function toSqlite<T>(file: string, work: (target: CopyTarget) => Promise<T>): Promise<T> {
  const { connection } = await openConnection(file, { unfinishedCopy: 'opened' })
  try {
    return await work(new SqliteTarget(connection, file))
  } finally {
    connection.close()
  }
}

/** Whether two names are one file. */
export function isSameFile(one: string, other: string): boolean {
  return existsSync(one) && existsSync(other) && realpathSync(one) === realpathSync(other)
}

function connected(file: string): Connection {
  try {
    return new Database(file, { timeout: 0, fileMustExist: true })
  } catch (error) {
    throw unavailable(error)
  }
}

function seeThatItIsALedger(connection: Connection, file: string): void {
  const version = connection.pragma('user_version', { simple: true }) as number
  if (version === 0) throw new CopyRefused(`${file} holds no ledger`, ['Name the file of the ledger by --from.'])
  if (pendingMigrations(migrationsOf('sqlite'), version).length > 0) throw olderSchema(file)
  const source = markedSource(connection)
  if (source !== null) throw new UnfinishedCopy(file, source)
}

class SqliteRows implements LedgerRows {
  readonly location: string
  protected readonly connection: Connection
  readonly #pages = new Map<string, Database.Statement<unknown[], RawRow>>()

  constructor(connection: Connection, location: string) {
    this.connection = connection
    this.location = location
  }

  async page(table: Table, after: Key | null, limit: number): Promise<readonly Row[]> {
    return failing(() => this.#statement(pageQuery(table, after !== null)).all(...(after ?? []), limit).map(rowFrom))
  }

  async journalEnds(after: string | null, limit: number): Promise<readonly JournalEnd[]> {
    return failing(() => this.#statement(JOURNAL_ENDS).all(after ?? '', limit).map(journalEndFrom))
  }

  async count({ name }: Table): Promise<number> {
    const [[count] = []] = await failing(() => this.#statement(`select count(*) from ${name}`).all())
    return Number(count)
  }

  #statement(sql: string): Database.Statement<unknown[], RawRow> {
    let statement = this.#pages.get(sql)
    if (statement === undefined) {
      statement = this.connection.prepare<unknown[], RawRow>(sql).safeIntegers(true).raw(true)
      this.#pages.set(sql, statement)
    }
    return statement
  }
}

type RawRow = readonly (string | number | bigint | Buffer | null)[]

function rowFrom(row: RawRow): Row {
  return row.map((value): Value => (typeof value === 'bigint' ? String(value) : value))
}

function journalEndFrom(row: RawRow): JournalEnd {
  const [account, sequence, hash] = row
  return { account: account as string, sequence: Number(sequence), hash: (hash as Buffer).toString('hex') }
}

/** Integers of a key come as texts, and a text is never equal to an integer unless it is cast. */
function pageQuery({ name, columns, key }: Table, isAfter: boolean): string {
  const places = key.map((column) => (column === 'sequence' || column === 'version' ? 'cast(? as integer)' : '?'))
  const after = isAfter ? `where (${key.join(', ')}) > (${places.join(', ')})` : ''
  return `select ${columns.join(', ')} from ${name} ${after} order by ${key.join(', ')} limit ?`
}

const JOURNAL_ENDS = `
  select t.account, t.sequence, t.hash
  from accounts as a join transactions as t
    on t.account = a.id and t.sequence = (select max(sequence) from transactions where account = a.id)
  where a.id > ?
  order by a.id
  limit ?`

class SqliteTarget extends SqliteRows implements CopyTarget {
  readonly #writer: Writer
  readonly #run = randomId()
  readonly #writes = new Map<string, Database.Statement<unknown[]>>()

  constructor(connection: Connection, location: string) {
    super(connection, location)
    this.#writer = new Writer(connection)
  }

  async origin(): Promise<string | null> {
    return failing(() => markedSource(this.connection))
  }

  async begin(source: string): Promise<string | null> {
    return this.#write(() => {
      const from = markedSource(this.connection)
      if (from === null) {
        const filled = COPIED.filter(({ name }) => this.connection.prepare(`select 1 from ${name} limit 1`).get() !== undefined)
        if (filled.length > 0) throw notEmpty(this.location, filled.map(({ name }) => name))
        this.connection.exec(MARK_SCHEMA)
      }
      this.connection.prepare(`delete from ${MARK}`).run()
      this.connection.prepare(`insert into ${MARK} (source, writer) values (?, ?)`).run(source, this.#run)
      return from
    })
  }

  async add(table: Table, rows: readonly Row[]): Promise<void> {
    const statement = this.#prepared(table.name === 'accounts' ? `${insertInto(table)} ${onConflictUpdate(table)}` : insertInto(table))
    await this.#write(() => {
      this.#seeThatItIsOurs()
      for (const row of rows) statement.run(...row)
    })
  }

  async remove({ name, key }: Table, keys: readonly Key[]): Promise<void> {
    const statement = this.#prepared(`delete from ${name} where ${key.map((column) => `${column} = ?`).join(' and ')}`)
    await this.#write(() => {
      this.#seeThatItIsOurs()
      for (const one of keys) statement.run(...one)
    })
  }

  async analyze(): Promise<void> {
    // SQLite plans by its indexes alone, here as in every other ledger.
  }

  async finish(): Promise<void> {
    await failing(() =>
      whenNotBusy(() =>
        this.#writer.synced(() => {
          this.#seeThatItIsOurs()
          this.connection.exec(`drop table ${MARK}`)
        }),
      ),
    )
  }

  #seeThatItIsOurs(): void {
    if (markedSource(this.connection) === null) throw takenOver(this.location)
    const ours = this.connection.prepare(`select 1 from ${MARK} where writer = ?`).get(this.#run)
    if (ours === undefined) throw takenOver(this.location)
  }

  /** Not synced one by one: what is lost with the power is missing in the comparison that continues the copy. */
  #write<T>(work: () => T): Promise<T> {
    return failing(() => whenNotBusy(() => this.#writer.unsynced(work)))
  }

  #prepared(sql: string): Database.Statement<unknown[]> {
    let statement = this.#writes.get(sql)
    if (statement === undefined) {
      statement = this.connection.prepare<unknown[]>(sql)
      this.#writes.set(sql, statement)
    }
    return statement
  }
}

async function failing<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw unavailable(error)
  }
}
