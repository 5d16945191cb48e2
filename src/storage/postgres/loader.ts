import type { CatalogVersion } from '../../catalog/version.js'
import type { Need } from '../../decide/view.js'
import type { Account } from '../../ledger/account.js'
import type { Grant } from '../../ledger/grant.js'
import { NEVER } from '../../time/instant.js'
import type { AccountNeed } from '../batch.js'
import type { CatalogCache, CatalogRow } from '../catalog-cache.js'
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
import { prepare, type Prepared, type Query } from './connection.js'

/** How an account stands: everything known of it holds for as long as its mark is the same. */
export interface Mark {
  /** Counts the writes of anything of the account. */
  readonly revision: number
  /** The head of its chain. */
  readonly head: string
}

/** An account's row with its mark. */
export interface MarkedAccount {
  readonly account: Account
  readonly mark: Mark
}

type Marks = Pick<AccountRow, 'id' | 'head'> & { readonly revision: string }

const MARKED_ACCOUNT = `revision, ${ACCOUNT_COLUMNS.join(', ')}`
// The weaker of the two locks of a writer: rows that refer to the account can be written meanwhile, roll-ups for one.
const LOCK = 'for no key update'
const READ_ACCOUNTS = selectAccounts(MARKED_ACCOUNT, '')
const LOCK_ACCOUNTS = selectAccounts(MARKED_ACCOUNT, LOCK)
const LOCK_MARKS = selectAccounts('id, revision, head, (select max(version) from catalogs) as newest_catalog', LOCK)

interface SelectAccounts {
  readonly one: Prepared
  readonly several: Prepared
}

/** A single account has a statement of its own, which is always planned as a look-up by key. */
function selectAccounts(columns: string, lock: string): SelectAccounts {
  return {
    one: prepare(`select ${columns} from accounts where id = $1 ${lock}`),
    several: prepare(`select ${columns} from accounts where id = any($1::text[]) order by id ${lock}`),
  }
}

async function rowsOfAccounts<Row>(query: Query, { one, several }: SelectAccounts, ids: readonly string[]): Promise<readonly Row[]> {
  const { rows } = ids.length === 1 ? await query<Row>(one, ids) : await query<Row>(several, [ids])
  return rows
}

/** The accounts that there are of those asked for. */
export function readAccounts(query: Query, ids: readonly string[]): Promise<ReadonlyMap<string, MarkedAccount>> {
  return markedAccounts(query, READ_ACCOUNTS, ids)
}

/**
 * Locks accounts for a write and reads them as they are once it has the locks: in one order, so that two writes never
 * wait for each other. Everything else is loaded by later statements: rows joined into the statement that waits for the
 * lock would be read from before the wait.
 */
export function lockAccounts(query: Query, ids: readonly string[]): Promise<ReadonlyMap<string, MarkedAccount>> {
  return markedAccounts(query, LOCK_ACCOUNTS, ids)
}

export interface LockedMarks {
  readonly marks: ReadonlyMap<string, Mark>
  /** As it was before the wait for the lock. */
  readonly newestCatalog: number
}

/** The same for accounts of which all is known, unless they have changed. */
export async function lockMarks(query: Query, ids: readonly string[]): Promise<LockedMarks> {
  const rows = await rowsOfAccounts<Marks & { readonly newest_catalog: string | null }>(query, LOCK_MARKS, ids)
  return { marks: new Map(rows.map((row) => [row.id, markOf(row)])), newestCatalog: Number(rows[0]?.newest_catalog ?? 0) }
}

async function markedAccounts(query: Query, select: SelectAccounts, ids: readonly string[]): Promise<ReadonlyMap<string, MarkedAccount>> {
  const rows = await rowsOfAccounts<AccountRow & Marks>(query, select, ids)
  return new Map(rows.map((row) => [row.id, { account: accountFromRow(row), mark: markOf(row) }]))
}

function markOf({ revision, head }: Marks): Mark {
  return { revision: Number(revision), head: head.toString('hex') }
}

const NEWER_CATALOGS = prepare('select version, effective_at, created_at, document from catalogs where version > $1 order by version')

/** Every catalog version, of which those that are not known yet are read. */
export async function loadCatalogs(query: Query, catalogs: CatalogCache): Promise<readonly CatalogVersion[]> {
  const after = catalogs.newest
  const { rows } = await query<CatalogRow>(NEWER_CATALOGS, [after])
  return catalogs.add(rows, after)
}

const ONE = { limit: 'limit 1', order: '' }

/**
 * A statement that looks up rows for a list of accounts with one to three values each, given as arrays. Each is looked up
 * by itself, which a limit or an offset, even of nothing, sees to: a join of the list with the table may be planned as a
 * walk through all of it, and a plan that is made while the ledger is empty is kept when it is not.
 */
function lookUp(columns: readonly string[], table: string, types: readonly string[], rest: string, { limit, order } = ONE): Prepared {
  const arrays = types.map((type, index) => `$${index + 2}::${type}[]`)
  const names = ['value', 'more', 'after'].slice(0, types.length)
  return prepare(`select n.place, r.*
    from unnest($1::text[], ${arrays.join(', ')}) with ordinality as n (account, ${names.join(', ')}, place)
    cross join lateral (select ${columns.join(', ')} from ${table} where account = n.account and ${rest} ${limit}) as r
    ${order === '' ? '' : `order by n.place, ${order}`}`)
}

/** Every row that is found, in an order. */
function all(order: string): typeof ONE {
  return { limit: 'offset 0', order }
}

const OPEN_GRANT = 'is_open = 1'
const BURN_ORDER = 'priority, expires_at, is_paid, sequence'

const LOOK_UPS = {
  openGrants: lookUp(GRANT_COLUMNS, 'grants', ['int8'], OPEN_GRANT, { limit: `order by ${BURN_ORDER} limit n.value`, order: BURN_ORDER }),
  grant: lookUp(GRANT_COLUMNS, 'grants', ['int8'], 'sequence = n.value'),
  expiringGrants: duePage(GRANT_COLUMNS, 'grants', OPEN_GRANT, 'expires_at'),
  scheduledGrants: duePage(GRANT_COLUMNS, 'grants', `state = 'scheduled'`, 'effective_at'),
  reservation: lookUp(RESERVATION_COLUMNS, 'reservations', ['int8'], 'sequence = n.value'),
  openCall: lookUp(RESERVATION_COLUMNS, 'reservations', ['text'], `state = 'open' and call_key = n.value`),
  dueReservations: duePage(RESERVATION_COLUMNS, 'reservations', `state = 'open'`, 'expires_at'),
  transaction: lookUp(TRANSACTION_COLUMNS, 'transactions', ['int8'], 'sequence = n.value'),
  transactionByKey: lookUp(TRANSACTION_COLUMNS, 'transactions', ['text'], 'idempotency_key = n.value'),
  refunds: lookUp(TRANSACTION_COLUMNS, 'transactions', ['int8'], `refers_to = n.value and kind = 'refund'`, all('sequence')),
  openRecords: lookUp(RECORD_COLUMNS, 'records', ['text'], 'kind = n.value and is_open = 1', all('sequence')),
  record: lookUp(RECORD_COLUMNS, 'records', ['text', 'text'], 'kind = n.value and id = n.more'),
  counter: lookUp(COUNTER_COLUMNS, 'counters', ['text', 'text'], 'budget = n.value and subject = n.more'),
} as const

/** The rows due after `after` and by `value`: as many as `more` says, and those due at the same instant as the last of them. */
function duePage(columns: readonly string[], table: string, isWaiting: string, due: string): Prepared {
  const isDue = `${isWaiting} and ${due} > n.after and ${due} <= n.value`
  const last = `select ${due} from ${table} where account = n.account and ${isDue}
    order by ${due} limit 1 offset n.more - 1`
  const rest = `${isDue} and ${due} <= coalesce((${last}), n.value)`
  return lookUp(columns, table, ['int8', 'int8', 'int8'], rest, all(`${due}, sequence`))
}

const NEXT_DUE = prepare(`
  select n.place, least(
    (select min(expires_at) from grants where account = n.account and ${OPEN_GRANT} and expires_at > n.after),
    (select min(effective_at) from grants where account = n.account and state = 'scheduled' and effective_at > n.after),
    (select min(expires_at) from reservations where account = n.account and state = 'open' and expires_at > n.after)
  ) as due
  from unnest($1::text[], $2::int8[]) with ordinality as n (account, after, place)`)

type NeedOf<K extends Need['kind']> = Need & { readonly kind: K }

interface Asked<N extends Need = Need> {
  readonly account: string
  readonly need: N
  /** Where in the request it stands, and its answer in the answers. */
  readonly place: number
}

/** What is asked for, in the order of the needs: each kind of row by one statement for all that ask for it, all of them sent together. */
export async function findAll(query: Query, needs: readonly AccountNeed[]): Promise<readonly Found[]> {
  const found = new Array<Found>(needs.length)
  const asked = <K extends Need['kind']>(kind: K): readonly Asked<NeedOf<K>>[] =>
    needs.flatMap(({ account, need }, place) => (need.kind === kind ? [{ account, need: need as NeedOf<K>, place }] : []))
  await Promise.all([
    findOpenGrants(query, asked('grants'), found),
    findByName(query, asked('key'), asked('call'), found),
    findRefunds(query, asked('refunds'), found),
    findRecords(query, asked('records'), asked('record'), found),
    findCounters(query, asked('counters'), found),
    findDue(query, asked('due'), found),
    findWithGrants(query, { grants: asked('grant'), reservations: asked('reservation'), transactions: asked('transaction') }, found),
    findReservations(query, asked('reservations'), found),
  ])
  return found
}

async function findOpenGrants(query: Query, asked: readonly Asked<NeedOf<'grants'>>[], found: Found[]): Promise<void> {
  const rows = await rowsByPlace<GrantRow>(query, LOOK_UPS.openGrants, [accountsOf(asked), asked.map(({ need }) => need.count)])
  asked.forEach(({ need, place }, index) => {
    const grants = (rows[index] ?? []).map(grantFromRow)
    found[place] = { kind: 'grants', grants, isAll: grants.length < need.count }
  })
}

async function findByName(
  query: Query,
  keys: readonly Asked<NeedOf<'key'>>[],
  calls: readonly Asked<NeedOf<'call'>>[],
  found: Found[],
): Promise<void> {
  const [transactions, reservations] = await Promise.all([
    rowsByPlace<TransactionRow>(query, LOOK_UPS.transactionByKey, [accountsOf(keys), keys.map(({ need }) => need.key)]),
    rowsByPlace<ReservationRow>(query, LOOK_UPS.openCall, [accountsOf(calls), calls.map(({ need }) => need.key)]),
  ])
  keys.forEach(({ place }, index) => {
    found[place] = { kind: 'key', transaction: firstOf(transactions[index], transactionFromRow) }
  })
  calls.forEach(({ place }, index) => {
    found[place] = { kind: 'call', reservation: firstOf(reservations[index], reservationFromRow) }
  })
}

async function findRefunds(query: Query, asked: readonly Asked<NeedOf<'refunds'>>[], found: Found[]): Promise<void> {
  const rows = await rowsByPlace<TransactionRow>(query, LOOK_UPS.refunds, [accountsOf(asked), asked.map(({ need }) => need.sequence)])
  asked.forEach(({ place }, index) => {
    found[place] = { kind: 'refunds', refunds: (rows[index] ?? []).map(transactionFromRow) }
  })
}

async function findRecords(
  query: Query,
  kinds: readonly Asked<NeedOf<'records'>>[],
  single: readonly Asked<NeedOf<'record'>>[],
  found: Found[],
): Promise<void> {
  const [open, one] = await Promise.all([
    rowsByPlace<RecordRow>(query, LOOK_UPS.openRecords, [accountsOf(kinds), kinds.map(({ need }) => need.of)]),
    rowsByPlace<RecordRow>(query, LOOK_UPS.record, [
      accountsOf(single),
      single.map(({ need }) => need.of),
      single.map(({ need }) => need.id),
    ]),
  ])
  kinds.forEach(({ place }, index) => {
    found[place] = { kind: 'records', records: (open[index] ?? []).map(recordFromRow) }
  })
  single.forEach(({ place }, index) => {
    found[place] = { kind: 'record', record: firstOf(one[index], recordFromRow) }
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
  const accounts = accountsOf(asked)
  const instants = asked.map(({ need }) => need.at)
  const values = [accounts, instants, asked.map(({ need }) => need.count), asked.map(({ need }) => need.after)]
  const [reservations, expiring, scheduled, next] = await Promise.all([
    rowsByPlace<ReservationRow>(query, LOOK_UPS.dueReservations, values),
    rowsByPlace<GrantRow>(query, LOOK_UPS.expiringGrants, values),
    rowsByPlace<GrantRow>(query, LOOK_UPS.scheduledGrants, values),
    rowsByPlace<{ readonly due: string | null }>(query, NEXT_DUE, [accounts, instants]),
  ])
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
    accountsOf(list),
    list.map(({ need }) => need.sequence),
  ]
  const [reservationRows, transactionRows] = await Promise.all([
    rowsByPlace<ReservationRow>(query, LOOK_UPS.reservation, pairs(asked.reservations)),
    rowsByPlace<TransactionRow>(query, LOOK_UPS.transaction, pairs(asked.transactions)),
  ])
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
async function rowsByPlace<Row>(query: Query, statement: Prepared, values: readonly (readonly unknown[])[]): Promise<readonly Row[][]> {
  const asking = values[0]?.length ?? 0
  const byPlace = Array.from({ length: asking }, (): Row[] => [])
  if (asking === 0) return byPlace
  const { rows } = await query<Row & { readonly place: string }>(statement, values)
  for (const row of rows) byPlace[Number(row.place) - 1]?.push(row)
  return byPlace
}

function firstOf<Row, T>(rows: readonly Row[] | undefined, fromRow: (row: Row) => T): T | null {
  const row = rows?.[0]
  return row === undefined ? null : fromRow(row)
}

function accountsOf(asked: readonly Asked[]): readonly string[] {
  return asked.map(({ account }) => account)
}
