import type { CommandDefinition } from './definition.js'
import { accountCommands } from './commands/account.js'
import { alertCommands } from './commands/alert.js'
import { approvalCommands } from './commands/approvals.js'
import { balanceCommand } from './commands/balance.js'
import { budgetCommands } from './commands/budget.js'
import { catalogCommands } from './commands/catalog.js'
import { clockCommands } from './commands/clock.js'
import { doctorCommand } from './commands/doctor.js'
import { estimateCommand } from './commands/estimate.js'
import { explainCommand } from './commands/explain.js'
import { grantCommand, refundCommand } from './commands/grant.js'
import { guardCommands } from './commands/guard.js'
import { historyCommand } from './commands/history.js'
import { initCommand } from './commands/init.js'
import { itemCommands } from './commands/item.js'
import { keyCommands } from './commands/key.js'
import { memberCommands } from './commands/member.js'
import { messagesCommand } from './commands/messages.js'
import { migrateCommand } from './commands/migrate.js'
import { packsCommand } from './commands/packs.js'
import { plansCommand } from './commands/plans.js'
import { affordCommand, priceCommand, pricesCommand } from './commands/prices.js'
import { purchaseCommands } from './commands/purchase.js'
import { quoteCommand } from './commands/quote.js'
import { selfServiceCommand } from './commands/self-service.js'
import { serveCommand } from './commands/serve.js'
import { chargeCommand, extendCommand, releaseCommand, reserveCommand, settleCommand } from './commands/spend.js'
import { statementCommand } from './commands/statement.js'
import { subscribeCommand, unsubscribeCommand } from './commands/subscription.js'
import { topupCommand } from './commands/topup.js'
import { usageCommand } from './commands/usage.js'
import { watchCommand } from './commands/watch.js'
import { wrapCommand } from './commands/wrap.js'

/** Every command, in the order of the help. */
export const commands: readonly CommandDefinition[] = [
  initCommand,
  serveCommand,
  wrapCommand,
  balanceCommand,
  usageCommand,
  historyCommand,
  watchCommand,
  estimateCommand,
  quoteCommand,
  affordCommand,
  pricesCommand,
  priceCommand,
  plansCommand,
  packsCommand,
  chargeCommand,
  reserveCommand,
  extendCommand,
  settleCommand,
  releaseCommand,
  explainCommand,
  ...budgetCommands,
  ...alertCommands,
  messagesCommand,
  ...guardCommands,
  ...approvalCommands,
  grantCommand,
  refundCommand,
  subscribeCommand,
  unsubscribeCommand,
  topupCommand,
  ...purchaseCommands,
  selfServiceCommand,
  ...itemCommands,
  ...accountCommands,
  ...memberCommands,
  ...keyCommands,
  ...clockCommands,
  ...catalogCommands,
  statementCommand,
  doctorCommand,
  migrateCommand,
]

export const groups: Readonly<Record<string, string>> = {
  account: 'accounts: make, list, suspend and close them',
  alert: 'what you are to be told of',
  budget: 'limits on what may be spent',
  catalog: 'what operations cost: check, show, compare, try, announce and apply catalogs',
  clock: 'the time of a test account',
  guard: 'what a person is asked about, and what is stopped as running away',
  item: 'what is kept and paid by the hour',
  key: 'keys to an account, for agents and services',
  member: 'the people of an account',
  purchase: 'what was bought: list, settle, cancel and refund it',
}
