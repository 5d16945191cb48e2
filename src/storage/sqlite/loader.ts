import type { DueRows, Need } from '../../decide/view.js'
import type { Grant } from '../../ledger/grant.js'
import type { Transaction } from '../../ledger/transaction.js'
import { NEVER } from '../../time/instant.js'
import type { Answer, Request } from '../batch.js'
import { dueRows, paidBy } from '../due-rows.js'
import type { Found } from '../loaded-account.js'
import { counterFromRow, recordFromRow } from '../record-rows.js'
import { accountFromRow, grantFromRow, reservationFromRow, transactionFromRow } from '../rows.js'
import type { Statements } from './statements.js'

type DueNeed = Extract<Need, { readonly kind: 'due' }>

/** Answers what a batch or a read asks for, from the connection's present view of the file. */
export function answerFrom(statements: Statements, request: Request): Answer {
  if (request.kind === 'rows') {
    return { kind: 'rows', found: request.needs.map(({ account, need }) => find(statements, account, need)) }
  }
  const rows = request.ids.map((id) => statements.account.get(id))
  return { kind: 'accounts', accounts: rows.map((row) => (row === undefined ? null : accountFromRow(row))) }
}

function find(statements: Statements, account: string, need: Need): Found {
  switch (need.kind) {
    case 'grants': {
      const grants = statements.openGrants.all(account, need.count).map(grantFromRow)
      return { kind: 'grants', grants, isAll: grants.length < need.count }
    }
    case 'grant':
      return { kind: 'grant', grant: grantOf(statements, account, need.sequence) }
    case 'reservation': {
      const row = statements.reservation.get(account, need.sequence)
      const reservation = row === undefined ? null : reservationFromRow(row)
      const grants = (reservation?.pins ?? []).map((pin) => grantOf(statements, account, pin.grant))
      return { kind: 'reservation', reservation, grants }
    }
    case 'reservations': {
      const rows = need.sequences.map((sequence) => statements.reservation.get(account, sequence))
      const reservations = rows.map((row) => (row === undefined ? null : reservationFromRow(row)))
      const pinned = new Set(reservations.flatMap((reservation) => (reservation?.pins ?? []).map((pin) => pin.grant)))
      return { kind: 'reservations', reservations, grants: [...pinned].map((sequence) => grantOf(statements, account, sequence)) }
    }
    case 'transaction': {
      const row = statements.transaction.get(account, need.sequence)
      const transaction = row === undefined ? null : transactionFromRow(row)
      return { kind: 'transaction', transaction, grants: payers(statements, account, transaction) }
    }
    case 'refunds':
      return { kind: 'refunds', refunds: statements.refunds.all(account, need.sequence).map(transactionFromRow) }
    case 'key': {
      const row = statements.transactionByKey.get(account, need.key)
      return { kind: 'key', transaction: row === undefined ? null : transactionFromRow(row) }
    }
    case 'call': {
      const row = statements.openCall.get(account, need.key)
      return { kind: 'call', reservation: row === undefined ? null : reservationFromRow(row) }
    }
    case 'records':
      return { kind: 'records', records: statements.openRecords.all(account, need.of).map(recordFromRow) }
    case 'record': {
      const row = statements.record.get(account, need.of, need.id)
      return { kind: 'record', record: row === undefined ? null : recordFromRow(row) }
    }
    case 'counters': {
      const rows = need.keys.map(({ budget, subject }) => statements.counter.get(account, budget, subject))
      return { kind: 'counters', counters: rows.map((row) => (row === undefined ? null : counterFromRow(row))) }
    }
    case 'due':
      return { kind: 'due', ...findDue(statements, account, need) }
  }
}

function grantOf(statements: Statements, account: string, sequence: number): Grant {
  const row = statements.grant.get(account, sequence)
  if (row === undefined) throw new Error(`grant ${sequence} of an account is referred to and not there`)
  return grantFromRow(row)
}

function payers(statements: Statements, account: string, transaction: Transaction | null): readonly Grant[] {
  return transaction === null ? [] : paidBy(transaction).map((sequence) => grantOf(statements, account, sequence))
}

function findDue(statements: Statements, account: string, { after, at, count }: DueNeed): DueRows {
  const page = { account, after, at, last: count - 1 }
  const reservations = statements.dueReservations.all(page).map(reservationFromRow)
  const expiring = statements.expiringGrants.all(page).map(grantFromRow)
  const scheduled = statements.scheduledGrants.all(page).map(grantFromRow)
  const next = statements.nextDue.get({ account, after: at }) ?? NEVER
  return dueRows({ reservations, expiring, scheduled }, at, count, next)
}
