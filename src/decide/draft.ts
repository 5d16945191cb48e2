import assert from 'node:assert/strict'
import type { Counter, CounterKey } from '../budgets/counter.js'
import type { BudgetGroup } from '../budgets/group.js'
import { countingNow, type Tally } from '../budgets/tally.js'
import type { Account } from '../ledger/account.js'
import { type AccountRecord, type RecordKind, RULE_KINDS } from '../ledger/account-record.js'
import type { Book } from '../ledger/books.js'
import { labelsDigest, transactionHash } from '../ledger/chain.js'
import { compareBurnOrder, type Grant, isOpen, type Share, takeInOrder } from '../ledger/grant.js'
import type { Reservation } from '../ledger/reservation.js'
import { type Entry, formatId, type Labels, type Transaction, type TransactionKind } from '../ledger/transaction.js'
import { AMOUNT_MAX, type MicroCredits } from '../money/credits.js'
import { type Instant, NEVER } from '../time/instant.js'
import type { Actor } from './command.js'
import type { Changes } from './outcome.js'
import type { AccountView } from './view.js'

/** A movement before it has a balance: `amount` into a book, for a grant where one is concerned. */
export interface Move {
  readonly book: Book
  readonly grant: number | null
  readonly amount: MicroCredits
}

/** The facts of a transaction beside its movements; what is left out is null. */
export interface Facts {
  readonly credits: MicroCredits
  readonly at?: Instant
  readonly actor?: Actor
  readonly operation?: string | null
  readonly variant?: string | null
  readonly quantity?: number | null
  readonly tool?: string | null
  readonly labels?: Labels | null
  readonly idempotencyKey?: string | null
  readonly fingerprint?: string | null
  readonly refersTo?: number | null
  readonly priceVersion?: number | null
  readonly detail?: Readonly<Record<string, unknown>>
}

/** How many open grants a decision asks for at first; one that needs more asks again for twice as many. */
const GRANTS_PAGE = 16

/**
 * One account under decision: the rows as loaded, under the changes made so far. It lives within one call of
 * `decide` and nothing outside sees it; the view below it is never changed.
 */
export class Draft {
  account: Account
  readonly at: Instant
  readonly view: AccountView
  readonly #grants = new Map<number, Grant>()
  readonly #reservations = new Map<number, Reservation>()
  readonly #transactions: Transaction[] = []
  readonly #records = new Map<string, AccountRecord>()
  readonly #counters: Counter[] = []
  readonly #tallies: Tally[] = []
  #touched = false

  constructor(view: AccountView, account: Account, at: Instant) {
    this.view = view
    this.account = account
    this.at = at
  }

  grant(sequence: number): Grant {
    return this.#grants.get(sequence) ?? this.view.grant(sequence)
  }

  reservation(sequence: number): Reservation | null {
    return this.#reservations.get(sequence) ?? this.view.reservation(sequence)
  }

  /** In the order of the sequences, loaded together. */
  reservationsAt(sequences: readonly number[]): readonly (Reservation | null)[] {
    const missing = sequences.filter((sequence) => !this.#reservations.has(sequence))
    const loaded = new Map((missing.length === 0 ? [] : this.view.reservationsAt(missing)).map((row, index) => [missing[index], row]))
    return sequences.map((sequence) => this.#reservations.get(sequence) ?? loaded.get(sequence) ?? null)
  }

  transaction(sequence: number): Transaction | null {
    return this.#transactions.find((made) => made.sequence === sequence) ?? this.view.transaction(sequence)
  }

  /** The open reservation of a metered call with this key; one that has timed out meanwhile is none. */
  openCall(key: string): Reservation | null {
    const loaded = this.view.openCall(key)
    const open = loaded === null ? null : (this.#reservations.get(loaded.sequence) ?? loaded)
    return open?.state === 'open' ? open : null
  }

  /** Every open record of a kind, by id, with this draft's own changes in place. */
  records(of: RecordKind): readonly AccountRecord[] {
    const loaded = this.view.records(of)
    const changed = [...this.#records.values()].filter((record) => record.kind === of)
    if (changed.length === 0) return loaded
    const others = loaded.filter((record) => !this.#records.has(nameOf(record.kind, record.id)))
    return [...others, ...changed.filter((record) => record.isOpen)].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  record(of: RecordKind, id: string): AccountRecord | null {
    return this.#records.get(nameOf(of, id)) ?? this.view.record(of, id)
  }

  /** Writes a record as it now is: made, changed, opened or closed. `before` is what it was, null for a new one. */
  putRecord(record: AccountRecord, before: AccountRecord | null): AccountRecord {
    this.#records.set(nameOf(record.kind, record.id), record)
    this.#touched = true
    const opened = Number(record.isOpen) - Number(before?.isOpen ?? false)
    if (RULE_KINDS.includes(record.kind) && opened !== 0) this.change({ rules: this.account.rules + opened })
    return record
  }

  /** Numbers the messages of one write; with the sequence of the newest transaction that is an id of its own. */
  nextMessage(): number {
    return [...this.#records.values()].filter(({ kind, sequence }) => kind === 'message' && sequence === this.account.sequence).length + 1
  }

  counters(keys: readonly CounterKey[]): readonly (Counter | null)[] {
    if (this.#counters.length === 0 && this.#tallies.length === 0) return this.view.counters(keys)
    const counters = [...this.#tallies.flatMap(countingNow), ...this.#counters]
    const changed = new Map(counters.map((counter) => [counterName(counter), counter]))
    const missing = keys.filter((key) => !changed.has(counterName(key)))
    const loaded = missing.length === 0 ? [] : this.view.counters(missing)
    let next = 0
    return keys.map((key) => changed.get(counterName(key)) ?? loaded[next++] ?? null)
  }

  /** How the budgets of a group stood for a subject after the last change counted alike; null where nothing is known. */
  tally(group: BudgetGroup, subject: string): Tally | null {
    if (this.#counters.length > 0) return null
    return this.#tallies.findLast((tally) => tally.group === group && tally.subject === subject) ?? this.view.tally(group, subject)
  }

  putTally(tally: Tally): void {
    this.#tallies.push(tally)
    this.#touched = true
  }

  putCounter(counter: Counter): void {
    this.#counters.push(counter)
    this.#touched = true
  }

  /** The grants that `amount` comes from. Whoever asks has made sure that it is available, so that a lack is a bug and throws. */
  take(amount: MicroCredits): readonly Share[] {
    const { taken, missing } = takeInOrder(this.sharesFor(amount), amount)
    assert(missing === 0n, 'the grants hold what is available')
    return taken
  }

  /** What can be taken from, in burn order, until it suffices for `amount` or nothing is left. */
  sharesFor(amount: MicroCredits): readonly Share[] {
    for (let count = GRANTS_PAGE; ; count *= 2) {
      const open = this.openGrants(count)
      const shares = open.map((grant) => ({ grant: grant.sequence, amount: grant.remaining }))
      const sum = shares.reduce((total, share) => total + share.amount, 0n)
      if (sum >= amount || open.length < count) return shares
    }
  }

  /** Open grants in burn order, `count` of them at least or all: as loaded, with this draft's own changes in place. */
  openGrants(count: number): readonly Grant[] {
    // A grant used up in this draft leaves a hole in the page, so as many more are asked for as were changed.
    const asked = count + this.#grants.size
    const loaded = this.view.openGrants(asked)
    if (this.#grants.size === 0) return loaded
    const untouched = loaded.filter((grant) => !this.#grants.has(grant.sequence))
    // A changed grant that comes after a full page would be taken before those that the page does not show.
    const last = loaded.length < asked ? undefined : loaded.at(-1)
    const isOnPage = (grant: Grant): boolean => last === undefined || compareBurnOrder(grant, last) <= 0
    const changed = [...this.#grants.values()].filter((grant) => isOpen(grant) && isOnPage(grant))
    return [...untouched, ...changed].sort(compareBurnOrder)
  }

  /**
   * Writes one balanced transaction: updates books and grants, numbers and chains it. An unbalanced movement, a grant
   * below zero or above its amount is a bug and throws; nothing of the draft is kept then.
   */
  post(kind: TransactionKind, moves: readonly Move[], facts: Facts): Transaction {
    const at = facts.at ?? this.at
    const { account } = this
    const sequence = this.nextSequence
    assert(at >= account.lastAt, 'a transaction never precedes the one before it')
    const books: Record<Book, MicroCredits> = { ...account.books }
    const entries: Entry[] = []
    let sum = 0n
    let debt = account.debt
    for (const move of moves) {
      if (move.amount === 0n) continue
      books[move.book] += move.amount
      sum += move.amount
      entries.push({ book: move.book, grant: move.grant, amount: move.amount, balanceAfter: books[move.book] })
      if (move.book !== 'available') continue
      if (move.grant === null) debt -= move.amount
      else if (move.grant !== sequence) this.#moveGrant(move.grant, move.amount)
    }
    assert(sum === 0n, 'the entries of a transaction add up to zero')
    assert(debt >= 0n, 'a debt is repaid at most once')
    const labels = facts.labels ?? null
    const transaction = {
      account: account.id,
      sequence,
      kind,
      at,
      credits: facts.credits,
      balanceAfter: books.available,
      operation: facts.operation ?? null,
      variant: facts.variant ?? null,
      quantity: facts.quantity ?? null,
      tool: facts.tool ?? null,
      key: facts.actor?.key ?? null,
      member: facts.actor?.member ?? null,
      labels,
      labelsDigest: labels === null ? null : labelsDigest(account.labelSalt, labels),
      idempotencyKey: facts.idempotencyKey ?? null,
      fingerprint: facts.fingerprint ?? null,
      refersTo: facts.refersTo ?? null,
      priceVersion: facts.priceVersion ?? null,
      detail: facts.detail ?? {},
      entries,
      hash: '',
    }
    transaction.hash = transactionHash(account.head, transaction)
    this.#transactions.push(transaction)
    this.change({ books, debt, sequence, lastAt: at, head: transaction.hash })
    return transaction
  }

  /** The sequence that the next transaction will have, by which its entries name the grant that it makes. */
  get nextSequence(): number {
    return this.account.sequence + 1
  }

  #moveGrant(sequence: number, amount: MicroCredits): void {
    const before = this.grant(sequence)
    const remaining = before.remaining + amount
    assert(remaining >= 0n && remaining <= before.amount, 'a grant stays between zero and its amount')
    this.replaceGrant({ ...before, remaining })
  }

  change(changed: Partial<Account>): void {
    // Assigned, for members that a literal takes from two objects are added to it one by one, at the cost of a whole decision.
    this.account = Object.assign({ ...this.account }, changed)
    this.#touched = true
  }

  addGrant(grant: Omit<Grant, 'id' | 'sequence' | 'endsWithPlan'> & { readonly endsWithPlan?: boolean }, transaction: Transaction): Grant {
    const { sequence, hash } = transaction
    const added: Grant = { endsWithPlan: false, ...grant, id: formatId('gr', sequence, hash), sequence }
    this.#keepGrant(added, false)
    return added
  }

  replaceGrant(grant: Grant): void {
    this.#keepGrant(grant, isCounted(this.grant(grant.sequence)))
  }

  #keepGrant(grant: Grant, wasCounted: boolean): void {
    this.#grants.set(grant.sequence, grant)
    const opened = Number(isCounted(grant)) - Number(wasCounted)
    if (opened !== 0) this.change({ openGrants: this.account.openGrants + opened })
    this.dueBy(grant.state === 'scheduled' ? grant.effectiveAt : grant.remaining > 0n ? grant.expiresAt : NEVER)
  }

  addReservation(reservation: Omit<Reservation, 'id' | 'sequence' | 'state' | 'endedBy'>, transaction: Transaction): Reservation {
    const { sequence, hash } = transaction
    const added: Reservation = { id: formatId('rs', sequence, hash), sequence, state: 'open', endedBy: null, ...reservation }
    this.#reservations.set(sequence, added)
    this.change({ openReservations: this.account.openReservations + 1 })
    this.dueBy(added.expiresAt)
    return added
  }

  extendReservation(reservation: Reservation, expiresAt: Instant): Reservation {
    const extended = { ...reservation, expiresAt }
    this.#reservations.set(reservation.sequence, extended)
    this.#touched = true
    this.dueBy(expiresAt)
    return extended
  }

  /** A reservation passes to another holder, open as it is; nothing that it holds moves. */
  passReservation(reservation: Reservation, to: Pick<Reservation, 'holder' | 'expiresAt' | 'callKey' | 'callFingerprint'>): Reservation {
    assert(reservation.state === 'open', 'only an open reservation is passed on')
    const passed = { ...reservation, ...to }
    this.#reservations.set(reservation.sequence, passed)
    this.#touched = true
    this.dueBy(to.expiresAt)
    return passed
  }

  /** The one terminal transition of a reservation; a late settlement ends one that has timed out for good. */
  endReservation(reservation: Reservation, state: 'settled' | 'released' | 'expired', by: Transaction): Reservation {
    assert(reservation.state === 'open' || (reservation.state === 'expired' && state === 'settled'), 'a reservation ends once')
    const ended: Reservation = { ...reservation, state, endedBy: by.sequence }
    this.#reservations.set(reservation.sequence, ended)
    if (reservation.state === 'open') this.change({ openReservations: this.account.openReservations - 1 })
    return ended
  }

  /** Something of this account is due at `at`: the account must not be passed over then. */
  dueBy(at: Instant): void {
    if (at < this.account.nextDueAt) this.change({ nextDueAt: at })
  }

  changedGrants(): readonly Grant[] {
    return [...this.#grants.values()]
  }

  /** Counts the rows of this draft in again after `nextDueAt` was read anew from the rows below it. */
  dueByChangedRows(): void {
    for (const grant of this.#grants.values()) if (isOpen(grant)) this.dueBy(grant.expiresAt)
    for (const reservation of this.#reservations.values()) if (reservation.state === 'open') this.dueBy(reservation.expiresAt)
    if (this.account.subscription !== null) this.dueBy(this.account.subscription.periodEnd)
    this.dueBy(this.account.itemsDueAt)
  }

  /**
   * Whether the account can be given `amount` more in its life; beyond, a sum would no longer be an exact JSON number.
   * What was written off is issued as well, so that the books add up, but was given to nobody and does not count here.
   */
  canIssue(amount: MicroCredits): boolean {
    const { issued, uncollected } = this.account.books
    return amount - issued - uncollected <= AMOUNT_MAX
  }

  changes(): Changes {
    return {
      account: this.#touched ? this.account : null,
      transactions: [...this.#transactions],
      grants: [...this.#grants.values()],
      reservations: [...this.#reservations.values()],
      records: [...this.#records.values()],
      counters: this.#counters,
      tallies: this.#tallies,
    }
  }
}

function nameOf(kind: RecordKind, id: string): string {
  return `${kind} ${id}`
}

function counterName({ budget, subject }: CounterKey): string {
  return `${budget}\n${subject}`
}

/** Whether a grant is one of the account's `openGrants`: a scheduled one is bounded as well, for it will be open one day. */
function isCounted(grant: Grant): boolean {
  return isOpen(grant) || grant.state === 'scheduled'
}
