import { budgetOf } from '../budgets/budget.js'
import type { AccountRecord } from '../ledger/account-record.js'
import type { Share } from '../ledger/grant.js'
import { type MicroCredits, smaller, toCredits } from '../money/credits.js'
import { shareOfUsd } from '../money/fiat.js'
import { type Purchase, purchaseOf, refundObstacle, usedPercent, usdText } from '../plans/purchase.js'
import { formatInstantOrNull } from '../time/instant.js'
import { moveLimit } from './budgets.js'
import type { RefundPurchaseCommand } from './command.js'
import type { Draft } from './draft.js'
import { passMoves, sumOf } from './moves.js'
import { type Outcome, refuse, type Refused } from './outcome.js'
import { packOf, putPurchase, unknownPurchase } from './purchase.js'
import { openRecord } from './records.js'
import { recorded } from './result.js'

/**
 * Takes back what a purchase has left, for its share of the price (ND-15, SF-15). The pack's rule screens and an operator
 * may go past it, but what is used or reserved is never taken, nor are credits that were not bought by it.
 */
export function decideRefundPurchase(draft: Draft, command: RefundPurchaseCommand): Outcome {
  const record = draft.record('purchase', command.purchase)
  if (record === null) return unknownPurchase(draft, command.purchase)
  const purchase = purchaseOf(record)
  const unused = sharesLeft(draft, purchase)
  const left = sumOf(unused)
  const refused = refusalToRefund(draft, command, purchase, left)
  if (refused !== null) return refused
  const refunded = shareOfUsd(purchase.price, { part: left, whole: purchase.credits })
  const lowered = limitToLower(draft, purchase, left)
  const transaction = draft.post('revoke', passMoves(unused, 'available', 'revoked'), {
    credits: left,
    actor: command.actor,
    idempotencyKey: command.idempotencyKey,
    fingerprint: command.fingerprint,
    refersTo: purchase.settledBy,
    detail: {
      change: 'purchase_refunded',
      purchase: record.id,
      pack: purchase.pack,
      bought: toCredits(purchase.credits),
      priceUsd: usdText(purchase.price),
      refundedUsd: usdText(refunded),
      ...(lowered === null ? {} : { budget: lowered.record.id, limitLowered: toCredits(lowered.amount) }),
      ...(command.isForced ? { forced: true } : {}),
      ...(command.reason === null ? {} : { reason: command.reason }),
    },
  })
  if (lowered !== null) moveLimit(draft, lowered.record, -lowered.amount)
  return recorded(draft, transaction, putPurchase(draft, { ...purchase, state: 'refunded', refunded }, transaction, record))
}

/** What the purchase's own grants have left. What open reservations pin is not in it. */
function sharesLeft(draft: Draft, { grants }: Purchase): readonly Share[] {
  return grants.map((sequence) => ({ grant: sequence, amount: draft.grant(sequence).remaining })).filter((share) => share.amount > 0n)
}

interface Lowered {
  readonly record: AccountRecord
  readonly amount: MicroCredits
}

/**
 * The budget that these credits had raised falls by what is taken back, for nobody bought it any more. One that was made
 * or given other terms since then stands at what was said, and falls by nothing.
 */
function limitToLower(draft: Draft, { budget, raised, settledBy }: Purchase, taken: MicroCredits): Lowered | null {
  const record = budget === null ? null : openRecord(draft, 'budget', budget)
  if (record === null) return null
  const { setBy, raisedBy } = budgetOf(record)
  const amount = settledBy !== null && settledBy > setBy ? smaller(smaller(taken, raised), raisedBy) : 0n
  return amount > 0n ? { record, amount } : null
}

function refusalToRefund(draft: Draft, { isForced }: RefundPurchaseCommand, purchase: Purchase, left: MicroCredits): Refused | null {
  const { id, state, settledAt } = purchase
  if (state === 'pending') {
    return refuse('purchase_pending', `The purchase ${id} is not settled; there is nothing to refund yet`, {
      details: { purchase: id, state },
      advice: ['Cancel it, or wait until it is settled.'],
    })
  }
  if (state !== 'settled') return refuse('refund_not_allowed', `The purchase ${id} is ${state}`, { details: { purchase: id, state } })
  const rule = packOf(draft, purchase).refund
  const { account } = draft
  const facts = { at: draft.at, left, isInGoodStanding: account.state === 'active' && account.debt === 0n }
  const obstacle = isForced ? null : refundObstacle(purchase, rule, facts)
  const figures = {
    purchase: id,
    bought: toCredits(purchase.credits),
    unused: toCredits(left),
    usedPercent: usedPercent(purchase, left),
    maxUsedPercent: rule?.maxUsedPercent ?? null,
    settledAt: formatInstantOrNull(settledAt),
    days: rule?.days ?? null,
    state: account.state,
    debt: toCredits(account.debt),
  }
  if (obstacle !== null) {
    return refuse('refund_not_allowed', obstacle.message, {
      details: { rule: obstacle.rule, ...figures },
      advice: ['The rule only screens; an operator may refund what is unused all the same.'],
    })
  }
  if (left > 0n) return null
  return refuse('refund_not_allowed', `Nothing of the purchase ${id} is left`, { details: { rule: 'nothing_left', ...figures } })
}
