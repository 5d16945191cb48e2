import { randomUUID } from 'node:crypto'
import { createServer, type AddressInfo } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { openReplica } from '../../src/storage/postgres/replica.js'
import { openPostgresStore } from '../../src/storage/postgres/store.js'
import type { Store } from '../../src/storage/port.js'
import { type CuttingRelay, relayThatCuts, replacing } from '../support/cut-connection.js'
import { createTestDatabase, type TestDatabase } from '../support/postgres.js'
import { catalogVersion, charge, createAccount, credits, doneOf, grant, T0 } from './fixtures.js'

/**
 * A copy of the database as it was at one moment stands for a replica that has fallen behind, reached where its name is
 * replaced in what a client says on connecting. What it holds is marked, so that a report shows where it comes from.
 */
let database: TestDatabase
let copy: string
let relay: CuttingRelay
let store: Store
let throughReplica = 0

beforeAll(async () => {
  database = await createTestDatabase()
  const first = await openPostgresStore(database.url)
  await first.addCatalogs([catalogVersion()], T0)
  for (const account of ['quiet', 'busy']) {
    doneOf(await first.update(createAccount(account), T0))
    doneOf(await first.update(grant(account, 10), T0))
    doneOf(await first.update(charge(account, 1), T0))
  }
  await first.close()
  const name = new URL(database.url).pathname.slice(1)
  copy = `late_${randomUUID().replaceAll('-', '')}`
  await onServer('/postgres', `create database ${copy} template ${name}`)
  await onServer(`/${copy}`, `update transactions set operation = 'as the replica has it' where kind = 'charge'`)

  relay = await relayThatCuts(database.url)
  const late = replacing(name, copy)
  relay.changeOf = (bytes) => {
    throughReplica += 1
    return late(bytes)
  }
  store = await openPostgresStore(`${database.url}?replica=${new URL(relay.url).host}`)
  doneOf(await store.update(charge('busy', 2), T0))
})

beforeEach(() => {
  throughReplica = 0
})

afterAll(async () => {
  await store.close()
  await relay.close()
  await onServer('/postgres', `drop database ${copy} with (force)`)
  await database.drop()
})

async function onServer(path: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: Object.assign(new URL(database.url), { pathname: path }).href })
  await client.connect()
  await client.query(statement)
  await client.end()
}

const USAGE = { since: T0 - 1, until: T0 + 1, by: { column: 'operation' } } as const

async function reportsOf(account: string) {
  const [newest] = await store.transactions({ account, kinds: ['charge'], limit: 1 })
  const usage = await store.usage({ account, ...USAGE })
  const sums = await store.kindSums(account, { first: 1, last: 100 })
  return {
    history: newest?.operation,
    usage: usage.map(({ key, calls, credits: spent }) => ({ key, calls, spent })),
    sums: sums.filter(({ kind }) => kind === 'charge').map(({ operation, count }) => ({ operation, count })),
  }
}

it('history, usage and sums of an account are read from the replica where it has all of its journal', async () => {
  const operation = 'as the replica has it'
  expect(await reportsOf('quiet')).toEqual({
    history: operation,
    usage: [{ key: operation, calls: 1, spent: credits(1) }],
    sums: [{ operation, count: 1 }],
  })
})

it('T14: a replica that lacks the last charge is not asked for that account: a report shows what was charged just before', async () => {
  expect(await reportsOf('busy')).toEqual({
    history: 'work.unit',
    usage: [{ key: 'work.unit', calls: 2, spent: credits(3) }],
    sums: [{ operation: 'work.unit', count: 2 }],
  })
})

it('nothing else goes there: what decides, what an agent is told of its balance, and what an audit reads', async () => {
  doneOf(await store.update(charge('busy', 1), T0))
  await store.read('busy', T0, ({ account }) => account.books.available)
  await store.journal('quiet', 0, 10)
  await store.catalogs()
  await store.changeMark()
  expect(throughReplica).toBe(0)
})

it('a replica that is away costs a report nothing but the way to the primary', async () => {
  const gone = await relayThatCuts(database.url)
  await gone.close()
  const without = await openPostgresStore(`${database.url}?replica=${new URL(gone.url).host}`)
  expect((await without.transactions({ account: 'quiet', kinds: ['charge'], limit: 1 }))[0]?.operation).toBe('work.unit')
  await without.close()
})

it('a replica that did not serve is left alone for half a minute, and then asked again', async () => {
  let asked = 0
  const away = createServer((client) => {
    asked += 1
    client.destroy()
  })
  await new Promise<void>((resolve) => away.listen(0, '127.0.0.1', resolve))
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const replica = await openReplica(`postgres://user@127.0.0.1:${(away.address() as AddressInfo).port}/ledger`, 2)
  onTestFinished(async () => {
    vi.useRealTimers()
    await replica.close()
    away.close()
  })
  const report = () => replica.report('quiet', 1, () => Promise.resolve('told'))
  for (const [passed, times] of [[0, 1], [29_999, 1], [1, 2], [0, 2]] as const) {
    vi.advanceTimersByTime(passed)
    expect([await report(), asked]).toEqual([null, times])
  }
})
