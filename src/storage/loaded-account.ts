import type { Counter, CounterKey } from '../budgets/counter.js'
import type { BudgetGroup } from '../budgets/group.js'
import type { Tally } from '../budgets/tally.js'
import type { CatalogVersion } from '../catalog/version.js'
import type { Changes } from '../decide/outcome.js'
import { type AccountView, type DueRows, type Need, NotLoaded } from '../decide/view.js'
import type { Account } from '../ledger/account.js'
import { type AccountRecord, type RecordKind, RULE_KINDS } from '../ledger/account-record.js'
import { compareBurnOrder, type Grant, isOpen } from '../ledger/grant.js'
import type { Reservation } from '../ledger/reservation.js'
import type { Transaction } from '../ledger/transaction.js'
import type { Instant } from '../time/instant.js'
import { LoadedCounters } from './loaded-counters.js'
import { LoadedRecords } from './loaded-records.js'
import { BEGINNING, DUE_PAGE } from './needs.js'

/** Open reservations of an account kept between batches. Beyond, the oldest are loaded again when they end. */
const RESERVATIONS_KEPT_MAX = 256

/** What a driver answers to one {@link Need}, from the database as it was before this write. */
export type Found =
  /** The first open grants in burn order; `isAll` when there are no more. */
  | { readonly kind: 'grants'; readonly grants: readonly Grant[]; readonly isAll: boolean }
  | { readonly kind: 'grant'; readonly grant: Grant }
  /** With the grants that it pins. */
  | { readonly kind: 'reservation'; readonly reservation: Reservation | null; readonly grants: readonly Grant[] }
  /** With the grants that paid. */
  | { readonly kind: 'transaction'; readonly transaction: Transaction | null; readonly grants: readonly Grant[] }
  /** In the order of the sequences asked for, with the grants that they pin. */
  | { readonly kind: 'reservations'; readonly reservations: readonly (Reservation | null)[]; readonly grants: readonly Grant[] }
  | { readonly kind: 'refunds'; readonly refunds: readonly Transaction[] }
  | { readonly kind: 'key'; readonly transaction: Transaction | null }
  | { readonly kind: 'call'; readonly reservation: Reservation | null }
  /** Every open one of the kind asked for, in any order. */
  | { readonly kind: 'records'; readonly records: readonly AccountRecord[] }
  | { readonly kind: 'record'; readonly record: AccountRecord | null }
  /** In the order of the keys asked for. */
  | { readonly kind: 'counters'; readonly counters: readonly (Counter | null)[] }
  | ({ readonly kind: 'due' } & DueRows)

/** Changes of one account to write, beside the account as the database has it; null for one that is new. */
export interface WriteSet extends Changes {
  readonly accountBefore: Account | null
}

/**
 * The rows of one account that a batch of commands has loaded, under the changes that it has decided so far and not
 * yet written. Decisions read it through {@link AccountView}; what was not loaded throws, and the driver is asked.
 */
export class LoadedAccount implements AccountView {
  account: Account | null
  #accountBefore: Account | null
  catalogs: readonly CatalogVersion[]
  readonly #grants = new Map<number, Grant>()
  readonly #reservations = new Map<number, Reservation | null>()
  readonly #transactions = new Map<number, Transaction | null>()
  readonly #refunds = new Map<number, Transaction[]>()
  readonly #keys = new Map<string, Transaction | null>()
  readonly #calls = new Map<string, Reservation | null>()
  readonly #records = new LoadedRecords()
  readonly #counters = new LoadedCounters()
  /** Open grants in burn order up to `#openUntil`; complete when that is null. */
  #open: Grant[] | null = null
  #openUntil: Grant | null = null
  #due: { readonly at: Instant; readonly rows: DueRows } | null = null
  /** Every row that the database has as due up to here is loaded, whatever this batch has made of it. */
  #dueUntil: Instant = BEGINNING
  readonly #changedGrants = new Set<number>()
  readonly #changedReservations = new Set<number>()
  #newTransactions: Transaction[] = []
  #isAccountChanged = false

  constructor(account: Account | null, catalogs: readonly CatalogVersion[]) {
    this.account = account
    this.#accountBefore = account
    this.catalogs = catalogs
  }

  openGrants(count: number): readonly Grant[] {
    if (this.#open === null || (this.#openUntil !== null && this.#open.length < count)) {
      // Rows that this batch has used up are still open in the database: the page has to reach beyond them.
      throw new NotLoaded({ kind: 'grants', count: count + this.#changedGrants.size })
    }
    return this.#open.length > count ? this.#open.slice(0, count) : this.#open
  }

  grant(sequence: number): Grant {
    return this.#grants.get(sequence) ?? notLoaded({ kind: 'grant', sequence })
  }

  reservation(sequence: number): Reservation | null {
    return orNotLoaded(this.#reservations.get(sequence), { kind: 'reservation', sequence })
  }

  reservationsAt(sequences: readonly number[]): readonly (Reservation | null)[] {
    const missing = sequences.filter((sequence) => this.#reservations.get(sequence) === undefined)
    if (missing.length > 0) throw new NotLoaded({ kind: 'reservations', sequences: missing })
    return sequences.map((sequence) => this.#reservations.get(sequence) as Reservation | null)
  }

  transaction(sequence: number): Transaction | null {
    return orNotLoaded(this.#transactions.get(sequence), { kind: 'transaction', sequence })
  }

  refunds(sequence: number): readonly Transaction[] {
    return orNotLoaded(this.#refunds.get(sequence), { kind: 'refunds', sequence })
  }

  transactionByKey(key: string): Transaction | null {
    return orNotLoaded(this.#keys.get(key), { kind: 'key', key })
  }

  openCall(key: string): Reservation | null {
    return orNotLoaded(this.#calls.get(key), { kind: 'call', key })
  }

  records(of: RecordKind): readonly AccountRecord[] {
    if (this.account?.rules === 0 && RULE_KINDS.includes(of)) return []
    return this.#records.open(of)
  }

  record(of: RecordKind, id: string): AccountRecord | null {
    return this.#records.get(of, id)
  }

  tally(group: BudgetGroup, subject: string): Tally | null {
    return this.#counters.tally(group, subject)
  }

  counters(keys: readonly CounterKey[]): readonly (Counter | null)[] {
    return this.#counters.get(keys)
  }

  due(at: Instant): DueRows {
    if (this.#due?.at === at) return this.#due.rows
    // Rows that this batch has ended are still due in the database: the next page begins after them.
    return notLoaded({ kind: 'due', after: this.#dueUntil, at, count: DUE_PAGE })
  }

  /** Whether a need is still to be asked of the driver, as far as an account kept from an earlier batch may know. */
  lacks(need: Need): boolean {
    switch (need.kind) {
      case 'reservation':
        return !this.#reservations.has(need.sequence)
      case 'grants':
        return this.#open === null || (this.#openUntil !== null && this.#open.length < need.count)
      case 'records':
        return !this.#records.hasOpen(need.of)
      case 'record':
        return !this.#records.has(need.of, need.id)
      case 'counters':
        return !this.#counters.has(need.keys)
      default:
        return true
    }
  }

  /** Takes in what the database holds; a row that this batch has changed is newer here and stays. */
  add(need: Need, found: Found): void {
    switch (found.kind) {
      case 'grants':
        for (const grant of found.grants) this.#keepGrant(grant)
        this.#openUntil = found.isAll ? null : (found.grants.at(-1) ?? null)
        this.#sortOpen()
        return
      case 'grant':
        return this.#keepGrant(found.grant)
      case 'reservation':
        for (const grant of found.grants) this.#keepGrant(grant)
        if (need.kind === 'reservation') keepFirst(this.#reservations, need.sequence, found.reservation)
        return
      case 'reservations':
        for (const grant of found.grants) this.#keepGrant(grant)
        if (need.kind !== 'reservations') return
        need.sequences.forEach((sequence, index) => keepFirst(this.#reservations, sequence, found.reservations[index] ?? null))
        return
      case 'transaction':
        for (const grant of found.grants) this.#keepGrant(grant)
        if (need.kind === 'transaction') keepFirst(this.#transactions, need.sequence, found.transaction)
        return
      case 'refunds':
        if (need.kind === 'refunds') keepFirst(this.#refunds, need.sequence, [...found.refunds])
        return
      case 'key':
        if (need.kind === 'key') keepFirst(this.#keys, need.key, found.transaction)
        return
      case 'call':
        if (need.kind === 'call') keepFirst(this.#calls, need.key, found.reservation)
        return
      case 'records':
        if (need.kind === 'records') this.#records.addOpen(need.of, found.records)
        return
      case 'record':
        if (need.kind === 'record') this.#records.add(need.of, need.id, found.record)
        return
      case 'counters':
        if (need.kind === 'counters') need.keys.forEach((key, index) => this.#counters.add(key, found.counters[index] ?? null))
        return
      case 'due':
        if (need.kind === 'due') this.#addDue(need.at, found)
    }
  }

  #addDue(at: Instant, found: DueRows): void {
    for (const grant of [...found.expiring, ...found.scheduled]) this.#keepGrant(grant)
    for (const row of found.reservations) keepFirst(this.#reservations, row.sequence, row)
    const grants = [...this.#grants.values()]
    const reservations = [...this.#reservations.values()].filter((row) => row !== null && row.state === 'open') as Reservation[]
    const open = grants.filter(isOpen)
    const scheduled = grants.filter((grant) => grant.state === 'scheduled')
    const { horizon } = found
    this.#dueUntil = Math.max(this.#dueUntil, horizon)
    const laterDues = [...open.map(expiryOf), ...scheduled.map((grant) => grant.effectiveAt), ...reservations.map(expiryOf)]
    this.#due = {
      at,
      rows: {
        reservations: reservations.filter((row) => row.expiresAt <= horizon),
        expiring: open.filter((grant) => grant.expiresAt <= horizon),
        scheduled: scheduled.filter((grant) => grant.effectiveAt <= horizon),
        horizon,
        isCut: found.isCut,
        next: laterDues.reduce((least, due) => (due > horizon && due < least ? due : least), found.next),
      },
    }
  }

  #keepGrant(grant: Grant): void {
    keepFirst(this.#grants, grant.sequence, grant)
  }

  #sortOpen(): void {
    this.#open = [...this.#grants.values()].filter((grant) => isOpen(grant) && this.#isWithinOpen(grant)).sort(compareBurnOrder)
  }

  #isWithinOpen(grant: Grant): boolean {
    return this.#openUntil === null || compareBurnOrder(grant, this.#openUntil) <= 0
  }

  /** Puts a decision's changes on top. */
  apply(changes: Changes): void {
    // Also where nothing came of a page, since this batch had ended all of it: then the next one is asked for.
    this.#due = null
    if (changes.account !== null) {
      this.account = changes.account
      this.#isAccountChanged = true
    }
    for (const grant of changes.grants) this.#applyGrant(grant)
    for (const reservation of changes.reservations) {
      this.#reservations.set(reservation.sequence, reservation)
      this.#changedReservations.add(reservation.sequence)
      if (reservation.callKey !== null) this.#calls.set(reservation.callKey, reservation.state === 'open' ? reservation : null)
    }
    for (const transaction of changes.transactions) {
      this.#newTransactions.push(transaction)
      this.#transactions.set(transaction.sequence, transaction)
      if (transaction.idempotencyKey !== null) this.#keys.set(transaction.idempotencyKey, transaction)
      if (transaction.kind === 'refund' && transaction.refersTo !== null) this.#refunds.get(transaction.refersTo)?.push(transaction)
    }
    for (const record of changes.records) this.#records.apply(record)
    for (const tally of changes.tallies) this.#counters.applyTally(tally)
    for (const counter of changes.counters) this.#counters.apply(counter)
  }

  #applyGrant(grant: Grant): void {
    this.#grants.set(grant.sequence, grant)
    this.#changedGrants.add(grant.sequence)
    if (this.#open === null) return
    const at = this.#open.findIndex((open) => open.sequence === grant.sequence)
    if (at >= 0 && isOpen(grant)) this.#open[at] = grant
    else this.#sortOpen()
  }

  /**
   * The account for a further batch, once all its changes are written and nobody else has changed it: balance, open
   * grants, budgets, alerts and counters stay, for nearly every command needs them, and open reservations, for each ends
   * soon; what a single command looked at is forgotten.
   */
  keptFor(catalogs: readonly CatalogVersion[]): LoadedAccount {
    this.catalogs = catalogs
    this.#accountBefore = this.account
    this.#newTransactions = []
    this.#isAccountChanged = false
    this.#changedGrants.clear()
    this.#changedReservations.clear()
    this.#due = null
    this.#dueUntil = BEGINNING
    for (const rows of [this.#transactions, this.#refunds, this.#keys, this.#calls]) rows.clear()
    this.#records.keep()
    this.#counters.keep()
    this.#keepOpenReservations()
    for (const [sequence, grant] of this.#grants) if (!isOpen(grant) && !this.#isPinned(grant)) this.#grants.delete(sequence)
    return this
  }

  #keepOpenReservations(): void {
    for (const [sequence, reservation] of this.#reservations) if (reservation?.state !== 'open') this.#reservations.delete(sequence)
    for (const sequence of this.#reservations.keys()) {
      if (this.#reservations.size <= RESERVATIONS_KEPT_MAX) return
      this.#reservations.delete(sequence)
    }
  }

  /** Whether a kept reservation gives back to the grant, or is paid from it, when it ends. */
  #isPinned({ sequence }: Grant): boolean {
    for (const reservation of this.#reservations.values()) if (reservation?.pins.some((pin) => pin.grant === sequence) === true) return true
    return false
  }

  /** What has to be written for the changes so far: each row once, as it stands now. */
  changes(): WriteSet {
    return {
      accountBefore: this.#accountBefore,
      account: this.#isAccountChanged ? this.account : null,
      transactions: this.#newTransactions,
      grants: [...this.#changedGrants].map((sequence) => this.#grants.get(sequence) as Grant),
      reservations: [...this.#changedReservations].map((sequence) => this.#reservations.get(sequence) as Reservation),
      records: this.#records.changed(),
      counters: this.#counters.changed(),
      // They are in the counters.
      tallies: [],
    }
  }
}

function expiryOf(row: { readonly expiresAt: Instant }): Instant {
  return row.expiresAt
}

function notLoaded(need: Need): never {
  throw new NotLoaded(need)
}

function orNotLoaded<T>(value: T | undefined, need: Need): T {
  return value === undefined ? notLoaded(need) : value
}

function keepFirst<K, V>(rows: Map<K, V>, key: K, row: V): void {
  if (!rows.has(key)) rows.set(key, row)
}
