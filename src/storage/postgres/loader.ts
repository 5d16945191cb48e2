import type { Need } from '../../decide/view.js'
import type { Account } from '../../ledger/account.js'
import type { Grant } from '../../ledger/grant.js'
import { NEVER } from '../../time/instant.js'
import type { AccountNeed, Answer, Request } from '../batch.js'
import { dueRows, paidBy } from '../due-rows.js'
import type { Found } from '../loaded-account.js'
import { COUNTER_COLUMNS, counterFromRow, type CounterRow, RECORD_COLUMNS, recordFromRow, type RecordRow } from '../record-rows.js'
import {
  ACCOUNT_COLUMNS,
  accountFromRow,
  type AccountRow,
  GRANT_COLUMNS,
  grantFromRow,
  type GrantRow,
  RESERVATION_COLUMNS,
  reservationFromRow,
  type ReservationRow,
  TRANSACTION_COLUMNS,
  transactionFromRow,
  type TransactionRow,
} from '../rows.js'
import type { Query } from './connection.js'

const ACCOUNTS_BY_ID = `select ${ACCOUNT_COLUMNS.join(', ')} from accounts where id = any($1::text[]) order by id`

/**
 * Answers what a batch or a read asks for, each kind of row with one statement for all that ask for it.
 *
 * A write locks its accounts first, in one order so that two never wait for each other, and loads the rest in later
 * statements: rows joined into the statement that waits for the lock would be read from before the wait.
 */
export async function answerFrom(query: Query, request: Request, isWrite: boolean): Promise<Answer> {
  if (request.kind === 'rows') return { kind: 'rows', found: await findAll(query, request.needs) }
  const { rows } = await query<AccountRow>(isWrite ? `${ACCOUNTS_BY_ID} for update` : ACCOUNTS_BY_ID, [request.ids])
  const byId = new Map<string, Account>(rows.map((row) => [row.id, accountFromRow(row)]))
  return { kind: 'accounts', accounts: request.ids.map((id) => byId.get(id) ?? null) }
}

/** A statement that looks up rows for a list of accounts with one to three values each, given as arrays. */
function lookUp(columns: readonly string[], table: string, types: readonly string[], rest: string, order: string): string {
  const arrays = types.map((type, index) => `$${index + 2}::${type}[]`)
  const names = ['value', 'more', 'after'].slice(0, types.length)
  return `select n.place, r.*
    from unnest($1::text[], ${arrays.join(', ')}) with ordinality as n (account, ${names.join(', ')}, place)
    cross join lateral (select ${columns.join(', ')} from ${table} where account = n.account and ${rest}) as r
    order by n.place, ${order}`
}

const OPEN_GRANT = 'is_open = 1'
const BURN_ORDER = 'priority, expires_at, is_paid, sequence'

const LOOK_UPS = {
  openGrants: lookUp(GRANT_COLUMNS, 'grants', ['int8'], `${OPEN_GRANT} order by ${BURN_ORDER} limit n.value`, BURN_ORDER),
  grant: lookUp(GRANT_COLUMNS, 'grants', ['int8'], 'sequence = n.value', 'sequence'),
  expiringGrants: duePage(GRANT_COLUMNS, 'grants', OPEN_GRANT, 'expires_at'),
  scheduledGrants: duePage(GRANT_COLUMNS, 'grants', `state = 'scheduled'`, 'effective_at'),
  reservation: lookUp(RESERVATION_COLUMNS, 'reservations', ['int8'], 'sequence = n.value', 'sequence'),
  openCall: lookUp(RESERVATION_COLUMNS, 'reservations', ['text'], `state = 'open' and call_key = n.value`, 'sequence'),
  dueReservations: duePage(RESERVATION_COLUMNS, 'reservations', `state = 'open'`, 'expires_at'),
  transaction: lookUp(TRANSACTION_COLUMNS, 'transactions', ['int8'], 'sequence = n.value', 'sequence'),
  transactionByKey: lookUp(TRANSACTION_COLUMNS, 'transactions', ['text'], 'idempotency_key = n.value', 'sequence'),
  refunds: lookUp(TRANSACTION_COLUMNS, 'transactions', ['int8'], `refers_to = n.value and kind = 'refund'`, 'sequence'),
  openRecords: lookUp(RECORD_COLUMNS, 'records', ['text'], 'kind = n.value and is_open = 1', 'sequence'),
  record: lookUp(RECORD_COLUMNS, 'records', ['text', 'text'], 'kind = n.value and id = n.more', 'id'),
  counter: lookUp(COUNTER_COLUMNS, 'counters', ['text', 'text'], 'budget = n.value and subject = n.more', 'budget'),
} as const

/** The rows due after `after` and by `value`: as many as `more` says, and those due at the same instant as the last of them. */
function duePage(columns: readonly string[], table: string, isWaiting: string, due: string): string {
  const isDue = `${isWaiting} and ${due} > n.after and ${due} <= n.value`
  const last = `select ${due} from ${table} where account = n.account and ${isDue}
    order by ${due} limit 1 offset n.more - 1`
  const rest = `${isDue} and ${due} <= coalesce((${last}), n.value)`
  return lookUp(columns, table, ['int8', 'int8', 'int8'], rest, `${due}, sequence`)
}

const NEXT_DUE = `
  select n.place, least(
    (select min(expires_at) from grants where account = n.account and ${OPEN_GRANT} and expires_at > n.after),
    (select min(effective_at) from grants where account = n.account and state = 'scheduled' and effective_at > n.after),
    (select min(expires_at) from reservations where account = n.account and state = 'open' and expires_at > n.after)
  ) as due
  from unnest($1::text[], $2::int8[]) with ordinality as n (account, after, place)`

type NeedOf<K extends Need['kind']> = Need & { readonly kind: K }

interface Asked<N extends Need = Need> {
  readonly account: string
  readonly need: N
  /** Where in the request it stands, and its answer in the answers. */
  readonly place: number
}

async function findAll(query: Query, needs: readonly AccountNeed[]): Promise<readonly Found[]> {
  const found = new Array<Found>(needs.length)
  const asked = <K extends Need['kind']>(kind: K): readonly Asked<NeedOf<K>>[] =>
    needs.flatMap(({ account, need }, place) => (need.kind === kind ? [{ account, need: need as NeedOf<K>, place }] : []))
  const rowsFor = <Row>(sql: string, list: readonly Asked[], ...values: readonly (readonly unknown[])[]) =>
    rowsByPlace<Row>(query, sql, [list.map(({ account }) => account), ...values])

  const pages = asked('grants')
  const openGrants = await rowsFor<GrantRow>(LOOK_UPS.openGrants, pages, pages.map(({ need }) => need.count))
  pages.forEach(({ need, place }, index) => {
    const grants = (openGrants[index] ?? []).map(grantFromRow)
    found[place] = { kind: 'grants', grants, isAll: grants.length < need.count }
  })

  const keys = asked('key')
  const keyed = await rowsFor<TransactionRow>(LOOK_UPS.transactionByKey, keys, keys.map(({ need }) => need.key))
  keys.forEach(({ place }, index) => {
    found[place] = { kind: 'key', transaction: firstOf(keyed[index], transactionFromRow) }
  })

  const calls = asked('call')
  const running = await rowsFor<ReservationRow>(LOOK_UPS.openCall, calls, calls.map(({ need }) => need.key))
  calls.forEach(({ place }, index) => {
    found[place] = { kind: 'call', reservation: firstOf(running[index], reservationFromRow) }
  })

  const charges = asked('refunds')
  const refunds = await rowsFor<TransactionRow>(LOOK_UPS.refunds, charges, charges.map(({ need }) => need.sequence))
  charges.forEach(({ place }, index) => {
    found[place] = { kind: 'refunds', refunds: (refunds[index] ?? []).map(transactionFromRow) }
  })

  await findRecords(query, asked('records'), asked('record'), found)
  await findCounters(query, asked('counters'), found)
  await findDue(query, asked('due'), found)
  await findWithGrants(query, { grants: asked('grant'), reservations: asked('reservation'), transactions: asked('transaction') }, found)
  await findReservations(query, asked('reservations'), found)
  return found
}

async function findRecords(
  query: Query,
  kinds: readonly Asked<NeedOf<'records'>>[],
  single: readonly Asked<NeedOf<'record'>>[],
  found: Found[],
): Promise<void> {
  const open = await rowsByPlace<RecordRow>(query, LOOK_UPS.openRecords, [
    kinds.map(({ account }) => account),
    kinds.map(({ need }) => need.of),
  ])
  kinds.forEach(({ place }, index) => {
    found[place] = { kind: 'records', records: (open[index] ?? []).map(recordFromRow) }
  })
  const rows = await rowsByPlace<RecordRow>(query, LOOK_UPS.record, [
    single.map(({ account }) => account),
    single.map(({ need }) => need.of),
    single.map(({ need }) => need.id),
  ])
  single.forEach(({ place }, index) => {
    found[place] = { kind: 'record', record: firstOf(rows[index], recordFromRow) }
  })
}

/** All counters that are asked for in one statement, however many each asks for. */
async function findCounters(query: Query, asked: readonly Asked<NeedOf<'counters'>>[], found: Found[]): Promise<void> {
  const keys = asked.flatMap(({ account, need }) => need.keys.map((key) => ({ ...key, account })))
  const rows = await rowsByPlace<CounterRow>(query, LOOK_UPS.counter, [
    keys.map(({ account }) => account),
    keys.map(({ budget }) => budget),
    keys.map(({ subject }) => subject),
  ])
  const counters = rows.map((row) => firstOf(row, counterFromRow))
  let first = 0
  for (const { need, place } of asked) {
    found[place] = { kind: 'counters', counters: counters.slice(first, first + need.keys.length) }
    first += need.keys.length
  }
}

async function findDue(query: Query, asked: readonly Asked<NeedOf<'due'>>[], found: Found[]): Promise<void> {
  if (asked.length === 0) return
  const accounts = asked.map(({ account }) => account)
  const instants = asked.map(({ need }) => need.at)
  const values = [accounts, instants, asked.map(({ need }) => need.count), asked.map(({ need }) => need.after)]
  const reservations = await rowsByPlace<ReservationRow>(query, LOOK_UPS.dueReservations, values)
  const expiring = await rowsByPlace<GrantRow>(query, LOOK_UPS.expiringGrants, values)
  const scheduled = await rowsByPlace<GrantRow>(query, LOOK_UPS.scheduledGrants, values)
  const next = await rowsByPlace<{ readonly due: string | null }>(query, NEXT_DUE, [accounts, instants])
  asked.forEach(({ need, place }, index) => {
    const rows = {
      reservations: (reservations[index] ?? []).map(reservationFromRow),
      expiring: (expiring[index] ?? []).map(grantFromRow),
      scheduled: (scheduled[index] ?? []).map(grantFromRow),
    }
    found[place] = { kind: 'due', ...dueRows(rows, need.at, need.count, Number(next[index]?.[0]?.due ?? NEVER)) }
  })
}

interface AskedWithGrants {
  readonly grants: readonly Asked<NeedOf<'grant'>>[]
  readonly reservations: readonly Asked<NeedOf<'reservation'>>[]
  readonly transactions: readonly Asked<NeedOf<'transaction'>>[]
}

/** Grants asked for by themselves, and the grants of the reservations and transactions asked for, in one statement. */
async function findWithGrants(query: Query, asked: AskedWithGrants, found: Found[]): Promise<void> {
  const pairs = (list: readonly Asked<NeedOf<'grant' | 'reservation' | 'transaction'>>[]) => [
    list.map(({ account }) => account),
    list.map(({ need }) => need.sequence),
  ]
  const reservationRows = await rowsByPlace<ReservationRow>(query, LOOK_UPS.reservation, pairs(asked.reservations))
  const transactionRows = await rowsByPlace<TransactionRow>(query, LOOK_UPS.transaction, pairs(asked.transactions))
  const reservations = asked.reservations.map((one, index) => ({ ...one, row: firstOf(reservationRows[index], reservationFromRow) }))
  const transactions = asked.transactions.map((one, index) => ({ ...one, row: firstOf(transactionRows[index], transactionFromRow) }))
  const pinned = reservations.map(({ row }) => (row?.pins ?? []).map((pin) => pin.grant))
  const paying = transactions.map(({ row }) => (row === null ? [] : paidBy(row)))
  const grantOf = await grantsOf(query, [
    ...asked.grants.map(({ account, need }) => ({ account, sequences: [need.sequence] })),
    ...reservations.map(({ account }, index) => ({ account, sequences: pinned[index] ?? [] })),
    ...transactions.map(({ account }, index) => ({ account, sequences: paying[index] ?? [] })),
  ])
  for (const { account, need, place } of asked.grants) found[place] = { kind: 'grant', grant: grantOf(account, need.sequence) }
  reservations.forEach(({ account, place, row }, index) => {
    const grants = (pinned[index] ?? []).map((sequence) => grantOf(account, sequence))
    found[place] = { kind: 'reservation', reservation: row, grants }
  })
  transactions.forEach(({ account, place, row }, index) => {
    const grants = (paying[index] ?? []).map((sequence) => grantOf(account, sequence))
    found[place] = { kind: 'transaction', transaction: row, grants }
  })
}

/** All reservations of the lists that are asked for in one statement, and all grants that they pin in another. */
async function findReservations(query: Query, asked: readonly Asked<NeedOf<'reservations'>>[], found: Found[]): Promise<void> {
  const pairs = asked.flatMap(({ account, need }) => need.sequences.map((sequence) => ({ account, sequence })))
  const rows = await rowsByPlace<ReservationRow>(query, LOOK_UPS.reservation, [
    pairs.map(({ account }) => account),
    pairs.map(({ sequence }) => sequence),
  ])
  const all = rows.map((row) => firstOf(row, reservationFromRow))
  const pinned = all.map((row) => (row?.pins ?? []).map((pin) => pin.grant))
  const grantOf = await grantsOf(query, pairs.map(({ account }, index) => ({ account, sequences: pinned[index] ?? [] })))
  let first = 0
  for (const { account, need, place } of asked) {
    const end = first + need.sequences.length
    const grants = pinned.slice(first, end).flat().map((sequence) => grantOf(account, sequence))
    found[place] = { kind: 'reservations', reservations: all.slice(first, end), grants }
    first = end
  }
}

interface WantedGrants {
  readonly account: string
  readonly sequences: readonly number[]
}

async function grantsOf(query: Query, wanted: readonly WantedGrants[]): Promise<(account: string, sequence: number) => Grant> {
  const pairs = new Map(
    wanted.flatMap(({ account, sequences }) => sequences.map((sequence) => [`${sequence} ${account}`, { account, sequence }] as const)),
  )
  const list = [...pairs.values()]
  const rows = await rowsByPlace<GrantRow>(query, LOOK_UPS.grant, [
    list.map(({ account }) => account),
    list.map(({ sequence }) => sequence),
  ])
  const grants = new Map([...pairs.keys()].map((name, index) => [name, firstOf(rows[index], grantFromRow)]))
  return (account, sequence) => {
    const grant = grants.get(`${sequence} ${account}`) ?? null
    if (grant === null) throw new Error(`grant ${sequence} of an account is referred to and not there`)
    return grant
  }
}

/** The rows of a look-up, by the place of what asked for them. No statement is run where nothing asks. */
async function rowsByPlace<Row>(query: Query, sql: string, values: readonly (readonly unknown[])[]): Promise<readonly Row[][]> {
  const asking = values[0]?.length ?? 0
  const byPlace = Array.from({ length: asking }, (): Row[] => [])
  if (asking === 0) return byPlace
  const { rows } = await query<Row & { readonly place: string }>(sql, values)
  for (const row of rows) byPlace[Number(row.place) - 1]?.push(row)
  return byPlace
}

function firstOf<Row, T>(rows: readonly Row[] | undefined, fromRow: (row: Row) => T): T | null {
  const row = rows?.[0]
  return row === undefined ? null : fromRow(row)
}
