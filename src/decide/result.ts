import type { Reservation } from '../ledger/reservation.js'
import type { Transaction } from '../ledger/transaction.js'
import type { Draft } from './draft.js'
import type { Done } from './outcome.js'

export function done(draft: Draft, transaction: Transaction | null, reservation: Reservation | null = null): Done {
  return { kind: 'done', account: draft.account, transaction, reservation, replayed: false }
}
