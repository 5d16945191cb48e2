import type { Store } from './port.js'

/**
 * Opens the ledger that a text names: a `postgres://` address, a file, or `:memory:`. Drivers are loaded when they are
 * needed, so that nobody waits for the one that is not.
 *
 * @throws SchemaTooNew, LedgerUnavailable
 */
export async function openStore(database: string): Promise<Store> {
  if (/^postgres(ql)?:\/\//.test(database)) {
    const { openPostgresStore } = await import('./postgres/store.js')
    return openPostgresStore(database)
  }
  const { openSqliteStore } = await import('./sqlite/store.js')
  return openSqliteStore(database)
}
