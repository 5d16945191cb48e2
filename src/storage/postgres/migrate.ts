import type { Pool } from 'pg'
import { type Migration, migrationsOf, pendingMigrations } from '../migrations.js'
import { LedgerUnavailable, type SchemaChange } from '../port.js'
import { connectionPool, inRead, inWrite, type Query, WITHOUT_LIMIT } from './connection.js'

/** Any number that no other program on the same database is likely to lock; the bytes of "credits". */
export const MIGRATION_LOCK = '27991802496250995'

/**
 * Brings the schema up to date, in the schema that the connection's `search_path` names first. `pool` is of the same address,
 * and is asked whether there is anything to do; what there is takes as long as it takes, by a connection of its own.
 *
 * @throws SchemaTooNew, LedgerUnavailable
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
    for (const migration of pendingMigrations(migrations, await schemaVersion(query))) {
      await query(migration.sql)
      await query('insert into schema_version (number) values ($1)', [migration.number])
    }
    return schemaVersion(query)
  })
}

/** Zero where there is no ledger. @throws LedgerUnavailable for a `search_path` without a schema */
export async function schemaVersion(query: Query): Promise<number> {
  const { rows: where } = await query<{ schema: string | null; found: string | null }>(
    `select current_schema() as schema, to_regclass(quote_ident(current_schema()) || '.schema_version') as found`,
  )
  if (where[0]?.schema == null) throw new LedgerUnavailable('The search_path of the connection names no schema that exists', 'none')
  if (where[0].found === null) return 0
  const { rows } = await query<{ newest: string | null }>('select max(number) as newest from schema_version')
  return Number(rows[0]?.newest ?? 0)
}
