import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openCredits } from '../../src/credits.js'
import { createTestDatabase, type TestDatabase } from '../support/postgres.js'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

it('the check finds changed counters and records, and rows of nobody, on PostgreSQL as well', async () => {
  const credits = await openCredits({ database: database.url, catalog: 'social-neuron', clock: { now: () => Date.UTC(2026, 0, 15) } })
  const account = 'acme'
  await credits.createAccount({ id: account, plan: 'starter' })
  await credits.setBudget({ account, id: 'monthly', limit: 100, scope: { each: 'operation' } })
  await credits.setBudget({ account, id: 'rolling', limit: 100, window: 'rolling:5h' })
  await credits.charge({ account, operation: 'image.generate' })
  expect((await credits.verify()).problems).toEqual([])
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    await client.query(`update counters set used = used - 1 where budget <> 'rolling'`)
    await client.query(`update records set is_open = 0 where kind = 'budget' and id = 'rolling'`)
    await client.query(`set session_replication_role = replica`)
    await client.query(`insert into counters select 'nobody', budget, subject, ${(await columnsOf(client)).join(', ')} from counters where budget = 'rolling'`)
  } finally {
    await client.end()
  }
  const { problems } = await credits.verify()
  expect(problems.map(({ account: of, row, invariant }) => `${of} ${row} ${invariant}`).sort()).toEqual([
    'acme acme records',
    'acme budget rolling records',
    'acme counter monthly/image.generate counters',
    'acme counter spending_cap counters',
    'nobody nobody rows',
  ])
  await credits.close()
})

async function columnsOf(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ column_name: string }>(
    `select column_name from information_schema.columns where table_name = 'counters' and table_schema = current_schema() order by ordinal_position`,
  )
  return rows.map((row) => row.column_name).filter((name) => !['account', 'budget', 'subject'].includes(name))
}
