import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectionPool, inRead } from '../../src/storage/postgres/connection.js'
import { findAll } from '../../src/storage/postgres/loader.js'
import { openPostgresStore } from '../../src/storage/postgres/store.js'
import type { AccountNeed } from '../../src/storage/batch.js'
import type { Store } from '../../src/storage/port.js'
import { type CuttingRelay, relayThatCuts, replacing } from '../support/cut-connection.js'
import { createTestDatabase, type TestDatabase } from '../support/postgres.js'
import { audit } from './audit.js'
import { catalogVersion, charge, createAccount, doneOf, grant, keyed, T0 } from './fixtures.js'

let database: TestDatabase
let raw: pg.Client

beforeAll(async () => {
  database = await createTestDatabase()
  raw = new pg.Client({ connectionString: database.url })
  await raw.connect()
  const store = await openPostgresStore(database.url)
  await store.addCatalogs([catalogVersion()], T0)
  await store.close()
})

afterAll(async () => {
  await raw.end()
  await database.drop()
})

describe('an engine that has no level of isolation but serializable', () => {
  const stores: Store[] = []
  let undone = 0
  let relay: CuttingRelay

  beforeAll(async () => {
    relay = await relayThatCuts(database.url)
    relay.changeOf = replacing('read committed', 'serializable  ')
    relay.fateOf = (bytes) => {
      if (bytes.includes('rollback\0')) undone += 1
      return 'forward'
    }
    for (let index = 0; index < 4; index += 1) stores.push(await openPostgresStore(relay.url))
  })

  afterAll(async () => {
    for (const store of stores) await store.close()
    await relay.close()
  })

  it('T01: 200 charges of 1 on a balance of 50 by four writers: exactly 50 are done, and whoever is refused a write makes it again', async () => {
    doneOf(await (stores[0] as Store).update(createAccount('met'), T0))
    doneOf(await (stores[0] as Store).update(grant('met', 50), T0))
    const outcomes = await Promise.all(stores.flatMap((store, writer) => charges(store, writer)))
    expect(outcomes.flat().filter(({ kind }) => kind === 'done')).toHaveLength(50)
    expect(await audit(stores[0] as Store, 'met')).toEqual([])
    // Otherwise nobody was in anybody's way, and this proves nothing.
    expect(undone).toBeGreaterThan(0)
  })

  /** Five at once, ten times, so that the four writers meet over and over. */
  async function charges(store: Store, writer: number) {
    const outcomes = []
    for (let round = 0; round < 10; round += 1) {
      const five = Array.from({ length: 5 }, (_, index) => store.update(charge('met', 1, keyed(`${writer}-${round}-${index}`)), T0))
      outcomes.push(...(await Promise.all(five)))
    }
    return outcomes
  }
})

describe('the plans of an empty ledger, which its connections keep when it has grown', () => {
  const NEEDS: readonly AccountNeed[] = [
    { kind: 'grants', count: 17 } as const,
    { kind: 'grant', sequence: 1 } as const,
    { kind: 'reservation', sequence: 1 } as const,
    { kind: 'reservations', sequences: [1, 2] } as const,
    { kind: 'transaction', sequence: 1 } as const,
    { kind: 'refunds', sequence: 1 } as const,
    { kind: 'key', key: 'k' } as const,
    { kind: 'call', key: 'k' } as const,
    { kind: 'records', of: 'budget' } as const,
    { kind: 'record', of: 'budget', id: 'b' } as const,
    { kind: 'counters', keys: [{ budget: 'b', subject: '' }] } as const,
    { kind: 'due', after: 0, at: T0, count: 200 } as const,
  ].map((need) => ({ account: 'nobody', need }))

  it('look every row up by an index: none walks through a table', async () => {
    const pool = await connectionPool(database.url, { connectionsMax: 1 })
    await inRead(pool, (query) => findAll(query, NEEDS.filter(({ need }) => need.kind !== 'grant')))
    const { rows } = await pool.query<{ statement: string }>(`select statement from pg_prepared_statements where statement like '%lateral%'`)
    const plans = await Promise.all(rows.map(async ({ statement }) => ({ statement, plan: await planOf(pool, statement) })))
    await pool.end()
    expect(plans.length).toBeGreaterThanOrEqual(12)
    for (const { statement, plan } of plans) expect(plan, statement).not.toMatch(/Seq Scan|Hash Join|Merge Join/)
  })

  async function planOf(pool: pg.Pool, statement: string): Promise<string> {
    const { rows } = await pool.query<Record<string, string>>(`explain (generic_plan) ${statement}`)
    return rows.map((row) => row['QUERY PLAN']).join('\n')
  }
})

describe('connections', () => {
  it('are no more than the address allows, one of them for writes alone: who reads keeps no charge waiting', async () => {
    const store = await openPostgresStore(`${database.url}?connections=3`)
    doneOf(await store.update(createAccount('crowded'), T0))
    doneOf(await store.update(grant('crowded', 1), T0))
    await raw.query('begin; lock table reservations in access exclusive mode')
    const reads = Array.from({ length: 8 }, () => store.reservations('crowded', 0, 10))
    await someoneWaits(2)
    doneOf(await store.update(charge('crowded', 1), T0))
    const { rows } = await raw.query(`select 1 from pg_stat_activity where datname = current_database() and application_name = 'mcp-credits'`)
    expect(rows).toHaveLength(3)
    await raw.query('commit')
    for (const read of reads) expect(await read).toEqual([])
    await store.close()
  })

  /** Until that many of the ledger's own connections wait for a lock. */
  async function someoneWaits(count: number): Promise<void> {
    for (;;) {
      // Within one transaction the list stays as it was first read.
      await raw.query('select pg_stat_clear_snapshot()')
      const { rows } = await raw.query(`select 1 from pg_stat_activity
        where datname = current_database() and application_name = 'mcp-credits' and wait_event_type = 'Lock'`)
      if (rows.length >= count) return
    }
  }
})

it('a driver that takes one statement at a time does the same', async () => {
  const pool = await connectionPool(database.url, { connectionsMax: 1 })
  const client = await pool.connect()
  Object.assign(client, { pipeline: false })
  client.release()
  const { rows } = await inRead(pool, async (query) => {
    const [one, other] = await Promise.all([query<{ n: number }>('select 1 as n'), query<{ n: number }>('select 2 as n')])
    return { rows: [...one.rows, ...other.rows] }
  })
  expect(rows).toEqual([{ n: 1 }, { n: 2 }])
  await expect(inRead(pool, (query) => Promise.all([query('select 1/0'), query('select 1')]))).rejects.toMatchObject({ code: '22012' })
  await pool.end()
})
