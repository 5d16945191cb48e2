import { isAddress } from '../../database-text.js'
import { CopyRefused, type CopySource, type CopyTarget } from './sides.js'

/** Runs `work` on a ledger that is held against writes for as long. @throws CopyRefused, SchemaTooNew, LedgerUnavailable */
export async function fromLedger<T>(database: string, work: (source: CopySource) => Promise<T>): Promise<T> {
  if (isAddress(database)) return (await import('./postgres.js')).fromPostgres(database, work)
  return (await import('./sqlite.js')).fromSqlite(lasting(database), work)
}

/** Runs `work` on the database that a ledger is copied to. @throws CopyRefused, SchemaTooNew, LedgerUnavailable */
export async function toLedger<T>(database: string, work: (target: CopyTarget) => Promise<T>): Promise<T> {
  if (isAddress(database)) return (await import('./postgres.js')).toPostgres(database, work)
  return (await import('./sqlite.js')).toSqlite(lasting(database), work)
}

/** Whether two names are one database, as far as can be told from outside. */
export async function isSameDatabase(one: string, other: string): Promise<boolean> {
  if (one === other) return true
  return !isAddress(one) && !isAddress(other) && (await import('./sqlite.js')).isSameFile(one, other)
}

function lasting(file: string): string {
  if (file !== ':memory:') return file
  const message = 'A ledger in memory is gone with its process: there is nothing to copy from it or to it'
  throw new CopyRefused(message, ['Name a file or a postgres:// address.'])
}
