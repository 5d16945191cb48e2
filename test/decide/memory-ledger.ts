import type { Counter, CounterKey } from '../../src/budgets/counter.js'
import { countingNow } from '../../src/budgets/tally.js'
import type { CatalogVersion } from '../../src/catalog/version.js'
import type { Command } from '../../src/decide/command.js'
import { decide, project } from '../../src/decide/decide.js'
import type { Draft } from '../../src/decide/draft.js'
import type { Changes, Outcome } from '../../src/decide/outcome.js'
import type { AccountView, DueRows } from '../../src/decide/view.js'
import type { Account } from '../../src/ledger/account.js'
import type { AccountRecord, RecordKind } from '../../src/ledger/account-record.js'
import { compareBurnOrder, type Grant, isOpen } from '../../src/ledger/grant.js'
import type { Reservation } from '../../src/ledger/reservation.js'
import type { Transaction } from '../../src/ledger/transaction.js'
import { type Instant, NEVER } from '../../src/time/instant.js'
import { isOfReservation, WholeAudit } from '../../src/usage/account-audit.js'

/** Bounds how often one command may go on with what is due before it is decided. */
const ROUNDS_MAX = 1_000

/**
 * One account in maps, all of it always loaded: the rules without a store. Rows are replaced and never changed, so a
 * copy of the maps is a copy of the ledger.
 */
export class MemoryLedger implements AccountView {
  account: Account | null = null
  readonly catalogs: readonly CatalogVersion[]
  readonly journal: Transaction[]
  readonly grants: Map<number, Grant>
  readonly reservations: Map<number, Reservation>
  readonly #records = new Map<string, AccountRecord>()
  readonly #counters = new Map<string, Counter>()
  /** How many due rows of a kind one decision gets to see; the rest is for the next round. */
  readonly #duePage: number

  constructor(catalogs: readonly CatalogVersion[], { duePage = 1_000 } = {}) {
    this.catalogs = catalogs
    this.journal = []
    this.grants = new Map()
    this.reservations = new Map()
    this.#duePage = duePage
  }

  /** The same ledger, to go on with in another way. */
  copy(): MemoryLedger {
    const copy = new MemoryLedger(this.catalogs, { duePage: this.#duePage })
    copy.account = this.account
    copy.#apply({
      account: this.account,
      transactions: this.journal,
      grants: [...this.grants.values()],
      reservations: [...this.reservations.values()],
      records: [...this.#records.values()],
      counters: [...this.#counters.values()],
      tallies: [],
    })
    return copy
  }

  run(command: Command, now: Instant): Outcome {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const decision = decide(this, command, now)
      if (decision.kind === 'need') throw new Error('all rows are loaded')
      this.#apply(decision.changes)
      if (decision.kind === 'decided') return decision.outcome
    }
    throw new Error(`not decided after ${ROUNDS_MAX} rounds`)
  }

  /** The account as of `now`, nothing written. */
  projected(now: Instant): Draft {
    const { draft, isFinished } = project(this as AccountView & { readonly account: Account }, now)
    if (!isFinished) throw new Error('more is due than one projection takes')
    return draft
  }

  #apply(changes: Changes): void {
    this.account = changes.account ?? this.account
    this.journal.push(...changes.transactions)
    for (const grant of changes.grants) this.grants.set(grant.sequence, grant)
    for (const reservation of changes.reservations) this.reservations.set(reservation.sequence, reservation)
    for (const record of changes.records) this.#records.set(`${record.kind} ${record.id}`, record)
    for (const counter of [...changes.tallies.flatMap(countingNow), ...changes.counters]) this.#counters.set(`${counter.budget} ${counter.subject}`, counter)
  }

  openGrants(count: number): readonly Grant[] {
    return [...this.grants.values()].filter(isOpen).sort(compareBurnOrder).slice(0, count)
  }

  grant(sequence: number): Grant {
    const grant = this.grants.get(sequence)
    if (grant === undefined) throw new Error(`there is no grant ${sequence}`)
    return grant
  }

  reservation(sequence: number): Reservation | null {
    return this.reservations.get(sequence) ?? null
  }

  reservationsAt(sequences: readonly number[]): readonly (Reservation | null)[] {
    return sequences.map((sequence) => this.reservations.get(sequence) ?? null)
  }

  transaction(sequence: number): Transaction | null {
    return this.journal[sequence - 1] ?? null
  }

  refunds(sequence: number): readonly Transaction[] {
    return this.journal.filter((row) => row.kind === 'refund' && row.refersTo === sequence)
  }

  transactionByKey(key: string): Transaction | null {
    return this.journal.find((row) => row.idempotencyKey === key) ?? null
  }

  openCall(key: string): Reservation | null {
    return [...this.reservations.values()].find((row) => row.state === 'open' && row.callKey === key) ?? null
  }

  records(of: RecordKind): readonly AccountRecord[] {
    return [...this.#records.values()].filter((record) => record.kind === of && record.isOpen).sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  record(of: RecordKind, id: string): AccountRecord | null {
    return this.#records.get(`${of} ${id}`) ?? null
  }

  /** Writes a record behind the rules' back, as somebody with the database could. */
  tamper(record: AccountRecord): void {
    this.#records.set(`${record.kind} ${record.id}`, record)
  }

  /** Takes one away in the same way. */
  drop(of: RecordKind, id: string): void {
    this.#records.delete(`${of} ${id}`)
  }

  /** Every record of a kind, closed ones too, in the order in which they were made. */
  allRecords(of: RecordKind): readonly AccountRecord[] {
    return [...this.#records.values()].filter((record) => record.kind === of)
  }

  counters(keys: readonly CounterKey[]): readonly (Counter | null)[] {
    return keys.map(({ budget, subject }) => this.#counters.get(`${budget} ${subject}`) ?? null)
  }

  tally(): null {
    return null
  }

  due(at: Instant): DueRows {
    const grants = [...this.grants.values()]
    const reservations = [...this.reservations.values()].filter((row) => row.state === 'open')
    const kinds = [
      reservations.map((row) => row.expiresAt),
      grants.filter(isOpen).map((row) => row.expiresAt),
      grants.filter((row) => row.state === 'scheduled').map((row) => row.effectiveAt),
    ]
    const ends = kinds.map((instants) => instants.sort((a, b) => a - b)[this.#duePage - 1] ?? NEVER)
    const isCut = ends.some((end) => end <= at)
    const horizon = Math.min(at, ...ends)
    return {
      reservations: reservations.filter((row) => row.expiresAt <= horizon),
      expiring: grants.filter((row) => isOpen(row) && row.expiresAt <= horizon),
      scheduled: grants.filter((row) => row.state === 'scheduled' && row.effectiveAt <= horizon),
      horizon,
      isCut,
      next: Math.min(NEVER, ...kinds.flat().filter((instant) => instant > horizon)),
    }
  }

  /** Whatever the ledger's own check finds; empty when all is right. */
  problems(): readonly string[] {
    const { account } = this
    if (account === null) return []
    const open = { budget: this.records('budget'), alert: this.records('alert'), purchase: this.records('purchase'), item: this.records('item') }
    const openGrants = [...this.grants.values()].filter(isOpen)
    const records = [...this.#records.values()].filter(({ kind }) => kind !== 'message')
    const audit = new WholeAudit({ account, openGrants, open, counters: [...this.#counters.values()], catalogs: this.catalogs }, records)
    for (const row of this.journal) {
      const refunded = row.kind === 'refund' && row.refersTo !== null ? this.transaction(row.refersTo) : null
      audit.add(row, {
        grant: this.grants.get(row.sequence) ?? null,
        reservation: this.reservations.get(row.sequence) ?? null,
        refunded,
        refundedReserve: isOfReservation(refunded) ? this.transaction(refunded.refersTo) : null,
      })
    }
    audit.finish(audit.missingCounters)
    return audit.findings.map(({ row, invariant, message }) => `${invariant} ${row}: ${message}`)
  }
}
