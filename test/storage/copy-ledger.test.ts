import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copyLedger, type CopyProgress, openCredits } from '../../src/index.js'
import { COPIED, NOT_COPIED } from '../../src/storage/copy/copied-tables.js'
import { copyRows, type RowsCopied } from '../../src/storage/copy/copy-rows.js'
import { fromLedger, toLedger } from '../../src/storage/copy/copy-sides.js'
import { openStore } from '../../src/storage/open-store.js'
import { relayThatCuts } from '../support/cut-connection.js'
import { createTestDatabase, type TestDatabase } from '../support/postgres.js'
import { newSeed, seededRandom } from '../support/seeded-random.js'
import { OF_POSTGRES_ALONE, rawRows, TABLES } from './raw-rows.js'
import { CHILD, expectRichLedger, fillRichLedger, type RichFacts } from './rich-ledger.js'

const seed = newSeed()
const random = seededRandom(seed)
const databases: TestDatabase[] = []
let folder: string
let source: string
let facts: RichFacts

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-credits-copy-'))
  source = join(folder, 'source.db')
  facts = await fillRichLedger(source, seed, { steps: 150, charges: 1_200 })
  checkpoint(source)
})

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  for (const database of databases) await database.drop()
})

/** Whatever stands in the log is in the file, so that the file can be copied. */
function checkpoint(file: string): void {
  const connection = new Database(file)
  connection.pragma('wal_checkpoint(truncate)')
  connection.close()
}

let files = 0

function newFile(): string {
  files += 1
  return join(folder, `ledger-${files}.db`)
}

/** A ledger like the source, to be changed. */
function ownSource(): string {
  const file = newFile()
  copyFileSync(source, file)
  return file
}

async function newDatabase(): Promise<string> {
  const database = await createTestDatabase()
  databases.push(database)
  return database.url
}

const KINDS = { SQLite: newFile, PostgreSQL: newDatabase } as const

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => ({ code: 'done', message: '', advice: [] as readonly string[], retryable: null }),
    (error: { code: string; message: string; advice: readonly string[]; retryable: boolean }) => error,
  )

async function headOf(database: string): Promise<string> {
  const credits = await openCredits({ database, clock: { now: () => facts.now } })
  const { head } = await credits.verify({ account: CHILD })
  await credits.close()
  return head ?? ''
}

/** One run of a copy in pages of so many rows, without its last check. */
function run(from: string, to: string, pageSize: number): Promise<RowsCopied> {
  return fromLedger(from, (held) =>
    toLedger(to, async (filled) => {
      const copied = await copyRows(held, filled, () => undefined, pageSize)
      await filled.finish()
      return copied
    }),
  )
}

/** Begins a copy and ends its run once a table is reached, as a process does that is killed there. */
async function cutAt(table: string, from: string, to: string, pageSize = 50): Promise<void> {
  const cut = new Error('cut')
  const onRows = (reached: string): void => {
    if (reached === table) throw cut
  }
  await expect(fromLedger(from, (held) => toLedger(to, (filled) => copyRows(held, filled, onRows, pageSize)))).rejects.toBe(cut)
}

describe(`a ledger is copied with every row as it is (seed ${seed})`, () => {
  it.each([
    ['SQLite', 'SQLite'],
    ['SQLite', 'PostgreSQL'],
    ['PostgreSQL', 'SQLite'],
    ['PostgreSQL', 'PostgreSQL'],
  ] as const)('T44: from %s to %s, the source untouched; what was begun before goes on in the copy', async (one, other) => {
    const from = await KINDS[one]()
    if (one === 'SQLite') copyFileSync(source, from)
    else await run(source, from, 1_000)
    const to = await KINDS[other]()
    const seen: CopyProgress[] = []
    const head = await headOf(from)
    const before = await rawRows(from)
    const result = await copyLedger({ from, to, onProgress: (progress) => seen.push(progress) })
    expect(await rawRows(to)).toEqual(before)
    expect(await rawRows(from)).toEqual(before)
    const written = Object.values(before).reduce((sum, rows) => sum + rows.length, 0)
    expect(result).toMatchObject({ ok: true, continued: false, rows: written, changed: 0, problems: [] })
    expect(result).toMatchObject({ accounts: before['accounts']?.length, transactions: before['transactions']?.length })
    expect(seen.filter(({ table }) => table === 'transactions').at(-1)).toMatchObject({ step: 'copying', done: result.transactions, total: result.transactions })
    expect(await headOf(to)).toBe(head)
    await expectRichLedger(to, facts)
    // A head that was printed before the copy still proves what led to it, after more was charged.
    const credits = await openCredits({ database: to, clock: { now: () => facts.now } })
    expect(await credits.verify({ account: CHILD, since: head })).toMatchObject({ ok: true })
    await credits.close()
  })

  it('usage is summed up before the copy is opened, and reports are the same', async () => {
    const to = await newDatabase()
    const big = newFile()
    await fillRichLedger(big, seed + 1, { steps: 20, charges: 5_100 })
    await copyLedger({ from: big, to })
    const store = await openStore(to)
    const left = await store.rollUp('z-parent', 0)
    await store.close()
    expect(left).toBe(0)
    const report = async (database: string) => {
      const credits = await openCredits({ database, clock: { now: () => facts.now } })
      const found = await credits.usage({ account: 'z-parent', since: 0, groupBy: 'label:n' })
      await credits.close()
      return found
    }
    expect(await report(to)).toEqual(await report(big))
  })

  it('every table and column of the schema is copied, or is known to be made again', async () => {
    const file = newFile()
    await (await openStore(file)).close()
    const connection = new Database(file)
    const tables = connection.prepare<[], { name: string }>("select name from sqlite_master where type = 'table' order by name").all()
    const columnsOf = (table: string) => connection.prepare<[], { name: string }>(`pragma table_info(${table})`).all().map(({ name }) => name)
    expect(tables.map(({ name }) => name).filter((name) => !NOT_COPIED.includes(name))).toEqual(COPIED.map(({ name }) => name).sort())
    expect(Object.keys(TABLES).sort()).toEqual(COPIED.map(({ name }) => name).sort())
    for (const { name, columns, key } of COPIED) {
      expect([name, ...columns]).toEqual([name, ...columnsOf(name)])
      expect(columns.slice(0, key.length)).toEqual(key)
    }
    connection.close()
    const url = await newDatabase()
    await (await openStore(url)).close()
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const found = await client.query<{ table: string; column: string }>(
      'select table_name as table, column_name as column from information_schema.columns where table_schema = current_schema() order by ordinal_position',
    )
    await client.end()
    const kept = found.rows.filter(({ column }) => !(OF_POSTGRES_ALONE as readonly string[]).includes(column))
    for (const { name, columns } of COPIED) expect([name, ...kept.filter(({ table }) => table === name).map(({ column }) => column)]).toEqual([name, ...columns])
    expect([...new Set(found.rows.map(({ table }) => table))].filter((table) => table !== 'entries' && !NOT_COPIED.includes(table)).sort()).toEqual(COPIED.map(({ name }) => name).sort())
  })
})

describe('a copy that was cut', () => {
  it(`T44: is continued after a connection lost at any statement, and comes to the same rows (seed ${seed})`, async () => {
    const url = await newDatabase()
    const relay = await relayThatCuts(url)
    const expected = await rawRows(source)
    let cuts = 0
    let pieces = 0
    for (let isDone = false; !isDone; ) {
      // Further from the beginning each time, or a run would be cut again where the one before was.
      let left = 2 + random.below(Math.ceil(8 * 1.5 ** cuts))
      const fate = random.below(2) === 0 ? ('cut before' as const) : ('cut after' as const)
      relay.fateOf = () => {
        pieces += 1
        left -= 1
        return left === 0 ? fate : 'forward'
      }
      isDone = await run(source, relay.url, 40).then(() => true, (error: { name: string }) => {
        expect(error.name).toBe('LedgerUnavailable')
        return false
      })
      if (!isDone) cuts += 1
      relay.fateOf = () => 'forward'
      // Cut in its last commit, it may be finished without our knowing: then it says that something is there.
      const end = isDone ? 'done' : await openStore(url).then(async (store) => (await store.close(), 'finished'), (error: { name: string }) => error.name)
      if (end === 'finished') isDone = (await rawRows(url))['accounts']?.length !== 0
    }
    await relay.close()
    expect(await rawRows(url)).toEqual(expected)
    expect([cuts, pieces].every((count) => count > 3)).toBe(true)
  })

  it.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('is opened by nothing else on %s, and refused in words that say why and what to do', async (kind) => {
    const to = await KINDS[kind]()
    await cutAt('reservations', source, to)
    const refused = await refusal(openCredits({ database: to }))
    expect(refused).toMatchObject({ code: 'ledger_unavailable', retryable: false })
    expect(refused.message).toMatch(/is an unfinished copy of .*source\.db$/)
    expect(refused.advice.join(' ')).toContain('migrate --from')
    const from = await refusal(copyLedger({ from: to, to: newFile() }))
    expect(from).toMatchObject({ code: 'ledger_unavailable', message: expect.stringContaining('is an unfinished copy') })
    expect(await copyLedger({ from: source, to })).toMatchObject({ ok: true, continued: true, changed: 0 })
    await expectRichLedger(to, facts)
  })

  it.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('takes along to %s what the source has changed since', async (kind) => {
    const from = ownSource()
    const to = await KINDS[kind]()
    await cutAt('transactions', from, to)
    const credits = await openCredits({ database: from, clock: { now: () => facts.now } })
    const { credits: holder, key } = await credits.withKey(facts.key, {})
    await holder.settle({ reservation: facts.reservation, actual: 7 })
    await credits.createAccount({ id: 'b-new', plan: 'none', parent: 'z-parent' })
    await credits.removeMember({ account: CHILD, id: 'ada' })
    await credits.revokeKey({ account: CHILD, id: key })
    await credits.charge({ account: 'z-parent', operation: 'blog.post', labels: { n: 'more' } })
    await credits.close()
    const result = await copyLedger({ from, to })
    expect(result).toMatchObject({ ok: true, continued: true })
    expect(result.changed).toBeGreaterThan(3)
    expect(await rawRows(to)).toEqual(await rawRows(from))
  })

  it('is not continued from another ledger, nor from one that has lost what was copied', async () => {
    const to = newFile()
    const other = newFile()
    await fillRichLedger(other, seed, { steps: 10, charges: 0 })
    const from = ownSource()
    const credits = await openCredits({ database: from, clock: { now: () => facts.now } })
    await credits.charge({ account: 'z-parent', operation: 'blog.post' })
    await credits.close()
    await cutAt('transactions', from, to, 5_000)
    const refused = await refusal(copyLedger({ from: other, to }))
    expect(refused).toMatchObject({ code: 'invalid_request', message: expect.stringMatching(/holds the beginning of a copy of .* does not continue it: account/) })
    // The source as it was before: one row of a journal is missing.
    const older = await refusal(copyLedger({ from: source, to }))
    expect(older).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('the journal of account "z-parent" differs') })
    // Who names a wrong ledger leaves the copy as it was, with the right one's name.
    expect((await refusal(openCredits({ database: to }))).message).toContain(`is an unfinished copy of ${from}`)
    expect(await copyLedger({ from, to })).toMatchObject({ ok: true, continued: true })
  })

  it('is not continued over what somebody else has written there', async () => {
    const to = newFile()
    await cutAt('grants', source, to)
    const connection = new Database(to)
    connection.exec("update accounts set label_salt = 'other' where id = 'a-child'")
    connection.close()
    expect(await refusal(copyLedger({ from: source, to }))).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('account "a-child" differs') })
  })

  it.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('is gone on with by one run on %s: the later one', async (kind) => {
    const to = await KINDS[kind]()
    await toLedger(to, async (first) => {
      expect(await first.begin('here')).toBeNull()
      await toLedger(to, async (second) => expect(await second.begin('there')).toBe('here'))
      const [catalogs] = COPIED
      await expect(first.add(catalogs as (typeof COPIED)[number], [['1', '0', '0', '{}']])).rejects.toThrow(/Another run has taken over/)
      await expect(first.finish()).rejects.toThrow(/Another run has taken over/)
    })
    expect(await rawRows(to)).toMatchObject({ catalogs: [] })
  })
})

describe('the source', () => {
  it('of SQLite takes no writes while it is copied', async () => {
    await fromLedger(source, async () => {
      const writer = new Database(source, { timeout: 0 })
      expect(() => writer.exec('begin immediate')).toThrow(/locked/)
      expect(writer.prepare('select count(*) from accounts').pluck().get()).toBeGreaterThan(5)
      writer.close()
    })
  })

  it('of PostgreSQL takes no writes while it is copied', async () => {
    const url = await newDatabase()
    await run(source, url, 1_000)
    const writer = new pg.Client({ connectionString: url })
    await writer.connect()
    await fromLedger(url, async () => {
      await writer.query("set lock_timeout = '20ms'")
      await expect(writer.query("update accounts set state = 'closed'")).rejects.toMatchObject({ code: '55P03' })
      expect((await writer.query('select 1 from accounts')).rowCount).toBeGreaterThan(5)
    })
    await writer.end()
  })

  it('of PostgreSQL whose connection is lost while the copy is checked leaves a copy that nothing opens, and that is continued', async () => {
    const url = await newDatabase()
    await run(source, url, 1_000)
    const relay = await relayThatCuts(url)
    const to = newFile()
    const onProgress = ({ step }: CopyProgress): void => {
      if (step === 'checking') relay.fateOf = () => 'cut before'
    }
    expect(await refusal(copyLedger({ from: relay.url, to, onProgress }))).toMatchObject({ code: 'ledger_unavailable' })
    expect(await refusal(openCredits({ database: to }))).toMatchObject({ code: 'ledger_unavailable' })
    relay.fateOf = () => 'forward'
    expect(await copyLedger({ from: relay.url, to })).toMatchObject({ ok: true, continued: true, rows: 0 })
    await relay.close()
  })

  it('of an older schema is to be brought up to date first, and one of a newer program is refused', async () => {
    const from = ownSource()
    const connection = new Database(from)
    const version = connection.pragma('user_version', { simple: true }) as number
    connection.pragma(`user_version = ${version - 1}`)
    expect(await refusal(copyLedger({ from, to: newFile() }))).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('older version') })
    connection.pragma(`user_version = ${version + 1}`)
    expect(await refusal(copyLedger({ from, to: newFile() }))).toMatchObject({ code: 'schema_too_new' })
    connection.close()
  })

  it('that does not add up leaves a copy that nothing opens, and says what is wrong', async () => {
    const from = ownSource()
    const connection = new Database(from)
    connection.exec(`update transactions set operation = 'translate' where account = 'z-parent' and sequence = 100`)
    connection.close()
    const to = await newDatabase()
    const result = await copyLedger({ from, to })
    expect(result).toMatchObject({ ok: false, problems: [{ account: 'z-parent', invariant: 'chain' }] })
    expect(await refusal(openCredits({ database: to }))).toMatchObject({ code: 'ledger_unavailable' })
  })
})

describe('what cannot be copied is refused', () => {
  it.each([
    ['a file that is not there', () => ({ from: join(folder, 'missing.db'), to: newFile() }), /There is no ledger at/],
    ['an empty file', () => ({ from: emptyFile(), to: newFile() }), /holds no ledger/],
    ['a ledger to itself', () => ({ from: source, to: join(folder, '.', 'source.db') }), /cannot be copied to itself/],
    ['a ledger in memory', () => ({ from: ':memory:', to: newFile() }), /A ledger in memory/],
    ['to a ledger that is there', () => ({ from: source, to: ownSource() }), /is not empty: it holds catalogs, accounts, grants/],
    ['from what is no address', () => ({ from: 'mysql://user:hidden@host/db', to: newFile() }), /^from: expected a file/],
    ['with an option that there is not', () => ({ from: source, to: newFile(), onprogress: () => undefined }), /onprogress/],
  ])('%s', async (_what, options, message) => {
    const refused = await refusal(copyLedger(options()))
    expect(refused).toMatchObject({ code: 'invalid_request', message: expect.stringMatching(message) })
  })

  it('an address whose password is wrong or whose host is gone, without the password', async () => {
    const refused = await refusal(copyLedger({ from: source, to: 'postgres://user:hidden@127.0.0.1:1/db' }))
    expect(refused).toMatchObject({ code: 'ledger_unavailable' })
    expect(JSON.stringify(refused)).not.toContain('hidden')
  })
})

function emptyFile(): string {
  const file = newFile()
  new Database(file).exec('create table t (a); drop table t')
  return file
}
