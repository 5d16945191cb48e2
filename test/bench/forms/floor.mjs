import assert from 'node:assert/strict'
import Database from 'better-sqlite3'
import { ACCOUNTS, formOf } from './form.mjs'

export const FLOOR = 'raw transaction'

/**
 * A file with the settings of a ledger. The driver lowers `synchronous` silently, so it is set last and read back.
 *
 * @param {string} file
 * @returns {import('better-sqlite3').Database}
 */
export function openFile(file) {
  const db = new Database(file)
  db.pragma('journal_mode = wal')
  db.pragma('synchronous = full')
  assert.equal(db.pragma('journal_mode', { simple: true }), 'wal')
  assert.equal(db.pragma('synchronous', { simple: true }), 2)
  return db
}

/**
 * The least that a durable debit on this file system costs: one guarded update and one insert in a transaction of its
 * own, in WAL mode, synced at every commit.
 *
 * @param {string} file
 * @returns {{ debit: (account?: number) => void, close: () => void }}
 */
export function openFloor(file) {
  const db = openFile(file)
  db.exec(
    `create table balance (id integer primary key, left integer not null);
     with recursive n (i) as (select 0 union all select i + 1 from n where i < ${ACCOUNTS - 1})
     insert into balance select i, 1000000000 from n;
     create table debit (id integer primary key, account integer not null, amount integer not null)`,
  )
  const update = db.prepare('update balance set left = left - 1 where id = ? and left >= 1')
  const insert = db.prepare('insert into debit (account, amount) values (?, 1)')
  const debit = db.transaction((/** @type {number} */ account) => {
    update.run(account)
    insert.run(account)
  })
  return { debit: (account = 0) => debit.immediate(account), close: () => void db.close() }
}

/** @param {string} file */
export async function floorForm(file) {
  const { debit, close } = openFloor(file)
  return formOf(FLOOR, async (account) => debit(account), close)
}
