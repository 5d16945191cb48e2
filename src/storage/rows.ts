import type { Account, AccountState } from '../ledger/account.js'
import { entriesFromText, entriesText } from '../ledger/chain.js'
import { type Grant, isOpen, type Share } from '../ledger/grant.js'
import type { Holder, OverrunPolicy, Reservation, ReservationState } from '../ledger/reservation.js'
import type { Detail, Labels, Transaction, TransactionKind } from '../ledger/transaction.js'

/**
 * Rows as both databases hold them, in the order of the columns of the schema. Integers come back as numbers from one
 * driver and as texts from the other; both are exact, because no amount exceeds what a JSON number holds.
 */
export type Integer = number | string | bigint

export interface AccountRow {
  readonly id: string
  readonly state: string
  readonly parent: string | null
  readonly time_zone: string
  readonly is_test: Integer
  readonly debt_max: Integer
  readonly label_salt: string
  readonly created_at: Integer
  readonly last_at: Integer
  readonly sequence: Integer
  readonly head: Buffer
  readonly issued: Integer
  readonly available: Integer
  readonly reserved: Integer
  readonly spent: Integer
  readonly expired: Integer
  readonly revoked: Integer
  readonly uncollected: Integer
  readonly debt: Integer
  readonly open_grants: Integer
  readonly open_reservations: Integer
  readonly next_due_at: Integer
  readonly plan: string | null
  readonly plan_anchor_at: Integer | null
  readonly period: Integer | null
  readonly period_start: Integer | null
  readonly period_end: Integer | null
  readonly period_base: Integer | null
  readonly next_plan: string | null
  readonly rules: Integer
  readonly pending: Integer
  readonly fired: string
  readonly clock_ahead_ms: Integer
  readonly items_due_at: Integer
  readonly plan_changed_by: Integer
}

export const ACCOUNT_COLUMNS = [
  'id', 'state', 'parent', 'time_zone', 'is_test', 'debt_max', 'label_salt', 'created_at', 'last_at', 'sequence', 'head',
  'issued', 'available', 'reserved', 'spent', 'expired', 'revoked', 'uncollected', 'debt', 'open_grants', 'open_reservations',
  'next_due_at', 'plan', 'plan_anchor_at', 'period', 'period_start', 'period_end', 'period_base', 'next_plan',
  'rules', 'pending', 'fired', 'clock_ahead_ms', 'items_due_at', 'plan_changed_by',
] as const satisfies readonly (keyof AccountRow)[]

export function accountFromRow(row: AccountRow): Account {
  return {
    id: row.id,
    state: row.state as AccountState,
    parent: row.parent,
    timeZone: row.time_zone,
    isTest: Number(row.is_test) === 1,
    debtMax: BigInt(row.debt_max),
    labelSalt: row.label_salt,
    createdAt: Number(row.created_at),
    lastAt: Number(row.last_at),
    sequence: Number(row.sequence),
    head: row.head.toString('hex'),
    books: {
      issued: BigInt(row.issued),
      available: BigInt(row.available),
      reserved: BigInt(row.reserved),
      spent: BigInt(row.spent),
      expired: BigInt(row.expired),
      revoked: BigInt(row.revoked),
      uncollected: BigInt(row.uncollected),
    },
    debt: BigInt(row.debt),
    openGrants: Number(row.open_grants),
    openReservations: Number(row.open_reservations),
    nextDueAt: Number(row.next_due_at),
    subscription:
      row.plan === null
        ? null
        : {
            plan: row.plan,
            anchorAt: Number(row.plan_anchor_at),
            period: Number(row.period),
            periodStart: Number(row.period_start),
            periodEnd: Number(row.period_end),
            periodBase: BigInt(row.period_base as Integer),
            nextPlan: row.next_plan,
          },
    rules: Number(row.rules),
    pending: BigInt(row.pending),
    fired: JSON.parse(row.fired) as string[],
    clockAheadMs: Number(row.clock_ahead_ms),
    itemsDueAt: Number(row.items_due_at),
    planChangedBy: Number(row.plan_changed_by),
  }
}

/** The values of an account in the order of {@link ACCOUNT_COLUMNS}. */
export function accountValues(account: Account): readonly unknown[] {
  const { books, subscription } = account
  return [
    account.id, account.state, account.parent, account.timeZone, Number(account.isTest), account.debtMax, account.labelSalt,
    account.createdAt, account.lastAt, account.sequence, Buffer.from(account.head, 'hex'),
    books.issued, books.available, books.reserved, books.spent, books.expired, books.revoked, books.uncollected, account.debt,
    account.openGrants, account.openReservations, account.nextDueAt,
    subscription?.plan ?? null, subscription?.anchorAt ?? null, subscription?.period ?? null,
    subscription?.periodStart ?? null, subscription?.periodEnd ?? null, subscription?.periodBase ?? null,
    subscription?.nextPlan ?? null, account.rules, account.pending, JSON.stringify(account.fired), account.clockAheadMs,
    account.itemsDueAt, account.planChangedBy,
  ]
}

/** What nearly every transaction changes in its account's row: sums and counters, none of them in an index. */
export const ACCOUNT_SUM_COLUMNS = [
  'last_at', 'sequence', 'head', 'issued', 'available', 'reserved', 'spent', 'expired', 'revoked', 'uncollected', 'debt',
  'open_grants', 'open_reservations',
] as const satisfies readonly (keyof AccountRow)[]

const SUM_FIELDS: ReadonlySet<string> = new Set<keyof Account>([
  'lastAt', 'sequence', 'head', 'books', 'debt', 'openGrants', 'openReservations',
])

/** Whether two states of an account differ in nothing but its sums. */
export function differsOnlyInSums(before: Account, after: Account): boolean {
  return (Object.keys(after) as (keyof Account)[]).every((field) => SUM_FIELDS.has(field) || before[field] === after[field])
}

/** The values of an account's sums in the order of {@link ACCOUNT_SUM_COLUMNS}. */
export function accountSumValues({ lastAt, sequence, head, books, debt, openGrants, openReservations }: Account): readonly unknown[] {
  return [
    lastAt, sequence, Buffer.from(head, 'hex'), books.issued, books.available, books.reserved, books.spent, books.expired,
    books.revoked, books.uncollected, debt, openGrants, openReservations,
  ]
}

export interface GrantRow {
  readonly account: string
  readonly sequence: Integer
  readonly id: string
  readonly source: string
  readonly priority: Integer
  readonly is_paid: Integer
  readonly amount: Integer
  readonly remaining: Integer
  readonly state: string
  readonly is_open: Integer
  readonly effective_at: Integer
  readonly expires_at: Integer
  readonly ends_with_plan: Integer
}

export const GRANT_COLUMNS = [
  'account', 'sequence', 'id', 'source', 'priority', 'is_paid', 'amount', 'remaining', 'state', 'is_open', 'effective_at', 'expires_at',
  'ends_with_plan',
] as const satisfies readonly (keyof GrantRow)[]

export function grantFromRow(row: GrantRow): Grant {
  return {
    id: row.id,
    sequence: Number(row.sequence),
    source: row.source,
    priority: Number(row.priority),
    isPaid: Number(row.is_paid) === 1,
    amount: BigInt(row.amount),
    remaining: BigInt(row.remaining),
    state: row.state as Grant['state'],
    effectiveAt: Number(row.effective_at),
    expiresAt: Number(row.expires_at),
    endsWithPlan: Number(row.ends_with_plan) === 1,
  }
}

export function grantValues(account: string, grant: Grant): readonly unknown[] {
  return [
    account, grant.sequence, grant.id, grant.source, grant.priority, Number(grant.isPaid), grant.amount, grant.remaining,
    grant.state, Number(isOpen(grant)), grant.effectiveAt, grant.expiresAt, Number(grant.endsWithPlan),
  ]
}

export interface ReservationRow {
  readonly account: string
  readonly sequence: Integer
  readonly id: string
  readonly state: string
  readonly holder: string
  readonly key: string | null
  readonly member: string | null
  readonly run: string | null
  readonly amount: Integer
  readonly pins: string
  readonly overrun: string
  readonly opened_at: Integer
  readonly expires_at: Integer
  readonly price: string
  readonly price_version: Integer
  readonly operation: string
  readonly variant: string | null
  readonly tool: string | null
  readonly labels: string | null
  readonly call_key: string | null
  readonly call_fingerprint: string | null
  readonly ended_by: Integer | null
}

export const RESERVATION_COLUMNS = [
  'account', 'sequence', 'id', 'state', 'holder', 'key', 'member', 'run', 'amount', 'pins', 'overrun', 'opened_at', 'expires_at',
  'price', 'price_version', 'operation', 'variant', 'tool', 'labels', 'call_key', 'call_fingerprint', 'ended_by',
] as const satisfies readonly (keyof ReservationRow)[]

export function reservationFromRow(row: ReservationRow): Reservation {
  return {
    id: row.id,
    sequence: Number(row.sequence),
    state: row.state as ReservationState,
    holder: row.holder as Holder,
    key: row.key,
    member: row.member,
    run: row.run,
    amount: BigInt(row.amount),
    pins: pinsFromText(row.pins),
    overrun: row.overrun as OverrunPolicy,
    openedAt: Number(row.opened_at),
    expiresAt: Number(row.expires_at),
    price: JSON.parse(row.price) as unknown,
    priceVersion: Number(row.price_version),
    operation: row.operation,
    variant: row.variant,
    tool: row.tool,
    labels: labelsFromText(row.labels),
    callKey: row.call_key,
    callFingerprint: row.call_fingerprint,
    endedBy: row.ended_by === null ? null : Number(row.ended_by),
  }
}

export function reservationValues(account: string, reservation: Reservation): readonly unknown[] {
  return [
    account, reservation.sequence, reservation.id, reservation.state, reservation.holder, reservation.key, reservation.member,
    reservation.run, reservation.amount, pinsText(reservation.pins), reservation.overrun, reservation.openedAt, reservation.expiresAt,
    JSON.stringify(reservation.price), reservation.priceVersion, reservation.operation, reservation.variant, reservation.tool,
    labelsText(reservation.labels), reservation.callKey, reservation.callFingerprint, reservation.endedBy,
  ]
}

/** What a later write may change of a reservation: a quoted call's passes to the meter that runs it, with the key of the call. */
export const RESERVATION_STATE_COLUMNS = [
  'state', 'holder', 'expires_at', 'call_key', 'call_fingerprint', 'ended_by',
] as const satisfies readonly (keyof ReservationRow)[]

/** The values of a reservation's state in the order of {@link RESERVATION_STATE_COLUMNS}. */
export function reservationStateValues({ state, holder, expiresAt, callKey, callFingerprint, endedBy }: Reservation): readonly unknown[] {
  return [state, holder, expiresAt, callKey, callFingerprint, endedBy]
}

export interface TransactionRow {
  readonly account: string
  readonly sequence: Integer
  readonly kind: string
  readonly at: Integer
  readonly credits: Integer
  readonly balance_after: Integer
  readonly operation: string | null
  readonly variant: string | null
  readonly quantity: number | null
  readonly tool: string | null
  readonly key: string | null
  readonly member: string | null
  readonly labels: string | null
  readonly labels_digest: string | null
  readonly idempotency_key: string | null
  readonly fingerprint: string | null
  readonly refers_to: Integer | null
  readonly price_version: Integer | null
  readonly detail: string
  readonly entries: string
  readonly hash: Buffer
}

export const TRANSACTION_COLUMNS = [
  'account', 'sequence', 'kind', 'at', 'credits', 'balance_after', 'operation', 'variant', 'quantity', 'tool', 'key', 'member',
  'labels', 'labels_digest', 'idempotency_key', 'fingerprint', 'refers_to', 'price_version', 'detail', 'entries', 'hash',
] as const satisfies readonly (keyof TransactionRow)[]

export function transactionFromRow(row: TransactionRow): Transaction {
  return {
    account: row.account,
    sequence: Number(row.sequence),
    kind: row.kind as TransactionKind,
    at: Number(row.at),
    credits: BigInt(row.credits),
    balanceAfter: BigInt(row.balance_after),
    operation: row.operation,
    variant: row.variant,
    quantity: row.quantity,
    tool: row.tool,
    key: row.key,
    member: row.member,
    labels: labelsFromText(row.labels),
    labelsDigest: row.labels_digest,
    idempotencyKey: row.idempotency_key,
    fingerprint: row.fingerprint,
    refersTo: row.refers_to === null ? null : Number(row.refers_to),
    priceVersion: row.price_version === null ? null : Number(row.price_version),
    detail: JSON.parse(row.detail) as Detail,
    entries: entriesFromText(row.entries),
    hash: row.hash.toString('hex'),
  }
}

export function transactionValues(transaction: Transaction): readonly unknown[] {
  return [
    transaction.account, transaction.sequence, transaction.kind, transaction.at, transaction.credits, transaction.balanceAfter,
    transaction.operation, transaction.variant, transaction.quantity, transaction.tool, transaction.key, transaction.member,
    labelsText(transaction.labels), transaction.labelsDigest, transaction.idempotencyKey, transaction.fingerprint,
    transaction.refersTo, transaction.priceVersion, JSON.stringify(transaction.detail), entriesText(transaction.entries),
    Buffer.from(transaction.hash, 'hex'),
  ]
}

function pinsText(pins: readonly Share[]): string {
  return JSON.stringify(pins.map((pin) => [pin.grant, Number(pin.amount)]))
}

function pinsFromText(text: string): readonly Share[] {
  return (JSON.parse(text) as [number, number][]).map(([grant, amount]) => ({ grant, amount: BigInt(amount) }))
}

function labelsText(labels: Labels | null): string | null {
  return labels === null ? null : JSON.stringify(labels)
}

function labelsFromText(text: string | null): Labels | null {
  return text === null ? null : (JSON.parse(text) as Labels)
}
