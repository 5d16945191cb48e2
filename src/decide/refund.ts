import type { Share } from '../ledger/grant.js'
import { PRIORITY_DEFAULT } from '../ledger/grant.js'
import { sequenceOfId, type Transaction, transactionId } from '../ledger/transaction.js'
import { formatCredits, type MicroCredits, smaller, toCredits } from '../money/credits.js'
import { NEVER } from '../time/instant.js'
import type { RefundCommand } from './command.js'
import type { Draft, Move } from './draft.js'
import { balanceDetail, expireReturned, lastingChange } from './expire.js'
import { returnMoves } from './moves.js'
import { type Outcome, refuse } from './outcome.js'
import { leftDetail } from './own-part.js'
import { done } from './result.js'
import { factsOfTransaction } from './spend-facts.js'
import { countRefunded, spendingOn } from './standings.js'

/** Bounds how many refunds of one charge a decision looks at. */
const REFUNDS_MAX = 1_000

/**
 * Gives back credits of a charge or settlement, never more than it took, to the grants that paid, in reverse. What goes
 * back to a grant whose time is over expires at once.
 */
export function decideRefund(draft: Draft, command: RefundCommand): Outcome {
  const sequence = sequenceOfId('tx', command.transaction)
  const charge = sequence === null ? null : draft.view.transaction(sequence)
  if (charge === null || transactionId(charge) !== command.transaction) {
    return refuse('unknown_transaction', `There is no transaction ${command.transaction.slice(0, 64)}`)
  }
  if (charge.kind !== 'charge' && charge.kind !== 'settle') {
    return refuse('refund_not_allowed', `${command.transaction} is a ${charge.kind}; only a charge or a settlement is refunded`)
  }
  const earlier = draft.view.refunds(charge.sequence)
  const refunded = earlier.reduce((sum, refund) => sum + refund.credits, 0n)
  const left = charge.credits - refunded
  const amount = command.amount ?? left
  if (amount > left || amount === 0n || earlier.length >= REFUNDS_MAX) {
    return refuse('refund_not_allowed', `${formatCredits(left)} of ${formatCredits(charge.credits)} credits are left to refund`, {
      details: { transaction: command.transaction, charged: toCredits(charge.credits), refundable: toCredits(left) },
    })
  }
  return postRefund(draft, command, charge, { back: sharesBack(charge, refunded, amount), refunded, amount })
}

interface Back {
  readonly shares: readonly Share[]
  /** What no grant had paid: it had gone into debt. */
  readonly owed: MicroCredits
}

/** The last credits taken go back first; refunds made before have already given back as many from that end. */
function sharesBack(charge: Transaction, refunded: MicroCredits, amount: MicroCredits): Back {
  let skip = refunded
  let left = amount
  let owed = 0n
  const shares: Share[] = []
  for (const payment of charge.entries.filter((entry) => entry.book === 'spent').toReversed()) {
    const skipped = smaller(skip, payment.amount)
    const part = smaller(payment.amount - skipped, left)
    skip -= skipped
    left -= part
    if (part === 0n) continue
    if (payment.grant === null) owed += part
    else shares.push({ grant: payment.grant, amount: part })
  }
  return { shares, owed }
}

interface Refunding {
  readonly back: Back
  /** What was refunded of it before. */
  readonly refunded: MicroCredits
  readonly amount: MicroCredits
}

function postRefund(draft: Draft, command: RefundCommand, charge: Transaction, { back, refunded, amount }: Refunding): Outcome {
  // A debt that was repaid meanwhile cannot shrink any more: credits given back for it become a grant of their own.
  const fromDebt = smaller(back.owed, draft.account.debt)
  const anew = back.owed - fromDebt
  const moves: readonly Move[] = [
    { book: 'spent', grant: null, amount: -back.owed },
    { book: 'available', grant: null, amount: fromDebt },
    { book: 'available', grant: draft.nextSequence, amount: anew },
    ...returnMoves(draft, back.shares, 'spent', draft.account.debt - fromDebt),
  ]
  const transaction = draft.post('refund', moves, {
    credits: amount,
    actor: command.actor,
    operation: charge.operation,
    variant: charge.variant,
    tool: charge.tool,
    labels: charge.labels,
    idempotencyKey: command.idempotencyKey,
    fingerprint: command.fingerprint,
    refersTo: charge.sequence,
    priceVersion: charge.priceVersion,
    detail: {
      refunds: command.transaction,
      ...(command.reason === null ? {} : { reason: command.reason }),
      ...balanceDetail(draft, moves),
      ...leftAfterRefund(draft, charge, { moves, amount }),
    },
  })
  countRefunded(draft, charge, refunded, amount)
  if (anew > 0n) {
    const grant = { amount: anew, remaining: anew, source: 'refund', priority: PRIORITY_DEFAULT, isPaid: false } as const
    draft.addGrant({ ...grant, state: 'effective', effectiveAt: draft.at, expiresAt: NEVER }, transaction)
  }
  expireReturned(draft, back.shares.map((share) => share.grant), draft.at)
  return done(draft, transaction)
}

/** What the delegated key that was charged has left then, whoever refunds. */
function leftAfterRefund(draft: Draft, charge: Transaction, { moves, amount }: { readonly moves: readonly Move[]; readonly amount: MicroCredits }) {
  const facts = factsOfTransaction(draft, charge)
  if (!facts.isDelegated) return {}
  return leftDetail(draft, spendingOn(draft, facts), lastingChange(draft, moves), { taken: -amount, began: charge.at })
}
