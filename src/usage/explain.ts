import type { Answerer } from '../budgets/approval.js'
import type { Draft } from '../decide/draft.js'
import { nameOf, ownerIn } from '../decide/idempotency.js'
import { isOwnOf } from '../decide/own-part.js'
import { linesOf } from '../decide/price-subject.js'
import { factsOfTransaction } from '../decide/spend-facts.js'
import { spendingOn, standingsOn } from '../decide/standings.js'
import { CreditError } from '../errors.js'
import type { Reservation } from '../ledger/reservation.js'
import { sequenceOfId, type Transaction, transactionId } from '../ledger/transaction.js'
import { creditWords, formatCredits, MICRO_PER_CREDIT, type MicroCredits, toCredits } from '../money/credits.js'
import { formatInstant } from '../time/instant.js'
import { budgetResult } from './budgets.js'
import { planFacts, quoteUnder } from './explain-plan.js'
import { isOwnRow, transactionResult } from './history.js'
import type { Ledger } from './ledger.js'
import { DELEGATED, type OwnPart } from './own-keys.js'
import type { ExplainResult } from './results.js'

export type ExplainBy = { readonly transaction: string } | { readonly key: string }

/**
 * Why a transaction cost what it cost (AX-10), or what became of a call whose answer was lost (AX-11), as of now.
 *
 * @throws CreditError `unknown_transaction`
 */
export function explain(ledger: Ledger, account: string, by: ExplainBy, own: OwnPart | null): Promise<ExplainResult> {
  return ledger.read(account, (draft) => ('key' in by ? explainKey(draft, by.key, own) : explainTransaction(draft, by.transaction, own)))
}

function explainTransaction(draft: Draft, id: string, own: OwnPart | null): ExplainResult {
  const sequence = sequenceOfId('tx', id)
  const transaction = sequence === null ? null : draft.transaction(sequence)
  if (transaction === null || transactionId(transaction) !== id || !isSeen(draft, transaction, own)) {
    throw new CreditError('unknown_transaction', `There is no transaction ${id.slice(0, 64)}`, {
      advice: ['Ids stand in list_transactions and in the receipt of a call.'],
    })
  }
  return explained(draft, transaction, own)
}

function isSeen(draft: Draft, transaction: Transaction, own: OwnPart | null): boolean {
  return own === null || isOwnRow(draft, transaction, own)
}

function explainKey(draft: Draft, key: string, own: OwnPart | null): ExplainResult {
  for (const name of namesTo(own, key)) {
    const transaction = draft.view.transactionByKey(name)
    if (transaction !== null) return isSeen(draft, transaction, own) ? explained(draft, transaction, own) : taken(key)
    const open = draft.openCall(name)
    if (open !== null) return own === null || (open.key !== null && own.keys.includes(open.key)) ? running(draft, open) : taken(key)
  }
  return {
    ...NOTHING,
    outcome: 'not_charged',
    explanation: `Nothing was charged with the key ${JSON.stringify(key)}. A retry with the same key is safe.`,
  }
}

/** What the journal may call what a party calls so: a delegated key names its own work, and as it is shown to it that of those below. */
function namesTo(own: OwnPart | null, key: string): readonly string[] {
  if (own?.isDelegated !== true) return [key]
  const [reader = null, ...below] = own.keys
  const owner = ownerIn(key)
  return [nameOf(reader, key), ...(owner !== null && below.includes(owner) ? [key] : [])]
}

/** Keys of one account share what they call their work: that a name is taken is told, and nothing of what it was used for. */
function taken(key: string): ExplainResult {
  return {
    ...NOTHING,
    outcome: 'unknown',
    explanation:
      `The idempotency key ${JSON.stringify(key)} is taken: somebody else of the account has used it, and what became of that is not told here. ` +
      'Use a new key for work of your own.',
  }
}

function running(draft: Draft, reservation: Reservation): ExplainResult {
  const row = draft.transaction(reservation.sequence)
  const sums = `${creditWords(reservation.amount)} ${reservation.amount === MICRO_PER_CREDIT ? 'is' : 'are'} reserved for it until ${formatInstant(reservation.expiresAt)}`
  return {
    ...NOTHING,
    outcome: 'in_progress',
    explanation: `The call is still running; ${sums}. A retry with the same key is safe.`,
    reserved: toCredits(reservation.amount),
    priceVersion: reservation.priceVersion,
    attempts: [{ at: formatInstant(reservation.openedAt), outcome: 'in_progress' }],
    quote: row === null ? null : quoteUnder(draft, row),
    approval: row === null ? null : consentOf(row),
  }
}

function explained(draft: Draft, transaction: Transaction, own: OwnPart | null): ExplainResult {
  const shown = { own }
  const isCarved = own?.isDelegated === true
  const reserve = reserveOf(draft, transaction)
  const outcome = outcomeOf(draft, transaction)
  const refunds = isSpending(transaction) ? draft.view.refunds(transaction.sequence) : []
  const charged = isSpending(transaction) ? transaction.credits : 0n
  const refunded = refunds.reduce((sum, refund) => sum + refund.credits, 0n)
  const { detail } = transaction
  return {
    outcome,
    explanation: wordsFor(transaction, { charged, refunded, reserve }),
    transaction: transactionResult(transaction, shown),
    priceVersion: transaction.priceVersion,
    lines: linesOf(reserve ?? transaction),
    reserved: reserve === null ? null : toCredits(reserve.credits),
    charged: toCredits(charged),
    released: (detail['released'] as number | undefined) ?? 0,
    uncollected: (detail['uncollected'] as number | undefined) ?? 0,
    refunded: toCredits(refunded),
    grants: isCarved ? paidFromPart(charged) : paidFrom(draft, transaction),
    budgets: budgetsOf(draft, transaction, { reserve, own: isCarved ? own : null }),
    attempts: attemptsOf(transaction, reserve, outcome),
    refunds: refunds.map((refund) => transactionResult(refund, shown)),
    quote: quoteUnder(draft, reserve ?? transaction),
    approval: consentOf(reserve ?? transaction),
    ...planFacts(draft, transaction),
  }
}

/** The reserve transaction that a settlement or release ends, or the reservation's own. */
function reserveOf(draft: Draft, transaction: Transaction): Transaction | null {
  if (transaction.kind === 'reserve') return transaction
  if (transaction.kind !== 'settle' && transaction.kind !== 'release') return null
  return transaction.refersTo === null ? null : draft.transaction(transaction.refersTo)
}

function isSpending(transaction: Transaction): boolean {
  return transaction.kind === 'charge' || transaction.kind === 'settle'
}

function outcomeOf(draft: Draft, transaction: Transaction): ExplainResult['outcome'] {
  if (isSpending(transaction)) return 'charged'
  if (transaction.kind !== 'reserve') return 'not_charged'
  const state = draft.reservation(transaction.sequence)?.state
  return state === 'open' ? 'in_progress' : state === 'settled' ? 'charged' : 'not_charged'
}

/** The yes that a row was spent on; null for a row that spends none, such as the one that gave it. */
function consentOf({ detail: { approval, answeredBy } }: Transaction): ExplainResult['approval'] {
  return typeof approval !== 'string' || answeredBy === undefined ? null : { id: approval, answeredBy: answeredBy as Answerer | null }
}

/** The grants that paid, by what each gave; what none gave was owed. */
function paidFrom(draft: Draft, transaction: Transaction): ExplainResult['grants'] {
  if (!isSpending(transaction)) return []
  return transaction.entries
    .filter((entry) => entry.book === 'spent')
    .map((entry) => {
      const grant = entry.grant === null ? null : draft.grant(entry.grant)
      return { id: grant?.id ?? null, source: grant?.source ?? 'debt', credits: toCredits(entry.amount) }
    })
}

/** Which of the account's grants paid is not a delegated key's to know: to it, its own part did. */
function paidFromPart(charged: MicroCredits): ExplainResult['grants'] {
  return charged === 0n ? [] : [{ id: DELEGATED, source: DELEGATED, credits: toCredits(charged) }]
}

/** The budgets that it counted in, as they stand now: those of its scope that there were when the work began. */
function budgetsOf(
  draft: Draft,
  transaction: Transaction,
  { reserve, own }: { readonly reserve: Transaction | null; readonly own: OwnPart | null },
): ExplainResult['budgets'] {
  if ((!isSpending(transaction) && transaction.kind !== 'reserve') || transaction.detail['item'] !== undefined) return []
  const began = reserve?.sequence ?? transaction.sequence
  const standings = standingsOn(spendingOn(draft, factsOfTransaction(draft, transaction)))
  const seen = own === null ? standings : standings.filter((standing) => own.keys.some((key) => isOwnOf(key, standing)))
  return seen.filter(({ budget }) => budget.origin < began).map(budgetResult)
}

function attemptsOf(transaction: Transaction, reserve: Transaction | null, outcome: ExplainResult['outcome']): ExplainResult['attempts'] {
  if (!isSpending(transaction) && transaction.kind !== 'reserve' && transaction.kind !== 'release') return []
  return [{ at: formatInstant(reserve?.at ?? transaction.at), outcome }]
}

interface Sums {
  readonly charged: MicroCredits
  readonly refunded: MicroCredits
  readonly reserve: Transaction | null
}

function wordsFor(transaction: Transaction, { charged, refunded, reserve }: Sums): string {
  const what = [transaction.tool ?? transaction.operation, transaction.variant].filter((part) => part !== null).join(', ')
  if (!isSpending(transaction)) return `A ${transaction.kind} of ${creditWords(transaction.credits)}${what === '' ? '' : ` for ${what}`}.`
  const version = `price version ${transaction.priceVersion}`
  const held = reserve === null ? '' : `, of ${formatCredits(reserve.credits)} reserved`
  const late = transaction.detail['late'] === true ? ', after its reservation had timed out' : ''
  const back = refunded === 0n ? '' : ` ${creditWords(refunded)} ${refunded === MICRO_PER_CREDIT ? 'was' : 'were'} refunded.`
  return `${creditWords(charged)} for ${what} by ${version}${held}${late}.${back}`
}

const NOTHING: Omit<ExplainResult, 'outcome' | 'explanation'> = {
  transaction: null,
  priceVersion: null,
  lines: [],
  reserved: null,
  charged: 0,
  released: 0,
  uncollected: 0,
  refunded: 0,
  grants: [],
  budgets: [],
  attempts: [],
  refunds: [],
  quote: null,
  approval: null,
}
