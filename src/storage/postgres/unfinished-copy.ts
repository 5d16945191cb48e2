import type { Pool } from 'pg'
import { MARK } from '../copy/mark.js'
import { UnfinishedCopy } from '../port.js'
import { inRead, type Query } from './connection.js'

/** Where a ledger is being copied from, as its mark says; null for one that is whole. */
export async function markedSource(query: Query): Promise<string | null> {
  const { rows: found } = await query<{ mark: string | null }>(
    `select to_regclass(quote_ident(current_schema()) || '.${MARK}')::text as mark`,
  )
  if (found[0]?.mark == null) return null
  const { rows } = await query<{ source: string }>(`select source from ${MARK}`)
  return rows[0]?.source ?? ''
}

/** @throws UnfinishedCopy */
export async function seeThatItIsWhole(pool: Pool, location: string): Promise<void> {
  const source = await inRead(pool, markedSource)
  if (source !== null) throw new UnfinishedCopy(location, source)
}
