import { Kysely, sql, SqliteDialect } from 'kysely'
import type { LedgerDatabase, LedgerTables } from '../database.js'
import type { LabelOf } from '../queries.js'
import type { Connection } from './connection.js'

export * as queries from '../queries.js'

/** The query builder over a connection. Destroying it closes the connection. */
export function builderOver(connection: Connection): LedgerDatabase {
  return new Kysely<LedgerTables>({ dialect: new SqliteDialect({ database: connection }) })
}

export const labelOf: LabelOf = (column, name) => sql<string | null>`json_extract(${sql.ref(column)}, ${`$.${JSON.stringify(name)}`})`
