import assert from 'node:assert/strict'
import Database from 'better-sqlite3'
import { LedgerUnavailable } from '../port.js'
import type { Connection } from './connection.js'

const LEVELS = { full: 2, normal: 1 } as const

/**
 * Writes of one connection. Each begins `immediate`: a deferred one that becomes a writer fails under load instead of
 * waiting. Whether its commit is synced to disk is set before it begins, so that nothing can fail once it is committed:
 * who is told of a failure may make the write again.
 */
export class Writer {
  readonly #connection: Connection
  readonly #begin: Database.Statement
  readonly #commit: Database.Statement
  #level: keyof typeof LEVELS | null = null

  constructor(connection: Connection) {
    this.#connection = connection
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
    this.#connection.exec(`pragma synchronous = ${level}`)
    assert.equal(this.#connection.pragma('synchronous', { simple: true }), LEVELS[level], 'a commit is synced as it was asked for')
    this.#level = level
  }

  /** A sync to disk that fails leaves open whether the disk has the write: that is said, and it is never made a second time. */
  #commitOrTell(): void {
    try {
      this.#commit.run()
    } catch (error) {
      const isOpen = error instanceof Database.SqliteError && error.code === 'SQLITE_IOERR_FSYNC'
      throw isOpen ? new LedgerUnavailable('The disk failed during a write of the ledger file', 'unknown', error) : error
    }
  }
}
