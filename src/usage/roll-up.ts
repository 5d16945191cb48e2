import { setImmediate as nextTurn } from 'node:timers/promises'
import { CreditError } from '../errors.js'
import type { Account } from '../ledger/account.js'
import type { Ledger } from './ledger.js'

/** Rows that a report may as well read from the journal: rolling up fewer would cost more writes than it saves reading. */
const TAIL_MAX = 5_000

/** Rows that one write rolls up: others wait for it no longer than for a large batch of charges. */
const STEP = 1_000

/** Bounds what one report does for those after it, where nobody has rolled up for long: its own figures are right anyway. */
const STEPS_MAX = 30

/**
 * Rolls up what an account's journal has over a few thousand rows that no roll-up holds. A ledger that takes no writes is
 * none the worse for it: the report that follows reads the journal.
 */
export async function rollUpTail(ledger: Ledger, account: string): Promise<void> {
  try {
    let left = await ledger.query((store) => store.rollUp(account, 0))
    for (let steps = 0; left > TAIL_MAX && steps < STEPS_MAX; steps += 1) {
      left = await ledger.query((store) => store.rollUp(account, STEP))
      await nextTurn()
    }
  } catch (error) {
    if (!(error instanceof CreditError)) throw error
  }
}

/** Sums up all that a report would otherwise read from the journal, of every account, for who has just made a whole ledger. */
export async function sumUsage(ledger: Ledger): Promise<void> {
  for (let after: string | null = null; ; ) {
    const accounts: readonly Account[] = await ledger.query((store) => store.accounts(after, ACCOUNTS_A_ROUND))
    for (const { id, sequence } of accounts) {
      if (sequence <= TAIL_MAX) continue
      while ((await ledger.query((store) => store.rollUp(id, STEP))) > 0);
    }
    after = accounts.at(-1)?.id ?? null
    if (after === null || accounts.length < ACCOUNTS_A_ROUND) return
  }
}

/** Accounts that one round looks at. */
const ACCOUNTS_A_ROUND = 100

/**
 * One round of rolling up between reports, so that the next one finds little left: some accounts after `after`, in the
 * order of their ids. Answers where the next round goes on; null at the end, to begin again.
 *
 * @throws CreditError `ledger_unavailable`
 */
export async function rollUpRound(ledger: Ledger, after: string | null): Promise<string | null> {
  const accounts = await ledger.query((store) => store.accounts(after, ACCOUNTS_A_ROUND))
  for (const { id } of accounts) await rollUpTail(ledger, id)
  return accounts.length < ACCOUNTS_A_ROUND ? null : (accounts.at(-1)?.id ?? null)
}
