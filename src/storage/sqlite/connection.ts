import assert from 'node:assert/strict'
import Database from 'better-sqlite3'
import { type InTheWay, whenFree } from '../in-the-way.js'
import { LedgerUnavailable, type SchemaChange, type StoreOpening, UnfinishedCopy, WHOLE_LEDGER } from '../port.js'
import { migrate } from './migrate.js'
import { markedSource } from './unfinished-copy.js'

export type Connection = Database.Database

/**
 * Opens a ledger file, brings its schema up to date and makes sure of its durability.
 *
 * `synchronous` is set and read back on every connection: the driver is compiled to lower it silently to NORMAL once
 * the journal is in WAL mode, and then an acknowledged charge would not survive a power cut.
 *
 * @throws SchemaTooNew, UnfinishedCopy, LedgerUnavailable
 */
export async function openConnection(
  file: string,
  { unfinishedCopy }: StoreOpening = WHOLE_LEDGER,
): Promise<{ readonly connection: Connection; readonly schema: SchemaChange }> {
  const connection = connect(file)
  try {
    const mode = await whenNotBusy(() => connection.pragma('journal_mode = wal', { simple: true }))
    if (mode !== 'wal' && mode !== 'memory') throw new LedgerUnavailable(`The ledger file cannot keep a write-ahead log (${String(mode)})`, 'none')
    connection.pragma('synchronous = full')
    assert.equal(connection.pragma('synchronous', { simple: true }), 2, 'a commit is synced to disk before it is answered')
    connection.pragma('foreign_keys = on')
    const source = unfinishedCopy === 'opened' ? null : await whenNotBusy(() => markedSource(connection))
    if (source !== null) throw new UnfinishedCopy(file, source)
    return { connection, schema: await whenNotBusy(() => migrate(connection)) }
  } catch (error) {
    connection.close()
    throw unavailable(error)
  }
}

function connect(file: string): Connection {
  try {
    // Waiting inside the driver would block the event loop and lets one process win every time; we retry on a timer.
    return new Database(file, { timeout: 0 })
  } catch (error) {
    throw isWithoutBinary(error) ? new LedgerUnavailable(BUILD_IT, 'none', error) : unavailable(error)
  }
}

const BUILD_IT =
  'SQLite is not compiled for this Node.js: install scripts were not allowed when mcp-credits was installed, or Node.js has changed since. ' +
  'Run npm rebuild better-sqlite3, or install with --allow-scripts=better-sqlite3'

/** The driver's compiled part is looked for when the first file is opened. */
function isWithoutBinary(error: unknown): boolean {
  return error instanceof Error && (/bindings file/.test(error.message) || (error as NodeJS.ErrnoException).code === 'ERR_DLOPEN_FAILED')
}

/** Runs `work` on one snapshot of the database. */
export function inRead<T>(connection: Connection, work: () => T): T {
  connection.exec('begin')
  try {
    return work()
  } finally {
    if (connection.inTransaction) connection.exec('commit')
  }
}

/** Tries until no other process is in the way. @throws LedgerUnavailable after ten seconds */
export function whenNotBusy<T>(work: () => T | Promise<T>): Promise<T> {
  return whenFree(BUSY, work)
}

const BUSY: InTheWay = { isIt: isBusy, words: 'The ledger file is locked by another process', pauseMaxMs: 5 }

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && (error.code.startsWith('SQLITE_BUSY') || error.code.startsWith('SQLITE_LOCKED'))
}

/** What SQLite says of the machine, by the beginning of its code, in words of ours. */
const TROUBLES: readonly (readonly [code: RegExp, words: string])[] = [
  [/^SQLITE_FULL/, 'The disk of the ledger file is full'],
  [/^SQLITE_IOERR/, 'The disk of the ledger file failed, or has no room'],
  [/^SQLITE_READONLY/, 'The ledger file is read-only'],
  [/^SQLITE_(CANTOPEN|PERM|AUTH)/, 'The ledger file cannot be opened'],
  [/^SQLITE_(CORRUPT|NOTADB)/, 'The ledger file is damaged, or no ledger'],
  [/^SQLITE_NOMEM/, 'The machine has no memory left for the ledger file'],
]

/** Anything else that SQLite says is a bug and passes. */
export function unavailable(error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) {
    return error instanceof TypeError && /directory/i.test(error.message)
      ? new LedgerUnavailable('The folder of the ledger file does not exist', 'none', error)
      : error
  }
  const words = TROUBLES.find(([code]) => code.test(error.code))?.[1]
  return words === undefined ? error : new LedgerUnavailable(`${words} (${error.code})`, 'none', error)
}
