import { BudgetAudit, isOfReservation } from '../budgets/budget-audit.js'
import { type Budget, budgetOf } from '../budgets/budget.js'
import type { Counter, CounterKey } from '../budgets/counter.js'
import type { CatalogVersion } from '../catalog/version.js'
import { factsOfRow } from '../decide/spend-facts.js'
import { type Key, keyOf } from '../keys/key.js'
import type { Account } from '../ledger/account.js'
import { AccountAudit } from '../ledger/audit-account.js'
import type { Finding, Report } from '../ledger/audit-finding.js'
import { QuoteAudit } from '../ledger/audit-quotes.js'
import { type OpenRecords, RecordAudit } from '../ledger/audit-records.js'
import { Audit } from '../ledger/audit.js'
import type { AccountRecord } from '../ledger/account-record.js'
import type { Grant } from '../ledger/grant.js'
import type { Reservation } from '../ledger/reservation.js'
import type { Transaction } from '../ledger/transaction.js'
import { CatalogAudit } from './catalog-audit.js'

/** An account with what it counts, as of one moment. */
export interface AccountMoment {
  readonly account: Account
  readonly openGrants: readonly Grant[]
  readonly open: OpenRecords
  readonly counters: readonly Counter[]
  readonly catalogs: readonly CatalogVersion[]
}

/** The rows that belong to one transaction. */
export interface RelatedRows {
  readonly grant: Grant | null
  readonly reservation: Reservation | null
  /** Of a refund: what it gives back. */
  readonly refunded: Transaction | null
  /** Of a refund of a settlement: the row that reserved. */
  readonly refundedReserve: Transaction | null
}

/** Whether a refund's charge was a settlement, so that the reservation's row is needed as well. */
export { isOfReservation }

/** Everything that one account's journal tells, checked against everything that the ledger says of it. */
export class WholeAudit {
  readonly findings: Finding[] = []
  readonly #moment: AccountMoment
  readonly #audit: Audit
  readonly #account: AccountAudit
  readonly #records: RecordAudit
  readonly #quotes: QuoteAudit
  readonly #budgets: BudgetAudit
  readonly #catalogs: CatalogAudit

  /** `records` are all of the account's but its messages, and may have been read after the moment. */
  constructor(moment: AccountMoment, records: readonly AccountRecord[]) {
    const { account, open, counters, catalogs } = moment
    const keys = keysOf(records)
    const budgets: readonly Budget[] = open.budget.map(budgetOf)
    this.#moment = moment
    this.#audit = new Audit(account, this.#report)
    this.#account = new AccountAudit(account, this.#report)
    this.#records = new RecordAudit(account, records, this.#report)
    this.#quotes = new QuoteAudit(account, records, this.#report)
    const known = { keyNamed: (id: string) => keys.get(id) ?? null, catalogs }
    this.#budgets = new BudgetAudit({ account, budgets, counters, factsOf: (row) => factsOfRow(known, row) }, this.#report)
    this.#catalogs = new CatalogAudit(moment, records, this.#report)
  }

  get head(): string {
    return this.#audit.head
  }

  add(transaction: Transaction, { grant, reservation, refunded, refundedReserve }: RelatedRows): void {
    this.#audit.add(transaction, { grant, reservation, refunded })
    this.#account.add(transaction)
    this.#records.add(transaction)
    this.#quotes.add(transaction)
    this.#budgets.add({ transaction, refunded, refundedReserve })
    this.#catalogs.add(transaction, reservation)
  }

  /** Counters that the journal asks for and that the moment did not have; which of them are still not there, `finish` is told. */
  get missingCounters(): readonly CounterKey[] {
    return this.#budgets.missing
  }

  finish(absent: readonly CounterKey[]): void {
    const { account, openGrants, open } = this.#moment
    this.#audit.finish(openGrants)
    this.#account.finish(account)
    this.#records.finish(open)
    this.#quotes.finish()
    this.#budgets.finish(absent)
    this.#catalogs.finish()
  }

  readonly #report: Report = (row, invariant, message) => {
    this.findings.push({ row, invariant, message })
  }
}

function keysOf(records: readonly AccountRecord[]): ReadonlyMap<string, Key> {
  return new Map(records.filter(({ kind }) => kind === 'key').map((record) => [record.id, keyOf(record)]))
}
