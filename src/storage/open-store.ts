import { existsSync } from 'node:fs'
import { isAddress } from '../database-text.js'
import { type LedgerPlace, type Store, type StoreOpening, WHOLE_LEDGER } from './port.js'

/**
 * Opens the ledger that a text names: a `postgres://` address, a file, or `:memory:`. Drivers are loaded when they are
 * needed, so that nobody waits for the one that is not.
 *
 * @throws SchemaTooNew, UnfinishedCopy, LedgerUnavailable
 */
export async function openStore(database: string, opening: StoreOpening = WHOLE_LEDGER): Promise<Store> {
  if (isAddress(database)) {
    const { openPostgresStore } = await import('./postgres/store.js')
    return openPostgresStore(database, opening)
  }
  const { openSqliteStore } = await import('./sqlite/store.js')
  return openSqliteStore(database, opening)
}

/** Looks whether there is a ledger and changes nothing. A file that is there counts as one. @throws LedgerUnavailable */
export async function lookForLedger(database: string): Promise<LedgerPlace> {
  if (!isAddress(database)) return { location: database, isThere: database === ':memory:' || existsSync(database) }
  const { lookOnPostgres } = await import('./postgres/look.js')
  return lookOnPostgres(database)
}
