import pg from 'pg'
import { expect, it } from 'vitest'
import { createTestDatabase } from './postgres.js'

it('a test database is a real PostgreSQL one, empty, and gone after drop', async () => {
  const database = await createTestDatabase()
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  const version = await client.query<{ version: string }>('select version()')
  expect(version.rows[0]?.version).toMatch(/^PostgreSQL \d+/)
  const tables = await client.query("select 1 from pg_class where relnamespace = 'public'::regnamespace")
  expect(tables.rowCount).toBe(0)
  await client.end()

  await database.drop()
  await expect(connect(database.url)).rejects.toMatchObject({ code: '3D000' })
})

it('two test databases do not see each other', async () => {
  const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()])
  const client = new pg.Client({ connectionString: one.url })
  await client.connect()
  await client.query('create table only_here (id integer)')
  await client.end()
  const elsewhere = new pg.Client({ connectionString: other.url })
  await elsewhere.connect()
  expect((await elsewhere.query("select to_regclass('only_here') as found")).rows).toEqual([{ found: null }])
  await elsewhere.end()
  await Promise.all([one.drop(), other.drop()])
})

async function connect(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.end()
}
