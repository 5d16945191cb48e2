import pg from 'pg'
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openConnection } from '../../src/storage/sqlite/connection.js'
import { openPostgresStore } from '../../src/storage/postgres/store.js'
import { ROOT } from '../support/files.js'
import { createTestDatabase } from '../support/postgres.js'

/**
 * What all migrations together come to, as a reviewer reads it. After a new migration:
 * `UPDATE_GOLDEN=1 npx vitest run test/storage/golden.test.ts`, and read the difference.
 */
function expectGolden(name: string, dump: string): void {
  const file = `${ROOT}schema/golden/${name}`
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, dump)
  expect(dump, `schema/golden/${name} is out of date; UPDATE_GOLDEN=1 writes it anew`).toBe(readFileSync(file, 'utf8'))
}

it('the schema of SQLite is the one in schema/golden', async () => {
  const { connection } = await openConnection(':memory:')
  const objects = connection
    .prepare<[], { sql: string }>("select sql from sqlite_master where sql is not null order by type = 'view', tbl_name, type desc, name")
    .all()
  const version = connection.pragma('user_version', { simple: true })
  connection.close()
  expectGolden('sqlite.sql', `${objects.map(({ sql }) => `${sql};\n`).join('\n')}\npragma user_version = ${version};\n`)
})

it('the schema of PostgreSQL is the one in schema/golden', async () => {
  const database = await createTestDatabase()
  await (await openPostgresStore(database.url)).close()
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  const dump = await dumpOf(client)
  await client.end()
  await database.drop()
  expectGolden('postgres.sql', dump)
})

const COLUMNS = `
  select c.relname as relation, a.attname || ' ' || format_type(a.atttypid, a.atttypmod) ||
    case when l.collname <> 'default' then ' collate "' || l.collname || '"' else '' end ||
    case when a.attnotnull then ' not null' else '' end as line
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid and c.relkind = 'r'
  left join pg_collation l on l.oid = a.attcollation
  where c.relnamespace = current_schema()::regnamespace and a.attnum > 0 and not a.attisdropped
  order by c.relname, a.attnum`

const CONSTRAINTS = `
  select c.relname as relation, 'constraint ' || n.conname || ' ' || pg_get_constraintdef(n.oid, true) as line
  from pg_constraint n join pg_class c on c.oid = n.conrelid
  where c.relnamespace = current_schema()::regnamespace and n.contype <> 'n'
  order by c.relname, n.conname`

const INDEXES = 'select indexdef as line from pg_indexes where schemaname = current_schema() order by tablename, indexname'

const VIEWS = `select 'create view ' || viewname || ' as' || E'\\n' || definition as line from pg_views
  where schemaname = current_schema() order by viewname`

const VERSIONS = `select 'insert into schema_version values (' || number || ');' as line from schema_version order by number`

/** Tables with their columns and rules, indexes, views and the version, in an order of their own and not of creation. */
async function dumpOf(client: pg.Client): Promise<string> {
  const rows = async (query: string) => (await client.query<{ relation: string; line: string }>(query)).rows
  const lines = [...(await rows(COLUMNS)), ...(await rows(CONSTRAINTS))]
  const tables = [...new Set(lines.map(({ relation }) => relation))].map((table) => {
    const inside = lines.filter(({ relation }) => relation === table).map(({ line }) => `  ${line}`)
    return `create table ${table} (\n${inside.join(',\n')}\n);\n`
  })
  const indexes = (await rows(INDEXES)).map(({ line }) => `${line.replaceAll('public.', '')};\n`)
  const views = (await rows(VIEWS)).map(({ line }) => `${line}\n`)
  const versions = (await rows(VERSIONS)).map(({ line }) => `${line}\n`)
  return [...tables, indexes.join(''), ...views, ...versions].join('\n')
}
