import type { AccountRecord } from '../ledger/account-record.js'
import type { Reservation } from '../ledger/reservation.js'
import type { Transaction } from '../ledger/transaction.js'
import type { Draft } from './draft.js'
import type { Done } from './outcome.js'

export function done(draft: Draft, transaction: Transaction | null, reservation: Reservation | null = null): Done {
  return { kind: 'done', account: draft.account, transaction, reservation, replayed: false, record: null, pressure: null, ownBalance: null }
}

/** The answer to a write that made or changed a record of the account. */
export function recorded(draft: Draft, transaction: Transaction, record: AccountRecord): Done {
  return { ...done(draft, transaction), record }
}
