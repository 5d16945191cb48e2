import { type MicroCredits, parseCredits } from '../money/credits.js'
import type { Transaction } from './transaction.js'

/**
 * What a settlement charged beyond what its reservation held: it was set aside by nobody, so that it is spending of the
 * moment of the settlement and counts in the budget windows of then. Of a late one, whose reservation had given everything
 * back, that is all.
 */
export function chargedBeyond({ kind, credits, detail }: Pick<Transaction, 'kind' | 'credits' | 'detail'>): MicroCredits {
  if (kind !== 'settle') return 0n
  if (detail['late'] === true) return credits
  const beyond = credits - parseCredits(detail['reserved'], 'reserved')
  return beyond > 0n ? beyond : 0n
}

/** How a refund divides: what was charged last, beyond the reservation, is given back first. */
export function refundedBeyond(charge: Transaction, refundedBefore: MicroCredits, amount: MicroCredits): MicroCredits {
  const left = chargedBeyond(charge) - refundedBefore
  if (left <= 0n) return 0n
  return left < amount ? left : amount
}
