import { CreditError } from '../errors.js'
import { rollUpRound } from '../usage/roll-up.js'
import type { Desk } from './desk.js'

/** Accounts that one sweep takes; what is left waits for the next, or for its own next call. */
const SWEEP_MAX = 1_000

/**
 * Writes down what time alone has made necessary, in every account that waits for it. Returns how many there were.
 *
 * @throws the first error, once every account has had its turn; at once when the ledger is away.
 */
export async function sweep(desk: Desk): Promise<number> {
  const due = await desk.ledger.query((store) => store.dueAccounts(desk.ledger.now(), SWEEP_MAX))
  const errors: unknown[] = []
  for (const account of due) {
    try {
      await desk.write('sweep', { account }, {})
    } catch (error) {
      errors.push(error)
      if (error instanceof CreditError && error.code === 'ledger_unavailable') break
    }
  }
  if (errors.length > 0) throw errors[0]
  return due.length
}

export function rollUp(desk: Desk, after: string | null): Promise<string | null> {
  return rollUpRound(desk.ledger, after)
}
