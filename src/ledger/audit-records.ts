import { parseCredits } from '../money/credits.js'
import { NEVER } from '../time/instant.js'
import type { Account } from './account.js'
import { type AccountRecord, type RecordDocument, type RecordKind, RULE_KINDS, SPENDING_CAP } from './account-record.js'
import { ApprovalAudit } from './audit-approvals.js'
import type { Report } from './audit-finding.js'
import { formatId, sequenceOfId, type Transaction, transactionId } from './transaction.js'

/** The changes whose row names the record and says all of what it has become; without a document it is closed. */
const CHANGES: Readonly<Record<string, RecordKind>> = {
  budget_set: 'budget',
  budget_raised: 'budget',
  budget_removed: 'budget',
  alert_set: 'alert',
  alert_removed: 'alert',
  guard_set: 'guard',
  guard_reset: 'guard',
  guard_removed: 'guard',
  member_set: 'member',
  member_removed: 'member',
  key_created: 'key',
  key_revoked: 'key',
  key_expired: 'key',
  item_set: 'item',
  self_service_set: 'setting',
}

/** Kinds of which every row of the table was made by a row of the journal that names it. */
const NAMED: ReadonlySet<RecordKind> = new Set(['budget', 'alert', 'guard', 'member', 'key', 'item', 'purchase'])

/** What a row of the journal says a record has become: all of it, or some facts of it. */
interface Told {
  readonly kind: RecordKind
  readonly id: string
  readonly isOpen: boolean
  readonly document?: RecordDocument | undefined
  readonly facts?: RecordDocument | undefined
}

/** The open records that the account's row counts, as of the account's own moment. */
export type OpenRecords = Readonly<Record<'budget' | 'alert' | 'purchase' | 'item', readonly AccountRecord[]>>

/**
 * Compares what an account has beside its credits with the rows that made it so. A record carries the sequence of the
 * row in whose write it became what it is: there it must be as told, and after it no row may tell of it again. Keeps one
 * row of the table each, which is bounded, and of the journal only what budgets and items were last said to be.
 *
 * Messages, plan caps, what guards have seen and the marks that trials and plan changes leave are in no row of their own and
 * not compared here.
 */
export class RecordAudit {
  readonly #report: Report
  readonly #account: Account
  readonly #records: ReadonlyMap<string, AccountRecord>
  readonly #confirmed = new Set<string>()
  readonly #budgets = new Map<string, RecordDocument>()
  readonly #quantities = new Map<string, unknown>()
  readonly #approvals: ApprovalAudit

  /** `records` may have been read after the account: what came to them then is not known of yet. */
  constructor(account: Account, records: readonly AccountRecord[], report: Report) {
    this.#account = account
    this.#report = report
    this.#approvals = new ApprovalAudit(report)
    this.#records = new Map(records.map((record) => [nameOf(record), record]))
  }

  add(transaction: Transaction): void {
    this.#approvals.add(transaction)
    // What was asked for is given in the write of the yes.
    if (transaction.detail['change'] === 'approval_resolved') this.#moveLimit(transaction)
    const told = toldBy(transaction)
    if (told === null) return
    this.#follow(told)
    this.#compare(transaction, told)
    if (told.kind === 'key' && !told.isOpen) this.#confirmBelow(transaction, told.id)
    if (told.kind === 'purchase') this.#moveLimit(transaction)
  }

  #follow({ kind, id, document }: Told): void {
    if (kind === 'item') this.#quantities.set(id, document?.['quantity'] ?? 0)
    if (kind !== 'budget') return
    if (document === undefined) this.#budgets.delete(id)
    else this.#budgets.set(id, document)
  }

  #compare(transaction: Transaction, told: Told): void {
    const row = nameOf(told)
    const record = this.#records.get(row)
    if (record === undefined) return this.#report(row, 'records', `transaction ${transactionId(transaction)} made it and it is missing`)
    if (record.sequence < transaction.sequence) return this.#report(row, 'records', `it is what it was before transaction ${transactionId(transaction)} changed it`)
    if (record.sequence > transaction.sequence) return
    this.#confirmed.add(row)
    // An account that closes ends its items in the write of whatever row came before, where they came to nothing.
    if (told.kind === 'item' && !record.isOpen && this.#account.state === 'closed') return
    if (!isAsTold(record, told)) this.#report(row, 'records', `it is not what transaction ${transactionId(transaction)} says`)
  }

  /** Whoever revokes a key revokes those below it in the same write. */
  #confirmBelow({ sequence }: Transaction, revoked: string): void {
    for (const [name, { kind, document, isOpen, sequence: by }] of this.#records) {
      const isBelow = kind === 'key' && by === sequence && (document['ancestors'] as readonly string[] | undefined)?.includes(revoked)
      if (isBelow && !isOpen) this.#confirmed.add(name)
    }
  }

  /** Credits bought for a budget raise its limit in the write of their purchase, and lower it again with their refund (ND-12). */
  #moveLimit(transaction: Transaction): void {
    const { detail, sequence } = transaction
    const { budget } = detail
    const before = typeof budget === 'string' ? this.#budgets.get(budget) : undefined
    // What a plan's cap was before is said in no row.
    if (before === undefined || typeof budget !== 'string' || budget === SPENDING_CAP) return
    const moved = Number(creditsOf(detail['limitRaised']) - creditsOf(detail['limitLowered']))
    const document = { ...before, limit: Number(before['limit']) + moved, raisedBy: Number(before['raisedBy']) + moved }
    this.#budgets.set(budget, document)
    if (this.#records.get(nameOf({ kind: 'budget', id: budget }))?.sequence === sequence) {
      this.#compare(transaction, { kind: 'budget', id: budget, isOpen: true, document })
    }
  }

  finish(open: OpenRecords): void {
    for (const [name, record] of this.#records) {
      if (this.#confirmed.has(name) || record.sequence > this.#account.sequence) continue
      if (record.kind === 'item') this.#checkItem(name, record)
      else if (record.kind === 'approval') this.#approvals.check(name, record)
      else if (isNamed(record)) this.#report(name, 'records', 'no transaction of the journal made it what it is')
    }
    this.#checkCounts(open)
  }

  /** An item begins anew with each month's charge, which for nothing kept leaves no row. */
  #checkItem(name: string, { isOpen, document }: AccountRecord): void {
    const told = this.#quantities.get(name.slice('item '.length))
    if (told === undefined) return this.#report(name, 'records', 'no transaction of the journal made it what it is')
    if (isOpen && document['quantity'] !== told) this.#report(name, 'records', `it says ${String(document['quantity'])} are kept; its transactions say ${String(told)}`)
  }

  /** An account that says it has no rules is not asked for them. */
  #openRules(): number {
    const { sequence: last } = this.#account
    return [...this.#records.values()].filter(({ kind, isOpen, sequence }) => RULE_KINDS.includes(kind) && isOpen && sequence <= last).length
  }

  #checkCounts({ budget, alert, purchase, item }: OpenRecords): void {
    const { id, rules, pending, itemsDueAt } = this.#account
    const found = (message: string) => this.#report(id, 'records', message)
    const count = Math.max(budget.length + alert.length, this.#openRules())
    if (rules !== count) found(`the account says ${rules} budgets and alerts; there are ${count}`)
    const waiting = purchase.reduce((sum, { document }) => sum + BigInt(document['credits'] as number), 0n)
    if (pending !== waiting) found(`the account says ${pending} pending; its purchases say ${waiting}`)
    if ((itemsDueAt === NEVER) !== (item.length === 0)) found(`the account's recurring items are charged at ${itemsDueAt}; it has ${item.length} of them`)
    const late = item.filter(({ document }) => itemsDueAt < (document['meteredUntil'] as number))
    if (late.length > 0) found(`the account's recurring items are charged at ${itemsDueAt}; ${late.length} of them are counted beyond that`)
  }
}

function nameOf({ kind, id }: Pick<AccountRecord, 'kind' | 'id'>): string {
  return `${kind} ${id}`
}

function isNamed({ kind, id }: AccountRecord): boolean {
  return kind === 'setting' ? id === 'self_service' : NAMED.has(kind) && id !== SPENDING_CAP
}

function toldBy(transaction: Transaction): Told | null {
  const { change } = transaction.detail
  if (typeof change !== 'string') return null
  const kind = Object.hasOwn(CHANGES, change) ? CHANGES[change] : undefined
  if (kind === undefined) return purchaseTold(change, transaction)
  const document = transaction.detail['document'] as RecordDocument | undefined
  return { kind, id: String(transaction.detail[kind]), isOpen: document !== undefined, document }
}

function purchaseTold(change: string, { detail, sequence, hash, at }: Transaction): Told | null {
  const { pack, name, priceUsd, purchase, provider, reference = null, budget = null, isSelfService = false, refundedUsd, grants } = detail
  const bought = { pack, name, priceUsd, credits: Number(creditsOf(detail['credits'])), refundedUsd: null }
  switch (change) {
    case 'purchase_ordered': {
      const id = typeof purchase === 'string' ? purchase : formatId('pu', sequence, hash)
      return { kind: 'purchase', id, isOpen: true, facts: { ...bought, state: 'pending', provider, reference, budget, raised: 0, isSelfService, orderedBy: sequence, orderedAt: at, settledBy: null, grants: [] } }
    }
    case 'purchase_settled': {
      const made = (grants as readonly string[]).map((id) => sequenceOfId('gr', id))
      return { kind: 'purchase', id: String(purchase), isOpen: false, facts: { ...bought, state: 'settled', settledBy: sequence, settledAt: at, grants: made, raised: Number(creditsOf(detail['limitRaised'])) } }
    }
    case 'purchase_cancelled':
      return { kind: 'purchase', id: String(purchase), isOpen: false, facts: { state: 'cancelled', pack } }
    case 'purchase_refunded':
      return { kind: 'purchase', id: String(purchase), isOpen: false, facts: { state: 'refunded', pack, priceUsd, refundedUsd } }
    default:
      return null
  }
}

function creditsOf(told: unknown): bigint {
  return told === undefined ? 0n : parseCredits(told, 'credits')
}

function isAsTold({ kind, isOpen, document }: AccountRecord, told: Told): boolean {
  // A month in which an item came to nothing leaves no row: it goes on from there, or ends.
  if (kind === 'item' && document['since'] !== told.document?.['since']) return isOpen ? document['quantity'] === told.document?.['quantity'] : true
  if (isOpen !== told.isOpen) return false
  if (told.facts !== undefined) return Object.entries(told.facts).every(([name, value]) => sorted(document[name]) === sorted(value))
  return told.document === undefined || sorted(withoutUse(document)) === sorted(withoutUse(told.document))
}

/** When a key was last used is written without a row: it is no change of what it may. */
function withoutUse({ lastUsedAt: _, ...document }: RecordDocument): RecordDocument {
  return document
}

/** The same text for the same value, however a database has ordered its members. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}
