import { RateLimiterPostgres, RateLimiterSQLite } from 'rate-limiter-flexible'
import { openFile } from './floor.mjs'
import { formOf } from './form.mjs'

export const RATE_LIMITER = 'rate-limiter-flexible'

/** A counter a key: no history, no idempotency key, and what it refuses is counted all the same. */
const COUNTER = { points: 1_000_000_000, duration: 0, keyPrefix: 'bench', tableName: 'bench_limiter', clearExpiredByTimeout: false }

/** On a file with the settings of a ledger. @param {string} file */
export async function sqliteRateLimiter(file) {
  const db = openFile(file)
  const limiter = await made((ready) => new RateLimiterSQLite({ ...COUNTER, storeClient: db, storeType: 'better-sqlite3' }, ready))
  return formOf(RATE_LIMITER, (account) => limiter.consume(account), () => db.close())
}

/** @param {import('pg').Pool} pool */
export async function postgresRateLimiter(pool) {
  const limiter = await made((ready) => new RateLimiterPostgres({ ...COUNTER, storeClient: pool, storeType: 'pool' }, ready))
  return formOf(RATE_LIMITER, (account) => limiter.consume(account), () => undefined)
}

/**
 * A limiter makes its table by itself and tells when it has.
 *
 * @template T
 * @param {(ready: (error?: Error) => void) => T} make
 * @returns {Promise<T>}
 */
function made(make) {
  return new Promise((resolve, reject) => {
    const limiter = make((error) => (error === undefined || error === null ? setImmediate(() => resolve(limiter)) : reject(error)))
  })
}
