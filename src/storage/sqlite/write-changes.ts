import type { Account } from '../../ledger/account.js'
import { type Grant, isOpen } from '../../ledger/grant.js'
import type { Reservation } from '../../ledger/reservation.js'
import type { WriteSet } from '../loaded-account.js'
import { counterValues, recordValues } from '../record-rows.js'
import { accountSumValues, accountValues, differsOnlyInSums, grantValues, reservationStateValues, reservationValues, transactionValues } from '../rows.js'
import type { Statements } from './statements.js'

/** Writes what a batch has changed of one account, inside the write that decided it. */
export function writeChanges(statements: Statements, change: WriteSet): void {
  const account = change.account as Account
  const { id } = account
  writeAccount(statements, account, change.accountBefore)
  for (const transaction of change.transactions) statements.insertTransaction.run(transactionValues(transaction))
  for (const grant of change.grants) writeGrant(statements, id, grant)
  for (const reservation of change.reservations) writeReservation(statements, id, reservation)
  for (const record of change.records) statements.upsertRecord.run(recordValues(id, record))
  for (const counter of change.counters) statements.upsertCounter.run(counterValues(id, counter))
}

function writeAccount(statements: Statements, account: Account, before: Account | null): void {
  if (before !== null && differsOnlyInSums(before, account)) statements.updateAccount.run(accountSumValues(account), account.id)
  else statements.upsertAccount.run(accountValues(account))
}

function writeGrant(statements: Statements, account: string, grant: Grant): void {
  const { remaining, sequence, state } = grant
  const { changes } = statements.updateGrant.run(remaining, account, sequence, state, Number(isOpen(grant)))
  if (changes === 0) statements.upsertGrant.run(grantValues(account, grant))
}

/** One that ends was nearly always made in an earlier write; its price and pins stay as they are there. */
function writeReservation(statements: Statements, account: string, reservation: Reservation): void {
  const { state, sequence } = reservation
  if (state !== 'open' && statements.updateReservation.run(reservationStateValues(reservation), account, sequence).changes === 1) return
  statements.upsertReservation.run(reservationValues(account, reservation))
}
