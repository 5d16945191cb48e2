import assert from 'node:assert/strict'
import type { Pool, PoolClient, PoolConfig, QueryResultRow } from 'pg'
import { LedgerUnavailable } from '../port.js'
import { arrayText } from './array-text.js'
import { closingClient } from './closing-client.js'
import { connectionOf } from './full-server.js'

/** A statement of the write path: a connection parses and plans it once. Its name tells it from all others on a connection. */
export interface Prepared {
  readonly name: string
  readonly text: string
}

let prepared = 0

/** To be made once a statement, of which there are few: every connection keeps those that it has run. */
export function prepare(text: string): Prepared {
  prepared += 1
  return { name: `mcp_credits_${prepared}`, text }
}

/**
 * Runs one statement of the transaction under way. Those that are asked before an earlier one has answered go to the
 * server behind it at once: they are run in that order, each seeing what was committed before it began, and all
 * together take one way there and back.
 */
export type Query = <Row>(statement: Prepared | string, values?: readonly unknown[]) => Promise<Result<Row>>

/** What a transaction is made with. */
export interface Session {
  readonly query: Query
  /** Runs a statement of which the commit, sent behind it, tells whether it was done. */
  readonly send: (statement: Prepared | string, values: readonly unknown[]) => void
}

interface Result<Row> {
  readonly rows: readonly Row[]
  readonly rowCount: number | null
}

interface Answered<Row> extends Result<Row> {
  readonly command: string
}

const CONNECT_PATIENCE_MS = 10_000

/**
 * A server that is frozen, or behind a network that loses what is sent, says nothing. Longer than the server's own limit for
 * a statement, so that its answer comes first where there is one.
 */
const ANSWER_PATIENCE_MS = 15_000

/** For what takes as long as it takes: as the driver has it, no limit at all. */
export const WITHOUT_LIMIT = 0

/** A connection that nobody uses is closed; one that a charge a minute uses is not. */
const IDLE_MS = 90_000

interface PoolTerms {
  readonly connectionsMax?: number
  /** How long one waits for a connection. */
  readonly patienceMs?: number
  /** How long one waits for the answer to a statement. */
  readonly answerPatienceMs?: number
}

/**
 * A pool of connections to a database; none is made yet.
 *
 * @throws LedgerUnavailable when the driver is not installed: it is optional, for whoever keeps a ledger there.
 */
export async function connectionPool(
  url: string,
  { connectionsMax = 10, patienceMs = CONNECT_PATIENCE_MS, answerPatienceMs = ANSWER_PATIENCE_MS }: PoolTerms = {},
): Promise<Pool> {
  const { Client, Pool } = (await driver()).default
  const pool = new Pool({
    connectionString: url,
    max: connectionsMax,
    connectionTimeoutMillis: patienceMs,
    query_timeout: answerPatienceMs,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    pipeline: true,
    Client: closingClient(Client),
    application_name: 'mcp-credits',
  } as PoolConfig)
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
 * Settings of one transaction, for a session may be another program's next where a pooler stands in between. A process
 * that stops in the middle must not hold an account for long, so the server ends what takes longer than ten seconds.
 * Statements are planned once a connection, where the server knows that setting: left to itself it plans those with
 * arrays anew each time, because it takes ten values for more than the one that there is.
 */
const SETTINGS = `set_config('statement_timeout', '10000', true),
  set_config('idle_in_transaction_session_timeout', '10000', true),
  case when current_setting('plan_cache_mode', true) is not null then set_config('plan_cache_mode', 'force_generic_plan', true) end`

/** Where commits are set not to wait for the disk, ours do: an acknowledged charge survives a power cut. */
const SYNCED = `case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', true) end`

const BEGIN_READ = `begin isolation level repeatable read read only;select ${SETTINGS}`
const BEGIN_WRITE = `begin isolation level read committed;select ${SETTINGS},`
const BEGIN_SYNCED = `${BEGIN_WRITE} ${SYNCED}`
const BEGIN_UNSYNCED = `${BEGIN_WRITE} set_config('synchronous_commit', 'off', true)`

/** Runs `work` in one write. Each statement sees what was committed before it began. */
export function inWrite<T>(pool: Pool, work: (session: Session) => Promise<T>): Promise<T> {
  return inTransaction(pool, BEGIN_SYNCED, committed(work))
}

/** A write that others see at once and that reaches the disk a moment later, by itself or with the next one. */
export function inUnsyncedWrite<T>(pool: Pool, work: (session: Session) => Promise<T>): Promise<T> {
  return inTransaction(pool, BEGIN_UNSYNCED, committed(work))
}

/** Runs `work` on one snapshot of the database. */
export function inRead<T>(pool: Pool, work: (query: Query) => Promise<T>): Promise<T> {
  return inTransaction(pool, BEGIN_READ, async ({ query }) => {
    const result = await work(query)
    // Not as a write: where its answer is lost, nothing was made that somebody would have to hear of.
    await query('commit')
    return result
  })
}

function committed<T>(work: (session: Session) => Promise<T>): (statements: Statements) => Promise<T> {
  return async (statements) => {
    const result = await work(statements)
    await statements.commit()
    return result
  }
}

async function inTransaction<T>(pool: Pool, begin: string, work: (statements: Statements) => Promise<T>): Promise<T> {
  const client = await connected(pool)
  const statements = new Statements(client)
  let isBroken = true
  try {
    statements.send(begin, [])
    const result = await work(statements)
    isBroken = false
    return result
  } catch (error) {
    const cause = statements.failure ?? error
    if (!(cause instanceof LedgerUnavailable)) isBroken = !(await statements.rolledBack())
    throw cause
  } finally {
    // A broken connection is not used again; the server rolls back what it held.
    client.release(isBroken)
  }
}

/**
 * The server goes down or loses us while it commits, or is one of several that cannot tell what the others have done; or a
 * pooler has lost the server, and says so in the place of whichever answer is the next.
 */
const LEFT_OPEN = /^(08|57P|40003)/

/** The statements of one transaction, in the order in which they were sent. */
class Statements implements Session {
  readonly #client: PoolClient
  readonly #sent: Promise<unknown>[] = []
  /** Drivers before 8.23 take one statement at a time and send the next once it is answered. */
  #last: Promise<unknown> = Promise.resolve()
  /** What the first statement that failed came to: it is why those behind it fail, whoever hears of them first. */
  failure: unknown = undefined

  constructor(client: PoolClient) {
    this.#client = client
  }

  readonly query: Query = async <Row>(statement: Prepared | string, values: readonly unknown[] = []) => {
    try {
      return await this.#run<Row>(statement, values)
    } catch (error) {
      const cause = isAnswer(error) ? error : unreachable(error)
      this.failure ??= cause
      throw cause
    }
  }

  readonly send = (statement: Prepared | string, values: readonly unknown[]): void => {
    const answer = this.query(statement, values)
    answer.catch(() => undefined)
    this.#sent.push(answer)
  }

  /**
   * A commit that has no answer, or was ended by a server that goes down, may have been made: whoever asks must hear that.
   * It goes out behind the last statements without waiting for them. Where the server says that one of them failed, it
   * has undone them all. Behind a statement that did not go out there is none.
   */
  async commit(): Promise<void> {
    if (this.failure !== undefined) throw this.failure
    const [committed] = await Promise.allSettled([this.#run('commit', []), ...this.#sent])
    const reason: unknown = committed.status === 'rejected' ? committed.reason : undefined
    for (const error of [this.failure, reason]) if (isAnswer(error) && !LEFT_OPEN.test(error.code)) throw error
    const command = committed.status === 'fulfilled' ? committed.value.command : null
    if (command === 'COMMIT' && this.failure === undefined) return
    assert(command !== 'ROLLBACK' || this.failure !== undefined, 'a transaction of which no statement failed is committed')
    if (command === 'ROLLBACK') throw this.failure
    this.failure = new LedgerUnavailable('The connection to the ledger was lost during a write', 'unknown', this.failure ?? reason)
    throw this.failure
  }

  async rolledBack(): Promise<boolean> {
    try {
      await this.#run('rollback', [])
      return true
    } catch {
      return false
    }
  }

  #run<Row>(statement: Prepared | string, values: readonly unknown[]): Promise<Answered<Row>> {
    const asked = typeof statement === 'string' ? { text: statement } : statement
    const ask = (): Promise<Answered<Row>> => this.#client.query<Row & QueryResultRow>({ ...asked, values: values.map(valueText) })
    if ('pipeline' in this.#client && this.#client.pipeline === true) return ask()
    const answer = this.#last.then(ask)
    this.#last = answer.catch(() => undefined)
    return answer
  }
}

/** @throws LedgerUnavailable */
export async function connected(pool: Pool): Promise<PoolClient> {
  try {
    return await connectionOf(pool)
  } catch (error) {
    throw unreachable(error)
  }
}

function valueText(value: unknown): unknown {
  return Array.isArray(value) ? arrayText(value) : value
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
  [/^40(001|P01)/, 'another write was in its way'],
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
