import type { Plan } from '../catalog/catalog.js'
import { type Grant, isOpen, type Share, takeInOrder } from '../ledger/grant.js'

/**
 * What of the allowances that are left does not roll over into the next period: all beyond the plan's cap, the oldest
 * first. Nothing where the plan has no cap; an allowance that does not roll over at all expires by its own date.
 */
export function beyondCap({ rollover }: Pick<Plan, 'rollover'>, grants: readonly Grant[]): readonly Share[] {
  if (rollover.kind !== 'capped') return []
  const allowances = grants.filter((grant) => grant.source === 'allowance' && isOpen(grant)).sort((a, b) => a.sequence - b.sequence)
  const left = allowances.reduce((sum, grant) => sum + grant.remaining, 0n)
  if (left <= rollover.cap) return []
  const shares = allowances.map((grant) => ({ grant: grant.sequence, amount: grant.remaining }))
  return takeInOrder(shares, left - rollover.cap).taken
}
