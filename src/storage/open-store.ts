import { existsSync } from 'node:fs'
import { type LedgerPlace, type Store, type StoreOpening, WHOLE_LEDGER } from './port.js'

/**
 * Opens the ledger that a text names: a `postgres://` address, a file, or `:memory:`. Drivers are loaded when they are
 * needed, so that nobody waits for the one that is not.
 *
 * @throws SchemaTooNew, UnfinishedCopy, LedgerUnavailable
 */
export async function openStore(database: string, opening: StoreOpening = WHOLE_LEDGER): Promise<Store> {
  if (isPostgres(database)) {
    const { openPostgresStore } = await import('./postgres/store.js')
    return openPostgresStore(database, opening)
  }
  const { openSqliteStore } = await import('./sqlite/store.js')
  return openSqliteStore(database, opening)
}

/** Looks whether there is a ledger and changes nothing. A file that is there counts as one. @throws LedgerUnavailable */
export async function lookForLedger(database: string): Promise<LedgerPlace> {
  if (!isPostgres(database)) return { location: database, isThere: database === ':memory:' || existsSync(database) }
  const { lookOnPostgres } = await import('./postgres/look.js')
  return lookOnPostgres(database)
}

/** Whether a text is the address of a PostgreSQL database; anything else is a file. */
export function isPostgres(database: string): boolean {
  return /^postgres(ql)?:\/\//i.test(database)
}
