import type { CommandDefinition } from './definition.js'

/** A file of commands, and the words by which one of them is called: a name, an alias, or the name of their group. */
interface CommandFile {
  readonly words: readonly string[]
  readonly load: () => Promise<readonly CommandDefinition[]>
}

/**
 * Every command, in the order of the help. A file is read when one of its words was typed: clients start `serve` again and
 * again, and would wait each time for the code of all others.
 */
const files: readonly CommandFile[] = [
  { words: ['init'], load: async () => [(await import('./commands/init.js')).initCommand] },
  { words: ['serve'], load: async () => [(await import('./commands/serve.js')).serveCommand] },
  { words: ['wrap'], load: async () => [(await import('./commands/wrap.js')).wrapCommand] },
  { words: ['credits', 'balance'], load: async () => [(await import('./commands/balance.js')).balanceCommand] },
  { words: ['usage'], load: async () => [(await import('./commands/usage.js')).usageCommand] },
  { words: ['history'], load: async () => [(await import('./commands/history.js')).historyCommand] },
  { words: ['watch'], load: async () => [(await import('./commands/watch.js')).watchCommand] },
  { words: ['estimate'], load: async () => [(await import('./commands/estimate.js')).estimateCommand] },
  { words: ['quote'], load: async () => [(await import('./commands/quote.js')).quoteCommand] },
  {
    words: ['afford', 'prices', 'price'],
    load: async () => {
      const { affordCommand, priceCommand, pricesCommand } = await import('./commands/prices.js')
      return [affordCommand, pricesCommand, priceCommand]
    },
  },
  { words: ['plans'], load: async () => [(await import('./commands/plans.js')).plansCommand] },
  { words: ['packs'], load: async () => [(await import('./commands/packs.js')).packsCommand] },
  {
    words: ['charge', 'reserve', 'extend', 'settle', 'release'],
    load: async () => {
      const { chargeCommand, extendCommand, releaseCommand, reserveCommand, settleCommand } = await import('./commands/spend.js')
      return [chargeCommand, reserveCommand, extendCommand, settleCommand, releaseCommand]
    },
  },
  { words: ['explain'], load: async () => [(await import('./commands/explain.js')).explainCommand] },
  { words: ['budget'], load: async () => (await import('./commands/budget.js')).budgetCommands },
  { words: ['alert'], load: async () => (await import('./commands/alert.js')).alertCommands },
  { words: ['messages'], load: async () => [(await import('./commands/messages.js')).messagesCommand] },
  { words: ['guard'], load: async () => (await import('./commands/guard.js')).guardCommands },
  { words: ['approvals', 'approve', 'deny'], load: async () => (await import('./commands/approvals.js')).approvalCommands },
  {
    words: ['grant', 'refund'],
    load: async () => {
      const { grantCommand, refundCommand } = await import('./commands/grant.js')
      return [grantCommand, refundCommand]
    },
  },
  {
    words: ['subscribe', 'unsubscribe'],
    load: async () => {
      const { subscribeCommand, unsubscribeCommand } = await import('./commands/subscription.js')
      return [subscribeCommand, unsubscribeCommand]
    },
  },
  { words: ['topup'], load: async () => [(await import('./commands/topup.js')).topupCommand] },
  { words: ['purchase'], load: async () => (await import('./commands/purchase.js')).purchaseCommands },
  { words: ['self-service'], load: async () => [(await import('./commands/self-service.js')).selfServiceCommand] },
  { words: ['item'], load: async () => (await import('./commands/item.js')).itemCommands },
  { words: ['account'], load: async () => (await import('./commands/account.js')).accountCommands },
  { words: ['member'], load: async () => (await import('./commands/member.js')).memberCommands },
  { words: ['key'], load: async () => (await import('./commands/key.js')).keyCommands },
  { words: ['clock'], load: async () => (await import('./commands/clock.js')).clockCommands },
  { words: ['catalog'], load: async () => (await import('./commands/catalog.js')).catalogCommands },
  { words: ['statement'], load: async () => [(await import('./commands/statement.js')).statementCommand] },
  { words: ['doctor'], load: async () => [(await import('./commands/doctor.js')).doctorCommand] },
  { words: ['migrate'], load: async () => [(await import('./commands/migrate.js')).migrateCommand] },
]

/** The commands that a command line beginning with this word may mean; all of them for no word, an option or one that is no command's. */
export async function commandsFor(word: string | undefined): Promise<readonly CommandDefinition[]> {
  const file = files.find(({ words }) => words.some((known) => known === word))
  return file === undefined ? allCommands() : file.load()
}

/** Every command, in the order of the help. */
export async function allCommands(): Promise<readonly CommandDefinition[]> {
  return (await Promise.all(files.map(({ load }) => load()))).flat()
}

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
