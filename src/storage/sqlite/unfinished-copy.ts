import { MARK } from '../copy/mark.js'
import type { Connection } from './connection.js'

/** Where a ledger is being copied from, as its mark says; null for one that is whole. */
export function markedSource(connection: Connection): string | null {
  const isMarked = connection.prepare(`select 1 from sqlite_master where type = 'table' and name = ?`).get(MARK) !== undefined
  if (!isMarked) return null
  const row = connection.prepare<unknown[], { source: string }>(`select source from ${MARK}`).get()
  return row?.source ?? ''
}
