import { Kysely, sql, SqliteDialect } from 'kysely'
import type { LedgerDatabase, LedgerTables } from '../database.js'
import type { LabelOf } from '../queries.js'
import type { RollUpDialect, Steps } from '../rollups.js'
import type { Connection } from './connection.js'

export * as queries from '../queries.js'
export * as recordQueries from '../record-queries.js'
export { rollUp, usageTail } from '../rollups.js'
export { usageSums } from '../usage-sums.js'

/** The query builder over a connection. Destroying it closes the connection. */
export function builderOver(connection: Connection): LedgerDatabase {
  return new Kysely<LedgerTables>({ dialect: new SqliteDialect({ database: connection }) })
}

export const labelOf: LabelOf = (column, name) => sql<string | null>`json_extract(${sql.ref(column)}, ${`$.${JSON.stringify(name)}`})`

export const rollUpDialect: RollUpDialect = {
  labelRows: (column) => sql`json_each(${sql.ref(column)}) as l`,
  lock: () => sql``,
  keyColumns: [{ name: 'key', value: sql.ref('key') }],
}

/** Answers statement by statement, in one turn. To be called inside a transaction. */
export function answered<T>(connection: Connection, steps: Steps<T>): T {
  let step = steps.next()
  while (step.done !== true) {
    const statement = connection.prepare<unknown[]>(step.value.sql)
    step = steps.next(statement.reader ? statement.all(...step.value.parameters) : (statement.run(...step.value.parameters), []))
  }
  return step.value
}
