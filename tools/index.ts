import { chargeCredits } from './charge_credits.js'
import { delegateBudget } from './delegate_budget.js'
import type { Tool } from './definition.js'
import { estimateCost } from './estimate_cost.js'
import { explainCharge } from './explain_charge.js'
import { extendReservation } from './extend_reservation.js'
import { getBudgetStatus } from './get_budget_status.js'
import { getCreditBalance } from './get_credit_balance.js'
import { getMcpUsage } from './get_mcp_usage.js'
import { listOperations } from './list_operations.js'
import { listTransactions } from './list_transactions.js'
import { releaseReservation } from './release_reservation.js'
import { requestCredits } from './request_credits.js'
import { reserveCredits } from './reserve_credits.js'
import { settleReservation } from './settle_reservation.js'
import { whatCanIAfford } from './what_can_i_afford.js'

export { callTool, readToolInput } from './call-tool.js'
export { isWriting, scopeOf, type Tool, type ToolHints, type Toolset, TOOLSETS } from './definition.js'
export { type DescribedTool, describeTool } from './describe-tool.js'

/** Every tool, in the order in which clients list them: what an agent needs first comes first. */
export const tools: readonly Tool[] = [
  getCreditBalance,
  getBudgetStatus,
  estimateCost,
  getMcpUsage,
  listOperations,
  listTransactions,
  explainCharge,
  whatCanIAfford,
  chargeCredits,
  reserveCredits,
  extendReservation,
  settleReservation,
  releaseReservation,
  delegateBudget,
  requestCredits,
]
