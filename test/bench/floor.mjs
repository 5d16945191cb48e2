import Database from 'better-sqlite3'

/**
 * The least that a durable debit on this file system costs: one guarded update and one insert in a transaction of its
 * own, in WAL mode, synced at every commit.
 *
 * @param {string} file
 * @returns {{ debit: () => void, close: () => void }}
 */
export function openFloor(file) {
  const db = new Database(file)
  db.pragma('journal_mode = wal')
  db.pragma('synchronous = full')
  db.exec('create table balance (id integer primary key, left integer not null); insert into balance values (1, 1000000000)')
  db.exec('create table debit (id integer primary key, account integer not null, amount integer not null)')
  const update = db.prepare('update balance set left = left - 1 where id = 1 and left >= 1')
  const insert = db.prepare('insert into debit (account, amount) values (1, 1)')
  const debit = db.transaction(() => {
    update.run()
    insert.run()
  })
  return { debit: () => debit.immediate(), close: () => void db.close() }
}
