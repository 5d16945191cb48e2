import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openPostgresStore } from '../../src/storage/postgres/store.js'
import type { Store } from '../../src/storage/port.js'
import { relayThatCuts } from '../support/cut-connection.js'
import { createTestDatabase, type TestDatabase } from '../support/postgres.js'
import { audit, journalOf } from './audit.js'
import { catalogVersion, charge, createAccount, credits, doneOf, grant, keyed, refusalOf, T0 } from './fixtures.js'

let database: TestDatabase
let raw: pg.Client
const opened: Store[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  raw = new pg.Client({ connectionString: database.url })
  await raw.connect()
  await (await open()).addCatalogs([catalogVersion()], T0)
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

async function openWith(account: string, balance: number): Promise<Store> {
  const store = await open()
  doneOf(await store.update(createAccount(account), T0))
  doneOf(await store.update(grant(account, balance), T0))
  return store
}

async function revisionOf(account: string): Promise<number> {
  const { rows } = await raw.query<{ revision: string }>('select revision from accounts where id = $1', [account])
  return Number(rows[0]?.revision)
}

/** Changes an account's row behind the ledger's back, as no program does: what is read of it afterwards tells whether it was read. */
async function suspend(account: string, alsoChanging = 'revision = revision'): Promise<void> {
  await raw.query(`update accounts set state = 'suspended', ${alsoChanging} where id = $1`, [account])
}

describe('what a process keeps of an account', () => {
  it('counts for as long as the account has the same revision and head, without being read again', async () => {
    const store = await openWith('kept', 10)
    await suspend('kept')
    expect(doneOf(await store.update(charge('kept', 1), T0)).account.books.available).toBe(credits(9))
  })

  it.each([
    ['another revision', 'revision = revision + 1'],
    // A server that took over without the last writes of the one before may come to the same number by other writes.
    ['another head under the same revision', `head = sha256('other')`],
  ])('T14: counts no more with %s', async (what, change) => {
    const store = await openWith(what, 10)
    await suspend(what, change)
    expect(refusalOf(await store.update(charge(what, 1), T0)).code).toBe('account_suspended')
  })

  it('counts no more once the connection is another one, which may lead to another server', async () => {
    const store = await openWith('reconnected', 10)
    await suspend('reconnected')
    await raw.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where datname = current_database() and application_name = 'mcp-credits'`)
    await Promise.allSettled([store.update(charge('reconnected', 1, keyed('lost')), T0)])
    expect(refusalOf(await store.update(charge('reconnected', 1, keyed('k')), T0)).code).toBe('account_suspended')
  })

  it('reads catalogs anew on another connection: the server behind it may lack the newest, and have others under their numbers', async () => {
    const store = await openWith('elsewhere', 10)
    const charged = async (key: string) => doneOf(await store.update(charge('elsewhere', 1, keyed(key)), T0)).transaction
    const reopened = () => raw.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where datname = current_database() and application_name = 'mcp-credits'`)
    const dearer = (price: string) => catalogVersion(2, 0, { operations: { 'work.unit': { name: 'Work', price: { model: 'per_unit', credits: price } } } })
    await store.addCatalogs([dearer('2')], T0)
    expect((await charged('a'))?.credits).toBe(credits(2))
    await raw.query('delete from catalogs where version = 2')
    await reopened()
    await Promise.allSettled([store.update(charge('elsewhere', 1, keyed('lost')), T0)])
    expect(await charged('b')).toMatchObject({ priceVersion: 1, credits: credits(1) })
    expect(await store.addCatalogs([dearer('3')], T0)).toBe(true)
    expect(await charged('c')).toMatchObject({ priceVersion: 2, credits: credits(3) })
    await raw.query('delete from catalogs where version = 2')
    await reopened()
    await Promise.allSettled([store.update(charge('elsewhere', 1, keyed('lost too')), T0)])
    expect((await store.catalogs()).map(({ version }) => version)).toEqual([1])
  })

  it('T17: another process’s top-up counts for the very next charge, and so does what it has spent', async () => {
    const one = await openWith('shared', 1)
    const other = await open()
    doneOf(await one.update(charge('shared', 1), T0))
    doneOf(await other.update(grant('shared', 3), T0))
    doneOf(await one.update(charge('shared', 2), T0))
    doneOf(await other.update(charge('shared', 1), T0))
    expect(refusalOf(await one.update(charge('shared', 1), T0)).code).toBe('out_of_credits')
    expect(await audit(one, 'shared')).toEqual([])
  })

  it('is gone with a write that the database did not take: what had been decided on top of it never counts', async () => {
    const store = await openWith('failed', 10)
    await raw.query(`alter table transactions add constraint none_of_these check (account <> 'failed' or kind <> 'charge') not valid`)
    await expect(store.update(charge('failed', 7), T0)).rejects.toThrow(/none_of_these/)
    await raw.query('alter table transactions drop constraint none_of_these')
    expect(doneOf(await store.update(charge('failed', 7), T0)).account.books.available).toBe(credits(3))
    expect((await journalOf(store, 'failed')).map(({ credits: amount }) => amount)).toEqual([credits(10), credits(7)])
    expect(await audit(store, 'failed')).toEqual([])
  })

  it('a write of anything of an account moves its revision by one; a refusal that writes nothing leaves it', async () => {
    const store = await openWith('counted', 10)
    expect(await revisionOf('counted')).toBe(1)
    await Promise.all([1, 2, 3].map((amount) => store.update(charge('counted', amount), T0)))
    expect(await revisionOf('counted')).toBe(2)
    expect(refusalOf(await store.update(charge('counted', 100), T0)).code).toBe('out_of_credits')
    expect(await revisionOf('counted')).toBe(2)
  })
})

it('a charge on a known account takes three statements between begin and commit, prepared by those before it', async () => {
  const relay = await relayThatCuts(database.url)
  const store = await open(relay.url)
  doneOf(await store.update(createAccount('way'), T0))
  doneOf(await store.update(grant('way', 10), T0))
  for (const key of ['a', 'b']) doneOf(await store.update(charge('way', 1, keyed(key)), T0))
  let sent = ''
  relay.fateOf = (bytes) => {
    sent += bytes.toString('latin1')
    return 'forward'
  }
  doneOf(await store.update(charge('way', 1, keyed('c')), T0))
  // One locks and tells whether anything has changed, one looks for the key, one writes. The text of one would say that it is
  // planned anew.
  expect(sent.match(/mcp_credits_\d+/g)).toHaveLength(3)
  expect(sent).toMatch(/begin.*commit/s)
  expect(sent).not.toMatch(/accounts|transactions|catalogs/)
  await store.close()
  await relay.close()
})
