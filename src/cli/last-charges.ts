import type { Credits } from '../credits.js'
import type { TransactionResult } from '../usage/results.js'

/** The kinds of rows that spend. */
const SPENDING = ['charge', 'settle'] as const

/**
 * The last charges of an account, newest first; of a long journal with few of them those that one search finds, so that
 * nobody waits for a whole history.
 */
export async function lastCharges(ledger: Credits, limit: number): Promise<readonly TransactionResult[]> {
  const pages = await Promise.all(SPENDING.map((type) => ledger.transactions({ type, limit })))
  return pages
    .flatMap(({ transactions }) => transactions)
    .sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0))
    .slice(0, limit)
}
