import type { Pool } from 'pg'
import { migrationsOf, pendingMigrations } from '../migrations.js'
import { LedgerUnavailable, type SchemaChange } from '../port.js'
import { inWrite, type Query } from './connection.js'

/** Any number that no other program on the same database is likely to lock; the bytes of "credits". */
export const MIGRATION_LOCK = '27991802496250995'

/**
 * Brings the schema up to date, in the schema that the connection's `search_path` names first.
 *
 * @throws SchemaTooNew, LedgerUnavailable
 */
export async function migrate(pool: Pool): Promise<SchemaChange> {
  const migrations = migrationsOf('postgres')
  return inWrite(pool, async ({ query }) => {
    const from = await schemaVersion(query)
    if (pendingMigrations(migrations, from).length === 0) return { from, to: from }
    await query('set local statement_timeout = 0')
    await query(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`)
    // Asked again under the lock: another process may have migrated while this one waited for it.
    await query('create table if not exists schema_version (number int8 primary key)')
    for (const migration of pendingMigrations(migrations, await schemaVersion(query))) {
      await query(migration.sql)
      await query('insert into schema_version (number) values ($1)', [migration.number])
    }
    return { from, to: await schemaVersion(query) }
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
