import type { Pool, PoolClient } from 'pg'
import { type InTheWay, whenFree } from '../in-the-way.js'

/** So long a server that had no connection left is asked for no further one. */
const FULL_MS = 1_000

/**
 * A connection of the pool. Where the server has none left for a further one, those that the pool has go round: one waits for
 * them as long as for any.
 */
export function connectionOf(pool: Pool): Promise<PoolClient> {
  const full: InTheWay = {
    isIt: (error) => isFull(error) && pool.totalCount > 0,
    words: 'The database does not serve: it has no connection left (53300), and none of ours was free in time',
    pauseMaxMs: 250,
  }
  return whenFree(full, async () => {
    try {
      return await pool.connect()
    } catch (error) {
      if (isFull(error)) holdToThoseThatAreThere(pool)
      throw error
    }
  })
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '53300'
}

const held = new WeakSet<Pool>()

/** A pool that may have no more has its callers wait in a queue instead of asking the server again, each for itself. */
function holdToThoseThatAreThere(pool: Pool): void {
  const { max } = pool.options
  pool.options.max = Math.max(1, Math.min(max, pool.totalCount))
  if (held.has(pool)) return
  held.add(pool)
  const again = setTimeout(() => {
    pool.options.max = max
    held.delete(pool)
  }, FULL_MS)
  again.unref()
}
