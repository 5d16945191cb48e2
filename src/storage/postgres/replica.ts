import { Kysely, PostgresDialect } from 'kysely'
import type { LedgerDatabase, LedgerTables } from '../database.js'
import { selectSequences } from '../queries.js'
import { connectionPool } from './connection.js'

/** A report has the primary to turn to, so it does not wait long for a replica that is away. */
const CONNECT_PATIENCE_MS = 2_000

/** So long a replica that did not serve is left alone: meanwhile a report does not wait for it in vain. */
const LEFT_ALONE_MS = 30_000

/** A read-only copy of the database, some moments behind it, from which reports are read to spare the primary. */
export interface Replica {
  /**
   * What a report says, from one moment of the replica, if its journal of the account goes as far as `sequence` there: so
   * a report lacks nothing that was there when it was asked for, a charge of the moment before among it. Null where the
   * replica is behind, does not serve, or did not a moment ago: then the primary has to tell.
   */
  report<T>(account: string, sequence: number, report: (db: LedgerDatabase) => Promise<T>): Promise<{ readonly report: T } | null>
  close(): Promise<void>
}

export async function openReplica(url: string, connectionsMax: number): Promise<Replica> {
  const pool = await connectionPool(url, { connectionsMax, patienceMs: CONNECT_PATIENCE_MS })
  const replica = new Kysely<LedgerTables>({ dialect: new PostgresDialect({ pool }) })
  let leftAlone: NodeJS.Timeout | null = null
  return {
    report: async (account, sequence, report) => {
      if (leftAlone !== null) return null
      try {
        return await replica
          .transaction()
          .setIsolationLevel('repeatable read')
          .setAccessMode('read only')
          .execute(async (db) => {
            const { last } = await selectSequences(db, account, {})
            return last >= sequence ? { report: await report(db) } : null
          })
      } catch {
        // Away, or called off by the server because its primary has removed what was being read.
        leftAlone ??= setTimeout(() => (leftAlone = null), LEFT_ALONE_MS).unref()
        return null
      }
    },
    close: async () => {
      clearTimeout(leftAlone ?? undefined)
      await replica.destroy()
      if (!pool.ending) await pool.end()
    },
  }
}
