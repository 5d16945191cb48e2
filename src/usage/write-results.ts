import type { Level } from '../budgets/level.js'
import type { Done } from '../decide/outcome.js'
import type { AccountRecord, RecordDocument, RecordKind } from '../ledger/account-record.js'
import { transactionId } from '../ledger/transaction.js'
import { toCredits } from '../money/credits.js'
import { formatInstant, formatInstantOrNull } from '../time/instant.js'
import type {
  AccountResult,
  ChargeResult,
  ClockResult,
  ExtendResult,
  GrantResult,
  RefundResult,
  ReleaseResult,
  ReservedCallResult,
  ReserveResult,
  SettleResult,
  TimeZoneResult,
  WriteResult,
} from './results.js'

/**
 * What a caller is told of a write, read from the journal row alone: the first answer and every replay of it are the
 * same words because they come from the same bytes.
 */
export function writeResult({ transaction, account, replayed, ownBalance }: Done): WriteResult {
  // What a write gives back to a grant whose time is over expires after its row, which therefore tells the balance then.
  const afterExpiry = transaction?.detail['balanceAfterExpiry'] as number | undefined
  return {
    transaction: transaction === null ? null : transactionId(transaction),
    balance: ownBalance === null ? (afterExpiry ?? toCredits(transaction?.balanceAfter ?? account.books.available)) : toCredits(ownBalance),
    replayed,
  }
}

/** The record that a write made or changed, as its row tells it: what has become of it since is another matter. */
export function writtenRecord({ transaction }: Done, kind: RecordKind): AccountRecord {
  const { [kind]: id, document } = transaction?.detail ?? {}
  if (transaction === null || typeof id !== 'string') throw new Error(`the write of a ${kind} has a row that names it`)
  return { kind, id, sequence: transaction.sequence, isOpen: true, lookup: null, document: document as RecordDocument }
}

/** The zone as its row tells it. */
export function timeZoneResult(done: Done): TimeZoneResult {
  const { account, transaction } = done
  // The zone that an account has already needs no row.
  return { ...writeResult(done), id: account.id, timeZone: (transaction?.detail['to'] as string | undefined) ?? account.timeZone }
}

/** The account's time as its row tells it. */
export function clockResult(done: Done): ClockResult {
  return { ...writeResult(done), id: done.account.id, now: done.transaction?.detail['to'] as string }
}

export function grantResult(done: Done): GrantResult {
  const detail = done.transaction?.detail ?? {}
  return {
    ...writeResult(done),
    // A grant that takes effect later is promised by a row that moves nothing yet.
    granted: (detail['credits'] as number | undefined) ?? toCredits(done.transaction?.credits ?? 0n),
    expiresAt: (detail['expiresAt'] as string | null | undefined) ?? null,
  }
}

export function chargeResult(done: Done): ChargeResult {
  const { transaction } = done
  const { transaction: id, balance, replayed } = writeResult(done)
  return {
    // Field by field: an object that is copied and then added to costs more than all the rest of an answer.
    transaction: id,
    balance,
    replayed,
    charged: toCredits(transaction?.credits ?? 0n),
    variant: transaction?.variant ?? null,
    picked: (transaction?.detail['picked'] as string | undefined) ?? null,
    budgetLevel: (transaction?.detail['level'] as Level | undefined) ?? 'ok',
  }
}

export function reserveResult(done: Done): ReserveResult {
  const { transaction, reservation, replayed } = done
  const { quote, reserved, calls } = transaction?.detail ?? {}
  const isPlan = transaction?.kind === 'amend'
  return {
    reservation: isPlan ? (quote as string) : (reservation?.id ?? null),
    reserved: isPlan ? (reserved as number) : toCredits(transaction?.credits ?? 0n),
    variant: transaction?.variant ?? null,
    picked: (transaction?.detail['picked'] as string | undefined) ?? null,
    expiresAt: (transaction?.detail['expiresAt'] as string | undefined) ?? null,
    balance: writeResult(done).balance,
    replayed,
    ...(isPlan ? { calls: calls as readonly ReservedCallResult[] } : {}),
  }
}

export function extendResult({ reservation, transaction, replayed }: Done): ExtendResult {
  const recorded = transaction?.detail ?? {}
  return {
    reservation: ((recorded['reservation'] ?? recorded['quote']) as string | undefined) ?? reservation?.id ?? '',
    expiresAt: (recorded['expiresAt'] as string | undefined) ?? formatInstant(reservation?.expiresAt ?? 0),
    replayed,
  }
}

export function settleResult(done: Done): SettleResult {
  const detail = done.transaction?.detail ?? {}
  const { transaction, balance, replayed } = writeResult(done)
  return {
    transaction,
    balance,
    replayed,
    charged: chargedBy(done),
    released: (detail['released'] as number | undefined) ?? 0,
    uncollected: (detail['uncollected'] as number | undefined) ?? 0,
    late: detail['late'] === true,
  }
}

export function releaseResult(done: Done): ReleaseResult {
  return { ...writeResult(done), released: (done.transaction?.detail['released'] as number | undefined) ?? 0, charged: chargedBy(done) }
}

/**
 * What an ending charged: by whose fault a job failed, a settlement may have released and a release have settled (ND-16).
 * That of a plan tells the sum of its calls.
 */
function chargedBy({ transaction }: Done): number {
  if (transaction?.kind === 'amend') return transaction.detail['charged'] as number
  return transaction?.kind === 'settle' ? toCredits(transaction.credits) : 0
}

export function refundResult(done: Done): RefundResult {
  return { ...writeResult(done), refunded: toCredits(done.transaction?.credits ?? 0n) }
}

export function accountResult({ account, replayed }: Pick<Done, 'account' | 'replayed'>): AccountResult {
  return {
    id: account.id,
    state: account.state,
    plan: account.subscription?.plan ?? null,
    timeZone: account.timeZone,
    parent: account.parent,
    test: account.isTest,
    balance: toCredits(account.books.available),
    createdAt: formatInstantOrNull(account.createdAt) ?? '',
    replayed,
  }
}
