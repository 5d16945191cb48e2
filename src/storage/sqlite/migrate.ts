import { migrationsOf, pendingMigrations } from '../migrations.js'
import type { SchemaChange } from '../port.js'
import type { Connection } from './connection.js'
import { Writer } from './writer.js'

/** Brings the schema of a ledger file up to date. @throws SchemaTooNew */
export function migrate(connection: Connection): SchemaChange {
  const migrations = migrationsOf('sqlite')
  const from = schemaVersion(connection)
  if (pendingMigrations(migrations, from).length === 0) return { from, to: from }
  new Writer(connection).synced(() => {
    // Asked again inside the write: another process may have migrated while this one waited for it.
    for (const migration of pendingMigrations(migrations, schemaVersion(connection))) {
      connection.exec(migration.sql)
      connection.pragma(`user_version = ${migration.number}`)
    }
  })
  return { from, to: schemaVersion(connection) }
}

function schemaVersion(connection: Connection): number {
  return connection.pragma('user_version', { simple: true }) as number
}
