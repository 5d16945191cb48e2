import type { LedgerPlace } from '../port.js'
import { locationOf } from './address.js'
import { connectionPool, inRead, unavailable } from './connection.js'
import { schemaVersion } from './migrate.js'

/** Looks whether a database holds a ledger, an unfinished one among them. @throws LedgerUnavailable, OthersTables */
export async function lookOnPostgres(url: string): Promise<LedgerPlace> {
  const location = locationOf(url)
  const pool = await connectionPool(url, { connectionsMax: 1 })
  try {
    return { location, isThere: (await inRead(pool, schemaVersion)) > 0 }
  } catch (error) {
    throw unavailable(error)
  } finally {
    await pool.end()
  }
}
