import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import Database from 'better-sqlite3'
import { LedgerUnavailable } from '../port.js'
import type { Connection } from './connection.js'
import { writeLogAgain } from './log-again.js'

const LEVELS = { full: 2, normal: 1 } as const

/**
 * After how many pages of its log (4 KiB each) SQLite moves them into the ledger file. Four times its own number: a batch on
 * many accounts touches hundreds of pages, of which most come again in the next, and each is moved once. It begins with a sync
 * of the log whose failure it tells nobody. After a synced commit there is nothing left to sync, so that it waits for one:
 * without one the log grows as far only where sums are made anew in bulk.
 */
const CHECKPOINT_PAGES = { full: 4_000, normal: 16_000 } as const

/**
 * Writes of one connection. Each begins `immediate`: a deferred one that becomes a writer fails under load instead of
 * waiting. Whether its commit is synced to disk is set before it begins, so that nothing can fail once it is committed:
 * who is told of a failure may make the write again.
 */
export class Writer {
  readonly #connection: Connection
  readonly #file: string
  readonly #begin: Database.Statement
  readonly #commit: Database.Statement
  #level: keyof typeof LEVELS | null = null
  /** Whether a sync has failed since the log was last known to be on the disk. */
  #isLogInDoubt = false

  constructor(connection: Connection) {
    this.#connection = connection
    this.#file = resolve(connection.name)
    this.#begin = connection.prepare('begin immediate')
    this.#commit = connection.prepare('commit')
  }

  /** Runs `work` in one write that is on the disk when this returns. */
  synced<T>(work: () => T): T {
    return this.#run(work, 'full')
  }

  /** Runs `work` in one write that others see at once and that reaches the disk with the next synced one. */
  unsynced<T>(work: () => T): T {
    return this.#run(work, 'normal')
  }

  #run<T>(work: () => T, level: keyof typeof LEVELS): T {
    this.#setLevel(level)
    this.#begin.run()
    try {
      this.#seeThatLogIsKept()
      const result = work()
      this.#commitOrTell()
      return result
    } catch (error) {
      if (this.#connection.inTransaction) this.#connection.exec('rollback')
      throw error
    }
  }

  /** By `exec`, because a prepared pragma of this kind acts when it is prepared; read back, because the driver may lower it. */
  #setLevel(level: keyof typeof LEVELS): void {
    if (this.#level === level) return
    this.#level = null
    this.#connection.exec(`pragma synchronous = ${level}; pragma wal_autocheckpoint = ${CHECKPOINT_PAGES[level]}`)
    assert.equal(this.#connection.pragma('synchronous', { simple: true }), LEVELS[level], 'a commit is synced as it was asked for')
    this.#level = level
  }

  /**
   * A write whose end is not known is said to be such, and never made a second time. Only where its last page did not reach
   * the log is it certain that nobody will find it there: a sync that fails leaves open whether the disk has it, and where
   * the log has it and its index does not, a process that makes the index anew finds it.
   */
  #commitOrTell(): void {
    try {
      this.#commit.run()
    } catch (error) {
      if (!(error instanceof Database.SqliteError) || NOT_MADE.test(error.code)) throw error
      this.#isLogInDoubt ||= error.code === 'SQLITE_IOERR_FSYNC'
      throw new LedgerUnavailable(`The disk failed during a write of the ledger file (${error.code})`, 'unknown', error)
    }
  }

  /** To be called inside a write, so that nobody else is at the log. Until it is on the disk, nothing is added to it. */
  #seeThatLogIsKept(): void {
    if (!this.#isLogInDoubt) return
    writeLogAgain(this.#file)
    this.#isLogInDoubt = false
  }
}

/** What a commit fails with that was not made. */
const NOT_MADE = /^SQLITE_(BUSY|LOCKED|FULL|CONSTRAINT|IOERR_WRITE)/
