import type { Counter, CounterKey } from '../../src/budgets/counter.js'
import type { CatalogVersion, NewCatalogVersion } from '../../src/catalog/version.js'
import type { Command } from '../../src/decide/command.js'
import type { Changes, Outcome } from '../../src/decide/outcome.js'
import type { Need } from '../../src/decide/view.js'
import type { Account } from '../../src/ledger/account.js'
import { type AccountRecord, RECORD_KINDS } from '../../src/ledger/account-record.js'
import { compareBurnOrder, type Grant, isOpen } from '../../src/ledger/grant.js'
import type { Reservation } from '../../src/ledger/reservation.js'
import type { Transaction } from '../../src/ledger/transaction.js'
import { AMOUNT_MAX } from '../../src/money/credits.js'
import { type Answer, decideBatch, type Pending, type Request, type Settled } from '../../src/storage/batch.js'
import { dueRows, paidBy } from '../../src/storage/due-rows.js'
import { GroupCommit } from '../../src/storage/group-commit.js'
import type { Found } from '../../src/storage/loaded-account.js'
import {
  type KindSum,
  LedgerUnavailable,
  type Orphan,
  QUARTER_MS,
  type Reader,
  type RecordQuery,
  type SequenceRange,
  type Store,
  type TimeWindow,
  type TransactionQuery,
  type UsageQuery,
  type UsageSum,
} from '../../src/storage/port.js'
import { readAccount } from '../../src/storage/read-account.js'
import { type Instant, NEVER } from '../../src/time/instant.js'
import type { SeededRandom } from './seeded-random.js'

/**
 * A ledger in plain maps, which several stores may share as processes share a database. What goes in and out is a
 * frozen copy, so that nothing can rely on sharing an object, and every answer may come some turns of the event loop
 * later, so that nothing can rely on a driver that answers at once.
 */
export class MemoryDatabase {
  readonly accounts = new Map<string, Account>()
  readonly #tables = new Map<string, Tables>()
  readonly catalogs: CatalogVersion[] = []
  writes = 0
  /** Batches that broke a rule of the schema: decisions that a store would have to make again, one by one. */
  refusals = 0
  readonly #random: SeededRandom
  #lock: Promise<unknown> = Promise.resolve()

  constructor(random: SeededRandom) {
    this.#random = random
  }

  /** Some turns of the event loop, by chance. */
  async pause(): Promise<void> {
    for (let turns = this.#random.below(4); turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve))
  }

  /** One writer at a time, as a database has it. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#lock.then(work)
    this.#lock = result.catch(() => undefined)
    return result
  }

  tables(account: string): Tables {
    let tables = this.#tables.get(account)
    if (tables === undefined) {
      tables = { grants: new Map(), reservations: new Map(), transactions: [], records: new Map(), counters: new Map() }
      this.#tables.set(account, tables)
    }
    return tables
  }

  /** The record that carries a lookup, with its account. */
  recordByLookup(lookup: string): { readonly account: string; readonly record: AccountRecord } | null {
    for (const [account, { records }] of this.#tables) {
      for (const record of records.values()) if (record.lookup === lookup) return { account, record }
    }
    return null
  }

  /** Writes all of it or, where a row breaks a rule of the schema, nothing. */
  write(changes: readonly Changes[]): void {
    this.refusals += 1
    this.#check(changes)
    this.refusals -= 1
    for (const { account, transactions, grants, reservations, records, counters } of changes) {
      const { id } = account as Account
      const tables = this.tables(id)
      this.accounts.set(id, frozenCopy(account as Account))
      for (const row of transactions) tables.transactions.push(frozenCopy(row))
      for (const row of grants) tables.grants.set(row.sequence, frozenCopy(row))
      for (const row of reservations) tables.reservations.set(row.sequence, frozenCopy(row))
      for (const row of records) tables.records.set(recordName(row.kind, row.id), frozenCopy(row))
      for (const row of counters) tables.counters.set(counterName(row), frozenCopy(row))
    }
    this.writes += changes.length
  }

  #check(changes: readonly Changes[]): void {
    for (const { account, transactions, grants, records, counters } of changes) {
      if (account === null) throw new Error('rows are written together with their account')
      const { transactions: journal } = this.tables(account.id)
      if (grants.some((row) => row.priority > 100)) throw new Error('a priority is at most 100')
      if (account.rules < 0 || account.clockAheadMs < 0) throw new Error('an account has no less than no rules, and is never behind')
      if (account.pending < 0n || account.pending > AMOUNT_MAX) throw new Error('what is pending is an amount')
      if (account.clockAheadMs !== 0 && !account.isTest) throw new Error('only the time of a test account is its own')
      if (records.some((row) => !RECORD_KINDS.includes(row.kind))) throw new Error('a record is of a known kind')
      if (counters.some((row) => row.used < 0n || row.reserved < 0n || row.fired < 0)) throw new Error('a counter stays at zero or above')
      if (counters.some((row) => row.windowEnd <= row.windowStart)) throw new Error('a window ends after it begins')
      records.forEach((row) => this.#checkLookup(account.id, row))
      transactions.forEach((row, index) => {
        if (row.sequence !== journal.length + 1 + index) throw new Error(`row ${row.sequence} comes after ${journal.length + index}`)
        const isSame = (other: Transaction): boolean => other !== row && other.idempotencyKey === row.idempotencyKey
        const isTaken = row.idempotencyKey !== null && [...journal, ...transactions].some(isSame)
        if (isTaken) throw new Error(`the key ${row.idempotencyKey} is in the journal`)
      })
    }
  }

  #checkLookup(account: string, { kind, id, lookup }: AccountRecord): void {
    const holder = lookup === null ? null : this.recordByLookup(lookup)
    if (holder === null) return
    const isSame = holder.account === account && recordName(holder.record.kind, holder.record.id) === recordName(kind, id)
    if (!isSame) throw new Error(`the lookup ${lookup} is another record's`)
  }
}

function recordName(kind: string, id: string): string {
  return `${kind} ${id}`
}

function counterName({ budget, subject }: CounterKey): string {
  return JSON.stringify([budget, subject])
}

interface Tables {
  readonly grants: Map<number, Grant>
  readonly reservations: Map<number, Reservation>
  readonly transactions: Transaction[]
  readonly records: Map<string, AccountRecord>
  readonly counters: Map<string, Counter>
}

/** Opens a store on a database in memory; several on one database are as several processes. */
export function openMemoryStore(database: MemoryDatabase): Store {
  return new MemoryStore(database)
}

class MemoryStore implements Store {
  readonly location = 'memory'
  readonly schema = { from: 0, to: 0 }
  knownCatalogs: readonly CatalogVersion[] = []
  readonly #database: MemoryDatabase
  readonly #commits = new GroupCommit((pending) => this.#commit(pending))
  #isClosed = false

  constructor(database: MemoryDatabase) {
    this.#database = database
  }

  update(command: Command, now: Instant): Promise<Outcome> {
    return this.#commits.enqueue(command, now)
  }

  #commit(pending: readonly Pending[]): Promise<readonly Settled[]> {
    return this.#database.exclusively(async () => {
      const { settled, changes } = await this.#run(decideBatch(pending, this.#catalogs()))
      this.#database.write(changes)
      return settled
    })
  }

  async #run<T>(steps: Generator<Request, T, Answer>): Promise<T> {
    let step = steps.next()
    while (step.done !== true) {
      await this.#database.pause()
      const answer = frozenCopy(answerFrom(this.#database, step.value))
      await this.#database.pause()
      step = steps.next(answer)
    }
    return step.value
  }

  read<T>(account: string, now: Instant, reader: Reader<T>): Promise<T | null> {
    // A read waits for its turn as well: maps have no snapshots.
    return this.#whenOpen(() => this.#database.exclusively(() => this.#run(readAccount(account, now, this.#catalogs(), reader))))
  }

  sequences(account: string, { since = -Infinity, until = Infinity }: TimeWindow): Promise<SequenceRange> {
    return this.#answer(() => {
      const { transactions } = this.#database.tables(account)
      const before = (at: Instant): number => transactions.filter((row) => row.at < at).length
      return { first: before(since) + 1, last: before(until) }
    })
  }

  transactions(query: TransactionQuery): Promise<readonly Transaction[]> {
    return this.#answer(() =>
      this.#database
        .tables(query.account)
        .transactions.filter((row, _, journal) => isAskedFor(row, query) && isDoneBy(row, query.keys, journal))
        .toReversed()
        .slice(0, query.limit),
    )
  }

  usage(query: UsageQuery): Promise<readonly UsageSum[]> {
    return this.#answer(() => usageOf(this.#database.tables(query.account).transactions, query))
  }

  journal(account: string, after: number, limit: number): Promise<readonly Transaction[]> {
    return this.#answer(() => pageOf(this.#database.tables(account).transactions, after, limit))
  }

  grants(account: string, after: number, limit: number): Promise<readonly Grant[]> {
    return this.#answer(() => pageOf([...this.#database.tables(account).grants.values()], after, limit))
  }

  reservations(account: string, after: number, limit: number): Promise<readonly Reservation[]> {
    return this.#answer(() => pageOf([...this.#database.tables(account).reservations.values()], after, limit))
  }

  accounts(after: string | null, limit: number): Promise<readonly Account[]> {
    return this.#answer(() => accountPage([...this.#database.accounts.values()], after, limit))
  }

  children(parent: string, after: string | null, limit: number): Promise<readonly Account[]> {
    return this.#answer(() => {
      const children = [...this.#database.accounts.values()].filter((row) => row.parent === parent)
      return accountPage(children, after, limit)
    })
  }

  records({ account, kind, isOpen, before, limit }: RecordQuery): Promise<readonly AccountRecord[]> {
    return this.#answer(() =>
      [...this.#database.tables(account).records.values()]
        .filter((row) => row.kind === kind && (isOpen === undefined || row.isOpen === isOpen))
        .filter((row) => before === undefined || compareAge(row, before) < 0)
        .sort((a, b) => compareAge(b, a))
        .slice(0, limit),
    )
  }

  recordByLookup(lookup: string): Promise<{ readonly account: string; readonly record: AccountRecord } | null> {
    return this.#answer(() => this.#database.recordByLookup(lookup))
  }

  counters(account: string, budget: string | null, limit: number): Promise<readonly Counter[]> {
    return this.#answer(() =>
      [...this.#database.tables(account).counters.values()]
        .filter((row) => budget === null || row.budget === budget)
        .sort((a, b) => Number(b.used - a.used) || compareBytes(a.budget, b.budget) || compareBytes(a.subject, b.subject))
        .slice(0, limit),
    )
  }

  kindSums(account: string, { first, last }: SequenceRange): Promise<readonly KindSum[]> {
    return this.#answer(() => {
      const rows = this.#database.tables(account).transactions.filter((row) => row.sequence >= first && row.sequence <= last)
      const sums = new Map<string, KindSum>()
      for (const { kind, operation, credits } of rows) {
        const name = JSON.stringify([kind, operation])
        const sum = sums.get(name) ?? { kind, operation, count: 0, credits: 0n }
        sums.set(name, { ...sum, count: sum.count + 1, credits: sum.credits + credits })
      }
      return [...sums.values()]
    })
  }

  /** Every report reads the journal itself here: there is nothing to roll up. */
  rollUp(): Promise<number> {
    return this.#answer(() => 0)
  }

  /** Rows are written with their account here, so that none is ever without. */
  orphans(): Promise<readonly Orphan[]> {
    return this.#answer(() => [])
  }

  dueAccounts(at: Instant, limit: number): Promise<readonly string[]> {
    return this.#answer(() =>
      [...this.#database.accounts.values()]
        .filter((row) => row.nextDueAt <= at)
        .sort((a, b) => a.nextDueAt - b.nextDueAt || compareBytes(a.id, b.id))
        .slice(0, limit)
        .map((row) => row.id),
    )
  }

  catalogs(): Promise<readonly CatalogVersion[]> {
    return this.#answer(() => this.#catalogs())
  }

  #catalogs(): readonly CatalogVersion[] {
    this.knownCatalogs = [...this.#database.catalogs]
    return this.knownCatalogs
  }

  addCatalogs(versions: readonly NewCatalogVersion[], now: Instant): Promise<boolean> {
    return this.#answer(() => {
      const { catalogs } = this.#database
      if (versions[0]?.version !== catalogs.length + 1) return false
      catalogs.push(...versions.map((version) => ({ ...version, announcedAt: now })))
      this.#database.writes += 1
      return true
    })
  }

  changeMark(): Promise<string> {
    return this.#answer(() => String(this.#database.writes))
  }

  async close(): Promise<void> {
    await this.#commits.close()
    this.#isClosed = true
  }

  async #answer<T>(work: () => T): Promise<T> {
    return this.#whenOpen(async () => {
      await this.#database.pause()
      return work()
    })
  }

  async #whenOpen<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new LedgerUnavailable('The ledger is closed', 'none')
    return work()
  }
}

function answerFrom(database: MemoryDatabase, request: Request): Answer {
  if (request.kind === 'accounts') {
    return { kind: 'accounts', accounts: request.ids.map((id) => database.accounts.get(id) ?? null) }
  }
  return { kind: 'rows', found: request.needs.map(({ account, need }) => find(database.tables(account), need)) }
}

function find(tables: Tables, need: Need): Found {
  const grantOf = (sequence: number): Grant => tables.grants.get(sequence) as Grant
  switch (need.kind) {
    case 'grants': {
      const open = [...tables.grants.values()].filter(isOpen).sort(compareBurnOrder)
      return { kind: 'grants', grants: open.slice(0, need.count), isAll: open.length < need.count }
    }
    case 'grant':
      return { kind: 'grant', grant: grantOf(need.sequence) }
    case 'reservation': {
      const reservation = tables.reservations.get(need.sequence) ?? null
      return { kind: 'reservation', reservation, grants: (reservation?.pins ?? []).map((pin) => grantOf(pin.grant)) }
    }
    case 'reservations': {
      const reservations = need.sequences.map((sequence) => tables.reservations.get(sequence) ?? null)
      const pinned = new Set(reservations.flatMap((reservation) => (reservation?.pins ?? []).map((pin) => pin.grant)))
      return { kind: 'reservations', reservations, grants: [...pinned].map(grantOf) }
    }
    case 'transaction': {
      const transaction = tables.transactions[need.sequence - 1] ?? null
      return { kind: 'transaction', transaction, grants: transaction === null ? [] : paidBy(transaction).map(grantOf) }
    }
    case 'refunds':
      return { kind: 'refunds', refunds: tables.transactions.filter((row) => row.kind === 'refund' && row.refersTo === need.sequence) }
    case 'key':
      return { kind: 'key', transaction: tables.transactions.find((row) => row.idempotencyKey === need.key) ?? null }
    case 'call': {
      const open = [...tables.reservations.values()].filter((row) => row.state === 'open')
      return { kind: 'call', reservation: open.find((row) => row.callKey === need.key) ?? null }
    }
    case 'records': {
      const open = [...tables.records.values()].filter((row) => row.kind === need.of && row.isOpen)
      return { kind: 'records', records: open }
    }
    case 'record':
      return { kind: 'record', record: tables.records.get(recordName(need.of, need.id)) ?? null }
    case 'counters':
      return { kind: 'counters', counters: need.keys.map((key) => tables.counters.get(counterName(key)) ?? null) }
    case 'due':
      return { kind: 'due', ...findDue(tables, need) }
  }
}

function findDue(tables: Tables, { after, at, count }: DuePage) {
  const open = [...tables.reservations.values()].filter((row) => row.state === 'open')
  const effective = [...tables.grants.values()].filter(isOpen)
  const promised = [...tables.grants.values()].filter((row) => row.state === 'scheduled')
  const reservations = duePage(open, (row) => row.expiresAt, { after, at, count })
  const expiring = duePage(effective, (row) => row.expiresAt, { after, at, count })
  const scheduled = duePage(promised, (row) => row.effectiveAt, { after, at, count })
  const dues = [...open.map((row) => row.expiresAt), ...effective.map((row) => row.expiresAt), ...promised.map((row) => row.effectiveAt)]
  const next = dues.filter((due) => due > at).reduce((a, b) => Math.min(a, b), NEVER)
  return dueRows({ reservations, expiring, scheduled }, at, count, next)
}

type DuePage = Omit<Extract<Need, { readonly kind: 'due' }>, 'kind'>

function duePage<Row>(rows: readonly Row[], dueOf: (row: Row) => Instant, { after, at, count }: DuePage): readonly Row[] {
  const due = rows.filter((row) => dueOf(row) > after && dueOf(row) <= at).sort((a, b) => dueOf(a) - dueOf(b))
  const last = due[count - 1]
  return last === undefined ? due : due.filter((row) => dueOf(row) <= dueOf(last))
}

function pageOf<Row extends { readonly sequence: number }>(rows: readonly Row[], after: number, limit: number): readonly Row[] {
  return rows
    .filter((row) => row.sequence > after)
    .sort((a, b) => a.sequence - b.sequence)
    .slice(0, limit)
}

function accountPage(rows: readonly Account[], after: string | null, limit: number): readonly Account[] {
  return rows
    .filter((row) => after === null || compareBytes(row.id, after) > 0)
    .sort((a, b) => compareBytes(a.id, b.id))
    .slice(0, limit)
}

interface Aged {
  readonly sequence: number
  readonly id: string
}

function compareAge(a: Aged, b: Aged): number {
  return a.sequence - b.sequence || compareBytes(a.id, b.id)
}

function isAskedFor(row: Transaction, query: TransactionQuery): boolean {
  const isMeters = (row.kind === 'reserve' || row.kind === 'release') && row.detail['holder'] === 'meter'
  return (
    (query.kinds?.includes(row.kind) ?? true) &&
    (query.operation === undefined || row.operation === query.operation) &&
    row.sequence >= (query.from ?? 1) &&
    (query.before === undefined || row.sequence < query.before) &&
    (query.label === undefined || row.labels?.[query.label.name] === query.label.value) &&
    (query.book === undefined || row.entries.some(({ book }) => book === query.book)) &&
    !(query.withoutMeter === true && isMeters)
  )
}

/** What keys did, and what gives it back. */
function isDoneBy(row: Transaction, keys: readonly string[] | undefined, journal: readonly Transaction[]): boolean {
  const givesBack = row.kind === 'release' || row.kind === 'refund'
  const by = [row.key, givesBack ? journal[(row.refersTo as number) - 1]?.key : null]
  return keys === undefined || by.some((key) => key != null && keys.includes(key))
}

function usageOf(journal: readonly Transaction[], query: UsageQuery): readonly UsageSum[] {
  const { by, label, keys, since, until } = query
  const sums = new Map<string, UsageSum>()
  for (const row of journal) {
    const charge = row.kind === 'refund' ? (journal[(row.refersTo as number) - 1] as Transaction) : row
    const isSpent = charge.kind === 'charge' || charge.kind === 'settle'
    if (!isSpent || charge.at < since || charge.at >= until) continue
    if (label !== undefined && charge.labels?.[label.name] !== label.value) continue
    if (keys !== undefined && !keys.includes(charge.key as string)) continue
    const key = by === null ? null : 'label' in by ? (charge.labels?.[by.label] ?? null) : charge[by.column]
    const quarter = Math.floor(charge.at / QUARTER_MS)
    const name = JSON.stringify([key, quarter, row === charge])
    const sum = sums.get(name) ?? { key, quarter, calls: 0, credits: 0n }
    const credits = sum.credits + (row === charge ? row.credits : -row.credits)
    sums.set(name, { ...sum, calls: sum.calls + Number(row === charge), credits })
  }
  return [...sums.values()]
}

/** As both databases compare text: by its bytes. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function frozenCopy<T>(value: T): T {
  return freeze(structuredClone(value))
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) freeze(member)
  return Object.freeze(value)
}
