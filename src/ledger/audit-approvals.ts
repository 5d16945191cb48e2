import { parseCredits } from '../money/credits.js'
import type { Instant } from '../time/instant.js'
import type { AccountRecord, RecordDocument } from './account-record.js'
import type { Report } from './audit-finding.js'
import { LATE_SETTLEMENT_MS } from './reservation.js'
import { type Transaction, transactionId } from './transaction.js'

/** What the journal has said of a question to people so far. */
interface Said {
  readonly document: RecordDocument
  /** The sequence of what was spent on the yes; null for nothing. */
  readonly usedBy: number | null
  /** When what it went into has come to nothing for good; null while it is spent. */
  readonly freeFrom: Instant | null
}

/**
 * Follows what people were asked through the journal: what names a yes was spent on one that was given, by its key, in
 * time, for no more than it allows and once. A question that a refusal has left is in no row, and nothing is spent on it.
 */
export class ApprovalAudit {
  readonly #report: Report
  readonly #said = new Map<string, Said>()
  /** On which yes a reservation was made that may still give it back. */
  readonly #heldOn = new Map<number, string>()

  constructor(report: Report) {
    this.#report = report
  }

  add(transaction: Transaction): void {
    const { change, approval, document } = transaction.detail
    if (transaction.kind === 'release' || transaction.kind === 'settle') this.#end(transaction)
    if (typeof approval !== 'string') return
    const isAnswer = change === 'approval_resolved' || change === 'credits_requested'
    if (isAnswer) this.#said.set(approval, { document: document as RecordDocument, usedBy: null, freeFrom: null })
    else this.#use(transaction, approval)
  }

  #use(transaction: Transaction, id: string): void {
    const said = this.#said.get(id)
    const why = said === undefined ? 'which nobody gave' : whyNot(transaction, said)
    if (why !== null) this.#report(transactionId(transaction), 'records', `it was spent on the yes ${id}, ${why}`)
    if (said === undefined) return
    if (said.usedBy !== null) this.#heldOn.delete(said.usedBy)
    this.#said.set(id, { ...said, usedBy: transaction.sequence, freeFrom: null })
    if (transaction.kind === 'reserve') this.#heldOn.set(transaction.sequence, id)
  }

  /** What is released gives its yes back; what timed out once it can be charged late no more. */
  #end({ kind, at, refersTo, detail }: Transaction): void {
    const id = refersTo === null ? undefined : this.#heldOn.get(refersTo)
    const said = id === undefined ? undefined : this.#said.get(id)
    if (refersTo === null || id === undefined || said?.usedBy !== refersTo) return
    const hasTimedOut = detail['reason'] === 'time_out'
    if (!hasTimedOut) this.#heldOn.delete(refersTo)
    this.#said.set(id, { ...said, freeFrom: kind === 'settle' ? null : hasTimedOut ? at + LATE_SETTLEMENT_MS : at })
  }

  /** Compares a record with what was said of it, at the end. */
  check(name: string, { id, document }: AccountRecord): void {
    const { state, asks, usedBy, maximum } = document
    if (state === 'pending' && asks === 'call') return
    const said = this.#said.get(id)
    if (said === undefined) return this.#report(name, 'records', 'no transaction of the journal made it what it is')
    const isAsSaid = said.document['maximum'] === maximum && said.usedBy === usedBy && (usedBy !== null || said.document['state'] === state)
    if (!isAsSaid) this.#report(name, 'records', 'it is not what its transactions say')
  }
}

/** Why a row could not be spent on a yes; null where it could. */
function whyNot(transaction: Transaction, { document, usedBy, freeFrom }: Said): string | null {
  const { state, key, expiresAt, maximum } = document
  if (state !== 'approved') return 'which nobody gave'
  if (key !== transaction.key) return 'which was given to another key'
  if (transaction.at >= (expiresAt as Instant)) return 'which had lapsed'
  if (usedBy !== null && (freeFrom === null || transaction.at < freeFrom)) return 'which was spent before'
  return spentBy(transaction) > BigInt(maximum as number) ? 'which allows less' : null
}

/** A plan's row moves nothing itself and tells what was set aside in all. */
function spentBy({ kind, credits, detail }: Transaction): bigint {
  return kind === 'amend' ? parseCredits(detail['reserved'], 'reserved') : credits
}
