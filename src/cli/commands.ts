import type { CommandDefinition } from './definition.js'
import { accountCommands } from './commands/account.js'
import { balanceCommand } from './commands/balance.js'
import { catalogCommands } from './commands/catalog.js'
import { doctorCommand } from './commands/doctor.js'
import { explainCommand } from './commands/explain.js'
import { grantCommand, refundCommand } from './commands/grant.js'
import { historyCommand } from './commands/history.js'
import { initCommand } from './commands/init.js'
import { migrateCommand } from './commands/migrate.js'
import { affordCommand, estimateCommand, priceCommand, pricesCommand } from './commands/prices.js'
import { serveCommand } from './commands/serve.js'
import { chargeCommand, extendCommand, releaseCommand, reserveCommand, settleCommand } from './commands/spend.js'
import { usageCommand } from './commands/usage.js'
import { wrapCommand } from './commands/wrap.js'

/** Every command, in the order of the help. */
export const commands: readonly CommandDefinition[] = [
  initCommand,
  serveCommand,
  wrapCommand,
  balanceCommand,
  usageCommand,
  historyCommand,
  estimateCommand,
  affordCommand,
  pricesCommand,
  priceCommand,
  chargeCommand,
  reserveCommand,
  extendCommand,
  settleCommand,
  releaseCommand,
  explainCommand,
  grantCommand,
  refundCommand,
  ...accountCommands,
  ...catalogCommands,
  doctorCommand,
  migrateCommand,
]

export const groups: Readonly<Record<string, string>> = {
  account: 'accounts: make, list, suspend and close them',
  catalog: 'what operations cost: check, show, compare and apply catalogs',
}
