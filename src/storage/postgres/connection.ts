import type { Pool, PoolClient, QueryResultRow } from 'pg'
import { LedgerUnavailable } from '../port.js'

/** Runs one statement of the transaction under way. */
export type Query = <Row>(text: string, values?: readonly unknown[]) => Promise<Result<Row>>

interface Result<Row> {
  readonly rows: readonly Row[]
  readonly rowCount: number | null
}

/** One writes at a time in a process; the rest of the connections are for reads. */
const CONNECTIONS_MAX = 10

const CONNECT_PATIENCE_MS = 10_000

/** Longer than the server's own limit, so that the server's answer comes first where there is one. */
const ANSWER_PATIENCE_MS = 60_000

/**
 * A pool of connections to a database; none is made yet.
 *
 * @throws LedgerUnavailable when the driver is not installed: it is optional, for whoever keeps a ledger there.
 */
export async function connectionPool(url: string): Promise<Pool> {
  const { Pool } = (await driver()).default
  const pool = new Pool({
    connectionString: url,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_PATIENCE_MS,
    query_timeout: ANSWER_PATIENCE_MS,
    keepAlive: true,
    application_name: 'mcp-credits',
  })
  // A connection that breaks says so by an event, which would end the process; the next statement on it fails anyway.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

async function driver(): Promise<typeof import('pg')> {
  try {
    return await import('pg')
  } catch (error) {
    throw new LedgerUnavailable('A ledger on PostgreSQL needs the package pg. Install it: npm install pg', 'none', error)
  }
}

/**
 * A process that stops in the middle must not hold an account for long, so the server ends what takes longer than ten
 * seconds. Where commits are set not to wait for the disk, ours do: an acknowledged charge survives a power cut.
 */
const LIMITS = `
  set local statement_timeout = 10000;
  set local idle_in_transaction_session_timeout = 10000;
  select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') = 'off'`

/** Runs `work` in one write. Each statement sees what was committed before it began. */
export function inWrite<T>(pool: Pool, work: (query: Query) => Promise<T>): Promise<T> {
  return inTransaction(pool, `begin isolation level read committed;${LIMITS}`, work)
}

/** A write that others see at once and that reaches the disk a moment later, by itself or with the next one. */
export function inUnsyncedWrite<T>(pool: Pool, work: (query: Query) => Promise<T>): Promise<T> {
  return inTransaction(pool, `begin isolation level read committed;${LIMITS};set local synchronous_commit = off`, work)
}

/** Runs `work` on one snapshot of the database. */
export function inRead<T>(pool: Pool, work: (query: Query) => Promise<T>): Promise<T> {
  return inTransaction(pool, `begin isolation level repeatable read read only;${LIMITS}`, work)
}

async function inTransaction<T>(pool: Pool, begin: string, work: (query: Query) => Promise<T>): Promise<T> {
  const client = await connected(pool)
  const query: Query = (text, values) => answered(client, text, values)
  let isBroken = true
  try {
    await query(begin)
    const result = await work(query)
    await commit(client)
    isBroken = false
    return result
  } catch (error) {
    if (!(error instanceof LedgerUnavailable)) isBroken = !(await rolledBack(client))
    throw error
  } finally {
    // A broken connection is not used again; the server rolls back what it held.
    client.release(isBroken)
  }
}

async function connected(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    throw unreachable(error)
  }
}

async function answered<Row>(client: PoolClient, text: string, values: readonly unknown[] = []): Promise<Result<Row>> {
  try {
    return await client.query<Row & QueryResultRow>(text, [...values])
  } catch (error) {
    throw isAnswer(error) ? error : unreachable(error)
  }
}

/** A commit without an answer, or ended by a server that goes down, may have been made: whoever asks must hear that. */
async function commit(client: PoolClient): Promise<void> {
  try {
    await client.query('commit')
  } catch (error) {
    if (isAnswer(error) && !/^(08|57P)/.test(error.code)) throw error
    throw new LedgerUnavailable('The connection to the ledger was lost during a write', 'unknown', error)
  }
}

async function rolledBack(client: PoolClient): Promise<boolean> {
  try {
    await client.query('rollback')
    return true
  } catch {
    return false
  }
}

/** What the server said, with a code of five characters, as against a connection that failed. */
function isAnswer(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'severity' in error && 'code' in error && typeof error.code === 'string'
}

/** A write that another one was in the way of; it was rolled back, and trying again is the remedy. */
export function isConflict(error: unknown): boolean {
  return isAnswer(error) && (error.code === '40001' || error.code === '40P01')
}

/** What a server that does not serve says, by the beginning of its code, in words of ours: its own name users and tables. */
const ANSWERS: readonly (readonly [code: RegExp, words: string])[] = [
  [/^08/, 'it ended the connection'],
  [/^28/, 'it refuses the user or the password'],
  [/^3D/, 'it has no database of this name'],
  [/^42501/, 'the user has no right to do this'],
  [/^53/, 'it has no connection, memory or disk space left'],
  [/^55P03/, 'a lock was held for too long'],
  [/^(57014|25P03)/, 'it took too long'],
  [/^57/, 'it is starting or going down'],
  [/^58/, 'it has trouble with its files'],
  [/^25006/, 'it is read-only'],
]

/**
 * What a server says that does not serve: it is full, goes down, is read-only, out of time, or refuses the user. Anything
 * else that it says is a bug and passes. The server's words stay in the cause.
 */
export function unavailable(error: unknown): unknown {
  if (!isAnswer(error)) return error
  const words = ANSWERS.find(([code]) => code.test(error.code))?.[1]
  return words === undefined ? error : new LedgerUnavailable(`The database does not serve: ${words} (${error.code})`, 'none', error)
}

/** As above, for what comes from the driver itself, which says of a failed connection no more than that it is an error. */
export function unreachable(error: unknown): unknown {
  if (isAnswer(error)) return unavailable(error)
  const isConnection = error instanceof AggregateError || (error instanceof Error && error.name === 'Error')
  return isConnection ? new LedgerUnavailable(`The database cannot be reached: ${failureOf(error)}`, 'none', error) : error
}

/** What the driver says of a connection that failed without a code of the machine's. */
const FAILURES: readonly (readonly [message: RegExp, words: string])[] = [
  [/timeout/i, 'it did not answer in time'],
  [/password/i, 'it asks for a password'],
  [/SSL/, 'it and its address do not agree about TLS'],
]

/** The machine's own codes (ECONNREFUSED, ENOTFOUND) name no host; the messages beside them do. */
function failureOf(error: Error & { readonly code?: unknown }): string {
  if (typeof error.code === 'string') return error.code
  return FAILURES.find(([message]) => message.test(error.message))?.[1] ?? 'the connection was lost'
}
