import Database from 'better-sqlite3'
import { copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { migrationsOf } from '../../src/storage/migrations.js'
import type { LedgerUnavailable } from '../../src/storage/port.js'
import { type Connection, openConnection, whenNotBusy } from '../../src/storage/sqlite/connection.js'
import { openSqliteStore } from '../../src/storage/sqlite/store.js'
import { audit, journalOf } from './audit.js'
import { catalogVersion, charge, createAccount, credits, doneOf, grant, T0 } from './fixtures.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcp-credits-sqlite-'))
})
afterAll(() => rm(folder, { recursive: true }))
afterEach(() => void vi.useRealTimers())

async function connected(file: string): Promise<Connection> {
  return (await openConnection(file)).connection
}

describe('a connection to a ledger file', () => {
  it('syncs every commit to disk, also when the file is opened again and by several at once', async () => {
    const file = join(folder, 'synchronous.db')
    const first = await connected(file)
    const more = await Promise.all([connected(file), connected(file), connected(':memory:')])
    for (const connection of [first, ...more]) {
      expect(connection.pragma('synchronous', { simple: true })).toBe(2)
      expect(connection.pragma('foreign_keys', { simple: true })).toBe(1)
    }
    expect(first.pragma('journal_mode', { simple: true })).toBe('wal')
    for (const connection of [first, ...more]) connection.close()
    const reopened = await connected(file)
    expect(reopened.pragma('synchronous', { simple: true })).toBe(2)
    reopened.close()
  })

  it('T17: ten that open a new file at once make its schema once', async () => {
    const file = join(folder, 'cold.db')
    const connections = await Promise.all(Array.from({ length: 10 }, () => connected(file)))
    expect(connections[0]?.pragma('user_version', { simple: true })).toBe(migrationsOf('sqlite').at(-1)?.number)
    for (const connection of connections) connection.close()
  })

  it('refuses a ledger of a newer schema, and leaves it as it is', async () => {
    const file = join(folder, 'newer.db')
    const raw = new Database(file)
    raw.pragma('user_version = 4711')
    raw.close()
    await expect(openSqliteStore(file)).rejects.toMatchObject({ name: 'SchemaTooNew', message: expect.stringContaining('4711') })
    const after = new Database(file)
    expect(after.prepare('select count(*) as tables from sqlite_master').get()).toEqual({ tables: 0 })
    after.close()
  })

  it('says that a file cannot be used: no folder, no database', async () => {
    const unavailable: Partial<LedgerUnavailable> = { name: 'LedgerUnavailable', outcome: 'none' }
    await expect(openSqliteStore(join(folder, 'missing', 'ledger.db'))).rejects.toMatchObject(unavailable)
    await expect(openSqliteStore(folder)).rejects.toMatchObject(unavailable)
    await writeFile(join(folder, 'text.db'), 'This is no database, but it is long enough to be looked at as one. '.repeat(20))
    await expect(openSqliteStore(join(folder, 'text.db'))).rejects.toMatchObject(unavailable)
  })

  it('T19: a file that was moved away, removed or replaced takes nothing and tells nothing; put back, it goes on', async () => {
    const file = join(folder, 'moved.db')
    const store = await openSqliteStore(file)
    await store.addCatalogs([catalogVersion()], T0)
    doneOf(await store.update(createAccount('a'), T0))
    doneOf(await store.update(grant('a', 10), T0))
    const available = () => store.read('a', T0, ({ account }) => account.books.available)
    const expectAway = async () => {
      const away: Partial<LedgerUnavailable> = { name: 'LedgerUnavailable', outcome: 'none' }
      await expect(store.update(charge('a', 1), T0)).rejects.toMatchObject(away)
      for (const asked of [available(), store.catalogs(), store.changeMark()]) await expect(asked).rejects.toMatchObject(away)
    }
    await rename(file, `${file}.away`)
    await expectAway()
    await copyFile(`${file}.away`, file)
    await expectAway()
    await rename(`${file}.away`, file)
    expect(await available()).toBe(credits(10))
    doneOf(await store.update(charge('a', 1), T0))
    expect(await available()).toBe(credits(9))
    await store.close()
  })

  it('T20: a write waits for another process without blocking the event loop, and is made when it is let', async () => {
    const file = join(folder, 'locked.db')
    const store = await openSqliteStore(file)
    await store.addCatalogs([catalogVersion()], T0)
    doneOf(await store.update(createAccount('a'), T0))
    const other = new Database(file)
    other.exec('begin immediate')
    let isAnswered = false
    const waiting = store.update(grant('a', 1), T0).finally(() => (isAnswered = true))
    for (let turns = 0; turns < 200; turns += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(isAnswered).toBe(false)
    expect(await store.read('a', T0, ({ account }) => account.sequence)).toBe(0)
    other.exec('commit')
    expect(doneOf(await waiting).account.books.available).toBe(credits(1))
    other.close()
    await store.close()
  })

  it('T20: a file that stays locked is given up after ten seconds, however long a try takes', async () => {
    const file = join(folder, 'stuck.db')
    const [holder, waiting] = [await connected(file), await connected(file)]
    holder.exec('begin immediate')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let tries = 0
    const given = whenNotBusy(async () => {
      tries += 1
      await new Promise((resolve) => setTimeout(resolve, 3_000))
      waiting.exec('begin immediate')
    })
    const refused = expect(given).rejects.toMatchObject({ name: 'LedgerUnavailable', outcome: 'none' })
    await vi.advanceTimersByTimeAsync(20_000)
    await refused
    expect([tries, vi.getTimerCount()]).toEqual([5, 0])
    holder.close()
    waiting.close()
  })

  it('a damaged row is found by its account alone: the rules of the schema do not let wrong sums in', async () => {
    const file = join(folder, 'rules.db')
    const store = await openSqliteStore(file)
    await store.addCatalogs([catalogVersion()], T0)
    doneOf(await store.update(createAccount('a'), T0))
    doneOf(await store.update(grant('a', 10), T0))
    doneOf(await store.update(charge('a', 1), T0))
    const raw = new Database(file)
    const broken = [
      'update accounts set available = available + 1',
      'update accounts set state = null',
      "update accounts set state = 'open'",
      'update grants set remaining = amount + 1',
      'update grants set remaining = -1',
      'update transactions set credits = -1',
      "update transactions set kind = 'gift'",
      "update transactions set hash = x'00'",
      "update transactions set account = 'b'",
      'update transactions set sequence = 1 where sequence = 2',
      "update transactions set at = 'yesterday'",
      "insert into catalogs select 1, effective_at, created_at, document from catalogs",
    ]
    raw.pragma('foreign_keys = on')
    for (const statement of broken) expect(() => raw.exec(statement), statement).toThrow(/constraint|cannot store/)
    raw.close()
    expect(await audit(store, 'a')).toEqual([])
    await store.close()
  })

  it('the view of entries says what the journal says', async () => {
    const file = join(folder, 'view.db')
    const store = await openSqliteStore(file)
    await store.addCatalogs([catalogVersion()], T0)
    doneOf(await store.update(createAccount('a'), T0))
    doneOf(await store.update(grant('a', 10), T0))
    doneOf(await store.update(charge('a', 2.5), T0))
    const expected = (await journalOf(store, 'a')).flatMap((row) =>
      row.entries.map(({ book, grant: of, amount, balanceAfter }, line) => ({
        account: 'a', sequence: row.sequence, line, book, grant_sequence: of, amount: Number(amount), balance_after: Number(balanceAfter),
      })),
    )
    await store.close()
    const raw = new Database(file)
    expect(raw.prepare('select * from entries order by account, sequence, line').all()).toEqual(expected)
    raw.close()
  })
})
