import { randomUUID } from 'node:crypto'
import { connect, createServer, type AddressInfo } from 'node:net'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { migrationsOf } from '../../src/storage/migrations.js'
import { connectionPool, inWrite } from '../../src/storage/postgres/connection.js'
import { openPostgresStore } from '../../src/storage/postgres/store.js'
import type { LedgerUnavailable, Store } from '../../src/storage/port.js'
import { type CuttingRelay, type Fate, relayThatCuts } from '../support/cut-connection.js'
import { createTestDatabase, type TestDatabase } from '../support/postgres.js'
import { audit, journalOf } from './audit.js'
import { catalogVersion, charge, createAccount, credits, doneOf, grant, keyed, T0 } from './fixtures.js'

let database: TestDatabase
let raw: pg.Client
const opened: Store[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  raw = new pg.Client({ connectionString: database.url })
  await raw.connect()
  const store = await open()
  await store.addCatalogs([catalogVersion()], T0)
})

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
})

afterAll(async () => {
  await raw.end()
  await database.drop()
})

async function open(url = database.url): Promise<Store> {
  const store = await openPostgresStore(url)
  opened.push(store)
  return store
}

/** A store on a database of its own, whose connections a test can cut. */
async function openCuttable(account: string): Promise<{ readonly store: Store; readonly relay: CuttingRelay }> {
  const relay = await relayThatCuts(database.url)
  const store = await open(relay.url)
  doneOf(await store.update(createAccount(account), T0))
  doneOf(await store.update(grant(account, 10), T0))
  return { store, relay }
}

const NONE: Partial<LedgerUnavailable> = { name: 'LedgerUnavailable', outcome: 'none' }
const UNKNOWN: Partial<LedgerUnavailable> = { name: 'LedgerUnavailable', outcome: 'unknown' }

/** The text of a statement as it stands on the wire. */
function firstTime(text: string, fate: Fate): (bytes: Buffer) => Fate {
  let isOver = false
  return (bytes) => {
    if (isOver || !bytes.includes(text)) return 'forward'
    isOver = true
    return fate
  }
}

describe('a ledger that cannot be reached', () => {
  it('nobody listens: refused, and known not to be made', async () => {
    const relay = await relayThatCuts(database.url)
    await relay.close()
    await expect(openPostgresStore(relay.url)).rejects.toMatchObject(NONE)
  })

  it('no such database, no such schema, no address: refused, without the password', async () => {
    const missing = new URL(database.url)
    missing.pathname = '/not_there'
    missing.password = 'hidden'
    await expect(openPostgresStore(missing.href)).rejects.toMatchObject({ ...NONE, message: expect.not.stringContaining('hidden') })
    await expect(openPostgresStore(`${database.url}?options=-c%20search_path%3Dmissing`)).rejects.toMatchObject(NONE)
    await expect(openPostgresStore('postgres://user:hidden@:bad')).rejects.toMatchObject({ ...NONE, message: expect.not.stringContaining('hidden') })
  })

  it.each<[string, (url: URL) => void, string]>([
    ['no such database', (url) => (url.pathname = '/not_there'), 'it has no database of this name (3D000)'],
    ['no such user', (url) => (url.username = 'nobody_here'), 'it refuses the user or the password (28000)'],
    ['a user without rights', (url) => url.searchParams.set('options', '-c role=without_rights'), 'the user has no right to do this (42501)'],
  ])('%s: said in words of ours; what the server says of users and tables stays in the cause', async (_what, change, words) => {
    await raw.query('drop role if exists without_rights; create role without_rights')
    const url = new URL(database.url)
    change(url)
    const error: Error = await openPostgresStore(url.href).then(() => new Error('opened'), (reason: Error) => reason)
    expect(error).toMatchObject({ ...NONE, message: `The database does not serve: ${words}` })
    expect((error.cause as Error).message).toMatch(/not_there|nobody_here|schema_version|public/)
    await raw.query('drop role without_rights')
  })

  it('a password that is asked for and not given: refused at once, and the connection is not left open', async () => {
    const { url, left, close } = await serverThatAsksForAPassword()
    await expect(openPostgresStore(url)).rejects.toMatchObject({ ...NONE, message: 'The database cannot be reached: it asks for a password' })
    await left
    await close()
  })

  it('a host that is not there is not named either', async () => {
    const relay = await relayThatCuts(database.url)
    await relay.close()
    await expect(openPostgresStore(relay.url)).rejects.toMatchObject({ ...NONE, message: 'The database cannot be reached: ECONNREFUSED' })
  })

  it('the connection is lost before the commit: nothing was made, and the next write goes through', async () => {
    const { store, relay } = await openCuttable('lost-before')
    relay.fateOf = firstTime('lost-before', 'cut after')
    await expect(store.update(charge('lost-before', 1, keyed('k')), T0)).rejects.toMatchObject(NONE)
    expect(doneOf(await store.update(charge('lost-before', 1, keyed('k')), T0)).replayed).toBe(false)
    expect(await audit(store, 'lost-before')).toEqual([])
    await store.close()
    await relay.close()
  })

  it.each<[string, Fate, boolean]>([
    ['before it came to the server', 'cut before', false],
    ['after the server had made it', 'cut after', true],
  ])('T18: a commit is lost %s: unknown, never run again by itself, and a retry with the key tells', async (_when, fate, wasMade) => {
    const account = `unknown-${wasMade}`
    const { store, relay } = await openCuttable(account)
    relay.fateOf = firstTime('commit\0', fate)
    // The last writes go out with the commit, and their answers come before its own.
    relay.isAwaited = (bytes) => bytes.includes('COMMIT\0')
    const both = await Promise.allSettled([
      store.update(charge(account, 1, keyed('k')), T0),
      store.update(charge(account, 2, keyed('l')), T0),
    ])
    for (const one of both) expect(one).toMatchObject({ status: 'rejected', reason: UNKNOWN })
    expect((await journalOf(store, account)).length).toBe(wasMade ? 3 : 1)
    expect(doneOf(await store.update(charge(account, 1, keyed('k')), T0)).replayed).toBe(wasMade)
    expect(doneOf(await store.update(charge(account, 2, keyed('l')), T0)).replayed).toBe(wasMade)
    expect((await journalOf(store, account)).map((row) => row.credits)).toEqual([credits(10), credits(1), credits(2)])
    await store.close()
    await relay.close()
  })

  it('T18: a commit of which the server itself cannot tell is unknown as well, and is not made again', async () => {
    const store = await open()
    doneOf(await store.update(createAccount('ambiguous'), T0))
    doneOf(await store.update(grant('ambiguous', 10), T0))
    await raw.query(`create function cannot_tell() returns trigger language plpgsql as $$
      begin raise exception 'nobody knows' using errcode = '40003'; end $$`)
    await raw.query(`create constraint trigger cannot_tell after insert on transactions deferrable initially deferred
      for each row when (new.account = 'ambiguous') execute function cannot_tell()`)
    await expect(store.update(charge('ambiguous', 1, keyed('k')), T0)).rejects.toMatchObject(UNKNOWN)
    await raw.query('drop trigger cannot_tell on transactions')
    expect(doneOf(await store.update(charge('ambiguous', 1, keyed('k')), T0)).replayed).toBe(false)
    expect(await audit(store, 'ambiguous')).toEqual([])
  })

  it('T18: a pooler that has lost the server says so in the place of the answer to the last write, which tells nothing of the commit behind it', async () => {
    const store = await open()
    doneOf(await store.update(createAccount('pooled'), T0))
    doneOf(await store.update(grant('pooled', 10), T0))
    const pooler = await poolerThatLosesItsServer(database.url)
    const pooled = await open(pooler.url)
    pooler.losesNext = true
    await expect(pooled.update(charge('pooled', 1, keyed('k')), T0)).rejects.toMatchObject(UNKNOWN)
    expect(doneOf(await store.update(charge('pooled', 1, keyed('k')), T0)).replayed).toBe(true)
    await pooled.close()
    await pooler.close()
  })

  it('a read of which the end is lost has written nothing, and does not say that it may have', async () => {
    const { store, relay } = await openCuttable('read')
    relay.fateOf = firstTime('commit\0', 'cut before')
    await expect(store.read('read', T0, ({ account }) => account.id)).rejects.toMatchObject(NONE)
    expect(await store.read('read', T0, ({ account }) => account.id)).toBe('read')
    await store.close()
    await relay.close()
  })

  it('a write of which a statement could not be sent is not committed without it', async () => {
    const pool = await connectionPool(database.url)
    await raw.query('create table half_written (n int8)')
    const unsendable: unknown = Object.create(null)
    const written = inWrite(pool, async (session) => {
      session.send('insert into half_written select * from unnest($1::int8[])', [[1]])
      session.send('insert into half_written select * from unnest($1::int8[])', [[unsendable]])
    })
    await expect(written).rejects.toThrow(TypeError)
    expect((await raw.query('select n from half_written')).rows).toEqual([])
    await raw.query('drop table half_written')
    await pool.end()
  })

  it('a connection that breaks while it idles is replaced', async () => {
    const store = await open()
    doneOf(await store.update(createAccount('idle'), T0))
    await raw.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'mcp-credits'`)
    const outcomes = await Promise.allSettled([store.update(grant('idle', 1, keyed('k')), T0), store.update(grant('idle', 1, keyed('l')), T0)])
    for (const one of outcomes) if (one.status === 'rejected') expect(one.reason).toMatchObject(NONE)
    doneOf(await store.update(grant('idle', 1, keyed('k')), T0))
    expect(await audit(store, 'idle')).toEqual([])
  })
})

describe('a server that has no connection left', () => {
  it('those that a ledger has go round: more who ask than there are wait for one, and nobody is refused', async () => {
    const owner = await open()
    doneOf(await owner.update(createAccount('crowded'), T0))
    const role = `few_${randomUUID().replaceAll('-', '')}`
    await raw.query(`create role ${role} login connection limit 3; grant all on all tables in schema public to ${role}`)
    const store = await open(Object.assign(new URL(database.url), { username: role }).href)
    for (let round = 0; round < 3; round += 1) {
      const asked = Array.from({ length: 12 }, () => [store.accounts(null, 10), store.read('crowded', T0, ({ account }) => account.id)]).flat()
      expect((await Promise.allSettled(asked)).filter(({ status }) => status === 'rejected')).toEqual([])
    }
    await store.close()
    await raw.query(`drop owned by ${role}; drop role ${role}`)
  })
})

describe('writes that meet', () => {
  it('an account that another process opens meanwhile is not opened twice: what was decided without it is decided again', async () => {
    const store = await open()
    doneOf(await store.update(createAccount('template'), T0))
    await raw.query('begin')
    await raw.query(`insert into accounts select 'meanwhile', state, parent, time_zone, is_test, debt_max, 'salt of meanwhile', created_at,
      last_at, sequence, head, issued, available, reserved, spent, expired, revoked, uncollected, debt, open_grants, open_reservations,
      next_due_at, plan, plan_anchor_at, period, period_start, period_end, period_base, next_plan, rules, pending, fired,
      clock_ahead_ms, items_due_at, plan_changed_by from accounts where id = 'template'`)
    const creating = store.update(createAccount('meanwhile'), T0 + 1)
    await someoneWaits()
    await raw.query('commit')
    expect(doneOf(await creating)).toMatchObject({ replayed: true, account: { createdAt: T0 } })
  })

  it('a deadlock with somebody else is not the caller’s trouble: the write is tried again', async () => {
    const store = await open()
    for (const id of ['dead-a', 'dead-b']) {
      doneOf(await store.update(createAccount(id), T0))
      doneOf(await store.update(grant(id, 10), T0))
    }
    await raw.query("set deadlock_timeout = '60s'")
    await raw.query('begin')
    await raw.query("select 1 from accounts where id = 'dead-b' for update")
    const charged = Promise.all(['dead-a', 'dead-b'].map((id) => store.update(charge(id, 1), T0)))
    await someoneWaits()
    await raw.query("select 1 from accounts where id = 'dead-a' for update")
    await raw.query('commit')
    for (const outcome of await charged) expect(doneOf(outcome).account.books.available).toBe(credits(9))
  })

  it.each(['40001', '40P01'])('what is not tried again says in words of ours that another write was in its way (%s)', async (code) => {
    const store = await open()
    await raw.query(`create function in_the_way() returns trigger language plpgsql as $$ begin raise exception 'mine' using errcode = '${code}'; end $$`)
    await raw.query('create trigger in_the_way before insert on catalogs for each row execute function in_the_way()')
    const added = store.addCatalogs([{ ...catalogVersion(), version: 2 }], T0)
    await expect(added).rejects.toMatchObject({ ...NONE, message: `The database does not serve: another write was in its way (${code})` })
    await raw.query('drop trigger in_the_way on catalogs; drop function in_the_way()')
  })

  it('what a write finds is from after its wait: two that meet on one account both count', async () => {
    const [one, other] = [await open(), await open()]
    doneOf(await one.update(createAccount('met'), T0))
    doneOf(await one.update(grant('met', 10), T0))
    await raw.query('begin')
    await raw.query("select 1 from accounts where id = 'met' for update")
    const charged = Promise.all([one, other].map((store) => store.update(charge('met', 6), T0)))
    await someoneWaits(2)
    await raw.query('commit')
    expect((await charged).map(({ kind }) => kind).sort()).toEqual(['done', 'refused'])
    expect(await audit(one, 'met')).toEqual([])
  })

  it('commits wait for the disk also where the database is set not to', async () => {
    const lax = await createTestDatabase()
    const client = new pg.Client({ connectionString: lax.url })
    await client.connect()
    await client.query(`alter database ${new URL(lax.url).pathname.slice(1)} set synchronous_commit = off`)
    await client.end()
    const pool = await connectionPool(lax.url)
    const { rows } = await pool.query('show synchronous_commit')
    expect(rows).toEqual([{ synchronous_commit: 'off' }])
    const inside = await inWrite(pool, ({ query }) => query<{ synchronous_commit: string }>('show synchronous_commit'))
    expect(inside.rows).toEqual([{ synchronous_commit: 'on' }])
    await pool.end()
    await lax.drop()
  })
})

describe('the schema', () => {
  it('T17: ten that open a new database at once make its schema once', async () => {
    const fresh = await createTestDatabase()
    const stores = await Promise.all(Array.from({ length: 10 }, () => openPostgresStore(fresh.url)))
    expect(stores.map(({ schema }) => schema.to)).toEqual(Array(10).fill(migrationsOf('postgres').at(-1)?.number))
    for (const store of stores) await store.close()
    await fresh.drop()
  })

  it('a ledger of a newer schema is refused', async () => {
    const fresh = await createTestDatabase()
    await (await openPostgresStore(fresh.url)).close()
    const client = new pg.Client({ connectionString: fresh.url })
    await client.connect()
    await client.query('insert into schema_version values (4711)')
    await expect(openPostgresStore(fresh.url)).rejects.toMatchObject({ name: 'SchemaTooNew', message: expect.stringContaining('4711') })
    await client.end()
    await fresh.drop()
  })

  it('stands where the search_path of the connection points to: two ledgers in one database know nothing of each other', async () => {
    await raw.query('create schema one; create schema other')
    const [one, other] = await Promise.all(['one', 'other'].map((schema) => open(`${database.url}?options=-c%20search_path%3D${schema},public`)))
    for (const store of [one, other] as Store[]) expect(await store.catalogs()).toEqual([])
    await one?.addCatalogs([catalogVersion()], T0)
    doneOf((await one?.update(createAccount('a'), T0)) as never)
    expect(await other?.catalogs()).toEqual([])
    expect(await other?.accounts(null, 10)).toEqual([])
  })

  it('the view of entries says what the journal says', async () => {
    const store = await open()
    doneOf(await store.update(createAccount('viewed'), T0))
    doneOf(await store.update(grant('viewed', 10), T0))
    doneOf(await store.update(charge('viewed', 2.5), T0))
    const expected = (await journalOf(store, 'viewed')).flatMap((row) =>
      row.entries.map(({ book, grant: of, amount, balanceAfter }, line) => ({
        account: 'viewed', sequence: String(row.sequence), line: String(line), book, grant_sequence: of === null ? null : String(of),
        amount: String(amount), balance_after: String(balanceAfter),
      })),
    )
    const { rows } = await raw.query("select * from entries where account = 'viewed' order by sequence, line")
    expect(rows).toEqual(expected)
  })
})

/** Until that many of the ledger's own connections wait for a lock. */
async function someoneWaits(count = 1): Promise<void> {
  for (;;) {
    const { rows } = await raw.query(`select 1 from pg_stat_activity
      where datname = current_database() and application_name = 'mcp-credits' and wait_event_type = 'Lock'`)
    if (rows.length >= count) return
  }
}

interface LosingPooler {
  readonly url: string
  /** Whether the server is lost with the next commit that it makes. */
  losesNext: boolean
  close(): Promise<void>
}

/** A pooler that hears nothing more from its server once a commit is sent there, and says so itself once it is made. */
async function poolerThatLosesItsServer(url: string): Promise<LosingPooler> {
  const target = new URL(url)
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    let isLost = false
    client.on('error', () => undefined).on('close', () => upstream.destroy())
    client.on('data', (bytes) => {
      isLost ||= pooler.losesNext && bytes.includes('commit\0')
      upstream.write(bytes)
    })
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy())
    upstream.on('data', (bytes) => {
      if (!isLost) client.write(bytes)
      else if (bytes.includes('COMMIT\0')) client.end(LOST_SERVER)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = Object.assign(new URL(url), { hostname: '127.0.0.1', port: String((server.address() as AddressInfo).port) })
  const pooler: LosingPooler = {
    url: address.href,
    losesNext: false,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  }
  return pooler
}

/** A server that asks for a password by SCRAM and then waits; `left` resolves once the client has closed its connection. */
async function serverThatAsksForAPassword() {
  let leave = (): void => undefined
  const left = new Promise<void>((resolve) => (leave = resolve))
  const asks = [saslMessage(10, 'SCRAM-SHA-256\0\0'), saslMessage(11, 'r=nonce,s=c2FsdA==,i=4096')]
  const server = createServer((client) => {
    client.on('error', () => undefined).on('close', leave)
    let asked = 0
    client.on('data', () => void (asked < asks.length && client.write(asks[asked++] as Buffer)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `postgres://user@127.0.0.1:${port}/ledger`, left, close: () => new Promise((resolve) => server.close(resolve)) }
}

function saslMessage(kind: number, text: string): Buffer {
  const head = Buffer.from('R\0\0\0\0\0\0\0\0', 'latin1')
  head.writeInt32BE(8 + Buffer.byteLength(text), 1)
  head.writeInt32BE(kind, 5)
  return Buffer.concat([head, Buffer.from(text)])
}

/** An answer of the protocol that ends a connection, with the code and the words of PgBouncer. */
const LOST_SERVER = errorResponse({ S: 'FATAL', V: 'FATAL', C: '08P01', M: 'server conn crashed?' })

function errorResponse(fields: Readonly<Record<string, string>>): Buffer {
  const body = Buffer.from(`${Object.entries(fields).map(([name, value]) => `${name}${value}\0`).join('')}\0`)
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + length.length)
  return Buffer.concat([Buffer.from('E'), length, body])
}
