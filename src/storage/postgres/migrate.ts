import type { Pool } from 'pg'
import { type Migration, migrationsOf, pendingMigrations } from '../migrations.js'
import { LedgerUnavailable, OthersTables, type SchemaChange } from '../port.js'
import { connectionPool, inRead, inWrite, type Query, WITHOUT_LIMIT } from './connection.js'

/** Any number that no other program on the same database is likely to lock; the bytes of "credits". */
export const MIGRATION_LOCK = '27991802496250995'

/**
 * Brings the schema up to date, in the schema that the connection's `search_path` names first. `pool` is of the same address,
 * and is asked whether there is anything to do; what there is takes as long as it takes, by a connection of its own.
 *
 * @throws SchemaTooNew, OthersTables, LedgerUnavailable
 */
export async function migrate(url: string, pool: Pool): Promise<SchemaChange> {
  const migrations = migrationsOf('postgres')
  const from = await inRead(pool, schemaVersion)
  if (pendingMigrations(migrations, from).length === 0) return { from, to: from }
  const unhurried = await connectionPool(url, { connectionsMax: 1, answerPatienceMs: WITHOUT_LIMIT })
  try {
    return { from, to: await migrated(unhurried, migrations) }
  } finally {
    await unhurried.end()
  }
}

async function migrated(pool: Pool, migrations: readonly Migration[]): Promise<number> {
  return inWrite(pool, async ({ query }) => {
    await query('set local statement_timeout = 0')
    await query(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`)
    // Asked again under the lock: another process may have migrated while this one waited for it.
    await query('create table if not exists schema_version (number int8 primary key)')
    const version = await schemaVersion(query)
    if (version === 0) await seeThatNamesAreFree(query, migrations)
    for (const migration of pendingMigrations(migrations, version)) {
      await query(migration.sql)
      await query('insert into schema_version (number) values ($1)', [migration.number])
    }
    return schemaVersion(query)
  })
}

/** @throws OthersTables where something has a name that the migrations would give */
async function seeThatNamesAreFree(query: Query, migrations: readonly Migration[]): Promise<void> {
  const names = migrations.flatMap(({ sql }) => [...sql.matchAll(/^create (?:unique )?(?:table|view|index) (\w+)/gm)].map(([, name]) => name))
  const { rows } = await query<{ schema: string; taken: string }>(
    `select nspname as schema, relname as taken from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where nspname = current_schema() and relname = any($1::text[]) order by relname`,
    [names],
  )
  if (rows[0] !== undefined) throw new OthersTables(rows[0].schema, rows.map(({ taken }) => taken))
}

/** Zero where there is no ledger. @throws OthersTables, and LedgerUnavailable for a `search_path` without a schema */
export async function schemaVersion(query: Query): Promise<number> {
  const { rows: where } = await query<{ schema: string | null; found: string | null; is_ours: boolean }>(
    `select schema, found, exists (select 1 from pg_attribute where attrelid = found and attname = 'number') as is_ours
    from (select current_schema() as schema, to_regclass(quote_ident(current_schema()) || '.schema_version') as found) as w`,
  )
  if (where[0]?.schema == null) throw new LedgerUnavailable('The search_path of the connection names no schema that exists', 'none')
  if (where[0].found === null) return 0
  if (!where[0].is_ours) throw new OthersTables(where[0].schema, ['schema_version'])
  const { rows } = await query<{ newest: string | null }>('select max(number) as newest from schema_version')
  return Number(rows[0]?.newest ?? 0)
}
